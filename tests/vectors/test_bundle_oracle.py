"""A verifier written from the specs alone gives the same answer as ours on every vector, changed byte and edge case."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from chemtrace.core.bundle.trust import parse_trust
from chemtrace.core.ed25519 import verify_ed25519
from chemtrace.core.errors import ChemtraceError, SignatureInvalidError
from tests.oracle import forms_naive
from tests.oracle.bundle_naive import judge
from tests.vectors.bundle_cases import FOLDER
from tests.vectors.bundle_runner import VERIFIERS, shown_bytes

FILES = sorted(FOLDER.glob("*.json"))
EDGES = Path(__file__).parents[3] / "shared" / "vectors" / "ed25519-edge-cases" / "ed25519vectors.json"


def load(path: Path) -> dict[str, Any]:
    case: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return case


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_naive_verifier_gives_the_stated_answer(path: Path) -> None:
    case = load(path)
    given = case["input"]
    proof = b"" if case["op"] == "trust" else shown_bytes(given)
    found = judge(case["op"], proof, given["trust"].encode(), given.get("now_us"))
    assert {name: case[name] for name in ("want", "error") if name in case} == found


@pytest.mark.parametrize(
    "name", ["good-one-event", "good-retired-in-grace", "good-compact", "status-good-qr"]
)
def test_no_changed_byte_is_taken_by_either_verifier(name: str) -> None:
    case = load(FOLDER / f"{name}.json")
    data, pinned = shown_bytes(case["input"]), case["input"]["trust"].encode()
    trust = parse_trust(pinned)
    chance = random.Random(name)
    for at in sorted(chance.sample(range(len(data)), 150)):
        changed = bytearray(data)
        changed[at] ^= 1 << chance.randrange(8)
        with pytest.raises(ChemtraceError):
            VERIFIERS[case["op"]](bytes(changed), trust)
        assert "error" in judge(case["op"], bytes(changed), pinned, None)


@pytest.mark.skipif(not EDGES.exists(), reason="the shared vectors are not beside the checkout")
def test_the_naive_strict_rule_agrees_on_all_edge_cases_of_ed25519() -> None:
    cases = json.loads(EDGES.read_text(encoding="utf-8"))
    answers = []
    for case in cases:
        public, signature = bytes.fromhex(case["key"]), bytes.fromhex(case["sig"])
        message = case["msg"].encode()
        try:
            verify_ed25519(public, message, signature)
            ours = True
        except SignatureInvalidError:
            ours = False
        assert ours == forms_naive.ed25519(public, message, signature)
        answers.append(ours)
    assert (len(answers), sum(answers)) == (914, 43)
