"""One cause gives one alert: within an event, and between events about the same code."""

from __future__ import annotations

from typing import Any

import pytest

from chemtrace.flow.detectors import DETECTORS
from chemtrace.flow.precedence import CAUSES, COVERED_BY, WAITS_FOR, Case
from chemtrace.trace.state import ItemState
from tests.unit.flow.city import BUYER, CARRIER, MAKER, STRANGER, City, code, kg, line

DRUM = code(1)
HERE = {"lat_e6": 39_900_000, "lon_e6": 116_400_000}
FAR = {"lat_e6": 40_500_000, "lon_e6": 116_400_000}

# actor, kind, counterparty; status, holder, offer to, consignee; rules broken; the detector that answers
TABLE = [
    (STRANGER, "use/consume", None, "held", MAKER, None, None, {"item.not-holder"}, "C2"),
    (STRANGER, "trade/buy", BUYER, "held", MAKER, None, None, {"item.no-offer"}, "C2"),
    (STRANGER, "trade/buy", MAKER, "held", MAKER, None, None, {"item.no-offer"}, "C5"),
    (STRANGER, "trade/buy", "OUTSIDE", "held", MAKER, None, None, {"item.no-offer"}, "C2"),
    (BUYER, "use/consume", None, "held", MAKER, BUYER, None, {"item.not-received"}, "C5"),
    (BUYER, "use/consume", None, "in_transit", CARRIER, None, BUYER, {"item.not-received"}, "C5"),
    (BUYER, "transport/arrive", None, "held", MAKER, BUYER, None, {"item.not-loaded"}, "C5"),
    (STRANGER, "inspect/done", None, "held", MAKER, None, None, {"item.not-holder"}, ""),
    (STRANGER, "report/loss", None, "held", MAKER, None, None, {"item.not-holder"}, ""),
    (STRANGER, "use/consume", None, "closed", MAKER, None, None, {"item.closed", "item.not-holder"}, "C3"),
    (STRANGER, "use/consume", None, "spent", MAKER, None, None, {"item.not-holder"}, "C3"),
    (STRANGER, "use/consume", None, "missing", MAKER, None, None, {"item.missing"}, "C3"),
    (MAKER, "use/consume", None, "spent", MAKER, None, None, {"item.closed"}, "Q1"),
    (MAKER, "use/consume", None, "held", MAKER, None, None, {"item.over-use"}, "Q1"),
    (STRANGER, "use/consume", None, "held", MAKER, None, None, {"item.over-use", "item.not-holder"}, "C2"),
    (STRANGER, "use/consume", None, "unborn", None, None, None, {"item.unknown"}, "C1"),
    (STRANGER, "transport/arrive", None, "held", MAKER, None, None, {"item.not-holder", "waybill.consignee"}, "T3"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("actor", "what", "source", "status", "holder", "offer", "consignee", "rules", "want"), TABLE
)
def test_gives_each_contradiction_to_one_detector(  # noqa: PLR0917 - the columns of the table
    actor: str,
    what: str,
    source: str,
    status: Any,
    holder: str,
    offer: str,
    consignee: str,
    rules: set,
    want: str,
):
    city = City()
    event = city.build(what, actor, items=[line(DRUM, 1)], **_fields(what, source))
    before = ItemState(
        code=DRUM,
        slot="005",
        kind="P",
        status=status,
        holder=holder,
        offer=(holder, offer) if offer else None,
        consignee=consignee,
    )
    case = Case(event, before, frozenset(rules), frozenset(rules))
    assert want == next((name for name, fits in CAUSES if fits(case)), "")


def _fields(what: str, source: str) -> dict:
    if what == "inspect/done":
        return {"result": "note"}
    return {"counterparty": source} if source else {}


def test_names_only_detectors_that_there_are_and_never_lets_two_wait_for_each_other():
    known = {detector.id for detector in DETECTORS}
    for table in (COVERED_BY, WAITS_FOR):
        assert known >= set(table) | {host for hosts in table.values() for host in hosts}
    assert not set(WAITS_FOR) & {host for hosts in WAITS_FOR.values() for host in hosts}


def test_raises_one_alert_over_the_whole_second_life_of_a_cloned_drum():
    city = City()
    city.delivered(DRUM)
    city.say("use/consume", STRANGER, items=[line(DRUM, 30)])  # the clone is used
    city.pass_time(25)
    assert ["C2"] == city.types()
    city.say("use/consume", BUYER, items=[line(DRUM, 40)])  # the genuine one is used up
    city.say("dispose/empty", BUYER, items=[line(DRUM)])
    city.pass_time(2)
    city.say("use/consume", STRANGER, items=[line(DRUM, 10)])  # the clone again: life after the end
    city.pass_time(30)
    alert = city.one()
    assert "C2" == alert.detector
    assert "C3:after-end" in {one.role for one in alert.evidence}


def test_lets_a_clone_take_over_what_was_raised_as_a_skipped_step():
    city = City()
    city.say("produce/make", MAKER, position=HERE, items=[{"code": DRUM, "quantity": kg(40)}])
    city.pass_time()
    city.say("trade/buy", BUYER, items=[line(DRUM)], counterparty=MAKER)
    city.pass_time(25)
    step = city.one()
    assert "C5" == step.detector
    city.say("store/in", MAKER, position=HERE, items=[line(DRUM)])
    city.pass_time(0.1)
    city.say("inspect/done", BUYER, position=FAR, items=[line(DRUM)], result="note")
    city.pass_time()
    clone = city.one()
    assert ("C2", "withdrawn") == (clone.detector, city.alerts[step.id].status)
    assert "C5:claim" in {one.role for one in clone.evidence}


def test_judges_an_older_event_again_when_a_late_one_shows_it_in_another_light():
    for user, rules in ((MAKER, ["Q1"]), (BUYER, ["C2"])):
        city = City()
        made_at = city.now_us
        city.pass_time()
        used = city.say("use/consume", user, items=[line(DRUM, 50)])
        assert used is not None
        city.pass_time(5)
        city.say("produce/make", MAKER, at_us=made_at, items=[{"code": DRUM, "quantity": kg(40)}])
        city.pass_time(25)
        assert rules == city.types()
        assert (used.index, used.event_id.hex()) == (
            city.one().evidence[0].index,
            city.one().evidence[0].event_id,
        )
        city.pass_time(100)
        assert rules == city.types()


def test_uncovers_what_an_alert_took_in_when_it_is_withdrawn():
    city = City()
    made_at = city.now_us
    city.pass_time()
    city.say("use/consume", BUYER, items=[line(DRUM, 5)], position=HERE)
    city.pass_time(73)
    unknown = city.one()
    city.say("inspect/done", BUYER, position=HERE, items=[line(DRUM)], result="note")
    city.pass_time(0.1)
    city.say("inspect/done", STRANGER, position=FAR, items=[line(DRUM)], result="note")
    city.pass_time()
    assert ["C1"] == city.types()
    city.say("produce/make", MAKER, at_us=made_at, items=[{"code": DRUM, "quantity": kg(40)}])
    city.pass_time()
    assert "withdrawn" == city.alerts[unknown.id].status
    assert ["C2"] == city.types()
