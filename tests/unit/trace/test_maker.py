"""A label that was read before its drum was made does not keep the drum from its maker."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from chemtrace.core.errors import RuleError
from chemtrace.trace.maker import IN_ITS_HANDS
from tests.unit.trace.world import (
    AUTHORITY,
    BUYER,
    CARRIER,
    HOUR_US,
    MAKER,
    STRANGER,
    WAYBILL,
    World,
    code,
    line,
    rules,
)

DRUM, OTHER = code(1), code(2)
PALLET = code(8, kind="A", slot="000")
ONE: dict[str, Any] = {"items": [line(DRUM)]}

FINDERS: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "counted": [("count/done", {"site": "X1"})],
    "stored": [("store/in", {"site": "X1"})],
    "bought": [("trade/buy", {"counterparty": MAKER})],
    "received": [("transport/arrive", {"site": "X1"})],
    "lost": [("report/loss", {})],
    "destroyed": [("dispose/done", {})],
    "used": [("use/consume", {"items": [line(DRUM, 60)]})],
    "sold on": [("count/done", {}), ("trade/sell", {"counterparty": BUYER})],
    "under way": [("count/done", {}), ("transport/load", {"counterparty": BUYER})],
    "packed": [("count/done", {}), ("pack/done", {"container": PALLET})],
    "given back": [("use/return", {"counterparty": BUYER})],
}


def found_and_made(finder: str) -> World:
    world = World()
    for what, fields in FINDERS[finder]:
        world.do(what, STRANGER, **(ONE | fields))
        world.now_us += HOUR_US
    world.make(DRUM, "100")
    world.now_us += HOUR_US
    return world


@pytest.mark.parametrize("finder", FINDERS)
def test_the_maker_sells_what_a_stranger_had_found(finder: str) -> None:
    world = found_and_made(finder)
    told = world.do("trade/sell", MAKER, **ONE, counterparty=BUYER)
    assert "item.reclaimed" in rules(told)
    state = world.state(DRUM)
    assert (state.holder, state.status, state.parent) == (MAKER, "held", None)
    assert (state.offer, state.quantity, state.drawn) == ((MAKER, BUYER), Decimal(100), Decimal(0))
    world.do("trade/buy", BUYER, **ONE, counterparty=MAKER)
    assert world.state(DRUM).holder == BUYER


@pytest.mark.parametrize("finder", FINDERS)
@pytest.mark.parametrize(
    ("what", "fields"),
    [
        ("transport/load", {"counterparty": BUYER}),
        ("store/in", {"site": "M1"}),
        ("use/consume", {"items": [line(DRUM, 10)]}),
        ("dispose/done", {}),
        ("count/done", {"site": "M1"}),
        ("report/loss", {}),
        ("produce/repack", {"inputs": [line(DRUM, 40)], "items": [line(OTHER, 40)]}),
    ],
)
def test_what_the_maker_does_with_it_is_done_with_the_drum_as_it_was_made(
    finder: str, what: str, fields: dict[str, Any]
) -> None:
    world, plain = found_and_made(finder), World()
    plain.make(DRUM, "100")
    plain.now_us = world.now_us
    told = world.do(what, MAKER, **(ONE | fields))
    expected = plain.do(what, MAKER, **(ONE | fields))
    assert [rule for rule in rules(told) if rule != "item.reclaimed"] == rules(expected)
    after, before = world.state(DRUM), plain.state(DRUM)
    for name in (
        "holder",
        "status",
        "quantity",
        "filled",
        "drawn",
        "parent",
        "shipper",
        "consignee",
        "offer",
    ):
        assert getattr(after, name) == getattr(before, name), name


def test_the_carrier_of_the_makers_waybill_loads_what_a_stranger_had_found() -> None:
    world = found_and_made("stored")
    world.do("waybill/scheduled", MAKER, **WAYBILL)
    told = world.do("transport/load", CARRIER, **ONE, waybill="W-1001")
    assert "item.reclaimed" in rules(told)
    state = world.state(DRUM)
    assert (state.status, state.holder, state.shipper) == ("in_transit", CARRIER, MAKER)


def test_a_carrier_speaks_for_no_maker_on_a_waybill_of_its_own() -> None:
    world = found_and_made("stored")
    world.do("waybill/scheduled", CARRIER, **WAYBILL)
    with pytest.raises(RuleError) as refused:
        world.do("transport/load", CARRIER, **ONE, waybill="W-1001")
    assert refused.value.fields["rule_id"] == "item.not-holder"
    assert world.state(DRUM).holder == STRANGER


def test_a_sale_to_the_one_who_has_it_explains_what_it_did() -> None:
    world = found_and_made("bought")
    told = world.do("trade/sell", MAKER, **ONE, counterparty=STRANGER)
    state = world.state(DRUM)
    assert rules(told) == []
    assert (state.holder, state.offer, state.claims, state.made) == (STRANGER, None, (), None)
    world.do("trade/sell", STRANGER, **ONE, counterparty=BUYER)
    assert rules(world.do("trade/buy", BUYER, **ONE, counterparty=STRANGER)) == []


def test_a_sale_to_the_receiver_leaves_its_purchase_to_be_booked() -> None:
    world = found_and_made("received")
    world.do("trade/sell", MAKER, **ONE, counterparty=STRANGER)
    assert world.state(DRUM).offer == (MAKER, STRANGER)
    assert rules(world.do("trade/buy", STRANGER, **ONE, counterparty=MAKER)) == []
    assert world.state(DRUM).holder == STRANGER


def test_a_sale_to_one_who_had_it_leaves_it_with_whom_it_sold_it_to() -> None:
    world = found_and_made("sold on")
    world.do("trade/buy", BUYER, **ONE, counterparty=STRANGER)
    assert rules(world.do("trade/sell", MAKER, **ONE, counterparty=STRANGER)) == []
    assert (world.state(DRUM).holder, world.state(DRUM).offer) == (BUYER, None)


def test_what_the_buyer_used_before_the_production_was_told_stays_used_when_the_sale_is() -> None:
    world = World()
    world.do("trade/buy", BUYER, **ONE, counterparty=MAKER)
    world.do("use/consume", BUYER, items=[line(DRUM, 60)])
    world.make(DRUM, "100")
    world.do("trade/sell", MAKER, **ONE, counterparty=BUYER)
    state = world.state(DRUM)
    assert (state.holder, state.quantity, state.drawn) == (BUYER, Decimal(40), Decimal(60))


def test_looking_and_printing_a_label_again_take_nothing_back() -> None:
    world = found_and_made("stored")
    world.do("inspect/done", MAKER, **ONE, result="pass")
    world.do("report/reprint", MAKER, **ONE)
    assert (world.state(DRUM).holder, world.state(DRUM).made) == (STRANGER, Decimal(100))


def test_the_maker_speaks_once() -> None:
    """Whom it has sold to holds it for good: what a former maker says afterwards is a stranger's word."""
    world = found_and_made("stored")
    world.do("trade/sell", MAKER, **ONE, counterparty=STRANGER)
    assert rules(world.do("count/done", MAKER, **ONE, site="M1")) == ["item.not-holder"]
    assert world.state(DRUM).holder == STRANGER
    with pytest.raises(RuleError, match="answers for it"):
        world.do("trade/sell", MAKER, **ONE, counterparty=BUYER)


def test_a_maker_that_had_it_last_takes_nothing_back() -> None:

    world = World()
    world.do("store/in", STRANGER, **ONE, site="X1")
    world.do("store/in", MAKER, **ONE, site="M1")
    world.make(DRUM, "100")
    assert world.state(DRUM).made is None
    assert rules(world.do("trade/sell", MAKER, **ONE, counterparty=BUYER)) == []


def test_who_is_contradicted_goes_on_as_a_stranger() -> None:
    world = found_and_made("stored")
    world.do("store/in", MAKER, **ONE, site="M1")
    assert rules(world.do("store/in", STRANGER, **ONE, site="X1")) == ["item.not-holder"]
    assert world.state(DRUM).holder == MAKER


def test_a_refused_word_of_the_maker_changes_nothing() -> None:
    world = found_and_made("stored")
    before = world.state(DRUM)
    with pytest.raises(RuleError, match="holds 100 KGM"):
        world.do("trade/sell", MAKER, items=[line(DRUM, 500)], counterparty=BUYER)
    assert world.state(DRUM) == before


@pytest.mark.parametrize(
    ("what", "fields"),
    [("count/done", {}), ("report/loss", {}), ("dispose/done", {}), ("store/in", {"site": "X1"})],
)
def test_who_took_it_from_the_real_buyer_does_not_keep_it_by_the_sale_to_the_buyer(
    what: str, fields: dict[str, Any]
) -> None:
    world = World()
    world.do("trade/buy", BUYER, **ONE, counterparty=MAKER)
    world.do(what, STRANGER, **(ONE | fields))
    world.make(DRUM, "100")
    assert "item.reclaimed" in rules(world.do("trade/sell", MAKER, **ONE, counterparty=BUYER))
    assert world.state(DRUM).status == "held"
    world.do("trade/buy", BUYER, **ONE, counterparty=MAKER)
    assert (world.state(DRUM).holder, world.state(DRUM).quantity) == (BUYER, Decimal(100))


def test_the_buyer_that_booked_before_it_was_taken_holds_it_by_the_sale() -> None:
    world = World()
    world.do("trade/buy", BUYER, **ONE, counterparty=MAKER)
    world.do("count/done", STRANGER, **ONE, site="X1")
    world.make(DRUM, "100")
    world.do("trade/sell", MAKER, **ONE, counterparty=BUYER)
    assert (world.state(DRUM).holder, world.state(DRUM).offer) == (BUYER, None)


def test_the_maker_does_not_unsay_a_sale_on_which_others_built() -> None:
    world = found_and_made("stored")
    world.do("trade/sell", MAKER, **ONE, counterparty=STRANGER)
    sale = world.events[-1].event_id.hex()
    world.do("trade/sell", STRANGER, **ONE, counterparty=BUYER)
    world.do("trade/buy", BUYER, **ONE, counterparty=STRANGER)
    assert rules(world.do("correct/done", MAKER, event=sale, reason="entry")) == ["correct.superseded"]
    assert rules(world.do("count/done", MAKER, **ONE)) == ["item.not-holder"]
    assert world.state(DRUM).holder == BUYER


@pytest.mark.parametrize(
    ("who", "what", "fields"),
    [
        (AUTHORITY, "inspect/done", {"result": "pass"}),
        (CARRIER, "count/done", {}),
        (CARRIER, "report/loss", {}),
        (MAKER, "inspect/done", {"result": "pass"}),
    ],
)
def test_the_maker_unsays_a_sale_on_which_nobody_built(who: str, what: str, fields: dict[str, Any]) -> None:
    world = found_and_made("stored")
    world.do("trade/sell", MAKER, **ONE, counterparty=STRANGER)
    sale = world.events[-1].event_id.hex()
    world.do(what, who, **(ONE | fields))
    assert rules(world.do("correct/done", MAKER, event=sale, reason="the wrong buyer")) == []
    assert "item.reclaimed" in rules(world.do("trade/sell", MAKER, **ONE, counterparty=BUYER))


def test_a_production_by_exception_takes_nothing_from_who_has_it() -> None:
    world = World()
    world.issued[DRUM] = "foreign-issuer"
    world.do("trade/buy", BUYER, **ONE, counterparty=MAKER)
    world.do("produce/make", STRANGER, items=[line(DRUM, 100)], exception=True)
    assert world.state(DRUM).made is None
    with pytest.raises(RuleError, match="answers for it"):
        world.do("trade/sell", STRANGER, **ONE, counterparty=BUYER)
    assert world.state(DRUM).holder == BUYER


@pytest.mark.parametrize("unit", ["LTR", "H87"])
def test_the_unit_is_the_makers_whatever_a_finder_measured(unit: str) -> None:
    world = World()
    world.do("use/consume", STRANGER, items=[{"code": DRUM, "quantity": {"value": "1", "unit": unit}}])
    (found,) = world.make(DRUM, "100").findings
    sides = dict(found.sides)
    assert (found.rule, sides["expected"], sides["found"]) == ("item.over-use", "100 KGM", f"1 {unit}")
    state = world.state(DRUM)
    assert (state.unit, state.quantity, state.drawn) == ("KGM", Decimal(100), Decimal(0))
    world.do("trade/sell", MAKER, **ONE, counterparty=BUYER)
    assert world.state(DRUM).quantity == Decimal(100)


def test_a_sale_of_more_than_was_made_explains_nothing() -> None:
    world = found_and_made("bought")
    before = world.state(DRUM)
    with pytest.raises(RuleError, match="holds 100 KGM"):
        world.do("trade/sell", MAKER, items=[line(DRUM, 500)], counterparty=STRANGER)
    assert world.state(DRUM) == before


@pytest.mark.parametrize(
    ("what", "fields"),
    [
        ("count/done", {"site": "X1"}), ("report/loss", {}), ("dispose/done", {}),
        ("trade/buy", {"counterparty": MAKER}),
    ],
)  # fmt: skip
def test_the_pallet_is_packed_by_whom_its_code_was_issued_to(what: str, fields: dict[str, Any]) -> None:
    world = World()
    world.make(DRUM, "100")
    world.do(what, STRANGER, items=[line(PALLET)], **fields)
    told = world.do("pack/done", MAKER, **ONE, container=PALLET)
    assert rules(told) == ["item.reclaimed"]
    state = world.state(PALLET)
    assert (state.status, state.holder, state.proven) == ("held", MAKER, True)
    assert world.state(DRUM).parent == PALLET
    assert rules(world.do("count/done", STRANGER, items=[line(PALLET)])) == ["item.not-holder"]
    world.do("unpack/done", MAKER, **ONE, container=PALLET)


def test_a_stranger_packs_nothing_into_a_pallet_that_it_has_found() -> None:
    world = World()
    world.make(OTHER, 50, actor=STRANGER)
    world.do("count/done", STRANGER, items=[line(PALLET)])
    world.issued[PALLET] = "foreign-issuer"
    with pytest.raises(RuleError) as refused:
        world.do("pack/done", STRANGER, items=[line(OTHER)], container=PALLET)
    assert refused.value.fields["rule_id"] == "item.foreign-issuer"
    assert world.state(OTHER).parent is None


def test_a_pallet_counted_by_its_own_packer_first_is_packed_without_a_finding() -> None:
    world = World()
    world.make(DRUM, "100")
    world.do("count/done", MAKER, items=[line(PALLET)], site="M1")
    assert rules(world.do("pack/done", MAKER, **ONE, container=PALLET)) == []


def test_a_cylinder_filled_anew_by_its_finder_is_its_finders() -> None:
    cylinder = code(3, kind="C")
    world = World()
    world.do("count/done", STRANGER, items=[line(cylinder)], site="X1")
    world.do("produce/fill", MAKER, items=[line(cylinder, 40)])
    world.do("use/consume", STRANGER, items=[line(cylinder, 40)])
    world.do("produce/fill", STRANGER, items=[line(cylinder, 40)])
    assert world.state(cylinder).made is None
    assert rules(world.do("count/done", MAKER, items=[line(cylinder)], site="M1")) == ["item.not-holder"]


def test_every_kind_in_hand_is_a_kind_of_item_events() -> None:
    from chemtrace.trace.lifecycle import STAGES

    assert set(STAGES) >= IN_ITS_HANDS
