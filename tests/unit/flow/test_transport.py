"""T1 to T3: overdue goods, goods without a waybill, goods that are not those of the waybill."""

from __future__ import annotations

from typing import Any

from tests.unit.flow.city import BUYER, CARRIER, MAKER, STRANGER, City, code, kg, line, waybill

ONE, TWO = code(1), code(2)


def loaded(city: City, *codes: str, **fields: Any) -> None:
    """Goods under a waybill due in 12 h, on the road after one."""
    for one in codes:
        city.made(one, 100)
    goods = {
        "un": "1791",
        "name": "x",
        "class": "8",
        "package": "drum",
        "count": len(codes),
        "codes": list(codes),
    }
    city.say(
        "waybill/scheduled", MAKER, **waybill(city, goods=[{**goods, "mass": kg(100 * len(codes))}], **fields)
    )
    city.pass_time()
    city.say(
        "transport/load",
        CARRIER,
        items=[line(one, 100) for one in codes],
        waybill="W-1001",
        vehicle="JA12345",
    )


def test_raises_goods_a_day_overdue_and_escalates_after_three_days():
    city = City()
    loaded(city, ONE, TWO)
    city.pass_time(34)
    assert [] == city.types()
    city.pass_time(1)
    alert = city.one()
    assert ("T1", 2, (ONE, TWO), "W-1001") == (alert.detector, alert.severity, alert.codes, alert.waybill)
    city.pass_time(47)
    assert 2 == city.one().severity
    city.pass_time(1)
    assert 1 == city.one().severity


def test_takes_each_receipt_off_the_alert_and_withdraws_it_with_the_last():
    city = City()
    loaded(city, ONE, TWO)
    city.pass_time(40)
    city.say("transport/arrive", BUYER, items=[line(ONE, 100)], waybill="W-1001")
    city.pass_time()
    assert (TWO,) == city.one().codes
    city.say("transport/arrive", BUYER, items=[line(TWO, 100)], waybill="W-1001")
    city.pass_time()
    assert ["withdrawn"] == [alert.status for alert in city.alerts.values()]


def test_stops_the_clock_at_a_receipt_in_time_or_a_report_of_theft():
    stops: list[tuple[str, str, dict[str, Any]]] = [
        ("transport/arrive", BUYER, {"waybill": "W-1001"}),
        ("report/theft", CARRIER, {}),
    ]
    for what, who, fields in stops:
        city = City()
        loaded(city, ONE)
        city.pass_time(3)
        city.say(what, who, items=[line(ONE)], **fields)
        city.pass_time(200)
        assert [] == city.types()


def test_counts_from_the_loading_where_there_is_no_waybill():
    city = City()
    city.made(ONE, 20)
    city.say("transport/load", MAKER, items=[line(ONE, 20)], counterparty=BUYER)
    city.pass_time(47)
    assert [] == city.types()
    city.pass_time(1)
    assert ["T1"] == city.types()


def trips(city: City, hours: list[float]) -> None:
    """Small lots from maker to buyer, each so many hours on the road."""
    for number, took in enumerate(hours):
        one = city.made(code(100 + number), 2)
        city.say("transport/load", MAKER, items=[line(one, 2)], counterparty=BUYER)
        city.pass_time(took)
        city.say("transport/arrive", BUYER, items=[line(one, 2)])
        city.pass_time()


def overdue_after(city: City) -> int:
    """Hours from the loading of a drum until it is called overdue."""
    city.made(ONE, 2)
    city.say("transport/load", MAKER, items=[line(ONE, 2)], counterparty=BUYER)
    for hours in range(1, 200):
        city.pass_time()
        if "T1" in city.types():
            return hours
    raise AssertionError


def test_learns_from_thirty_trips_how_long_goods_are_on_the_road_between_two():
    city = City()
    trips(city, [1] * 20 + [3] + [2] * 8)
    assert 48 == overdue_after(city), "29 trips say nothing yet"
    city = City()
    trips(city, [1] * 20 + [3] + [2] * 9)
    assert 27 == overdue_after(city)
    assert "最近 30 次运输 99% 不超过 3.0 小时" in city.one().explanation_zh
    assert "99 % of the last 30 trips between the two took at most 3.0 h" in city.one().explanation_en


def test_leaves_one_slow_trip_in_a_hundred_out():
    city = City()
    trips(city, [20] + [2] * 98 + [5])
    assert 29 == overdue_after(city)


def test_counts_a_load_of_many_codes_as_one_trip_and_scans_in_one_go_as_none():
    city = City()
    for number in range(40):
        one, two = (city.made(code(100 + 2 * number + at), 2) for at in (0, 1))
        lines = [line(one, 2), line(two, 2)]
        city.say("transport/load", MAKER, items=lines, counterparty=BUYER)
        city.pass_time(0 if number < 20 else 2)
        city.say("transport/arrive", BUYER, items=lines)
        city.pass_time()
    assert 48 == overdue_after(city), "20 trips, told in 40 loads and 80 codes"


def test_a_waybill_moves_no_due_time_behind_what_the_two_usually_take_nor_behind_three_days():
    city = City()
    trips(city, [2] * 30)
    loaded(city, ONE, arrive_by="2026-03-01T00:00:00Z")
    city.pass_time(25)
    assert "T1" not in city.types()
    city.pass_time(1)
    assert "T1" in city.types()
    city = City()
    loaded(city, ONE, arrive_by="2026-03-01T00:00:00Z")
    city.pass_time(95)
    assert [] == city.types()
    city.pass_time(1)
    assert ["T1"] == city.types()
    assert "装车后 3 天" in city.one().explanation_zh


def test_believes_no_pair_that_is_slow_beyond_three_days():
    city = City()
    trips(city, [2] + [200] * 30)
    assert 96 == overdue_after(city)


def test_counts_no_trip_that_a_stranger_tells_or_that_ends_where_it_began():
    for receiver in (STRANGER, MAKER):
        city = City()
        for number in range(40):
            drum = city.made(code(100 + number), 2)
            city.say("transport/load", MAKER, items=[line(drum, 2)], counterparty=BUYER)
            city.pass_time(0.1)
            city.say("transport/arrive", receiver, items=[line(drum, 2)])
            city.pass_time()
        assert not [key for key in city.watches if "|pair|" in key]


def test_another_vehicle_gives_a_carrier_no_more_time():
    city = City()
    loaded(city, ONE)
    for _ in range(2):
        city.pass_time(10)
        city.say("transport/load", CARRIER, items=[line(ONE, 100)], waybill="W-1001", vehicle="JB54321")
    city.pass_time(15)
    raised = next(alert for alert in city.open() if alert.detector == "T1")
    city.say("transport/load", CARRIER, items=[line(ONE, 100)], waybill="W-1001", vehicle="JA12345")
    city.pass_time()
    assert raised.id == next(alert.id for alert in city.open() if alert.detector == "T1")


def test_goods_that_their_carrier_loads_for_another_are_a_mismatch_and_stay_overdue():
    city = City()
    loaded(city, ONE)
    again = waybill(
        city, number="W-2002", consignor=CARRIER, consignee=STRANGER, vehicle={"plate": "JB54321"}
    )
    city.say("waybill/scheduled", CARRIER, **again)
    city.say("transport/load", CARRIER, items=[line(ONE, 100)], waybill="W-2002", vehicle="JB54321")
    city.pass_time(60)
    assert {"T1", "T3"} == set(city.types())
    assert BUYER == city.state(ONE).consignee


def test_an_early_due_time_of_the_waybill_counts_whatever_is_usual():
    city = City()
    trips(city, [20] * 30)
    loaded(city, ONE)
    city.pass_time(35)
    assert ["T1"] == city.types()
    assert "the waybill's due time" in city.one().explanation_en


def test_does_not_wait_for_a_receipt_from_beyond_the_city():
    city = City()
    loaded(city, ONE, consignee="OUTSIDE")
    city.pass_time(240)
    assert [] == city.types()
    city = City()
    city.made(ONE, 20)
    city.say("trade/sell", MAKER, items=[line(ONE)], counterparty="OUTSIDE")
    city.say("transport/load", MAKER, items=[line(ONE, 20)])
    city.pass_time(240)
    assert [] == city.types()


def test_takes_goods_back_that_were_refused_beyond_the_city_and_raises_them_in_foreign_hands():
    for who, told in ((MAKER, []), (STRANGER, ["C2"])):
        city = City()
        loaded(city, ONE, consignee="OUTSIDE")
        city.pass_time(100)
        city.say("use/consume" if who == STRANGER else "transport/arrive", who, items=[line(ONE, 100)])
        city.pass_time(80)
        assert told == city.types()


def test_watches_goods_again_that_are_loaded_on_to_somebody_in_the_city():
    city = City()
    city.made(ONE, 20)
    city.say("transport/load", MAKER, items=[line(ONE, 20)], counterparty="OUTSIDE")
    city.pass_time()
    city.say("transport/load", MAKER, items=[line(ONE, 20)], counterparty=BUYER)
    city.pass_time(60)
    assert ["T1"] == city.types()


def test_raises_goods_above_the_exempt_mass_without_a_waybill_once_for_load_and_arrival():
    city = City()
    city.made(ONE, 100)
    city.say("transport/load", MAKER, items=[line(ONE, 100)], counterparty=BUYER)
    city.pass_time()
    city.say("transport/arrive", BUYER, items=[line(ONE, 100)])
    city.pass_time(30)
    assert [("T2", 2)] == [(alert.detector, alert.severity) for alert in city.open()]


def test_calls_goods_that_arrive_unloaded_and_without_a_waybill_one_incident():
    city = City()
    city.made(ONE, 100)
    city.say("trade/sell", MAKER, items=[line(ONE)], counterparty=BUYER)
    city.say("transport/arrive", BUYER, items=[line(ONE, 100)])
    city.pass_time(30)
    assert ["T2"] == city.types()
    assert "C5:claim" in {one.role for one in city.one().evidence}


def test_exempts_a_small_lot_but_not_a_day_of_small_lots():
    city = City()
    for number in range(3):
        one = city.made(code(20 + number), 20)
        city.say("transport/load", MAKER, items=[line(one, 20)], counterparty=BUYER)
        city.pass_time(0.5)
        city.say("transport/arrive", BUYER, items=[line(one, 20)])
        city.pass_time(0.5)
        assert ["T2"] * (number == 2) == city.types()
    assert "60" in city.one().explanation_en
    assert 3 == len(city.one().evidence)


def test_does_not_add_up_lots_of_two_days():
    city = City()
    for number in range(4):
        one = city.made(code(20 + number), 20)
        city.say("transport/load", MAKER, items=[line(one, 20)], counterparty=BUYER)
        city.say("transport/arrive", BUYER, items=[line(one, 20)])
        city.pass_time(24)
    assert [] == city.types()


def test_gathers_the_differences_of_one_waybill():
    city = City()
    for one in (ONE, TWO):
        city.made(one, 100)
    goods = {"un": "1791", "name": "x", "class": "8", "package": "drum", "count": 1, "mass": kg(100)}
    city.say("waybill/scheduled", MAKER, **waybill(city, goods=[goods]))
    city.say(
        "transport/load", CARRIER, items=[line(ONE, 100), line(TWO, 100)], waybill="W-1001", vehicle="JB99999"
    )
    city.pass_time()
    alert = city.one()
    assert ("T3", 2, "W-1001") == (alert.detector, alert.severity, alert.waybill)
    rules = {watch.key.split("|")[4] for watch in city.watches.values() if watch.detector == "T3"}
    assert {"waybill.vehicle", "waybill.mass"} <= rules


def test_notes_a_drum_that_was_refused_and_raises_the_third():
    city = City()
    loaded(city, ONE)
    city.made(TWO, 100)
    severities = []
    for _ in range(3):
        city.pass_time(0.1)
        assert city.say("transport/load", MAKER, items=[line(TWO, 100)], waybill="W-1001") is None
        city.pass_time(0.1)
        severities.append(city.one().severity)
    assert [4, 4, 2] == severities
    assert "T3" == city.one().detector


def test_calls_a_delivery_to_another_than_the_consignee_a_mismatch_and_not_a_clone():
    city = City()
    loaded(city, ONE)
    city.pass_time()
    city.say("transport/arrive", STRANGER, items=[line(ONE, 100)], waybill="W-1001")
    city.pass_time(30)
    assert ["T3"] == city.types()
