"""The waybill moves on with its goods; what does not fit is refused before departure and found after."""

from typing import Any

import pytest

from chemtrace.core.errors import RuleError
from tests.unit.trace.world import (
    BUYER,
    CARRIER,
    DISPOSER,
    MAKER,
    STRANGER,
    WAYBILL,
    World,
    code,
    kg,
    line,
    rules,
)

DRUM = code(1)
GOODS = WAYBILL["goods"][0]


@pytest.fixture
def world() -> World:
    """A drum of 200 kg and a scheduled waybill for it."""
    world = World()
    world.make(DRUM)
    world.do("waybill/scheduled", MAKER, **WAYBILL)
    return world


def refused(world: World, what: str, actor: str, **fields: Any) -> str:
    """The rule that refuses."""
    with pytest.raises(RuleError) as error:
        world.do(what, actor, **fields)
    return error.value.fields["rule_id"]


def load(world: World, actor: str = CARRIER, **fields: Any) -> list[str]:
    """Load the drum under the waybill."""
    return rules(world.do("transport/load", actor, **{"items": [line(DRUM)], "waybill": "W-1001", **fields}))


def test_custody_goes_to_the_carrier_whoever_of_the_parties_reports(world):
    assert [] == load(world, MAKER)
    state = world.state(DRUM)
    assert (CARRIER, MAKER, BUYER, "JA12345") == (state.holder, state.shipper, state.consignee, state.vehicle)
    assert "loaded" == world.waybill("W-1001").state


def test_goes_from_state_to_state_and_never_back(world):
    assert "waybill.state" == refused(world, "waybill/scheduled", MAKER, **WAYBILL)
    assert "waybill.state" == refused(world, "waybill/in_transit", CARRIER, number="W-1001")
    load(world)
    assert "waybill.state" == refused(world, "waybill/void", MAKER, number="W-1001")
    world.do("waybill/in_transit", CARRIER, number="W-1001")
    assert "waybill.state" == refused(world, "waybill/loaded", CARRIER, number="W-1001")
    assert "waybill.state" == refused(world, "waybill/closed", BUYER, number="W-1001")
    world.do("transport/arrive", BUYER, items=[line(DRUM)], waybill="W-1001")
    assert "arrived" == world.waybill("W-1001").state
    world.do("waybill/closed", BUYER, number="W-1001")
    assert "waybill.unknown" == refused(world, "waybill/void", MAKER, number="W-9")


def test_refuses_who_is_no_party(world):
    assert "waybill.party" == refused(world, "waybill/loaded", STRANGER, number="W-1001")
    assert "waybill.party" == refused(world, "waybill/scheduled", STRANGER, **{**WAYBILL, "number": "W-2"})
    other = code(2)
    world.make(other, actor=STRANGER)
    assert "waybill.carrier" == refused(
        world, "transport/load", STRANGER, items=[line(other)], waybill="W-1001"
    )


def test_one_open_waybill_per_vehicle(world):
    load(world)
    world.make(code(2))
    world.do("waybill/scheduled", MAKER, **{**WAYBILL, "number": "W-1002"})
    told = refused(world, "transport/load", MAKER, items=[line(code(2))], waybill="W-1002")
    assert "waybill.vehicle-busy" == told
    assert "waybill.vehicle-busy" == refused(world, "waybill/loaded", MAKER, number="W-1002")


def test_codes_loaded_are_codes_listed():
    world = World()
    world.make(DRUM)
    world.do("waybill/scheduled", MAKER, **{**WAYBILL, "goods": [{**GOODS, "codes": [code(2)]}]})
    with pytest.raises(RuleError) as error:
        load(world)
    assert ("waybill.code-not-listed", DRUM) == (error.value.fields["rule_id"], error.value.fields["item"])
    assert ["waybill.code-not-listed"] == load(world, exception=True)
    assert (
        "critical"
        == world.admit(
            world.build("transport/load", MAKER, items=[line(code(2))], waybill="W-1001", exception=True)
        )
        .findings[0]
        .severity
    )


def test_a_waybill_nobody_registered_is_refused(world):
    assert "waybill.unknown" == refused(world, "transport/load", MAKER, items=[line(DRUM)], waybill="W-9")
    assert "waybill.unknown" == refused(world, "transport/arrive", BUYER, items=[line(DRUM)], waybill="W-9")


def test_finds_another_vehicle_consignee_and_too_much_mass(world):
    world.make(code(2))
    told = load(world, items=[line(DRUM), line(code(2))], vehicle="JB99999", counterparty=STRANGER)
    assert ["waybill.consignee", "waybill.vehicle", "waybill.mass"] == told


def test_finds_leaving_with_less_and_closing_with_goods_not_arrived():
    world = World()
    for drum in (code(1), code(2)):
        world.make(drum, 150)
    world.do("waybill/scheduled", MAKER, **{**WAYBILL, "goods": [{**GOODS, "count": 3, "mass": kg(450)}]})
    load(world, items=[line(code(1)), line(code(2))])
    assert ["waybill.mass"] == rules(world.do("waybill/in_transit", CARRIER, number="W-1001"))
    world.do("transport/arrive", BUYER, items=[line(code(1))], waybill="W-1001")
    assert "in_transit" == world.waybill("W-1001").state
    world.do("waybill/arrived", CARRIER, number="W-1001")
    closed = world.do("waybill/closed", BUYER, number="W-1001")
    assert code(2) in dict(closed.findings[0].sides)["found"]


def test_finds_transport_without_waybill_above_the_exempt_mass():
    world = World()
    world.make(DRUM, 60)
    world.make(code(2), 40)
    assert ["waybill.missing"] == rules(
        world.do("transport/load", MAKER, items=[line(DRUM)], counterparty=BUYER)
    )
    assert [] == rules(world.do("transport/load", MAKER, items=[line(code(2))], counterparty=BUYER))
    assert [] == rules(world.do("transport/arrive", BUYER, items=[line(DRUM), line(code(2))]))


def test_finds_an_arrival_that_does_not_name_its_waybill(world):
    load(world)
    assert ["waybill.not-named"] == rules(world.do("transport/arrive", BUYER, items=[line(DRUM)]))


def test_finds_goods_of_another_un_number():
    class Entry:
        un, un_other = "1789", ("2031",)

    class OneChemical:
        by_slot = {"005": Entry}  # noqa: RUF012  # a stand-in read once

    world = World()
    world.catalogue = OneChemical
    world.make(DRUM)
    world.do("waybill/scheduled", MAKER, **WAYBILL)
    assert ["waybill.goods"] == load(world)


def test_the_carrier_reloads_onto_another_vehicle(world):
    load(world)
    second = {**WAYBILL, "number": "W-1002", "carrier": DISPOSER, "vehicle": {"plate": "JC00001"}}
    world.do("waybill/scheduled", CARRIER, **{**second, "consignor": CARRIER})
    assert [] == rules(world.do("transport/load", CARRIER, items=[line(DRUM)], waybill="W-1002"))
    state = world.state(DRUM)
    assert (DISPOSER, MAKER, "JC00001") == (state.holder, state.shipper, state.vehicle)


def test_the_shipper_takes_a_rejected_load_back_and_may_sell_it_again():
    world = World()
    world.make(DRUM)
    world.do("trade/sell", MAKER, items=[line(DRUM)], counterparty=BUYER)
    world.do("waybill/scheduled", MAKER, **WAYBILL)
    load(world)
    assert [] == rules(world.do("transport/arrive", MAKER, items=[line(DRUM)], waybill="W-1001"))
    assert [] == rules(world.do("trade/sell", MAKER, items=[line(DRUM)], counterparty=STRANGER))


def test_a_stranger_that_reports_the_arrival_does_not_get_the_goods(world):
    load(world)
    told = world.do("transport/arrive", STRANGER, items=[line(DRUM)], waybill="W-1001")
    assert ["waybill.consignee"] == rules(told)
    assert (BUYER, STRANGER) == (
        dict(told.findings[0].sides)["expected"],
        dict(told.findings[0].sides)["found"],
    )
    assert ("in_transit", CARRIER) == (world.state(DRUM).status, world.state(DRUM).holder)


@pytest.mark.parametrize(("got", "told"), [("199", []), ("197", ["item.receipt-difference"]), ("201", [])])
def test_compares_what_was_received_with_what_was_sent(world, got, told):
    load(world, items=[line(DRUM, 200)])
    judged = world.do("transport/arrive", BUYER, items=[line(DRUM, got)], waybill="W-1001")
    assert (told, got) == (rules(judged), f"{world.state(DRUM).quantity:f}")


def test_expects_a_spilled_load_to_arrive_lighter(world):
    load(world)
    world.do("report/spill", CARRIER, items=[line(DRUM, 40)])
    assert [] == rules(world.do("transport/arrive", BUYER, items=[line(DRUM, 160)], waybill="W-1001"))


def test_something_lost_and_found_on_the_way_goes_on(world):
    load(world)
    world.do("report/theft", CARRIER, items=[line(DRUM)])
    assert ["item.missing"] == rules(
        world.do("transport/arrive", BUYER, items=[line(DRUM)], waybill="W-1001")
    )
    world.do("report/found", CARRIER, items=[line(DRUM)])
    assert "in_transit" == world.state(DRUM).status
    world.do("transport/arrive", BUYER, items=[line(DRUM)], waybill="W-1001")
    assert ("held", BUYER) == (world.state(DRUM).status, world.state(DRUM).holder)


PALLET = code(9, kind="A", slot="000")


def palletized(*amounts: int, listed: tuple[str, ...] = (), mass: int | None = None) -> World:
    """Drums on one pallet that states no amount of its own, and a waybill for them."""
    world = World()
    drums = [code(number) for number, _ in enumerate(amounts, start=1)]
    for drum, amount in zip(drums, amounts, strict=True):
        world.make(drum, amount)
    world.do("pack/done", MAKER, items=[line(drum) for drum in drums], container=PALLET)
    goods = {**GOODS, "mass": kg(sum(amounts) if mass is None else mass), "codes": list(listed)}
    world.do("waybill/scheduled", MAKER, **{**WAYBILL, "goods": [goods]})
    return world


def test_a_pallet_weighs_what_is_in_it():
    world = palletized(100, 80)
    assert [] == load(world, items=[line(PALLET)])
    assert [] == rules(world.do("waybill/in_transit", CARRIER, number="W-1001"))
    world = palletized(100, 80, mass=150)
    assert ["waybill.mass"] == load(world, items=[line(PALLET)])
    world = palletized(100, 80, mass=200)
    load(world, items=[line(PALLET)])
    assert ["waybill.mass"] == rules(world.do("waybill/in_transit", CARRIER, number="W-1001"))


def test_counts_no_longer_what_was_unpacked_and_counts_pallets_in_pallets():
    world = palletized(100, 80, mass=100)
    world.do("unpack/done", MAKER, items=[line(code(2))], container=PALLET)
    outer = code(10, kind="A", slot="000")
    world.do("pack/done", MAKER, items=[line(PALLET)], container=outer)
    assert [] == load(world, items=[line(outer)])
    assert [] == rules(world.do("waybill/in_transit", CARRIER, number="W-1001"))


def test_compares_no_mass_where_one_line_has_none():
    world = palletized(100, 80, mass=400)
    world.do("produce/make", MAKER, items=[{"code": code(5), "quantity": {"value": "30", "unit": "LTR"}}])
    assert [] == load(world, items=[line(PALLET), line(code(5))])
    assert [] == rules(world.do("waybill/in_transit", CARRIER, number="W-1001"))


@pytest.mark.parametrize("listed", [(PALLET,), (code(1), code(2)), ()])
def test_lists_a_pallet_or_what_is_in_it(listed):
    world = palletized(100, 80, listed=listed)
    assert [] == load(world, items=[line(PALLET)])
    assert [] == rules(world.do("transport/arrive", BUYER, items=[line(PALLET)], waybill="W-1001"))


def test_refuses_a_pallet_with_a_drum_that_is_not_listed():
    world = palletized(100, 80, listed=(code(1),))
    with pytest.raises(RuleError) as error:
        load(world, items=[line(PALLET)])
    assert ("waybill.code-not-listed", code(2)) == (error.value.fields["rule_id"], error.value.fields["item"])


def test_refuses_an_empty_pallet_that_is_not_listed():
    world = palletized(100, listed=(code(1),))
    world.do("unpack/done", MAKER, items=[line(code(1))], container=PALLET)
    assert "waybill.code-not-listed" == refused(
        world, "transport/load", CARRIER, items=[line(PALLET)], waybill="W-1001"
    )


def test_finds_a_pallet_without_waybill_above_the_exempt_mass():
    for amounts, told in (((30, 30), ["waybill.missing"]), ((20, 20), [])):
        world = palletized(*amounts)
        assert told == rules(world.do("transport/load", MAKER, items=[line(PALLET)], counterparty=BUYER))
