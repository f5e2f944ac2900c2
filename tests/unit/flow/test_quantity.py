"""Q1 to Q3: more used than filled, more out than in, received is not what was sent."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.flow.city import BUYER, CARRIER, HOUR_US, MAKER, STRANGER, City, code, kg, line, waybill

DRUM, PART = code(1), code(2)
TANK = code(3, kind="T")


@pytest.mark.parametrize(("second", "expected"), [("10.59", []), ("10.7", ["Q1"])])
def test_raises_more_drawn_than_the_fill_and_its_tolerance(second: str, expected: list[str]):
    # 40 kg: 3 x 0.33 % + 0.5 % = 0.596 kg.
    city = City()
    city.delivered(DRUM)
    city.say("use/consume", BUYER, items=[line(DRUM, 30)])
    city.pass_time()
    city.say("use/consume", BUYER, items=[line(DRUM, second)])
    city.pass_time()
    assert expected == city.types()
    for alert in city.open():
        assert ("40.7 KGM", "40.596 KGM", 2) == (alert.observed, alert.threshold, alert.severity)


@pytest.mark.parametrize("told_late", [False, True])
def test_raises_what_was_drawn_in_another_dimension_than_it_was_filled_in(told_late: bool):
    city = City()
    city.pass_time()
    litres = {"code": DRUM, "quantity": {"value": "3", "unit": "LTR"}}
    city.say("use/consume", STRANGER, items=[litres])
    city.pass_time()
    ago = HOUR_US // 2 if told_late else 0
    city.say("produce/make", MAKER, at_us=city.now_us - ago, items=[{"code": DRUM, "quantity": kg(40)}])
    city.pass_time()
    (alert,) = [alert for alert in city.open() if alert.detector == "Q1"]
    assert ("3 LTR", "40.596 KGM") == (alert.observed, alert.threshold)
    assert "3 LTR was drawn, which cannot be" in alert.explanation_en


def test_compares_no_weighing_with_a_strangers_in_another_unit():
    city = City()
    city.made(DRUM, 40)
    city.say("transport/load", MAKER, items=[line(DRUM, 40)], counterparty=BUYER)
    litres = {"code": DRUM, "quantity": {"value": "30", "unit": "LTR"}}
    assert city.say("transport/arrive", STRANGER, items=[litres]) is not None
    city.pass_time()
    assert "Q3" not in [alert.detector for alert in city.alerts.values()]


def test_counts_on_after_an_item_is_spent_and_does_not_call_it_revived():
    city = City()
    city.delivered(DRUM)
    for _ in range(3):
        city.say("use/consume", BUYER, items=[line(DRUM, 20)])
        city.pass_time()
    assert [("Q1", "60 KGM")] == [(alert.detector, alert.observed) for alert in city.open()]


def test_withdraws_over_use_when_the_use_is_corrected():
    city = City()
    city.delivered(DRUM)
    wrong = city.say("use/consume", BUYER, items=[line(DRUM, 400)])
    assert wrong is not None
    city.pass_time()
    assert ["Q1"] == city.types()
    city.say("correct/done", BUYER, event=wrong.event_id.hex(), reason="comma")
    city.pass_time()
    assert [] == city.types()


def test_keeps_what_is_corrected_without_effect():
    city = City()
    city.made(DRUM, 40)
    city.say("trade/sell", MAKER, items=[line(DRUM)], counterparty=BUYER)
    city.say("transport/load", MAKER, items=[line(DRUM, 40)], counterparty=BUYER)
    city.pass_time()
    received = city.say("transport/arrive", BUYER, items=[line(DRUM, 30)])
    city.say("trade/sell", BUYER, items=[line(DRUM)], counterparty=CARRIER)
    city.say("trade/buy", CARRIER, items=[line(DRUM)], counterparty=BUYER)
    city.pass_time()
    assert ["Q3"] == city.types()
    city.say("correct/done", BUYER, event=received.event_id.hex(), reason="scale")
    assert CARRIER == city.state(DRUM).holder, (
        "the purchase rests on the arrival: the correction has no effect"
    )
    city.pass_time()
    assert ["Q3"] == city.types()


@pytest.mark.parametrize(
    ("out", "expected"), [("100", []), ("101.4", []), ("102", [1]), ("97.6", []), ("90", [3])]
)
def test_weighs_a_repacking(out: str, expected: list[int]):
    # 100 kg in: gain beyond 1.49 kg is critical, loss beyond 1.5 + 0.99 kg minor.
    city = City()
    city.made(DRUM, 100)
    city.say(
        "produce/repack",
        MAKER,
        inputs=[{"code": DRUM, "quantity": kg(100)}],
        items=[{"code": PART, "quantity": kg(out)}],
    )
    city.pass_time()
    assert expected == [alert.severity for alert in city.open() if alert.detector == "Q2"]


def test_leaves_a_dilution_alone():
    city = City()
    city.made(DRUM, 100)
    city.say(
        "transform/done",
        MAKER,
        inputs=[{"code": DRUM, "quantity": kg(100)}],
        items=[{"code": code(9, slot="006"), "quantity": kg(300)}],
        process="dilute",
    )
    city.pass_time()
    assert [] == city.types()


@pytest.mark.parametrize(
    ("received", "expected"),
    # 20 t on two weighbridges: sigma of the difference 42.4 kg, limit 169.7 kg; 10 % is the legal level.
    [("19835", []), ("19820", [2]), ("20180", [2]), ("17000", [1])],
)
def test_compares_both_weighings_of_a_load(received: str, expected: list[int]):
    city = City()
    city.made(TANK, 20000)
    city.say("waybill/scheduled", MAKER, **_tank_waybill(city))
    city.pass_time()
    city.say("transport/load", CARRIER, items=[line(TANK, 20000)], waybill="W-1001", vehicle="JA12345")
    city.pass_time(2)
    city.say("transport/arrive", BUYER, items=[line(TANK, received)], waybill="W-1001")
    city.pass_time()
    assert expected == [alert.severity for alert in city.open() if alert.detector == "Q3"]
    for alert in city.open():
        if alert.detector == "Q3":
            assert {"receipt", "recorded"} == {one.role for one in alert.evidence}
            assert all(one.leaf for one in alert.evidence)
            assert {MAKER, BUYER, CARRIER} == set(alert.parties)


def _tank_waybill(city: City) -> dict[str, Any]:
    goods = {"un": "1791", "name": "x", "class": "8", "package": "tank", "count": 1, "mass": kg(20000)}
    return waybill(city, goods=[goods])


def test_takes_a_missing_piece_for_the_legal_level():
    city = City()
    city.say("produce/make", MAKER, items=[{"code": DRUM, "quantity": {"value": "12", "unit": "H87"}}])
    city.say("transport/load", MAKER, items=[line(DRUM)], counterparty=BUYER)
    city.pass_time(HOUR_US // HOUR_US)
    city.say("transport/arrive", BUYER, items=[{"code": DRUM, "quantity": {"value": "11", "unit": "H87"}}])
    city.pass_time()
    assert [1] == [alert.severity for alert in city.open() if alert.detector == "Q3"]
