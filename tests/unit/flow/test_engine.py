"""The fold itself: state in rows, restart, handling, reopening, changes for one transaction."""

from __future__ import annotations

from chemtrace.core.canonical import parse_canonical
from chemtrace.flow.alert import Alert, encode_alert, parse_alert
from chemtrace.flow.detectors import DETECTORS
from chemtrace.flow.engine import Engine
from chemtrace.flow.state import Watch, parse_state
from tests.unit.flow.city import BUYER, MAKER, STRANGER, City, code, hand, kg, line, write

DRUM = code(1)


def troubled() -> City:
    """A city in which something of everything is under way."""
    city = City()
    city.made(DRUM, 40)
    for number in range(3):
        city.say("use/consume", BUYER, items=[line(code(50 + number), 5)])
    city.say("use/consume", STRANGER, items=[line(DRUM, 5)])
    city.say("trade/sell", MAKER, items=[line(DRUM)], counterparty=BUYER)
    city.say("trade/sell", MAKER, items=[line(DRUM)], counterparty=STRANGER)
    city.say("transport/load", MAKER, items=[line(DRUM, 40)], counterparty=BUYER)
    city.pass_time(1)
    return city


def test_keeps_all_it_remembers_in_canonical_rows():
    city = troubled()
    city.pass_time(30)
    for watch in city.watches.values():
        parse_canonical(watch.doc, 1 << 20)
    for alert in city.alerts.values():
        parse_canonical(encode_alert(alert), 1 << 20)
        assert alert == parse_alert(encode_alert(alert))
    assert city.engine.state.watches() == tuple(sorted(city.watches.values(), key=lambda row: row.key))
    again = parse_state(city.alerts.values(), city.watches.values())
    assert again.watches() == city.engine.state.watches()
    assert again.alerts == city.engine.state.alerts


def test_goes_on_after_a_restart_as_if_nothing_had_happened():
    straight, stopped = troubled(), troubled()
    for _ in range(12):
        straight.pass_time(12)
        stopped.pass_time(12)
        stopped.restart()
    assert straight.alerts == stopped.alerts
    assert straight.watches == stopped.watches


def test_gives_the_same_alerts_when_everything_is_replayed():
    city = troubled()
    for _ in range(12):
        city.pass_time(12)
    alerts: dict[str, Alert] = {}
    watches: dict[str, Watch] = {}
    engine = Engine(DETECTORS, lookup=city.entry)
    for step in city.fed:
        changes = hand(engine, step)
        if changes is not None:
            write(changes, alerts, watches)
    assert city.alerts
    assert [encode_alert(alert) for alert in city.alerts.values()] == [
        encode_alert(alert) for alert in alerts.values()
    ]
    assert city.watches == watches


def test_reports_each_alert_in_one_list_of_changes():
    city = troubled()
    for _ in range(10):
        changes = city.pass_time(12)
        lists = (changes.raised, changes.updated, changes.withdrawn, changes.handled)
        names = [alert.id for alerts in lists for alert in alerts]
        assert sorted(set(names)) == sorted(names)
        assert not set(changes.released) & {watch.key for watch in changes.held}


def test_lets_a_person_handle_an_alert_and_keeps_every_step():
    city = City()
    city.say("use/consume", BUYER, items=[line(DRUM, 5)])
    city.pass_time(73)
    for phase in ("acknowledge", "assign", "explain"):
        city.decide(city.one(), phase)
        city.pass_time()
    assert ("explained", ["acknowledged", "assigned", "explained"]) == (
        city.one().status,
        [step.status for step in city.one().steps],
    )
    city.say("use/consume", BUYER, items=[line(DRUM, 5)])
    city.made(code(2))
    city.decide(city.one(), "confirm")
    city.pass_time()
    assert "confirmed" == city.one().status


def test_opens_an_explained_alert_again_on_new_evidence():
    city = City()
    city.made(DRUM, 40)
    city.say("dispose/empty", MAKER, items=[line(DRUM)])
    city.pass_time()
    city.say("store/in", STRANGER, items=[line(DRUM)])
    city.pass_time()
    city.decide(city.one(), "explain")
    city.say("store/in", STRANGER, items=[line(DRUM)])
    city.pass_time()
    assert ("open", 2 + 1) == (city.one().status, city.one().evidence_count)


def test_raises_a_new_alert_after_a_dismissal_and_lets_the_dismissed_one_rest():
    city = City()
    city.made(DRUM, 40)
    city.say("dispose/empty", MAKER, items=[line(DRUM)])
    city.pass_time()
    city.say("store/in", STRANGER, items=[line(DRUM)])
    city.pass_time()
    first = city.one()
    city.decide(first, "dismiss")
    city.pass_time()
    assert [] == city.types()
    city.say("store/in", STRANGER, items=[line(DRUM)])
    city.pass_time()
    assert first.id != city.one().id
    assert "dismissed" == city.alerts[first.id].status


def test_keeps_what_a_person_confirmed_when_it_is_explained_later():
    city = City()
    made_at = city.now_us
    city.pass_time()
    city.say("use/consume", BUYER, items=[line(DRUM, 5)])
    city.pass_time(73)
    alert = city.one()
    city.decide(alert, "confirm")
    city.pass_time()
    city.say("produce/make", MAKER, at_us=made_at, items=[{"code": DRUM, "quantity": kg(40)}])
    city.pass_time()
    assert "confirmed" == city.alerts[alert.id].status
    assert "confirmed" == city.alerts[alert.id].steps[-1].status


def test_does_not_let_the_accused_silence_a_raised_clone_by_a_correction():
    city = City()
    city.made(DRUM, 40)
    city.pass_time()
    used = city.say("use/consume", STRANGER, items=[line(DRUM, 5)])
    assert used is not None
    city.pass_time(25)
    city.say("correct/done", STRANGER, event=used.event_id.hex(), reason="never happened")
    city.pass_time()
    assert ["C2"] == city.types()


def test_makes_one_alert_of_one_event_about_many_codes():
    city = City()
    city.say("store/in", BUYER, items=[line(code(number)) for number in range(100, 180)])
    city.pass_time(73)
    assert (80, 1) == (len(city.one().codes), city.one().evidence_count)
    assert "80" in city.one().explanation_zh


def test_forgets_what_it_need_not_know():
    city = troubled()
    for _ in range(30):
        city.pass_time(24 * 5)
    assert not [key for key in city.watches if key.startswith("memo|")]
