"""Forms that no answer model tells: a statement, a batch of lines and its results, a problem (OpenAPI 3.1)."""

from __future__ import annotations

from typing import Any, Final

from chemtrace.entrypoints.api.answers import WRITING, Responses, problems
from chemtrace.entrypoints.api.schemas.events import SignedReceipt
from chemtrace.entrypoints.api.waiting import WAITED

MAX_SUBJECTS: Final = 1_000
"""Most subjects of one question for heads."""

_B64: Final = {"type": "string", "pattern": "^[A-Za-z0-9_-]*$", "description": "unpadded base64url"}
_HEX32: Final = {"type": "string", "pattern": "^[0-9a-f]{64}$", "description": "32 bytes, lowercase hex"}

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
        "code": {"type": "string", "description": "stable; docs/reference/errors.md"},
        "detail": {"type": "string", "description": "what was wrong and what to do"},
        "fields": {"type": "object"},
    },
}

_LINE: Final = {"type": "integer", "minimum": 1, "description": "from 1; empty lines are not counted"}
_BATCH_LINE: Final[dict[str, Any]] = {
    "description": "what became of one line of a batch: the receipt, or the problem",
    "oneOf": [
        {
            "type": "object",
            "required": ["line", "status", "kid", "receipt", "signature"],
            "properties": {
                "line": _LINE,
                "status": {"enum": [200, 201]},
                "kid": _HEX32,
                "receipt": _B64,
                "signature": _B64,
            },
        },
        {
            "type": "object",
            "required": ["line", "status", "problem"],
            "properties": {
                "line": _LINE,
                "status": {"type": "integer", "minimum": 400, "maximum": 599},
                "problem": {"$ref": "#/components/schemas/Problem"},
            },
        },
    ],
}

_HEADS_QUESTION: Final[dict[str, Any]] = {
    "type": "object",
    "description": "the subjects to sign upon",
    "required": ["subjects"],
    "additionalProperties": False,
    "properties": {
        "subjects": {
            "type": "array",
            "items": {"type": "string", "description": "canonical subject id"},
            "minItems": 1,
            "maxItems": MAX_SUBJECTS,
        }
    },
}

FORMS: Final = {
    "Statement": _STATEMENT,
    "Problem": _PROBLEM,
    "BatchLine": _BATCH_LINE,
    "HeadsQuestion": _HEADS_QUESTION,
}
"""Schemas by name, for the components of the document."""

_ONE: Final = {"application/json": {"schema": {"$ref": "#/components/schemas/Statement"}}}
_LINES: Final = {
    "application/x-ndjson": {
        "schema": {"type": "string", "description": "one Statement a line, at most 1,000 lines and 8 MiB"}
    }
}
_RESULTS: Final = {
    "application/x-ndjson": {
        "schema": {"type": "string", "description": "one BatchLine a line, in the order of the lines sent"}
    }
}
_RECEIPT: Final = {"application/json": {"schema": {"$ref": "#/components/schemas/SignedReceipt"}}}

ONE_BODY: Final[dict[str, Any]] = {"requestBody": {"required": True, "content": _ONE}}
LINES_BODY: Final[dict[str, Any]] = {"requestBody": {"required": True, "content": _LINES}}
NOTES_BODY: Final[dict[str, Any]] = {"requestBody": {"required": True, "content": _ONE | _LINES}}
HEADS_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/HeadsQuestion"}}},
    }
}

ONE_ANSWERS: Final[Responses] = {
    200: {
        "model": SignedReceipt,
        "description": "it was there already: the first receipt, byte for byte",
        "headers": WAITED,
    },
    201: {"model": SignedReceipt, "description": "the entry is durable", "headers": WAITED},
    **problems(*WRITING),
}
LINES_ANSWERS: Final[Responses] = {
    200: {
        "description": "what became of each line; after `Prefer: wait`, a last line `{checkpoint}` once published",
        "content": _RESULTS,
        "headers": WAITED,
    },
    **problems(413, 415, 422, 500, 503),
}
NOTES_ANSWERS: Final[Responses] = {
    200: {
        "description": "a batch: what became of each line; one note: its first receipt, byte for byte",
        "content": _RECEIPT | _RESULTS,
    },
    201: {"description": "the entry is durable", "content": _RECEIPT},
    **problems(*WRITING),
}
