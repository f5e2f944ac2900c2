"""The published vectors of bundles, status proofs and trust files: each gives what it states, none was forgotten."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from chemtrace.core.bundle.compact import encode_bundle_compact, encode_status_compact
from chemtrace.core.bundle.text import encode_bundle_text, encode_status_text
from chemtrace.core.bundle.verify import parse_bundle, parse_status
from tests.vectors.bundle_cases import FOLDER, cases
from tests.vectors.bundle_runner import run, shown_bytes

FILES = sorted(FOLDER.glob("*.json"))


def load(path: Path) -> dict[str, Any]:
    case: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return case


GOOD = [path for path in FILES if "want" in load(path) and load(path)["op"] != "trust"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_vector_holds(path: Path) -> None:
    case = load(path)
    assert {name: case[name] for name in ("want", "error") if name in case} == run(case)


def test_every_case_has_its_file_and_its_input_is_unchanged() -> None:
    stored = {path.stem: (load(path)["op"], load(path)["input"]) for path in FILES}
    assert stored == {name: (operation, given) for operation, name, given in cases()}


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_either_form_is_made_from_the_other_without_loss(path: Path) -> None:
    case = load(path)
    data = shown_bytes(case["input"])
    if case["op"] == "bundle":
        bundle = parse_bundle(data)
        text, compact = encode_bundle_text(bundle), encode_bundle_compact(bundle)
        assert parse_bundle(text) == parse_bundle(compact) == bundle
    else:
        proof = parse_status(data)
        text, compact = encode_status_text(proof), encode_status_compact(proof)
        assert parse_status(text) == parse_status(compact) == proof
    assert data in (text, compact) or data.startswith(b"CTS1:")
