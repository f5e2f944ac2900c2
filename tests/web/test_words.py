"""The catalogue of words: both languages whole, nothing missing, nothing left over."""

from __future__ import annotations

import re
from itertools import product
from string import Formatter

import pytest

from chemtrace.core.catalogue import parse_catalogue
from chemtrace.core.events import PAYLOADS
from chemtrace.core.label import HAZARD_NAMES
from chemtrace.entrypoints.web import rendering
from chemtrace.entrypoints.web.advice import DEFAULT, advice_for, load_advice
from chemtrace.entrypoints.web.language import Words, load_words
from chemtrace.entrypoints.web.pages import alerts, items, waybills
from chemtrace.entrypoints.web.wording import STAGES
from tests.conftest import ROOT

CHINESE = re.compile(r"[一-鿿]")
CALL = re.compile(r"""\bw(?:ords)?(?:\.either)?\(\s*['"]([a-z0-9.-]+)['"]\s*([~,)])""", re.IGNORECASE)
BUILT = re.compile(r"""\bw(?:ords)?(?:\.either)?\(\s*['"]([a-z]+\.)['"]\s*~""")
FAMILIES = {
    "nav.": ("items", "waybills", "alerts", "sites", "enterprises", "log"),
    "status.": ("unborn", *items.STATES),
    "waybill.": waybills.STATES,
    "alert.": (*alerts.STATUSES, *alerts.CHAINS),
    "detector.": alerts.DETECTORS,
    "severity.": alerts.SEVERITIES,
    "finding.": ("critical", "major", "minor", "notice"),
    "stage.": (*STAGES, "look"),
    "kind.": (*(f"{kind}.{phase}" for kind, phase in PAYLOADS), "epoch.record"),
    "theme.": rendering.THEMES,
    "trace.": ("up", "down", "none-up", "none-down"),
    "relation.": ("repack", "transform", "pack"),
    "keyrole.": ("authority", "recovery", "enterprise", "device", "log", "receipt"),
    "error.": ("401", "403", "404", "409", "422", "429", "500", "503"),
    "public.": tuple(
        f"{word}{end}"
        for word, end in product(
            (
                "circulating",
                "used",
                "disposed",
                "missing",
                "void",
                "unproduced",
                "not-issued",
                "unproven",
                "unknown",
            ),
            ("", "-text"),
        )
    ),
    "note.": ("purpose", "method", "result", "reason", "remark", "note"),
}


def sources() -> str:
    folder = rendering.FOLDER
    files = [*sorted((folder / "templates").glob("*.html")), *sorted(folder.rglob("*.py"))]
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_every_text_has_both_languages_and_the_same_fields() -> None:
    broken = [
        key
        for key, (zh, en) in load_words().items()
        if not zh.strip()
        or not en.strip()
        or not CHINESE.search(zh)
        or CHINESE.search(en)
        or fields(zh) != fields(en)
    ]
    assert [] == broken


def test_every_key_that_a_page_asks_for_is_there() -> None:
    asked = {key for key, after in CALL.findall(sources()) if after != "~"}
    assert asked
    assert set() == asked - set(load_words())


@pytest.mark.parametrize("family", FAMILIES)
def test_every_value_of_the_ledger_has_its_word(family: str) -> None:
    assert set() == {family + value for value in FAMILIES[family]} - set(load_words())


def test_no_key_is_left_over() -> None:
    text = sources()
    built = tuple({*BUILT.findall(text), *FAMILIES, "kinds.", "role.", "state.", "code."})
    unused = [
        key
        for key in load_words()
        if f"'{key}'" not in text and f'"{key}"' not in text and not key.startswith(built)
    ]
    assert [] == unused


def test_a_missing_key_is_an_error_and_never_an_empty_place() -> None:
    with pytest.raises(KeyError):
        Words("en")("no.such-key")


def test_every_hazard_of_the_catalogue_has_advice_of_its_own() -> None:
    catalogue = parse_catalogue((ROOT / "contracts" / "chemicals" / "beijing-35.json").read_bytes())
    hazards = {
        hazard for each in catalogue.chemicals for hazard in (each.tdg_class, *each.subsidiary) if hazard
    }
    assert set() == {hazard for hazard in hazards if advice_for((hazard,))[0].hazard == DEFAULT}


def test_all_advice_is_in_both_languages_with_its_source() -> None:
    for hazard, advice in load_advice().items():
        assert len(advice.zh) == len(advice.en) > 0, hazard
        assert advice.guides, hazard
        assert 25 <= advice.metres <= 500, hazard
    assert set(HAZARD_NAMES) <= set(load_advice())


def test_what_is_in_no_class_still_gets_advice() -> None:
    assert (DEFAULT,) == tuple(advice.hazard for advice in advice_for(()))
