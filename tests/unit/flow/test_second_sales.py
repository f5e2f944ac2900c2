"""C4: one item offered to two buyers."""

from __future__ import annotations

import pytest

from tests.unit.flow.city import BUYER, DISPOSER, HOUR_US, MAKER, MINUTE_US, STRANGER, City, code, line

DRUM = code(1)


def offered(*, hours: float = 1) -> City:
    """A drum that its maker has offered to the buyer some hours ago."""
    city = City()
    city.made(DRUM)
    city.say("trade/sell", MAKER, items=[line(DRUM)], counterparty=BUYER)
    city.pass_time(hours)
    return city


def sell_again(city: City, to: str = STRANGER, *, exception: bool = False) -> bool:
    """Whether the second sale is admitted; an hour passes."""
    said = city.say("trade/sell", MAKER, items=[line(DRUM)], counterparty=to, exception=exception)
    city.pass_time()
    return said is not None


def test_raises_a_refused_second_sale_with_all_three_parties():
    city = offered()
    assert not sell_again(city)
    alert = city.one()
    assert ("C4", 2, (MAKER, BUYER, STRANGER)) == (alert.detector, alert.severity, alert.parties)
    assert (STRANGER, BUYER, MAKER) == (alert.observed, alert.threshold, alert.enterprise)
    assert [("second-sale", 1)] == [(one.role, one.refusal) for one in alert.evidence]


def test_raises_a_second_sale_admitted_as_an_exception_with_both_sales_as_evidence():
    city = offered()
    assert sell_again(city, exception=True)
    alert = city.one()
    assert ("C4", 2, (MAKER, BUYER, STRANGER)) == (alert.detector, alert.severity, alert.parties)
    assert (STRANGER, BUYER) == (alert.observed, alert.threshold)
    assert [("second-sale", 2), ("recorded", 1)] == [(one.role, one.index) for one in alert.evidence]
    assert all(one.leaf for one in alert.evidence)


def test_names_the_drum_that_was_offered_and_no_other_of_the_same_sale():
    city = offered()
    other = city.made(code(2))
    city.say("trade/sell", MAKER, items=[line(DRUM), line(other)], counterparty=STRANGER, exception=True)
    city.pass_time()
    assert (DRUM,) == city.one().codes


def test_takes_every_further_buyer_for_the_same_incident():
    city = offered()
    sell_again(city)
    sell_again(city, DISPOSER)
    assert 2 == city.one().evidence_count


def test_takes_the_same_offer_said_again_for_a_repetition():
    city = offered()
    assert sell_again(city, BUYER)
    assert [] == city.types()


@pytest.mark.parametrize(("late_us", "expected"), [(0, "withdrawn"), (MINUTE_US, "open")])
def test_lets_the_seller_correct_the_first_sale_within_a_day_of_the_second(late_us: int, expected: str):
    city = offered()
    wrong = city.events[-1]
    sell_again(city)
    raised = city.one()
    city.say(
        "correct/done",
        MAKER,
        at_us=raised.evidence_us + 24 * HOUR_US + late_us,
        event=wrong.event_id.hex(),
        reason="wrong buyer",
    )
    city.pass_time()
    assert expected == city.alerts[raised.id].status


def test_a_correction_of_anything_else_explains_no_second_sale():
    city = offered()
    made = city.events[0]
    sell_again(city)
    city.say("inspect/done", MAKER, items=[line(DRUM)], result="note")
    city.say("correct/done", MAKER, event=city.events[-1].event_id.hex(), reason="mistake")
    city.pass_time()
    assert made.index == 0
    assert ["C4"] == city.types()
