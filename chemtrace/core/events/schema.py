"""JSON Schemas (draft 2020-12) of all payloads, generated from the structs that decode them."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from chemtrace.core.events import PAYLOADS

BASE_ID = "https://chemtrace.example/contracts/events/v1/"


def event_schema(kind: str, phase: str) -> dict[str, Any]:
    """Return the self-contained schema of one kind and phase; `$id` names the released version directory.

    Raises:
        KeyError: no such kind and phase.
    """
    schema = msgspec.json.schema(PAYLOADS[kind, phase])
    _plain_patterns(schema)
    name = schema_name(kind, phase)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": BASE_ID + name,
        "title": f"{kind}/{phase}",
        **schema,
    }


def schema_name(kind: str, phase: str) -> str:
    """File name of the schema of one kind and phase."""
    return f"{kind}.{phase}.schema.json"


def _plain_patterns(node: Any) -> None:
    """Rewrite Python's end-of-text anchor to the one of ECMA 262, which JSON Schema prescribes."""
    if isinstance(node, dict):
        pattern = node.get("pattern")
        if isinstance(pattern, str):
            node["pattern"] = re.sub(r"\\Z$", "$", pattern)
        for inner in node.values():
            _plain_patterns(inner)
    elif isinstance(node, list):
        for inner in node:
            _plain_patterns(inner)
