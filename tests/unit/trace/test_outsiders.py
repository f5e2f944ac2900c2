"""Who has no part in an item may say what it saw of it: with a finding, and not without end."""

from __future__ import annotations

import pytest

from chemtrace.core.errors import RuleError
from chemtrace.trace.outsiders import FOREIGN_LIMIT, LATE_LIMIT
from tests.unit.trace.world import (
    AUTHORITY,
    BUYER,
    CARRIER,
    HOUR_US,
    MAKER,
    START_US,
    STRANGER,
    WAYBILL,
    World,
    code,
    line,
    rules,
)

DRUM = code(1)
ONE = {"items": [line(DRUM)]}
SEEN = {**ONE, "result": "note"}


@pytest.fixture
def world() -> World:
    world = World()
    world.make(DRUM)
    return world


def say(world: World, actor: str, what: str = "inspect/done", **fields: object) -> str:
    """The first rule that is found or refuses, empty where nothing is."""
    given = SEEN if what == "inspect/done" else ONE
    try:
        return next(iter(rules(world.do(what, actor, **{**given, **fields}))), "")
    except RuleError as refused:
        return f"refused {refused.fields['rule_id']}"


@pytest.mark.parametrize("what", ["inspect/done", "report/found"])
def test_a_stranger_is_admitted_and_told_that_it_has_no_part(world: World, what: str) -> None:
    before = world.state(DRUM)
    assert say(world, STRANGER, what) == "item.foreign-report"
    after = world.state(DRUM)
    assert (before.holder, before.status, before.site) == (after.holder, after.status, after.site)


def test_names_who_has_it_and_who_speaks_of_it_in_both_languages(world: World) -> None:
    (found,) = world.do("inspect/done", STRANGER, **SEEN).findings
    assert {"holder": MAKER, "actor": STRANGER, "status": "held", "said": "inspect/done"} == dict(found.sides)
    for text in (found.text_zh, found.text_en):
        assert MAKER in text
        assert STRANGER in text


def test_says_one_thing_where_another_rule_has_told_it_already(world: World) -> None:
    assert rules(world.do("count/done", STRANGER, **ONE)) == ["item.not-holder"]


@pytest.mark.parametrize(
    "what", ["inspect/done", "count/done", "report/found", "report/spill", "use/consume"]
)
def test_the_same_stranger_is_refused_after_so_many_words(world: World, what: str) -> None:
    more = {"items": [line(DRUM, "0.1")]} if what in ("report/spill", "use/consume") else {}
    told = [say(world, STRANGER, what, **more) for _ in range(FOREIGN_LIMIT + 2)]
    assert told[-2:] == ["refused item.foreign-limit"] * 2
    assert not any(each.startswith("refused") for each in told[:FOREIGN_LIMIT])
    assert say(world, CARRIER) == "item.foreign-report", "another may still say it"
    assert say(world, MAKER) == "", "and the holder always"


def test_the_refusal_names_both_sides_and_the_limit(world: World) -> None:
    for _ in range(FOREIGN_LIMIT):
        say(world, STRANGER)
    with pytest.raises(RuleError) as caught:
        world.do("inspect/done", STRANGER, **SEEN)
    sides = caught.value.fields["sides"]
    assert (sides["holder"], sides["actor"], sides["expected"]) == (MAKER, STRANGER, str(FOREIGN_LIMIT))
    for text in (caught.value.fields["text_zh"], caught.value.fields["text_en"]):
        assert MAKER in text
        assert STRANGER in text


def test_no_stance_and_no_change_of_kind_gets_past_the_limit(world: World) -> None:
    for _ in range(FOREIGN_LIMIT):
        say(world, STRANGER)
    tries = [
        ("inspect/done", SEEN), ("report/found", ONE), ("store/in", {**ONE, "site": "X1"}),
        ("trade/buy", {**ONE, "counterparty": MAKER}), ("trade/sell", {**ONE, "counterparty": BUYER}),
    ]  # fmt: skip
    for what, fields in tries:
        assert say(world, STRANGER, what, exception=True, **fields) == "refused item.foreign-limit"
    own = next(event for event in world.events if event.actor == STRANGER)
    fields = {"event": own.event_id.hex(), "reason": "wrong"}
    with pytest.raises(RuleError, match="limit"):
        world.do("correct/done", STRANGER, **fields)


def test_late_words_count_and_are_counted(world: World) -> None:
    for _ in range(FOREIGN_LIMIT):
        world.now_us += HOUR_US
        early = world.build("inspect/done", STRANGER, at_us=START_US - HOUR_US, late=True, **SEEN)
        world.admit(early)
    assert say(world, STRANGER) == "refused item.foreign-limit"


def test_a_claim_of_ones_own_gives_no_part(world: World) -> None:
    assert say(world, STRANGER, "trade/buy", counterparty=MAKER) == "item.no-offer"
    told = [say(world, STRANGER) for _ in range(FOREIGN_LIMIT)]
    assert told[0] == "item.foreign-report"
    assert told[-1] == "refused item.foreign-limit"


def test_the_words_are_counted_anew_when_another_answers_for_it(world: World) -> None:
    for _ in range(FOREIGN_LIMIT):
        say(world, STRANGER)
    world.do("trade/sell", MAKER, **ONE, counterparty=BUYER)
    assert say(world, STRANGER) == "refused item.foreign-limit"
    world.do("trade/buy", BUYER, **ONE, counterparty=MAKER)
    assert say(world, STRANGER) == "item.foreign-report"


def test_parties_of_a_sale_and_a_trip_have_a_part(world: World) -> None:
    world.do("trade/sell", MAKER, **ONE, counterparty=BUYER)
    assert [say(world, BUYER) for _ in range(FOREIGN_LIMIT + 1)] == [""] * (FOREIGN_LIMIT + 1)
    world.do("waybill/scheduled", MAKER, **WAYBILL)
    world.do("transport/load", CARRIER, **ONE, waybill="W-1001")
    assert [say(world, each) for each in (MAKER, BUYER, CARRIER)] == ["", "", ""]


def test_who_held_it_once_may_speak_without_a_finding_and_not_without_end(world: World) -> None:
    world.do("trade/sell", MAKER, **ONE, counterparty=BUYER)
    world.do("trade/buy", BUYER, **ONE, counterparty=MAKER)
    world.do("trade/sell", BUYER, **ONE, counterparty=CARRIER)
    world.do("trade/buy", CARRIER, **ONE, counterparty=BUYER)
    told = [say(world, BUYER) for _ in range(FOREIGN_LIMIT + 1)]
    assert told == [""] * FOREIGN_LIMIT + ["refused item.foreign-limit"]
    assert say(world, MAKER) == "", "the producer always has a part"


def test_late_words_from_the_time_one_had_it_are_never_foreign_and_not_without_end(world: World) -> None:
    world.do("trade/sell", MAKER, **ONE, counterparty=BUYER)
    world.do("trade/buy", BUYER, **ONE, counterparty=MAKER)
    mine_us = world.now_us
    world.do("trade/sell", BUYER, **ONE, counterparty=CARRIER, after_us=100 * HOUR_US)
    world.do("trade/buy", CARRIER, **ONE, counterparty=BUYER)
    for n in range(LATE_LIMIT):
        looked = world.build("inspect/done", BUYER, at_us=mine_us + (n + 1) * HOUR_US, late=True, **SEEN)
        assert rules(world.admit(looked)) == []
    with pytest.raises(RuleError, match=f"{LATE_LIMIT}"):
        world.admit(world.build("inspect/done", BUYER, at_us=mine_us + HOUR_US, late=True, **SEEN))


def test_who_puts_it_at_a_place_of_its_own_stays_an_outsider(world: World) -> None:
    """Its own word gives nobody a part: who spoke as an outsider is counted on, without blame for its own place."""
    world.do("count/done", STRANGER, **ONE, site="X1")
    assert world.state(DRUM).outside == ((STRANGER, 1),)
    told = [say(world, STRANGER) for _ in range(FOREIGN_LIMIT)]
    assert told[-1] == "refused item.foreign-limit"


def test_the_office_and_the_keeper_of_the_place_have_a_part(world: World) -> None:
    world.inspectors = (CARRIER,)
    world.do("store/in", MAKER, **ONE, site="B1")
    for who in (CARRIER, AUTHORITY, BUYER):
        assert [say(world, who) for _ in range(FOREIGN_LIMIT + 1)] == [""] * (FOREIGN_LIMIT + 1)


def test_what_is_in_a_container_concerns_who_has_the_container(world: World) -> None:
    pallet = code(9, kind="A", slot="000")
    world.do("pack/done", MAKER, items=[line(DRUM)], container=pallet)
    world.do("trade/sell", MAKER, items=[line(pallet)], counterparty=BUYER)
    assert say(world, BUYER) == ""
    world.do("trade/buy", BUYER, items=[line(pallet)], counterparty=MAKER)
    assert say(world, BUYER) == ""
    assert say(world, STRANGER) == "item.foreign-report"


def test_an_importer_speaks_with_one_voice_for_all_its_parties(world: World) -> None:
    told = [say(world, f"ext:tms:P{n}") for n in range(FOREIGN_LIMIT + 1)]
    assert told == ["item.foreign-report"] * FOREIGN_LIMIT + ["refused item.foreign-limit"]
    assert say(world, "ext:other:P1") == "item.foreign-report"


def test_who_acts_for_the_holder_is_not_blamed_and_is_counted(world: World) -> None:
    told = [say(world, STRANGER, "store/in", counterparty=MAKER) for _ in range(FOREIGN_LIMIT + 1)]
    assert told == [""] * FOREIGN_LIMIT + ["refused item.foreign-limit"]
    goods = [{**WAYBILL["goods"][0], "codes": [code(2)]}]
    world.do("waybill/scheduled", MAKER, **{**WAYBILL, "goods": goods})
    told = world.do("transport/load", CARRIER, **ONE, waybill="W-1001", exception=True)
    assert rules(told) == ["waybill.code-not-listed"]


def test_a_code_that_nobody_produced_is_not_spoken_of_without_end() -> None:
    world = World()
    world.issued[DRUM] = "foreign-issuer"
    told = [say(world, STRANGER) for _ in range(FOREIGN_LIMIT + 1)]
    assert told == ["item.unknown"] * FOREIGN_LIMIT + ["refused item.foreign-limit"]
    del world.issued[DRUM]
    assert rules(world.make(DRUM)) == []


def test_of_an_unproven_item_the_latest_word_makes_the_holder_and_looking_does_not() -> None:
    world = World()
    world.issued[DRUM] = "foreign-issuer"
    assert say(world, BUYER, "store/in", site="B1") == "item.unknown"
    assert say(world, CARRIER) == "item.foreign-report"
    assert say(world, STRANGER, "store/in", site="X1") == "item.not-holder"
    assert world.state(DRUM).holder == STRANGER
    assert say(world, STRANGER) == ""
