"""What is refused before it happens, and what an exception makes of it."""

import pytest
from msgspec.structs import replace

from chemtrace.core.errors import RuleError
from chemtrace.trace.movement import distance_m
from tests.unit.trace.world import BUYER, HOUR_US, MAKER, MINUTE_US, STRANGER, World, code, kg, line, rules

DRUM = code(1)


class Acid:
    cas, un, un_other = "7664-93-9", None, ()


class Catalogue:
    by_slot = {"005": Acid}  # noqa: RUF012  # a stand-in read once


def refused(world: World, what: str, actor: str, **fields) -> dict:
    with pytest.raises(RuleError) as error:
        world.do(what, actor, **fields)
    assert error.value.fields["text_zh"]
    return error.value.fields


@pytest.mark.parametrize(
    ("status", "rule"), [("not-issued", "item.not-issued"), ("foreign-issuer", "item.foreign-issuer")]
)
def test_refuses_production_under_a_code_that_is_not_ones_own(status, rule):
    world = World()
    world.issued[DRUM] = status
    assert rule == refused(world, "produce/make", MAKER, items=[line(DRUM, 5)])["rule_id"]
    assert [rule] == rules(world.do("produce/make", MAKER, items=[line(DRUM, 5)], exception=True))
    assert "held" == world.state(DRUM).status


def test_a_void_by_somebody_else_has_no_effect():
    world = World()
    world.issued[DRUM] = "foreign-issuer"
    judged = world.do("report/void", STRANGER, items=[line(DRUM)])
    assert (["item.foreign-issuer"], {DRUM: False}) == (rules(judged), judged.effect)
    assert "unborn" == world.state(DRUM).status


def test_refuses_a_chemical_that_is_not_the_codes():
    world = World()
    world.catalogue = Catalogue
    told = refused(world, "produce/make", MAKER, items=[line(DRUM, 5)], chemical="67-64-1")
    assert ("item.chemical", "7664-93-9", "67-64-1") == (
        told["rule_id"],
        told["sides"]["expected"],
        told["sides"]["found"],
    )
    world.do("produce/make", MAKER, items=[line(DRUM, 5)], chemical="7664-93-9")
    other = line(code(2, slot="006"), 5)
    assert (
        "item.chemical"
        == refused(world, "produce/repack", MAKER, inputs=[line(DRUM, 5)], items=[other])["rule_id"]
    )
    assert [] == rules(world.do("transform/done", MAKER, inputs=[line(DRUM, 5)], items=[other]))


def test_refuses_a_time_more_than_a_day_ahead():
    world = World()
    event = world.build("produce/make", MAKER, items=[line(DRUM, 5)], at_us=world.now_us + 25 * HOUR_US)
    with pytest.raises(RuleError) as error:
        world.admit(replace(event, received_us=world.now_us))
    assert "time.future" == error.value.fields["rule_id"]


def test_refuses_unknown_sites_and_work_at_anothers():
    world = World()
    assert (
        "site.unknown" == refused(world, "produce/make", MAKER, items=[line(DRUM, 5)], site="Q9")["rule_id"]
    )
    assert (
        "site.foreign" == refused(world, "produce/make", MAKER, items=[line(DRUM, 5)], site="B1")["rule_id"]
    )
    world.make(DRUM)
    assert [] == rules(world.do("store/in", BUYER, items=[line(DRUM)], site="B1", counterparty=MAKER))
    assert ("B1", MAKER) == (world.state(DRUM).site, world.state(DRUM).holder)


def test_refuses_to_sell_or_load_more_than_there_is():
    world = World()
    world.make(DRUM, 50)
    assert (
        "item.insufficient"
        == refused(world, "trade/sell", MAKER, items=[line(DRUM, 60)], counterparty=BUYER)["rule_id"]
    )
    assert [] == rules(world.do("trade/sell", MAKER, items=[line(DRUM, "50.2")], counterparty=BUYER))


def test_an_exception_is_admitted_with_a_critical_finding():
    world = World()
    world.make(DRUM)
    world.do("report/loss", MAKER, items=[line(DRUM)])
    judged = world.do("trade/sell", MAKER, items=[line(DRUM)], counterparty=BUYER, exception=True)
    assert [("item.missing", "critical")] == [(f.rule, f.severity) for f in judged.findings]
    assert "missing" == world.state(DRUM).status


def test_counts_uses_up_to_the_tolerance_of_the_scale():
    world = World()
    world.make(DRUM, 100)
    assert [] == rules(world.do("use/consume", MAKER, items=[line(DRUM, 101)]))
    assert ["item.closed"] == rules(world.do("use/consume", MAKER, items=[line(DRUM, 1)]))
    pieces = code(2)
    world.do("produce/make", MAKER, items=[{"code": pieces, "quantity": {"value": "10", "unit": "H87"}}])
    eleven = {"code": pieces, "quantity": {"value": "11", "unit": "H87"}}
    assert ["item.over-use"] == rules(world.do("use/consume", MAKER, items=[eleven]))


def test_converts_units_exactly():
    world = World()
    world.do("produce/make", MAKER, items=[{"code": DRUM, "quantity": {"value": "0.2", "unit": "TNE"}}])
    world.do("use/consume", MAKER, items=[{"code": DRUM, "quantity": {"value": "1", "unit": "GRM"}}])
    assert "0.199999" == f"{world.state(DRUM).quantity:f}"


def test_finds_a_residue_that_is_not_the_books():
    world = World()
    world.do("produce/fill", MAKER, items=[{"code": code(2, kind="C"), "quantity": kg(50)}])
    world.do("use/consume", MAKER, items=[line(code(2, kind="C"), 30)])
    told = world.do("use/return", MAKER, items=[line(code(2, kind="C"), 5)], counterparty=BUYER)
    assert ["item.unaccounted"] == rules(told)
    assert [] == rules(
        world.do("produce/fill", BUYER, items=[{"code": code(2, kind="C"), "quantity": kg(50)}])
    )


def test_finds_one_code_in_two_places_sooner_than_it_can_travel():
    world = World()
    world.make(DRUM)
    here, there = {"lat_e6": 39_900_000, "lon_e6": 116_400_000}, {"lat_e6": 40_400_000, "lon_e6": 116_400_000}
    assert 55_597 == distance_m((39_900_000, 116_400_000), (40_400_000, 116_400_000))
    world.do("store/in", MAKER, items=[line(DRUM)], position=here)
    told = world.do(
        "inspect/done", STRANGER, items=[line(DRUM)], position=there, result="note", after_us=15 * MINUTE_US
    )
    assert ["item.impossible-move"] == rules(told)
    seen = world.do("inspect/done", STRANGER, items=[line(DRUM)], position=here, result="note")
    assert ["item.foreign-report"] == rules(seen)
    assert [] == rules(
        world.do(
            "trade/sell", MAKER, items=[line(DRUM)], position=there, counterparty=BUYER, after_us=MINUTE_US
        )
    )


@pytest.mark.parametrize("phase", ["loss", "theft"])
def test_takes_no_place_from_a_report_made_at_an_office(phase):
    here, there = ({"lat_e6": lat, "lon_e6": 116_400_000} for lat in (39_900_000, 40_900_000))
    world = World()
    world.do("produce/make", MAKER, items=[line(DRUM, 200)], position=here)
    seen = world.state(DRUM).seen
    told = world.do(f"report/{phase}", MAKER, items=[line(DRUM)], position=there, after_us=MINUTE_US)
    assert ([], seen) == (rules(told), world.state(DRUM).seen)


@pytest.mark.parametrize(
    ("first", "second", "metres"),
    [
        ((0, 0), (0, 1_000_000), 111_195),
        ((39_904_200, 116_407_400), (31_230_400, 121_473_700), 1_067_000),  # Beijing, Shanghai: 1,067 km
        ((0, 179_990_000), (0, -179_990_000), 2_223),
    ],
)
def test_measures_distances_on_the_globe(first, second, metres):
    assert abs(distance_m(first, second) - metres) <= metres // 50


@pytest.mark.parametrize(
    ("what", "fields"),
    [
        ("produce/make", {}), ("produce/fill", {}), ("trade/sell", {"counterparty": BUYER}),
        ("trade/buy", {"counterparty": BUYER}), ("transport/load", {"counterparty": BUYER}), ("use/consume", {}),
        ("report/spill", {}), ("produce/repack", {"inputs": [line(DRUM, 1)]}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("exception", [False, True])
def test_refuses_an_amount_of_nothing(what, fields, exception):
    """A drum of nothing would use its code up."""
    world = World()
    if not what.startswith("produce"):
        world.make(DRUM)
    code_ = code(2) if "inputs" in fields else DRUM
    told = refused(world, what, MAKER, items=[line(code_, 0)], exception=exception, **fields)
    assert told["rule_id"] == "item.nothing"


def test_admits_that_nothing_was_left():
    world = World()
    world.make(DRUM, 100)
    world.do("use/consume", MAKER, items=[line(DRUM, 100)])
    assert rules(world.do("use/return", MAKER, items=[line(DRUM, 0)], counterparty=BUYER)) == []


def test_an_exception_that_comes_to_nothing_explains_nothing():
    """A drum that was sold and used up since cannot have become this bottle: neither has an effect."""
    world = World()
    drum, bottle = code(31), code(32)
    world.do("count/done", STRANGER, items=[line(bottle)])
    world.make(drum, 40)
    between = world.now_us + MINUTE_US
    world.do("trade/sell", MAKER, items=[line(drum)], counterparty=BUYER)
    world.do("trade/buy", BUYER, items=[line(drum)], counterparty=MAKER)
    world.do("use/consume", BUYER, items=[line(drum, 40)])
    told = world.do(
        "transform/done",
        MAKER,
        at_us=between,
        late=True,
        inputs=[line(drum, 40)],
        items=[line(bottle, 40)],
        exception=True,
    )
    assert "late.superseded" in rules(told)
    assert ({drum: False, bottle: False}, ()) == (told.effect, told.resolved)
    assert not world.state(bottle).proven
