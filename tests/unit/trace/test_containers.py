"""What happens to a container happens to what is in it."""

from decimal import Decimal

import pytest

from chemtrace.core.errors import PayloadError, RuleError
from chemtrace.trace.containment import resolve
from chemtrace.trace.history import as_of, custody, timeline
from chemtrace.trace.lineage import downstream, upstream
from tests.unit.trace.world import BUYER, CARRIER, MAKER, STRANGER, World, code, line, rules

DRUMS = (code(1), code(2))
PALLET = code(9, kind="A", slot="000")
CRATE = code(8, kind="A", slot="000")


@pytest.fixture
def world() -> World:
    """Two drums on a pallet that the maker has sold, loaded and the buyer received."""
    world = World()
    for drum in DRUMS:
        world.make(drum)
    world.do("pack/done", MAKER, site="M1", container=PALLET, items=[line(drum) for drum in DRUMS])
    world.do("trade/sell", MAKER, items=[line(PALLET)], counterparty=BUYER)
    world.do("transport/load", MAKER, items=[line(PALLET)], counterparty=BUYER)
    world.do("transport/arrive", BUYER, site="B1", items=[line(PALLET)])
    return world


def test_a_packed_drum_is_where_its_pallet_is(world):
    seen = resolve(world.state(DRUMS[0]), world.state)
    assert (BUYER, "B1", "held", Decimal(200)) == (seen.holder, seen.site, seen.status, seen.quantity)


def test_the_holder_of_the_pallet_unpacks_and_has_the_drums(world):
    judged = world.do("unpack/done", BUYER, site="B1", container=PALLET, items=[line(DRUMS[0])])
    state = world.state(DRUMS[0])
    assert ([], BUYER, "B1", None) == (rules(judged), state.holder, state.site, state.parent)
    assert [] == rules(world.do("use/consume", BUYER, items=[line(DRUMS[0], 10)]))


def test_a_stranger_does_not_unpack(world):
    with pytest.raises(RuleError) as refused:
        world.do("unpack/done", MAKER, container=PALLET, items=[line(DRUMS[0])])
    assert ("item.not-holder", BUYER) == (
        refused.value.fields["rule_id"],
        refused.value.fields["sides"]["holder"],
    )


def test_a_use_before_unpacking_counts_for_who_has_the_pallet_and_nobody_else(world):
    assert ["item.packed"] == rules(world.do("use/consume", BUYER, items=[line(DRUMS[0], 10)]))
    assert Decimal(190) == world.state(DRUMS[0]).quantity
    judged = world.do("use/consume", STRANGER, items=[line(DRUMS[0], 10)])
    assert (["item.not-holder"], {DRUMS[0]: False}) == (rules(judged), judged.effect)
    assert BUYER == dict(judged.findings[0].sides)["holder"]
    assert Decimal(190) == world.state(DRUMS[0]).quantity


def test_containers_do_not_go_into_each_other_in_a_circle():
    world = World()
    world.make(DRUMS[0])
    world.do("pack/done", MAKER, container=PALLET, items=[line(DRUMS[0])])
    world.do("pack/done", MAKER, container=CRATE, items=[line(PALLET)])
    with pytest.raises(RuleError) as refused:
        world.do("pack/done", MAKER, container=PALLET, items=[line(CRATE)])
    assert "item.packed" == refused.value.fields["rule_id"]
    with pytest.raises(PayloadError):
        world.do("pack/done", MAKER, container=CRATE, items=[line(CRATE)])


@pytest.mark.parametrize("container", [code(5), code(5, kind="C"), code(5, kind="T")])
def test_nothing_goes_into_what_is_no_container(container):
    world = World()
    world.make(DRUMS[0])
    world.make(container)
    with pytest.raises(RuleError) as refused:
        world.do("pack/done", MAKER, container=container, items=[line(DRUMS[0])])
    assert "item.no-container" == refused.value.fields["rule_id"]


@pytest.mark.parametrize("inside", [DRUMS[0], CRATE])
def test_what_is_sold_to_one_goes_into_no_container_that_is_sold_to_another(inside):
    world = World()
    for drum in DRUMS[:2]:
        world.make(drum)
    world.do("pack/done", MAKER, container=PALLET, items=[line(DRUMS[1])])
    world.do("trade/sell", MAKER, items=[line(PALLET)], counterparty=STRANGER)
    world.do("trade/sell", MAKER, items=[line(DRUMS[0])], counterparty=BUYER)
    if inside == CRATE:
        world.do("pack/done", MAKER, container=CRATE, items=[line(DRUMS[0])])
    with pytest.raises(RuleError) as refused:
        world.do("pack/done", MAKER, container=PALLET, items=[line(inside)])
    assert ("item.double-sale", DRUMS[0]) == (refused.value.fields["rule_id"], refused.value.fields["item"])


def test_what_was_bought_is_packed_sold_and_sold_on_with_its_container():
    world = World()
    world.make(DRUMS[0])
    world.do("trade/sell", MAKER, items=[line(DRUMS[0])], counterparty=BUYER)
    world.do("transport/load", MAKER, items=[line(DRUMS[0])], counterparty=BUYER)
    world.do("transport/arrive", BUYER, items=[line(DRUMS[0])], site="B1")
    world.do("pack/done", BUYER, container=PALLET, items=[line(DRUMS[0])])
    for seller, buyer in ((BUYER, STRANGER), (STRANGER, CARRIER)):
        assert [] == rules(world.do("trade/sell", seller, items=[line(PALLET)], counterparty=buyer))
        assert [] == rules(world.do("trade/buy", buyer, items=[line(PALLET)], counterparty=seller))


def test_a_drum_can_be_bought_while_it_is_still_on_the_pallet():
    world = World()
    world.make(DRUMS[0])
    world.do("trade/sell", MAKER, items=[line(DRUMS[0])], counterparty=BUYER)
    world.do("pack/done", MAKER, container=PALLET, items=[line(DRUMS[0])])
    assert [] == rules(world.do("trade/buy", BUYER, items=[line(DRUMS[0])], counterparty=MAKER))


# --- history and lineage ---------------------------------------------------------------------------------


def test_traces_a_bottle_up_to_its_drum_and_the_drum_down_to_its_bottles():
    world = World()
    world.make(DRUMS[0])
    bottles = (code(11), code(12))
    world.do(
        "produce/repack", MAKER, inputs=[line(DRUMS[0], 200)], items=[line(bottle, 100) for bottle in bottles]
    )
    world.do("pack/done", MAKER, container=CRATE, items=[line(bottles[0])])
    world.do("unpack/done", MAKER, container=CRATE, items=[line(bottles[0])])
    world.do("transform/done", MAKER, inputs=[line(bottles[0], 100)], items=[line(code(20), 100)])
    up = upstream(code(20), world)
    assert [(bottles[0], "input", 4, 1), (DRUMS[0], "input", 1, 2), (CRATE, "container", 2, 2)] == [
        (edge.code, edge.relation, edge.index, edge.depth) for edge in up.edges
    ]
    assert 3 == up.edges[2].until
    down = downstream(DRUMS[0], world)
    assert {*bottles, CRATE, code(20)} == down.codes
    assert Decimal(100) == down.edges[0].quantity.value
    assert [(bottles[0], 3)] == [(edge.code, edge.until) for edge in downstream(CRATE, world).edges]
    assert not upstream(code(20), world, limit=1).complete


def test_says_who_had_a_drum_where_and_when_and_as_of_any_index():
    world = World()
    world.do("produce/make", MAKER, site="M1", items=[line(DRUMS[0], 200)])
    world.do("trade/sell", MAKER, items=[line(DRUMS[0])], counterparty=BUYER)
    world.do("trade/buy", BUYER, site="B1", items=[line(DRUMS[0])], counterparty=MAKER)
    world.do("use/consume", BUYER, items=[line(DRUMS[0], 50)])
    ports = {"waybill": world.waybill, "is_authority": world.is_authority}
    history = world.history(DRUMS[0])
    spans = custody(timeline(DRUMS[0], history, **ports))
    assert [(MAKER, "M1", 0), (BUYER, "B1", 2)] == [
        (span.holder, span.site, span.from_index) for span in spans
    ]
    assert spans[0].to_us == spans[1].from_us
    assert spans[1].to_us is None
    assert MAKER == as_of(DRUMS[0], history, **ports, index=1).state.holder
    before_use = as_of(DRUMS[0], history, **ports, time_us=world.events[2].effective_us).state
    assert (BUYER, Decimal(200)) == (before_use.holder, before_use.quantity)
    assert "unborn" == as_of(DRUMS[0], history, **ports, time_us=0).state.status
