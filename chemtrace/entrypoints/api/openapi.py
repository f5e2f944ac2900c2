"""What the generated OpenAPI document cannot know by itself: the wire form of a statement, and the problem form."""

from __future__ import annotations

from typing import Any, Final

DESCRIPTION: Final = """
Ledger of hazardous chemicals: signed statements in, histories, proofs and alerts out.

A statement authenticates itself by its signatures. Reading takes a bearer token. Every refusal is an RFC 9457
problem with a stable `code`; the codes stand in docs/reference/errors.md, the payload schemas in contracts/events/v1.
"""

_B64: Final = {"type": "string", "pattern": "^[A-Za-z0-9_-]*$", "description": "unpadded base64url"}

_STATEMENT: Final[dict[str, Any]] = {
    "type": "object",
    "description": "header and payload as the exact bytes that were signed and hashed",
    "required": ["header", "payload", "signatures"],
    "additionalProperties": False,
    "properties": {
        "header": _B64,
        "payload": _B64,
        "signatures": {"type": "array", "items": _B64, "minItems": 1, "maxItems": 8},
        "openings": {
            "type": "array",
            "maxItems": 64,
            "items": {
                "type": "object",
                "required": ["salt", "value"],
                "properties": {"salt": _B64, "value": {"type": "string"}},
            },
        },
    },
}

_PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "description": "RFC 9457 problem; `fields` holds both sides of a mismatch",
    "required": ["type", "title", "status", "code", "detail", "fields"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "fields": {"type": "object"},
    },
}


def describe(document: dict[str, Any]) -> dict[str, Any]:
    """Return `document` with the statement and problem schemas, and a problem as every route's default answer."""
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas["Statement"] = _STATEMENT
    schemas["Problem"] = _PROBLEM
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    problem = {
        "description": "a problem",
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for path in document.get("paths", {}).values():
        for operation in path.values():
            operation["responses"].pop("422", None)
            operation["responses"].setdefault("default", problem)
    return document
