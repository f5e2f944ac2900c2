"""C1 to C5: which code is unknown, cloned, revived, sold twice, or lacks a step."""

from __future__ import annotations

from chemtrace.flow.alert import alert_id
from tests.unit.flow.city import BUYER, DAY_US, HOUR_US, MAKER, MINUTE_US, STRANGER, City, code, kg, line

DRUM = code(1)
HERE = {"lat_e6": 39_900_000, "lon_e6": 116_400_000}
FAR = {"lat_e6": 40_500_000, "lon_e6": 116_400_000}  # 66.7 km north


def test_raises_nothing_over_the_ordinary_life_of_a_drum():
    city = City()
    city.delivered(DRUM)
    city.say("use/consume", BUYER, items=[line(DRUM, 40)])
    city.say("dispose/empty", BUYER, items=[line(DRUM)])
    for _ in range(10):
        city.pass_time(24)
    assert {} == city.alerts
    assert not [key for key in city.watches if key.startswith("claim|")]


# ---------------------------------------------------------------- C1


def test_holds_an_unknown_code_for_72_hours_and_then_raises_it():
    city = City()
    event = city.say("use/consume", BUYER, items=[line(DRUM, 5)])
    city.pass_time(71)
    assert [] == city.types()
    city.pass_time(1)
    alert = city.one()
    assert ("C1", 1, "open", BUYER, (DRUM,), "005") == (
        alert.detector,
        alert.severity,
        alert.status,
        alert.enterprise,
        alert.codes,
        alert.chemical,
    )
    assert event is not None
    assert alert_id("C1", event.event_id.hex()) == alert.id
    assert (event.index, event.event_id.hex()) == (alert.evidence[0].index, alert.evidence[0].event_id)
    assert DRUM in alert.explanation_zh
    assert DRUM in alert.explanation_en


def test_lets_a_late_producer_explain_an_unknown_code_before_anyone_is_called():
    city = City()
    made_at = city.now_us
    city.pass_time(5)
    city.say("use/consume", BUYER, items=[line(DRUM, 5)])
    city.pass_time(40)
    city.say("produce/make", MAKER, at_us=made_at, items=[{"code": DRUM, "quantity": kg(20)}])
    city.pass_time(60)
    assert [] == [alert for alert in city.alerts.values() if alert.detector == "C1"]


def test_withdraws_an_unknown_code_when_the_producer_speaks_after_all():
    city = City()
    made_at = city.now_us
    city.pass_time(1)
    city.say("use/consume", BUYER, items=[line(DRUM, 5)])
    city.pass_time(73)
    raised = city.one()
    late = city.say("produce/make", MAKER, at_us=made_at, items=[{"code": DRUM, "quantity": kg(20)}])
    city.pass_time()
    gone = city.alerts[raised.id]
    assert late is not None
    assert ("withdrawn", late.index, late.event_id.hex()) == (
        gone.status,
        gone.steps[-1].index,
        gone.steps[-1].event_id,
    )


def test_takes_a_purchase_from_outside_the_city_for_an_import():
    city = City()
    city.say("trade/buy", BUYER, items=[line(DRUM, 5)], counterparty="OUTSIDE")
    city.pass_time(100)
    assert [] == city.types()


def test_raises_a_code_outside_every_range_at_once_and_a_refused_production_as_a_notice():
    city = City()
    city.issued[DRUM] = "not-issued"
    assert city.say("produce/make", MAKER, items=[{"code": DRUM, "quantity": kg(20)}]) is None
    city.pass_time()
    assert [("C1", 4)] == [(alert.detector, alert.severity) for alert in city.open()]
    for _ in range(2):
        city.say("produce/make", MAKER, items=[{"code": DRUM, "quantity": kg(20)}])
    city.pass_time()
    assert (3, 2) == (city.one().evidence_count, city.one().severity)


def test_holds_a_refused_sale_of_an_unknown_code():
    city = City()
    assert city.say("trade/sell", STRANGER, items=[line(DRUM)], counterparty=BUYER) is None
    city.pass_time(71)
    assert [] == city.types()
    city.pass_time(2)
    assert (1, None, "") == (
        city.one().evidence[0].refusal,
        city.one().evidence[0].index,
        city.one().evidence[0].leaf,
    )


# ---------------------------------------------------------------- C2


def test_raises_a_code_seen_at_two_places_too_fast_and_shows_both_chains():
    city = City()
    city.say("produce/make", MAKER, position=HERE, items=[{"code": DRUM, "quantity": kg(20)}])
    first = city.events[-1]
    city.pass_time(0.25)
    second = city.say("inspect/done", STRANGER, position=FAR, items=[line(DRUM)], result="note")
    city.pass_time()
    alert = city.one()
    assert ("C2", 1) == (alert.detector, alert.severity)
    assert {MAKER, STRANGER} == set(alert.parties)
    assert second is not None
    assert {"chain-a": first.index, "chain-b": second.index} == {
        one.role: one.index for one in alert.evidence
    }
    assert first.event_id.hex() in {one.event_id for one in alert.evidence}
    assert "66.7" in alert.explanation_en
    assert "66.7" in alert.explanation_zh


def test_lets_a_van_drive_and_clocks_differ():
    # 66.7 km in 20 min, with 10 min of slack and 5 min for the other clock: 114 km/h.
    for minutes, expected in ((20, []), (17, ["C2"])):
        city = City()
        city.say("produce/make", MAKER, position=HERE, items=[{"code": DRUM, "quantity": kg(20)}])
        city.pass_time(minutes / 60)
        city.say("store/in", MAKER, position=FAR, items=[line(DRUM)])
        city.pass_time()
        assert expected == city.types()


def test_gives_a_fast_clock_its_own_lead():
    city = City()
    for _ in range(5):  # a phone whose clock is an hour ahead
        city.say(
            "produce/make",
            MAKER,
            at_us=city.now_us + HOUR_US,
            items=[{"code": code(900 + _), "quantity": kg(1)}],
        )
        city.pass_time(0.2)
    city.say("produce/make", STRANGER, position=HERE, items=[{"code": DRUM, "quantity": kg(20)}])
    city.pass_time(1)
    city.say(
        "inspect/done",
        MAKER,
        at_us=city.now_us - 50 * MINUTE_US,
        position=FAR,
        items=[line(DRUM)],
        result="note",
    )
    city.pass_time()
    assert [] == city.types()


def test_looks_at_no_place_of_a_sale():
    city = City()
    city.say("produce/make", MAKER, position=HERE, items=[{"code": DRUM, "quantity": kg(20)}])
    city.pass_time(0.1)
    city.say("trade/sell", MAKER, position=FAR, items=[line(DRUM)], counterparty=BUYER)
    city.pass_time(1)
    assert [] == city.types()


def test_raises_hands_that_custody_never_reached_after_the_watermark():
    city = City()
    city.made(DRUM)
    city.pass_time()
    city.say("use/consume", STRANGER, items=[line(DRUM, 5)])
    city.pass_time(23)
    assert [] == city.types()
    city.pass_time(1)
    alert = city.one()
    assert ("C2", {MAKER, STRANGER}) == (alert.detector, set(alert.parties))
    assert ["chain-b", "chain-a"] == [one.role for one in alert.evidence]


def test_raises_a_drum_that_its_maker_takes_back_from_who_had_it_before_it_was_made():
    """The production explains the unknown code, and not how the drum came into two hands."""
    city = City()
    city.say("store/in", STRANGER, items=[line(DRUM)], site="X1")
    city.pass_time(1)
    city.made(DRUM)
    city.say("trade/sell", MAKER, items=[line(DRUM)], counterparty=BUYER)
    city.pass_time(100)
    alert = city.one()
    assert ("C2", {MAKER, STRANGER}) == (alert.detector, set(alert.parties))


def test_adds_what_comes_later_to_the_same_alert():
    city = City()
    city.made(DRUM)
    for turn in range(60):
        city.pass_time(24)
        stranger = "GHJK"[turn % 4] * 18  # nobody may speak of another's drum more than 16 times
        city.say("use/consume", stranger, items=[line(DRUM, "0.1")])
    city.pass_time(24)
    alert = city.one()
    assert 50 == len(alert.evidence)
    assert alert.evidence_count > 60


def test_holds_a_refused_sale_by_someone_who_does_not_hold_the_item_until_its_purchase_comes():
    for buys, expected in ((True, []), (False, ["C2"])):
        city = City()
        city.made(DRUM, 40)
        city.pass_time()
        city.say("trade/sell", MAKER, items=[line(DRUM)], counterparty=BUYER)
        city.pass_time()
        assert city.say("trade/sell", BUYER, items=[line(DRUM)], counterparty=STRANGER) is None
        if buys:
            city.say(
                "trade/buy", BUYER, at_us=city.now_us - MINUTE_US, items=[line(DRUM)], counterparty=MAKER
            )
        city.pass_time(25)
        assert expected == city.types()


# ---------------------------------------------------------------- C3


def test_raises_life_after_the_end_at_once_with_the_closing_event():
    city = City()
    city.delivered(DRUM)
    city.say("use/consume", BUYER, items=[line(DRUM, 40)])
    city.say("dispose/empty", BUYER, items=[line(DRUM)])
    closing = city.events[-1]
    city.pass_time(1)
    city.say("store/in", STRANGER, items=[line(DRUM)])
    city.pass_time()
    alert = city.one()
    assert ("C3", 1) == (alert.detector, alert.severity)
    assert alert.evidence[1].role == "end"
    assert alert.evidence[1].index is not None
    assert alert.evidence[1].index <= closing.index


def test_allows_an_undo_or_retry_by_the_same_party_within_ten_minutes():
    for minutes, who, expected in ((9, BUYER, []), (11, BUYER, ["C3"]), (5, STRANGER, ["C3"])):
        city = City()
        city.delivered(DRUM)
        city.say("dispose/empty", BUYER, items=[line(DRUM)])
        city.pass_time(minutes / 60)
        city.say("dispose/empty", who, items=[line(DRUM)])
        city.pass_time(1)
        assert expected == city.types(), (minutes, who)


def test_withdraws_it_when_the_closing_itself_was_the_mistake():
    city = City()
    city.delivered(DRUM)
    wrong = city.say("dispose/empty", BUYER, items=[line(DRUM)])
    assert wrong is not None
    city.pass_time(1)
    used = city.say("use/consume", BUYER, items=[line(DRUM, 5)])
    assert used is not None
    city.pass_time()
    assert ["C3"] == city.types()
    city.say("correct/done", BUYER, event=wrong.event_id.hex(), reason="another drum was emptied")
    city.pass_time()
    assert [] == city.types()


def test_takes_a_refused_sale_of_what_has_ended_as_evidence():
    city = City()
    city.delivered(DRUM)
    city.say("dispose/empty", BUYER, items=[line(DRUM)])
    city.pass_time(2)
    assert city.say("trade/sell", BUYER, items=[line(DRUM)], counterparty=STRANGER) is None
    city.pass_time()
    assert ("C3", 1) == (city.one().detector, city.one().evidence[0].refusal)


def test_stands_down_on_imports_but_for_life_after_the_end():
    city = City()
    city.say("use/consume", "ext:erp:77", items=[line(code(7), 5)])
    city.made(DRUM)
    city.say("dispose/empty", MAKER, items=[line(DRUM)])
    city.pass_time(1)
    city.say("use/consume", "ext:erp:77", items=[line(DRUM, 5)])
    city.pass_time(100)
    assert ["C3"] == city.types()


# ---------------------------------------------------------------- C5


def test_raises_a_receipt_that_nobody_sold_after_the_watermark():
    city = City()
    city.made(DRUM, 40)
    city.pass_time()
    city.say("trade/buy", BUYER, items=[line(DRUM)], counterparty=MAKER)
    city.pass_time(23)
    assert [] == city.types()
    city.pass_time(2)
    assert ("C5", 3) == (city.one().detector, city.one().severity)
    assert "sale" in city.one().explanation_en
    assert "销售" in city.one().explanation_zh


def test_lets_a_late_sale_explain_a_receipt_and_withdraws_what_was_raised():
    for wait, fate in ((5, None), (30, "withdrawn")):
        city = City()
        city.made(DRUM, 40)
        city.pass_time()
        sold_at = city.now_us
        city.pass_time()
        city.say("trade/buy", BUYER, items=[line(DRUM)], counterparty=MAKER)
        city.pass_time(wait)
        city.say("trade/sell", MAKER, at_us=sold_at, items=[line(DRUM)], counterparty=BUYER)
        city.pass_time(40)
        assert [] == city.types()
        assert [fate] * (fate is not None) == [alert.status for alert in city.alerts.values()]


def test_waits_longer_for_a_party_whose_devices_were_away():
    city = City()
    city.say(
        "produce/make", MAKER, at_us=city.now_us - 60 * HOUR_US, items=[{"code": code(8), "quantity": kg(1)}]
    )
    city.made(DRUM, 40)
    city.pass_time()
    city.say("trade/buy", BUYER, items=[line(DRUM)], counterparty=MAKER)
    city.pass_time(59)
    assert [] == city.types()
    city.pass_time(2)
    assert ["C5"] == city.types()


def test_takes_the_same_receipt_said_again_for_a_retry():
    city = City()
    city.delivered(DRUM)
    city.say("trade/buy", BUYER, items=[line(DRUM)], counterparty=MAKER)
    city.pass_time(30)
    assert [] == city.types()


def test_lets_a_correction_drop_what_is_held():
    city = City()
    city.made(DRUM)
    city.pass_time()
    city.say("use/consume", STRANGER, items=[line(DRUM, 5)])
    wrong = city.events[-1]
    city.say("correct/done", STRANGER, event=wrong.event_id.hex(), reason="wrong drum scanned")
    city.pass_time(DAY_US // HOUR_US + 1)
    assert [] == city.types()
