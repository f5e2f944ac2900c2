"""What the generated OpenAPI document cannot know by itself: what it is for, and the wire forms."""

from __future__ import annotations

from typing import Any, Final

from chemtrace.entrypoints.api.wire_forms import FORMS

DESCRIPTION: Final = """
Ledger of hazardous chemicals: signed statements in, histories, proofs and alerts out.

A statement authenticates itself by its signatures. Reading takes a bearer token. Every refusal is an RFC 9457
problem with a stable `code`; the codes stand in docs/reference/errors.md, the payload schemas in contracts/events/v1.
"""


def describe(document: dict[str, Any]) -> dict[str, Any]:
    """Return `document` with the forms of statements, batches and problems; each route names its own problems."""
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas.update(FORMS)
    return document
