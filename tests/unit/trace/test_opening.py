"""Opening balances: what an importer says for a foreign party lives; what anybody else says stays a finding."""

from decimal import Decimal

import pytest

from chemtrace.core.errors import RuleError
from tests.unit.trace.world import BUYER, MAKER, World, code, line

LOT = code(1, kind="T")
DEALER, CHEMIST = "ext:records:RE1", "ext:records:BU1"


def test_an_opening_of_a_foreign_party_brings_a_lot_to_life_without_a_producer():
    world = World()
    judged = world.do("store/opening", DEALER, items=[line(LOT, "2.1892")])
    state = world.state(LOT)
    assert judged.findings == ()
    assert (state.status, state.holder, state.producer, state.proven) == ("held", DEALER, None, True)
    assert state.quantity == Decimal("2.1892")


def test_an_opened_lot_can_be_sold_but_not_beyond_its_balance():
    world = World()
    world.do("store/opening", DEALER, items=[line(LOT, "2.1892")])
    with pytest.raises(RuleError) as refused:
        world.do("trade/sell", DEALER, items=[line(LOT, "3")], counterparty=CHEMIST)
    assert "item.insufficient" == refused.value.fields["rule_id"]
    world.do("trade/sell", DEALER, items=[line(LOT, "2.1892")], counterparty=CHEMIST)
    assert (DEALER, CHEMIST) == world.state(LOT).offer


def test_an_enterprise_cannot_explain_a_drum_away_by_calling_it_old():
    world = World()
    judged = world.do("store/opening", MAKER, items=[line(LOT, 5)])
    assert ["item.unknown"] == [found.rule for found in judged.findings]
    assert not world.state(LOT).proven


def test_a_living_code_is_not_opened_again():
    world = World()
    world.make(LOT)
    with pytest.raises(RuleError) as refused:
        world.do("store/opening", DEALER, items=[line(LOT, 5)])
    assert "item.already-produced" == refused.value.fields["rule_id"]


def test_the_seller_of_an_opened_lot_is_its_holder_alone():
    world = World()
    world.do("store/opening", DEALER, items=[line(LOT, 5)])
    with pytest.raises(RuleError) as refused:
        world.do("trade/sell", BUYER, items=[line(LOT)], counterparty=MAKER)
    assert "item.not-holder" == refused.value.fields["rule_id"]
