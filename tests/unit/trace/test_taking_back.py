"""What one was given stays one's own: neither late words, nor corrections, nor strangers take it back."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from chemtrace.core.errors import RuleError
from tests.unit.trace.world import (
    BUYER,
    CARRIER,
    DISPOSER,
    HOUR_US,
    MAKER,
    MINUTE_US,
    STRANGER,
    WAYBILL,
    World,
    code,
    line,
    rules,
)

DRUM = code(1)
ONE: dict[str, Any] = {"items": [line(DRUM)]}
FAR = {"lat_e6": 23_000_000, "lon_e6": 113_000_000}


def delivered(received: str = "20", *, by_purchase: bool = False) -> World:
    """A drum of 25 kg that its maker has sold and sent, and the buyer has received with a finding of its own."""
    world = World()
    world.make(DRUM, 25)
    world.do("trade/sell", MAKER, **ONE, counterparty=BUYER)
    if by_purchase:
        # Nobody has told a load: the arrival is found, and stands by the sale.
        told = world.do("transport/arrive", BUYER, items=[line(DRUM, received)], site="B1")
        assert "item.not-loaded" in rules(told)
        return world
    world.do("transport/load", MAKER, items=[line(DRUM, 25)], counterparty=BUYER)
    told = world.do("transport/arrive", BUYER, items=[line(DRUM, received)], site="B1")
    assert ["item.receipt-difference"] == rules(told)
    return world


def correct(world: World, index: int) -> list[str]:
    event = world.events[index]
    return rules(world.do("correct/done", event.actor, event=event.event_id.hex(), reason="mistake"))


@pytest.mark.parametrize(("by_purchase", "index"), [(False, 2), (True, 1)], ids=["load", "sale"])
def test_no_correction_takes_back_what_was_received_though_its_receipt_was_at_fault(by_purchase, index):
    world = delivered(by_purchase=by_purchase)
    assert ["correct.superseded"] == correct(world, index)
    assert BUYER == world.state(DRUM).holder
    with pytest.raises(RuleError) as refused:
        world.do("trade/sell", MAKER, **ONE, counterparty=STRANGER)
    assert "item.not-holder" == refused.value.fields["rule_id"]


def test_no_late_end_takes_back_what_was_received_though_its_receipt_was_at_fault():
    world = delivered()
    made = world.events[0].effective_us
    told = world.do("dispose/done", MAKER, at_us=made + MINUTE_US, late=True, **ONE)
    assert ["late.superseded"] == rules(told)
    assert (BUYER, "held") == (world.state(DRUM).holder, world.state(DRUM).status)


def test_a_strangers_look_from_afar_opens_no_way_to_take_back_what_arrived():
    world = World()
    world.make(DRUM, 25)
    world.do("trade/sell", MAKER, **ONE, counterparty=BUYER)
    world.do("transport/load", MAKER, items=[line(DRUM, 25)], counterparty=BUYER)
    world.do("inspect/done", STRANGER, **ONE, result="note", position=FAR)
    near = {"lat_e6": 39_900_000, "lon_e6": 116_400_000}
    told = world.do("transport/arrive", BUYER, items=[line(DRUM, 25)], position=near)
    assert ["item.impossible-move"] == rules(told)
    assert ["correct.superseded"] == correct(world, 2)
    assert BUYER == world.state(DRUM).holder


@pytest.mark.parametrize(
    ("what", "fields"), [("inspect/done", {"result": "note"}), ("report/found", {"site": "X1"})]
)
def test_who_only_looks_keeps_no_maker_from_correcting_its_production(what, fields):
    world = World()
    world.make(DRUM, 250)
    assert set(rules(world.do(what, STRANGER, **ONE, **fields))) <= {"item.foreign-report"}
    assert "correct.superseded" not in correct(world, 0)
    world.make(DRUM, 25)
    world.do("trade/sell", MAKER, **ONE, counterparty=BUYER)
    assert (MAKER, Decimal(25)) == (world.state(DRUM).holder, world.state(DRUM).quantity)


@pytest.mark.parametrize("told_late", [False, True])
def test_a_void_by_whom_the_code_was_not_issued_to_never_has_an_effect(told_late):
    world = World()
    world.owners[DRUM] = MAKER
    world.now_us += HOUR_US
    early = world.now_us
    world.now_us += HOUR_US
    world.make(DRUM, 25)
    if told_late:
        told = world.do("report/void", STRANGER, at_us=early, late=True, **ONE)
    else:
        told = world.do("report/void", STRANGER, **ONE)
    assert "item.foreign-issuer" in rules(told)
    world.do("inspect/done", STRANGER, at_us=early + MINUTE_US, late=True, **ONE, result="note")
    assert ("held", MAKER, Decimal(25)) == (
        world.state(DRUM).status,
        world.state(DRUM).holder,
        world.state(DRUM).quantity,
    )


def test_an_opening_balance_by_exception_under_anothers_code_leaves_its_production_possible():
    world = World()
    world.owners[DRUM] = MAKER
    told = world.do("store/opening", STRANGER, items=[line(DRUM, 25)], exception=True)
    assert ["item.foreign-issuer"] == rules(told)
    assert not world.state(DRUM).proven
    assert [] == rules(world.make(DRUM, 25))
    world.do("trade/sell", MAKER, **ONE, counterparty=BUYER)
    assert MAKER == world.state(DRUM).holder


def test_a_strangers_purchase_does_not_displace_the_buyers_own():
    world = World()
    world.make(DRUM, 25)
    world.do("trade/buy", BUYER, **ONE, counterparty=MAKER)
    world.do("trade/buy", STRANGER, **ONE, counterparty=MAKER)
    judgement = world.do("trade/sell", MAKER, **ONE, counterparty=BUYER)
    assert [(1, DRUM, "item.no-offer")] == list(judgement.resolved)
    assert BUYER == world.state(DRUM).holder


@pytest.mark.parametrize(
    ("finders", "makers"),
    [(("1", "TNE"), ("12.5", "MGM")), (("1", "TNE"), ("25.1234567", "KGM")), (("7", "MGM"), ("1200", "TNE"))],
)
@pytest.mark.parametrize("told_late", [False, True])
def test_the_maker_weighs_in_its_own_unit_whatever_a_finder_said(finders, makers, told_late):
    world = World()
    start = world.now_us
    world.now_us += 24 * HOUR_US
    found = {"code": DRUM, "quantity": {"value": finders[0], "unit": finders[1]}}
    world.do("use/consume", STRANGER, items=[found], at_us=start)
    world.do("inspect/done", MAKER, **ONE, result="note")
    made = {"code": DRUM, "quantity": {"value": makers[0], "unit": makers[1]}}
    at_us = world.now_us - HOUR_US if told_late else world.now_us + HOUR_US
    world.do("produce/make", MAKER, items=[made], at_us=at_us, late=told_late)
    assert (makers[1], Decimal(makers[0])) == (world.state(DRUM).unit, world.state(DRUM).filled)


def under_way() -> World:
    """Two drums, one of them on the road under the maker's waybill."""
    world = World()
    for drum in (DRUM, code(2)):
        world.make(drum, 25)
    world.do("waybill/scheduled", MAKER, **WAYBILL)
    world.do("transport/load", CARRIER, items=[line(DRUM, 25)], waybill="W-1001")
    return world


def test_a_strangers_arrival_leaves_the_waybill_open():
    world = under_way()
    told = world.do("transport/arrive", STRANGER, items=[line(DRUM, 25)], waybill="W-1001")
    assert "waybill.consignee" in rules(told)
    assert ("loaded", ()) == (world.waybill("W-1001").state, world.waybill("W-1001").arrived)
    world.do("transport/load", CARRIER, items=[line(code(2), 25)], waybill="W-1001")
    world.do("waybill/in_transit", CARRIER, number="W-1001")


@pytest.mark.parametrize(
    ("what", "fields"), [("transport/arrive", {}), ("trade/buy", {"counterparty": DISPOSER})]
)
def test_a_stranger_lengthens_no_waybill_with_goods_that_are_not_on_it(what, fields):
    world = under_way()
    with pytest.raises(RuleError) as refused:
        world.do(what, STRANGER, items=[line(code(77))], waybill="W-1001", **fields)
    assert "waybill.party" == refused.value.fields["rule_id"]


def test_a_buyer_who_is_no_party_of_the_waybill_may_name_it_with_its_goods():
    world = under_way()
    world.do("trade/sell", MAKER, **ONE, counterparty=STRANGER)
    assert [] == rules(world.do("trade/buy", STRANGER, **ONE, counterparty=MAKER, waybill="W-1001"))


def test_a_carrier_sends_goods_under_way_to_nobody_else():
    world = under_way()
    other = {**WAYBILL, "number": "W-2", "consignor": CARRIER, "consignee": STRANGER}
    world.do("waybill/scheduled", CARRIER, **{**other, "vehicle": {"plate": "JB54321"}})
    told = world.do("transport/load", CARRIER, items=[line(DRUM, 25)], waybill="W-2")
    assert ["waybill.consignee"] == rules(told)
    assert (BUYER, MAKER, CARRIER) == (
        world.state(DRUM).consignee,
        world.state(DRUM).shipper,
        world.state(DRUM).holder,
    )
    assert "waybill.consignee" in rules(world.do("transport/arrive", STRANGER, items=[line(DRUM, 25)]))
    assert "in_transit" == world.state(DRUM).status


def test_a_shipper_may_send_goods_under_way_to_another():
    world = World()
    world.make(DRUM, 25)
    world.do("transport/load", MAKER, items=[line(DRUM, 25)], counterparty=BUYER)
    assert [] == rules(world.do("transport/load", MAKER, items=[line(DRUM, 25)], counterparty=STRANGER))
    assert STRANGER == world.state(DRUM).consignee


def test_who_writes_anothers_plate_on_a_waybill_stops_no_trip():
    world = World()
    world.make(DRUM, 25)
    evil = {**WAYBILL, "number": "EVIL", "consignor": STRANGER, "carrier": STRANGER, "consignee": DISPOSER}
    world.do("waybill/scheduled", STRANGER, **evil)
    world.do("waybill/loaded", STRANGER, number="EVIL")
    world.do("waybill/scheduled", MAKER, **WAYBILL)
    told = world.do("transport/load", CARRIER, items=[line(DRUM, 25)], waybill="W-1001")
    assert ["waybill.vehicle-busy"] == rules(told)
    assert ("EVIL", "JA12345") == tuple(dict(told.findings[0].sides)[side] for side in ("expected", "found"))
    assert "in_transit" == world.state(DRUM).status
