"""A correction takes its event out of the fold; nobody undoes what others did."""

from decimal import Decimal

import pytest

from chemtrace.core.errors import EventNotFoundError, RuleError
from tests.unit.trace.world import (
    AUTHORITY,
    BUYER,
    CARRIER,
    MAKER,
    STRANGER,
    WAYBILL,
    World,
    code,
    line,
    rules,
)

DRUM = code(1)


def correct(world: World, who: str, index: int):
    """Correct the event at an index."""
    return world.do("correct/done", who, event=world.events[index].event_id.hex(), reason="typing error")


def test_a_wrong_amount_is_taken_back():
    world = World()
    world.make(DRUM)
    world.do("use/consume", MAKER, items=[line(DRUM, 150)])
    world.do("use/consume", MAKER, items=[line(DRUM, 100)])
    judged = correct(world, MAKER, 1)
    assert ((2, DRUM, "item.over-use"),) == judged.resolved
    assert ("held", Decimal(100)) == (world.state(DRUM).status, world.state(DRUM).quantity)


def test_a_correction_can_be_corrected():
    world = World()
    world.make(DRUM)
    world.do("use/consume", MAKER, items=[line(DRUM, 150)])
    correct(world, MAKER, 1)
    correct(world, MAKER, 2)
    assert Decimal(50) == world.state(DRUM).quantity


def test_a_wrong_sale_is_taken_back_while_nobody_has_bought():
    world = World()
    world.make(DRUM)
    world.do("trade/sell", MAKER, items=[line(DRUM)], counterparty=STRANGER)
    with pytest.raises(RuleError) as refused:
        world.do("trade/sell", MAKER, items=[line(DRUM)], counterparty=BUYER)
    assert ("item.double-sale", STRANGER, BUYER) == (
        refused.value.fields["rule_id"],
        refused.value.fields["sides"]["expected"],
        refused.value.fields["sides"]["found"],
    )
    correct(world, MAKER, 1)
    assert [] == rules(world.do("trade/sell", MAKER, items=[line(DRUM)], counterparty=BUYER))


def test_a_correction_that_would_undo_a_purchase_has_no_effect():
    world = World()
    world.make(DRUM)
    world.do("trade/sell", MAKER, items=[line(DRUM)], counterparty=BUYER)
    world.do("trade/buy", BUYER, items=[line(DRUM)], counterparty=MAKER)
    judged = correct(world, MAKER, 1)
    assert (["correct.superseded"], {DRUM: False}) == (rules(judged), judged.effect)
    assert BUYER == world.state(DRUM).holder


def test_only_the_sender_or_the_authority_corrects():
    world = World()
    world.make(DRUM)
    with pytest.raises(RuleError) as refused:
        correct(world, BUYER, 0)
    assert "correct.foreign" == refused.value.fields["rule_id"]
    correct(world, AUTHORITY, 0)
    assert "unborn" == world.state(DRUM).status


def test_an_unknown_event_cannot_be_corrected():
    world = World()
    world.make(DRUM)
    with pytest.raises(EventNotFoundError) as refused:
        world.do("correct/done", MAKER, event="ab" * 32, reason="typing error")
    assert "correct.unknown" == refused.value.fields["rule_id"]


def test_a_repacking_is_taken_back_whole_or_not_at_all():
    world = World()
    world.make(DRUM)
    world.do("produce/repack", MAKER, inputs=[line(DRUM, 200)], items=[line(code(2), 120), line(code(3), 80)])
    world.do("trade/sell", MAKER, items=[line(code(2))], counterparty=BUYER)
    world.do("trade/buy", BUYER, items=[line(code(2))], counterparty=MAKER)
    judged = correct(world, MAKER, 1)
    assert {DRUM: False, code(2): False, code(3): False} == judged.effect
    assert ["spent", "held", "held"] == [world.state(c).status for c in (DRUM, code(2), code(3))]


def test_a_corrected_load_frees_its_waybill():
    world = World()
    world.make(DRUM)
    world.do("waybill/scheduled", MAKER, **WAYBILL)
    world.do("transport/load", CARRIER, items=[line(DRUM)], waybill="W-1001")
    correct(world, CARRIER, 2)
    waybill = world.waybill("W-1001")
    assert ("scheduled", ()) == (waybill.state, waybill.loaded)
    assert ("held", MAKER) == (world.state(DRUM).status, world.state(DRUM).holder)
