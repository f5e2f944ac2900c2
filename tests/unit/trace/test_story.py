"""The ordinary life of a drum: every stage, no findings, custody always with one holder."""

from decimal import Decimal

import pytest

from chemtrace.core.errors import RuleError
from tests.unit.trace.world import BUYER, CARRIER, DISPOSER, MAKER, WAYBILL, World, code, kg, line, rules

DRUM = code(1)


def test_follows_a_drum_from_its_production_to_its_end_without_a_finding():
    world = World()
    steps = world.all(
        [
            ("produce/make", MAKER, {"site": "M1", "items": [{"code": DRUM, "quantity": kg(200)}]}),
            ("store/in", MAKER, {"site": "M1", "items": [line(DRUM)], "unit": "A-1"}),
            ("trade/sell", MAKER, {"items": [line(DRUM)], "counterparty": BUYER}),
            ("waybill/scheduled", MAKER, WAYBILL),
            ("store/out", MAKER, {"site": "M1", "items": [line(DRUM)]}),
            (
                "transport/load",
                CARRIER,
                {"items": [line(DRUM, 200)], "waybill": "W-1001", "vehicle": "JA12345"},
            ),
            ("waybill/in_transit", CARRIER, {"number": "W-1001"}),
            ("transport/arrive", BUYER, {"site": "B1", "items": [line(DRUM, "199.9")], "waybill": "W-1001"}),
            ("waybill/closed", BUYER, {"number": "W-1001"}),
            ("trade/buy", BUYER, {"items": [line(DRUM)], "counterparty": MAKER}),
            ("use/consume", BUYER, {"items": [line(DRUM, "120.5")]}),
            ("count/done", BUYER, {"site": "B1", "items": [line(DRUM)]}),
            ("use/consume", BUYER, {"items": [line(DRUM, "79.4")]}),
            ("dispose/hand_over", BUYER, {"items": [line(DRUM)], "counterparty": DISPOSER}),
            ("dispose/done", DISPOSER, {"site": "D1", "items": [line(DRUM)]}),
        ]
    )
    assert [[]] * 15 == [rules(step) for step in steps]
    states = [step.after[DRUM] for step in steps if DRUM in step.after]
    assert [MAKER] * 4 + [CARRIER] + [BUYER] * 6 + [DISPOSER] == [state.holder for state in states]
    assert ["held"] * 4 + ["in_transit"] + ["held"] * 4 + ["spent", "spent", "closed"] == [
        s.status for s in states
    ]
    assert Decimal("79.4") == states[8].quantity
    assert "closed" == world.waybill("W-1001").state


def test_gives_a_cylinder_a_new_fill_and_a_drum_none():
    world = World()
    gas, drum = code(2, kind="C"), code(3)
    for item in (gas, drum):
        world.do("produce/fill", MAKER, items=[{"code": item, "quantity": kg(50)}])
        world.do("use/consume", MAKER, items=[line(item, 50)])
    world.do("produce/fill", MAKER, items=[{"code": gas, "quantity": kg(49)}])
    refilled = world.state(gas)
    assert ("held", Decimal(49), Decimal(0)) == (refilled.status, refilled.quantity, refilled.drawn)
    with pytest.raises(RuleError) as refused:
        world.do("produce/fill", MAKER, items=[{"code": drum, "quantity": kg(50)}])
    assert "item.already-produced" == refused.value.fields["rule_id"]
