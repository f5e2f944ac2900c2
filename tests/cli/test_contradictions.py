"""What a regulator reads of a contradiction: in Chinese and in English, by its code."""

from __future__ import annotations

import re

import pytest

from chemtrace.core import errors
from chemtrace.core.errors import EventOmittedError, ForeignEventError
from chemtrace.entrypoints.cli.contradictions import MEANINGS, OTHER, finding_lines, meaning

CODES = {each.code for each in vars(errors).values() if isinstance(each, type) and hasattr(each, "code")}


def test_every_meaning_belongs_to_a_code_and_has_both_languages() -> None:
    assert set(MEANINGS) <= CODES
    for zh, en in [*MEANINGS.values(), OTHER]:
        assert re.search("[\u4e00-\u9fff]", zh)
        assert not re.search("[a-z]{2,}", zh)
        assert en.isascii()


@pytest.mark.parametrize(
    "code",
    [
        "evidence.split-view",
        "evidence.map",
        "policy.unmet",
        "bundle.event-omitted",
        "payload.digest-mismatch",
    ],
)
def test_what_is_kept_as_evidence_is_explained(code: str) -> None:
    assert meaning(code) != OTHER


def test_a_finding_names_its_place_in_both_languages() -> None:
    zh, en = finding_lines(ForeignEventError("entry 7 is in the name of X", index=7))
    assert "第 7 条" in zh
    assert "entry 7" in en
    assert "evidence.foreign-event" in en
    zh, _ = finding_lines(EventOmittedError("lacks entry 9", index=9, subject="BJ1"))
    assert "对象 BJ1" in zh
