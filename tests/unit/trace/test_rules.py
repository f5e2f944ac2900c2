"""Every rule explains itself in both languages, with both sides, and is on the published page."""

import string
from pathlib import Path

import pytest

from chemtrace.trace.rules import RULES
from tests.unit.trace.rules_page import rules_page
from tests.unit.trace.world import BUYER, MAKER, STRANGER, World, code, kg, line

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "rules.md"


def _sides(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_publishes_the_register_as_it_is():
    assert rules_page() == PAGE.read_text("utf-8")


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.id)
def test_says_the_same_in_both_languages(rule):
    assert _sides(rule.text_zh) == _sides(rule.text_en)
    assert any("\u4e00" <= sign <= "\u9fff" for sign in rule.zh + rule.text_zh)
    assert rule.text_en.isascii() or "{" in rule.text_en


def test_names_who_has_the_item_and_who_says_otherwise():
    world = World()
    world.make(code(1))
    found = world.do("use/consume", STRANGER, items=[line(code(1), 5)]).findings[0]
    sides = dict(found.sides)
    assert (MAKER, STRANGER, "held", "use/consume") == (
        sides["holder"],
        sides["actor"],
        sides["status"],
        sides["said"],
    )
    for text in (found.text_zh, found.text_en):
        assert MAKER in text
        assert STRANGER in text


def test_leaves_no_side_unfilled_in_a_text():
    world = World()
    world.do("trade/buy", BUYER, items=[line(code(1))], counterparty=MAKER)
    world.do("produce/repack", BUYER, inputs=[line(code(1), 1)], items=[{"code": code(2), "quantity": kg(9)}])
    for event in world.events:
        assert event.codes
    judgement = world.do("dispose/done", STRANGER, items=[line(code(2), 3)])
    assert all("{" not in f.text_zh + f.text_en for f in judgement.findings)
