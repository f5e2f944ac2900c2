"""Laws of foreign words, on random histories: they change nothing else, name no party, and have an end."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from chemtrace.core.errors import ChemtraceError, RuleError
from chemtrace.trace.history import timeline
from chemtrace.trace.outsiders import FOREIGN_LIMIT
from chemtrace.trace.state import ItemState, encode_state
from tests.property.test_lifecycle import stories
from tests.unit.trace.world import BUYER, HOUR_US, MAKER, START_US, STRANGER, WAYBILL, World, code, line

FOREIGN = frozenset({"item.foreign-report", "item.foreign-limit"})
DRUM = code(1)
words = st.sampled_from(
    ["inspect/done", "count/done", "report/found", "store/in", "use/return", "dispose/done"]
)


def play(story: list[tuple[str, str, dict[str, Any], int, bool]]) -> tuple[World, list[Any]]:
    """Judge a story; returns what each event was told: the rules found, or the code of the refusal."""
    world, told = World(), []
    world.do("waybill/scheduled", MAKER, **WAYBILL)
    for what, who, fields, ago, exception in story:
        world.now_us += HOUR_US
        at_us = world.now_us - ago * HOUR_US
        try:
            event = world.build(what, who, at_us=at_us, late=ago > 0, exception=exception, **fields)
            told.append([found.rule for found in world.admit(event).findings])
        except ChemtraceError as refused:
            told.append(refused.fields.get("rule_id", refused.code))
    return world, told


def is_named(actor: str, state: ItemState) -> bool:
    return actor in (state.holder, state.producer, state.shipper, state.consignee, *(state.offer or ()))


@settings(max_examples=50)
@given(stories)
def test_the_rule_adds_findings_and_changes_no_state(story: Any) -> None:
    story = [(what, who, fields, 0, exception) for what, who, fields, _, exception in story]
    with patch("chemtrace.trace.judge.judge_outsider", return_value=None):
        old, told_before = play(story)
    new, told = play(story)
    without = [
        [rule for rule in each if rule not in FOREIGN] if isinstance(each, list) else each for each in told
    ]
    assert without == told_before
    for item in old.states:
        uncounted = msgspec.structs.replace(new.state(item), outside=())
        assert encode_state(uncounted) == encode_state(old.state(item))


@settings(max_examples=50)
@given(stories)
def test_nobody_who_ever_had_a_part_is_called_an_outsider(story: Any) -> None:
    world, told = play(story)
    admitted = [each for each in told if isinstance(each, list)]
    for item in world.states:
        for moment in timeline(
            item, world.history(item), waybill=world.waybill, is_authority=world.is_authority
        ):
            index = moment.event.index
            if "item.foreign-report" in admitted[index - 1] and len(moment.event.codes) == 1:
                known = [past for past in world.history(item) if past.event.index < index]
                steps = timeline(item, known, waybill=world.waybill, is_authority=world.is_authority)
                assert not any(is_named(moment.event.actor, step.state) for step in steps)


@settings(max_examples=25)
@given(st.lists(st.tuples(words, st.booleans(), st.integers(0, 30)), min_size=20, max_size=40))
def test_a_stranger_never_says_more_than_the_limit(said: list[tuple[str, bool, int]]) -> None:
    world = World()
    world.now_us = START_US + 100 * HOUR_US
    world.make(DRUM)
    refused = 0
    for what, exception, ago in said:
        world.now_us += HOUR_US
        fields: dict[str, Any] = {"items": [line(DRUM)]}
        if what == "inspect/done":
            fields["result"] = "note"
        if what == "use/return":
            fields["counterparty"] = BUYER
        try:
            world.admit(
                world.build(
                    what, STRANGER, at_us=world.now_us - ago * HOUR_US, late=ago > 0,
                    exception=exception, **fields,
                )
            )  # fmt: skip
        except RuleError as error:
            refused += error.fields["rule_id"] == "item.foreign-limit"
    told = [event for event in world.events if event.actor == STRANGER]
    assert len(told) == FOREIGN_LIMIT
    assert refused == len(said) - FOREIGN_LIMIT
    assert world.state(DRUM).holder == MAKER
