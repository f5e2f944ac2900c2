"""D1 and D4: entries made long after the fact, and broken chains."""

from __future__ import annotations

import hashlib

import pytest

from chemtrace.flow.observation import Fault, RefusalSeen
from tests.unit.flow.city import HOUR_US, MAKER, City, code, kg

PHONE, OFFICE = "phone", "office"


def enter(city: City, number: int, *, hours_ago: int = 0, kid: str = PHONE) -> None:
    """An ordinary event that claims a time some hours ago."""
    city.say(
        "produce/make",
        MAKER,
        at_us=city.now_us - hours_ago * HOUR_US,
        kid=kid,
        items=[{"code": code(100 + number), "quantity": kg(1)}],
    )


@pytest.mark.parametrize(("hours", "expected"), [(72, []), (73, ["D1"])])
def test_raises_an_entry_over_72_hours_late_by_a_key_that_was_online(hours: int, expected: list[str]):
    city = City()
    for number in range(10):
        enter(city, number)
        city.pass_time(12)
    enter(city, 50, hours_ago=hours)
    city.pass_time()
    assert expected == city.types()


def test_excuses_a_key_that_was_away_and_its_whole_outbox():
    city = City()
    enter(city, 0)
    city.pass_time(100)
    for number in range(1, 6):
        enter(city, number, hours_ago=98 - number)
        city.pass_time(0.1)
    assert [] == city.types()
    city.pass_time(48)
    enter(city, 9, hours_ago=120)
    city.pass_time()
    assert ["D1"] == city.types()


def test_judges_each_key_by_itself():
    city = City()
    enter(city, 0, kid=PHONE)
    for number in range(1, 10):
        city.pass_time(12)
        enter(city, number, kid=OFFICE)
    enter(city, 50, hours_ago=80, kid=PHONE)
    city.pass_time()
    assert [] == city.types()


def test_makes_one_alert_of_a_days_backlog():
    city = City()
    for number in range(20):
        enter(city, number)
        city.pass_time(8)
    for number in range(30, 60):
        enter(city, number, hours_ago=90)
    city.pass_time()
    assert (30, 30) == (len(city.one().codes), city.one().evidence_count)


def gap(city: City, number: int, *, prev: str = "", subject: str = "x") -> RefusalSeen:
    """A refused statement whose predecessor nobody knows."""
    event_id = hashlib.sha256(f"gap {number}".encode()).digest()
    refusal = RefusalSeen(
        id=number,
        at_size=0,
        received_us=city.now_us,
        event_id=event_id,
        enterprise=MAKER,
        code="prev.unknown",
        kind="use",
        phase="consume",
        at_us=city.now_us,
        sides={"prev": prev or f"{number:064x}", "subject": subject},
        kid=PHONE,
    )
    city.feed(refusal)
    return refusal


def test_raises_three_statements_with_unknown_predecessors_when_nothing_repairs_them():
    city = City()
    gap(city, 1)
    gap(city, 2)
    city.pass_time(30)
    assert [] == city.types()
    gap(city, 3)
    city.pass_time(23)
    assert [] == city.types()
    city.pass_time(1)
    assert ("D4", 2, 3) == (city.one().detector, city.one().severity, city.one().evidence_count)


def test_counts_no_hole_behind_a_predecessor_that_was_refused_and_kept():
    city = City()
    first = gap(city, 1)
    for number in range(2, 8):
        first = gap(city, number, prev=first.event_id.hex())
    city.pass_time(30)
    assert [] == city.types()


def test_lets_a_key_repair_its_stream():
    city = City()
    for number in range(1, 4):
        gap(city, number, subject=code(100))
    enter(city, 0)
    city.pass_time(30)
    assert [] == city.types()


def test_raises_a_broken_record_at_once_and_once():
    city = City()
    fault = Fault(
        code="evidence.chain", index=17, detail="chain over the leaves differs", found_us=city.now_us
    )
    city.feed(fault)
    city.feed(fault)
    city.pass_time()
    assert ("D4", 1, 17) == (city.one().detector, city.one().severity, city.one().evidence[0].index)
    assert "evidence.chain" in city.one().explanation_zh
