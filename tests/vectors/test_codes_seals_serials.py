"""The published cases of contracts/vectors/codes, seals and serials hold here."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from chemtrace.core.codes import parse_code, parse_label
from chemtrace.core.errors import ChemtraceError
from chemtrace.core.seal import derive_issuer_key, make_seal, verify_seal
from chemtrace.core.serials import issue_codes, serial_number

FOLDER = Path(__file__).parents[2] / "contracts" / "vectors"


def cases(folder: str) -> list[Any]:
    files = sorted((FOLDER / folder).glob("*.json"))
    return [pytest.param(json.loads(file.read_text(encoding="utf-8")), id=file.stem) for file in files]


def accepted(folder: str) -> list[Any]:
    return [case for case in cases(folder) if "want" in case.values[0]]


def refused(folder: str) -> list[Any]:
    return [case for case in cases(folder) if "error" in case.values[0]]


@pytest.mark.parametrize("case", accepted("codes"))
def test_a_code_is_read_as_published(case: dict[str, Any]) -> None:
    code, seal = parse_label(case["input"])
    assert case["want"] == {
        **dataclasses.asdict(code),
        "text": code.text,
        "pretty": code.pretty,
        "seal": seal,
    }


@pytest.mark.parametrize("case", refused("codes"))
def test_a_wrong_code_is_refused_as_published(case: dict[str, Any]) -> None:
    with pytest.raises(ChemtraceError) as caught:
        parse_label(case["input"])
    assert caught.value.code == case["error"]
    assert case["fields"].items() <= dict(caught.value.fields).items()


@pytest.mark.parametrize("case", accepted("seals"))
def test_a_seal_is_the_published_one(case: dict[str, Any]) -> None:
    given, want = case["input"], case["want"]
    key = derive_issuer_key(bytes.fromhex(given["master"]), given["issuer"], given["year"])
    assert want == {"issuer_key": key.hex(), "seal": make_seal(issuer_key=key, code=given["code"])}
    verify_seal(issuer_key=key, code=given["code"], seal=want["seal"])


@pytest.mark.parametrize("case", refused("seals"))
def test_a_wrong_seal_is_refused_as_published(case: dict[str, Any]) -> None:
    given = case["input"]
    with pytest.raises(ChemtraceError) as caught:
        verify_seal(issuer_key=bytes.fromhex(given["issuer_key"]), code=given["code"], seal=given["seal"])
    assert caught.value.code == case["error"]


@pytest.mark.parametrize("case", accepted("serials"))
def test_a_number_has_the_published_code_and_back(case: dict[str, Any]) -> None:
    given = case["input"]
    master = bytes.fromhex(given["master"])
    series = {"kind": given["kind"], "slot": given["slot"], "issuer": given["issuer"]}
    for number, code in zip(given["numbers"], case["want"]["codes"], strict=True):
        assert list(issue_codes(master=master, start=number, count=1, **series)) == [code]
        assert serial_number(master, parse_code(code)) == number


@pytest.mark.parametrize("case", refused("serials"))
def test_numbers_outside_a_series_are_refused_as_published(case: dict[str, Any]) -> None:
    given = dict(case["input"])
    given["master"] = bytes.fromhex(given["master"])
    with pytest.raises(ChemtraceError) as caught:
        issue_codes(**given)
    assert caught.value.code == case["error"]
