"""Late events take their place in effective time; what others did in order is not undone."""

from decimal import Decimal

import pytest

from chemtrace.core.errors import RuleError
from tests.unit.trace.world import BUYER, HOUR_US, MAKER, START_US, STRANGER, World, code, line, rules

DRUM = code(1)


def sold(world: World) -> None:
    """The drum is produced and offered to the buyer."""
    world.make(DRUM)
    world.do("trade/sell", MAKER, items=[line(DRUM)], counterparty=BUYER)


def ago(world: World, hours: int) -> dict[str, object]:
    """Submitted now, but it happened some hours ago."""
    world.now_us += HOUR_US
    return {"at_us": world.now_us - hours * HOUR_US, "late": True}


def test_explains_a_use_before_receipt_by_the_late_purchase():
    world = World()
    sold(world)
    world.now_us += 2 * HOUR_US
    used = world.do("use/consume", BUYER, items=[line(DRUM, 30)])
    assert ["item.not-received"] == rules(used)
    bought = world.do("trade/buy", BUYER, items=[line(DRUM)], counterparty=MAKER, **ago(world, 3))
    assert ((2, DRUM, "item.not-received"),) == bought.resolved
    assert (BUYER, Decimal(170)) == (world.state(DRUM).holder, world.state(DRUM).quantity)


def test_explains_a_use_before_receipt_by_a_receipt_in_order():
    world = World()
    sold(world)
    world.do("use/consume", BUYER, items=[line(DRUM, 30)])
    bought = world.do("trade/buy", BUYER, items=[line(DRUM)], counterparty=MAKER)
    assert ((2, DRUM, "item.not-received"),) == bought.resolved


def test_explains_an_unknown_code_by_its_late_producer():
    world = World()
    world.now_us += 5 * HOUR_US
    assert ["item.unknown"] == rules(world.do("use/consume", BUYER, items=[line(DRUM, 30)]))
    made = world.do("produce/make", MAKER, items=[line(DRUM, 200)], **ago(world, 4))
    assert ((0, DRUM, "item.unknown"),) == made.resolved
    assert {"item.not-holder": 0} == {f.rule: f.index for f in made.findings}
    assert (MAKER, Decimal(200)) == (world.state(DRUM).holder, world.state(DRUM).quantity)


def test_explains_a_purchase_without_sale_by_the_sale_reported_afterwards():
    world = World()
    world.make(DRUM)
    assert ["item.no-offer"] == rules(world.do("trade/buy", BUYER, items=[line(DRUM)], counterparty=MAKER))
    assert MAKER == world.state(DRUM).holder
    sale = world.do("trade/sell", MAKER, items=[line(DRUM)], counterparty=BUYER)
    assert ((1, DRUM, "item.no-offer"),) == sale.resolved
    assert BUYER == world.state(DRUM).holder


def test_explains_an_arrival_without_load_by_the_load_reported_afterwards():
    world = World()
    sold(world)
    assert ["item.not-loaded"] == [
        r for r in rules(world.do("transport/arrive", BUYER, items=[line(DRUM)])) if "item" in r
    ]
    load = world.do("transport/load", MAKER, items=[line(DRUM)], counterparty=BUYER)
    assert ((2, DRUM, "item.not-loaded"),) == load.resolved
    assert ("held", BUYER) == (world.state(DRUM).status, world.state(DRUM).holder)


def test_a_late_event_that_would_undo_what_others_did_has_no_effect():
    world = World()
    sold(world)
    world.now_us += 5 * HOUR_US
    world.do("trade/buy", BUYER, items=[line(DRUM)], counterparty=MAKER)
    world.do("use/consume", BUYER, items=[line(DRUM, 50)])
    before = world.state(DRUM)
    lost = world.do("report/loss", MAKER, items=[line(DRUM)], **ago(world, 4))
    assert ["late.superseded"] == rules(lost)
    assert {DRUM: False} == lost.effect
    after = world.state(DRUM)
    assert (before.status, before.holder, before.quantity) == (after.status, after.holder, after.quantity)
    assert after.last_index == len(world.events) - 1


def test_a_late_event_may_bring_up_faults_of_its_own_sender():
    world = World()
    world.make(DRUM)
    world.now_us += 5 * HOUR_US
    world.do("use/consume", MAKER, items=[line(DRUM, 150)])
    late = world.do("use/consume", MAKER, items=[line(DRUM, 100)], **ago(world, 4))
    assert [("item.over-use", 1)] == [(f.rule, f.index) for f in late.findings]
    assert ("spent", Decimal(0)) == (world.state(DRUM).status, world.state(DRUM).quantity)


def test_refuses_late_what_can_still_be_done_right():
    world = World()
    world.make(DRUM)
    world.make(code(2), 10)
    world.now_us += 9 * HOUR_US
    world.do("trade/sell", MAKER, items=[line(DRUM)], counterparty=BUYER)
    world.do("trade/buy", BUYER, items=[line(DRUM)], counterparty=MAKER)
    with pytest.raises(RuleError) as refused:
        world.do(
            "produce/repack", MAKER, inputs=[line(DRUM, 200)], items=[line(code(3), 200)], **ago(world, 8)
        )
    assert "late.superseded" == refused.value.fields["rule_id"]
    assert "unborn" == world.state(code(3)).status


def test_a_late_stranger_takes_nothing():
    world = World()
    world.make(DRUM)
    world.now_us += 9 * HOUR_US
    world.do("store/in", MAKER, items=[line(DRUM)])
    judged = world.do("use/consume", STRANGER, items=[line(DRUM, 20)], **ago(world, 5))
    assert ["item.not-holder"] == rules(judged)
    assert (MAKER, Decimal(200)) == (world.state(DRUM).holder, world.state(DRUM).quantity)


FINDERS = {
    "arrive, store": (
        ("transport/arrive", {"items": [line(DRUM, 40)]}),
        ("store/in", {"items": [line(DRUM)]}),
    ),
    "buy, store": (
        ("trade/buy", {"items": [line(DRUM)], "counterparty": MAKER}),
        ("store/in", {"items": [line(DRUM)]}),
    ),
    "consume, consume": (
        ("use/consume", {"items": [line(DRUM, 10)]}),
        ("use/consume", {"items": [line(DRUM, 10)]}),
    ),
}


@pytest.mark.parametrize("found", FINDERS)
def test_admits_the_late_producer_of_an_item_that_others_went_on_with(found):
    world = World()
    world.now_us += 9 * HOUR_US
    for what, fields in FINDERS[found]:
        world.do(what, BUYER, **fields)
    made = world.do("produce/make", MAKER, items=[line(DRUM, 40)], **ago(world, 8))
    assert {DRUM: True} == made.effect
    assert (0, DRUM, "item.unknown") in made.resolved
    state = world.state(DRUM)
    assert (True, MAKER, Decimal(40)) == (state.proven, state.producer, state.filled)
    assert {0, 1} == {finding.index for finding in made.findings}, (
        "what others did stands, as a contradiction"
    )


def test_lets_a_sale_that_follows_a_late_production_explain_who_has_the_item():
    world = World()
    world.now_us += 9 * HOUR_US
    for what, fields in FINDERS["buy, store"]:
        world.do(what, BUYER, **fields)
    world.do("produce/make", MAKER, items=[line(DRUM, 40)], **ago(world, 8))
    sale = world.do("trade/sell", MAKER, items=[line(DRUM)], counterparty=BUYER)
    assert (0, DRUM, "item.no-offer") in sale.resolved
    assert BUYER == world.state(DRUM).holder


def test_a_late_production_of_a_proven_item_undoes_nothing():
    world = World()
    world.make(DRUM)
    world.now_us += 9 * HOUR_US
    world.do("trade/sell", MAKER, items=[line(DRUM)], counterparty=BUYER)
    world.do("trade/buy", BUYER, items=[line(DRUM)], counterparty=MAKER)
    with pytest.raises(RuleError):
        world.do("produce/make", STRANGER, items=[line(DRUM, 40)], **ago(world, 11))
    assert (MAKER, BUYER) == (world.state(DRUM).producer, world.state(DRUM).holder)


@pytest.mark.parametrize("status", ["not-issued", "foreign-issuer"])
def test_refuses_a_late_production_under_a_code_that_is_not_its_own(status):
    world = World()
    world.now_us += 9 * HOUR_US
    world.do("use/consume", BUYER, items=[line(DRUM, 10)])
    world.issued[DRUM] = status
    with pytest.raises(RuleError) as refused:
        world.do("produce/make", STRANGER, items=[line(DRUM, 40)], **ago(world, 8))
    assert f"item.{status}" == refused.value.fields["rule_id"]
    assert not world.state(DRUM).proven


def test_a_late_amount_in_another_dimension_changes_nothing():
    world = World()
    world.now_us += 9 * HOUR_US
    world.do("use/consume", BUYER, items=[line(DRUM, 20)])
    litres = {"code": DRUM, "quantity": {"value": "2", "unit": "LTR"}}
    assert ["late.superseded"] == rules(world.do("report/spill", BUYER, items=[litres], **ago(world, 5)))


def test_a_late_production_sets_the_unit_of_what_others_measured_in_another():
    world = World()
    world.now_us += 9 * HOUR_US
    world.do("use/consume", BUYER, items=[line(DRUM, 20)])
    litres = {"code": DRUM, "quantity": {"value": "200", "unit": "LTR"}}
    told = world.do("produce/make", MAKER, items=[litres], **ago(world, 5))
    drum = world.state(DRUM)
    assert (MAKER, Decimal(200), "LTR") == (drum.holder, drum.quantity, drum.unit)
    (found,) = told.findings
    sides = dict(found.sides)
    assert ("item.over-use", "200 LTR", "20 KGM") == (found.rule, sides["expected"], sides["found"])


@pytest.mark.parametrize(
    ("what", "fields"),
    [
        ("store/in", {"site": "X1"}), ("count/done", {"site": "X1"}), ("trade/buy", {"counterparty": BUYER}),
        ("transport/arrive", {"site": "X1"}), ("report/found", {"site": "X1"}),
        ("use/return", {"counterparty": BUYER}), ("dispose/hand_over", {"counterparty": BUYER}),
        ("report/spill", {}), ("dispose/done", {}),
    ],
)  # fmt: skip
def test_who_claims_to_have_had_it_before_it_was_made_takes_nothing_from_its_maker(what, fields):
    world = World()
    world.now_us = START_US + 48 * HOUR_US
    world.make(DRUM)
    before = world.state(DRUM)
    world.now_us += HOUR_US
    event = world.build(what, STRANGER, at_us=START_US, late=True, items=[line(DRUM)], **fields)
    judgement = world.admit(event)
    after = world.state(DRUM)
    for name in ("holder", "status", "site", "quantity", "drawn", "proven", "offer"):
        assert getattr(after, name) == getattr(before, name), name
    assert rules(judgement)[0] == "late.superseded"
    assert MAKER in judgement.findings[0].text_zh
    assert rules(world.do("trade/sell", MAKER, items=[line(DRUM)], counterparty=BUYER)) == []
