"""The page's verifier and the published vectors: one answer and one code from it and from the ledger's own verifier."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chemtrace.core.ed25519 import verify_ed25519
from chemtrace.core.errors import ChemtraceError
from tests.vectors.bundle_runner import run as run_python
from tests.web.verifier_page import load_cases, opened, run_cases, stated

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SHARED = Path(__file__).parents[3] / "shared" / "vectors"
FOLDERS = (
    "bundle", "canonical", "chain", "checkpoint", "cosignature", "entry", "epoch", "keys", "map", "merkle", "policy",
    "signatures",
)  # fmt: skip
NOT_OF_THE_PAGE = {"map-root", "cosigned"}
"""Building the map is the ledger's work; and the page refuses lines of unknown keys, which other readers leave out."""


@pytest.fixture(scope="module")
def page(browser: Any) -> Iterator[Any]:
    with opened(browser) as page:
        yield page


def differing(page: Any, cases: dict[str, dict[str, Any]], *, browser: bool = True) -> dict[str, Any]:
    """Names of the cases whose result is not the stated one, with both."""
    results = run_cases(page, list(cases.values()), browser=browser)
    pairs = zip(cases.items(), results, strict=True)
    return {name: (stated(case), found) for (name, case), found in pairs if stated(case) != found}


@pytest.mark.parametrize("own", [True, False], ids=["browser-cryptography", "page-cryptography"])
@pytest.mark.parametrize("folder", FOLDERS)
def test_every_vector_gives_what_it_states(page: Any, folder: str, own: bool) -> None:
    cases = {name: case for name, case in load_cases(folder).items() if case["op"] not in NOT_OF_THE_PAGE}
    assert {} == differing(page, cases, browser=own)


def test_this_browser_is_trusted_with_its_own_signatures(page: Any) -> None:
    keys = {name: load_cases("keys")[name] for name in ("ed25519", "p256")}
    cases = [{"op": "trusts-the-browser", "input": case["input"]} for case in keys.values()]
    assert [{"want": True}, {"want": True}] == run_cases(page, cases)


@pytest.mark.skipif(not SHARED.exists(), reason="the shared vectors are not beside this checkout")
@pytest.mark.parametrize("own", [True, False], ids=["browser-cryptography", "page-cryptography"])
def test_hostile_ed25519_signatures_get_one_answer_from_page_and_ledger(page: Any, own: bool) -> None:
    text = (SHARED / "ed25519-edge-cases" / "ed25519vectors.json").read_text(encoding="utf-8")
    cases = json.loads(text)
    found = run_cases(page, [{"op": "ed25519", "input": case} for case in cases], browser=own)
    wanted = [{"want": _ledger_takes(case)} for case in cases]
    assert (914, 43) == (len(cases), sum(one["want"] for one in wanted))
    assert wanted == found


def _ledger_takes(case: dict[str, Any]) -> bool:
    try:
        verify_ed25519(bytes.fromhex(case["key"]), case["msg"].encode(), bytes.fromhex(case["sig"]))
    except ChemtraceError:
        return False
    return True


@pytest.mark.skipif(not SHARED.exists(), reason="the shared vectors are not beside this checkout")
def test_the_published_digests_of_sm3(page: Any) -> None:
    published = json.loads((SHARED / "sm2-sm3" / "sm3.json").read_text(encoding="utf-8"))["vectors"]
    cases = [{"op": "sm3", "input": one["input"].lower()} for one in published]
    assert [{"want": one["output"].lower()} for one in published] == run_cases(page, cases)


def test_a_canonical_code_is_taken_and_a_wrong_one_refused_by_name(page: Any) -> None:
    names = ("canonical", "aggregate-slot-000", "check-sign", "version-2", "slot-with-letter", "lower-case")
    cases = [{"op": "code", "input": load_cases("codes", name)[name]["input"]} for name in names]
    found = [one.get("error") or "taken" for one in run_cases(page, cases)]
    assert ["taken", "taken", "code.check", "code.version", "code.format", "code.format"] == found


def test_damaged_proofs_get_the_same_answer_from_page_and_ledger(page: Any) -> None:
    chance = random.Random(7)  # a seeded choice of damage
    good = [case for name, case in load_cases("bundle").items() if "want" in case and case["op"] != "trust"]
    cases = [_damaged(case, chance) for case in good for _ in range(12)]
    wanted = [run_python(case) for case in cases]
    found = run_cases(page, cases)
    assert len(cases) > 150
    assert [case for case, *sides in zip(cases, wanted, found, strict=True) if sides[0] != sides[1]] == []


def _damaged(case: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    given = case["input"]
    data = bytearray(given["text"].encode() if "text" in given else bytes.fromhex(given["bytes"]))
    at = chance.randrange(len(data))
    if chance.random() < 0.6:
        data[at] ^= 1 << chance.randrange(8)
    elif chance.random() < 0.5:
        del data[at]
    else:
        data.insert(at, chance.randrange(256))
    rest = {name: value for name, value in given.items() if name not in {"text", "bytes"}}
    return {"op": case["op"], "input": {**rest, "bytes": bytes(data).hex()}}


def test_base64_of_the_page_is_the_one_spelling(page: Any) -> None:
    data = bytes(range(256))
    text = base64.urlsafe_b64encode(data).decode().rstrip("=")
    found = page.evaluate("text => Array.from(chemtraceVerifier.octets.fromBase64url(text))", text)
    assert list(data) == found
    for wrong in (text + "=", text[:-1] + "!", text[:-1] + chr(ord(text[-1]) + 1)):
        code = page.evaluate(
            "text => { try { chemtraceVerifier.octets.fromBase64url(text); return ''; } catch (e) { return e.code; } }",
            wrong,
        )
        assert code == "wire.invalid"
