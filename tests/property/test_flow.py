"""Laws of the detectors: the same input gives the same alerts, and the order of arrival decides nothing in the end."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from chemtrace.flow.alert import Alert, encode_alert
from chemtrace.flow.detectors import DETECTORS
from chemtrace.flow.engine import Engine
from chemtrace.flow.state import Watch
from tests.unit.flow.city import (
    BUYER,
    CARRIER,
    HOUR_US,
    MAKER,
    START_US,
    STRANGER,
    City,
    code,
    hand,
    kg,
    line,
    write,
)

CODES = [code(number) for number in range(1, 4)]
WHO = [MAKER, BUYER, CARRIER, STRANGER, "ext:erp:1"]
PLACES = [None, {"lat_e6": 39_900_000, "lon_e6": 116_400_000}, {"lat_e6": 40_900_000, "lon_e6": 116_400_000}]

units = st.sampled_from(["KGM", "KGM", "KGM", "KGM", "LTR", "MGM", "TNE", "H87"])


@st.composite
def sayings(draw: st.DrawFn) -> tuple[str, str, int, dict[str, Any]]:
    """One thing that somebody says about some minutes ago; much of it contradicts the rest."""
    what = draw(
        st.sampled_from(
            [
                "produce/make", "trade/sell", "trade/buy", "store/in", "transport/load", "transport/arrive",
                "use/consume", "dispose/empty", "inspect/done", "report/loss", "report/found",
            ]
        )
    )  # fmt: skip
    one, who, other = draw(st.sampled_from(CODES)), draw(st.sampled_from(WHO)), draw(st.sampled_from(WHO))
    amount = {"value": str(draw(st.sampled_from([5, 40, 60]))), "unit": draw(units)}
    fields: dict[str, Any] = {"items": [{"code": one, "quantity": amount}], "counterparty": other}
    if what.startswith(("produce", "use", "report", "inspect")):
        fields.pop("counterparty")
    if what == "inspect/done":
        fields["result"] = "note"
    place = draw(st.sampled_from(PLACES))
    if place is not None:
        fields["position"] = place
    return what, who, draw(st.sampled_from([0, 0, 0, 30, 600, 6000])), fields


def told(stream: list[Any], waits: list[int]) -> City:
    """A city in which all of it was said, with an epoch after each."""
    city = City()
    for (what, who, ago, fields), wait in zip(stream, waits, strict=True):
        city.say(what, who, at_us=max(START_US - 200 * HOUR_US, city.now_us - ago * HOUR_US // 60), **fields)
        city.pass_time(wait)
    return city


streams = st.lists(sayings(), min_size=1, max_size=25).flatmap(
    lambda stream: st.tuples(
        st.just(stream), st.lists(st.sampled_from([0, 1, 13, 80]), min_size=len(stream), max_size=len(stream))
    )
)


@given(streams)
@settings(max_examples=60)
def test_gives_identical_alerts_when_replayed_from_scratch_and_across_restarts(given_stream: Any):
    city = told(*given_stream)
    for restart_each in (False, True):
        alerts: dict[str, Alert] = {}
        watches: dict[str, Watch] = {}
        again = City()
        again.events, again.alerts, again.watches = city.events, alerts, watches
        again.engine = Engine(DETECTORS, lookup=again.entry)
        for step in city.fed:
            changes = hand(again.engine, step)
            if changes is not None:
                write(changes, alerts, watches)
                if restart_each:
                    again.restart()
        assert {name: encode_alert(a) for name, a in city.alerts.items()} == {
            name: encode_alert(a) for name, a in alerts.items()
        }
        assert city.watches == watches


@given(streams)
@settings(max_examples=60)
def test_keeps_its_books_in_order(given_stream: Any):
    city = told(*given_stream)
    state = city.engine.state
    for claim in state.claims.values():
        assert claim.name in state.by_key[claim.key]
        if claim.place == "live":
            assert claim.under in state.alerts
        if claim.place == "covered":
            assert claim.under in state.by_key, "what covers a claim stands itself"
    for alert in state.alerts.values():
        assert state.by_alert[alert.id]
        assert alert.status not in ("withdrawn", "dismissed")
        assert len(alert.evidence) <= 50
        assert alert.evidence
        assert alert.explanation_zh
        assert "{" not in alert.explanation_zh + alert.explanation_en


HISTORY = [
    # minutes after the start, what, who, fields: an honest life of three drums, 48 kg a day
    step
    for number, one in enumerate(CODES)
    for step in (
        (number * 7 + 0, "produce/make", MAKER, {"items": [{"code": one, "quantity": kg(16)}]}),
        (number * 7 + 60, "trade/sell", MAKER, {"items": [line(one)], "counterparty": BUYER}),
        (number * 7 + 120, "transport/load", MAKER, {"items": [line(one, 16)], "counterparty": BUYER}),
        (number * 7 + 240, "transport/arrive", BUYER, {"items": [line(one, 16)]}),
        (number * 7 + 250, "trade/buy", BUYER, {"items": [line(one)], "counterparty": MAKER}),
        (number * 7 + 300, "store/in", BUYER, {"items": [line(one)]}),
        (number * 7 + 400, "use/consume", BUYER, {"items": [{"code": one, "quantity": kg(6)}]}),
        (number * 7 + 500, "use/consume", BUYER, {"items": [{"code": one, "quantity": kg(10)}]}),
    )
]


@given(st.randoms(use_true_random=False), st.booleans())
@settings(max_examples=60)
def test_raises_nothing_about_an_honest_life_however_its_parties_arrive_within_the_watermark(
    random: Any, interleave: bool
):
    """Each device sends its own in order, and the network decides who comes first: also before the production."""
    city = City()
    city.now_us = START_US + 600 * 60_000_000
    queues = {who: [step for step in HISTORY if step[2] == who] for who in (MAKER, BUYER)}
    while any(queues.values()):
        who = random.choice([who for who, queue in queues.items() if queue])
        for _ in range(1 if interleave else len(queues[who])):
            arrive(city, queues[who].pop(0))
        city.pass_time(0.25)
    for _ in range(20):
        city.pass_time(12)
    assert [] == [(alert.detector, alert.explanation_en) for alert in city.alerts.values()]


@given(
    st.lists(
        st.sampled_from(["transport/arrive", "trade/buy", "store/in", "use/consume", "count/done"]),
        min_size=1,
    ),
    st.integers(0, 71),
)
@settings(max_examples=60)
def test_never_calls_a_code_unknown_whose_production_comes_within_the_wait(whats: list[str], hours: int):
    """Whatever others did with the item before: its producer's word is admitted, and proves it."""
    city, one = City(), CODES[0]
    made_at_us = city.now_us
    city.pass_time(1)
    for what in whats:
        fields: dict[str, Any] = {"items": [line(one, 1)]}
        if what == "trade/buy":
            fields["counterparty"] = MAKER
        assert city.say(what, BUYER, **fields) is not None
    city.pass_time(hours)
    amount = {"items": [{"code": one, "quantity": kg(40)}]}
    assert city.say("produce/make", MAKER, at_us=made_at_us, **amount) is not None
    assert city.state(one).proven
    for _ in range(10):
        city.pass_time(12)
    assert "C1" not in {alert.detector for alert in city.alerts.values()}


def arrive(city: City, step: tuple[int, str, str, dict[str, Any]]) -> None:
    """One step of the history reaches the ledger now."""
    minutes, what, who, fields = step
    city.say(what, who, at_us=START_US + minutes * 60_000_000, **fields)
