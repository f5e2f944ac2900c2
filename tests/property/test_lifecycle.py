"""Laws of the item life cycle, on random histories, and agreement with a naive second implementation."""

from __future__ import annotations

import random
from decimal import Decimal
from fractions import Fraction
from typing import Any
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from chemtrace.core.errors import ChemtraceError, RuleError
from chemtrace.trace.fold import LOOKS, fold
from chemtrace.trace.judgement import Judgement
from chemtrace.trace.state import ItemState, decode_state, encode_state
from tests.oracle.naive_lifecycle import happen, new_drum
from tests.unit.trace.world import (
    AUTHORITY,
    BUYER,
    CARRIER,
    HOUR_US,
    MAKER,
    STRANGER,
    WAYBILL,
    World,
    code,
    kg,
    line,
)

DRUM = code(1)
PARTIES = (MAKER, BUYER, CARRIER, STRANGER)
party = st.sampled_from(PARTIES)
amount = st.sampled_from(["0.5", "10", "99.9", "100", "101", "150", "200"])

NAIVE_KINDS = (
    "produce/make", "trade/sell", "trade/buy", "transport/load", "transport/arrive", "use/consume", "store/in",
    "dispose/done", "report/loss", "report/found", "inspect/done",
)  # fmt: skip

said = st.tuples(st.sampled_from(NAIVE_KINDS), party, party, amount)


def fields_of(what: str, other: str, much: str) -> dict[str, Any]:
    """A payload of this kind about the drum."""
    if what in ("produce/make", "use/consume"):
        return {"items": [line(DRUM, much)]}
    if what in ("trade/sell", "trade/buy", "transport/load"):
        return {"items": [line(DRUM)], "counterparty": other}
    if what == "inspect/done":
        return {"items": [line(DRUM)], "result": "note"}
    return {"items": [line(DRUM)]}


@given(st.lists(said, max_size=25))
def test_agrees_with_the_naive_life_cycle(story):
    """Words of outsiders have their own laws in `test_outsiders`."""
    with patch("chemtrace.trace.judge.judge_outsider", return_value=None):
        agree(story)


def agree(story):
    world, drum = World(), new_drum()
    for what, who, other, much in story:
        expected = happen(drum, what, who, other, Fraction(much))
        try:
            judgement = world.do(what, who, **fields_of(what, other, much))
            told = [f.rule for f in judgement.findings if f.rule != "waybill.missing"]
        except RuleError as refused:
            told = [f"refused {refused.fields['rule_id']}"]
        state = world.state(DRUM)
        assert (expected or "", drum["status"], drum["holder"], drum["left"]) == (
            next(iter(told), ""),
            state.status,
            state.holder,
            Fraction(state.quantity),
        ), (what, who, other, much)


# --- laws over all kinds, several items and a container --------------------------------------------------

CODES = (code(1), code(2), code(3, kind="C"))
PALLETS = (code(8, kind="A", slot="000"), code(9, kind="A", slot="000"))
OWNERS = {CODES[0]: MAKER, CODES[1]: STRANGER, PALLETS[0]: MAKER}
"""To whom codes were issued; who uses the others may."""


@st.composite
def anything(draw: Any) -> tuple[str, str, dict[str, Any], int, bool]:
    """Any item event about a few items: kind, actor, payload, how many hours ago it happened, stance."""
    what = draw(
        st.sampled_from(
            [
                *(
                    "produce/make",
                    "produce/fill",
                    "produce/repack",
                    "transform/done",
                    "trade/sell",
                    "trade/buy",
                ),
                *(
                    "store/in",
                    "store/out",
                    "store/opening",
                    "transport/load",
                    "transport/arrive",
                    "use/consume",
                    "use/return",
                ),
                *(
                    "dispose/hand_over",
                    "dispose/done",
                    "dispose/empty",
                    "pack/done",
                    "unpack/done",
                    "count/done",
                ),
                *(
                    "inspect/done",
                    "report/loss",
                    "report/theft",
                    "report/spill",
                    "report/found",
                    "report/void",
                ),
            ]
        )
    )
    first, second = draw(st.permutations(CODES))[:2]
    fields: dict[str, Any] = {"items": [line(first, draw(st.none() | amount))]}
    if what in ("produce/make", "produce/fill", "use/consume", "store/opening"):
        fields["items"] = [line(first, draw(amount))]
    if what in ("produce/repack", "transform/done"):
        fields = {"inputs": [line(first, draw(amount))], "items": [line(second, draw(amount))]}
    if what in ("pack/done", "unpack/done"):
        inner = draw(st.sampled_from([first, PALLETS[1]]))
        fields = {"items": [line(inner)], "container": PALLETS[0]}
    if (what.split("/")[0] in ("trade", "transport", "store") and what != "store/opening") or what in (
        "use/return",
        "dispose/hand_over",
    ):
        fields["counterparty"] = draw(party)
    if what.startswith("transport") and draw(st.booleans()):
        fields["waybill"] = "W-1001"
    if what == "inspect/done":
        fields["result"] = "pass"
    if draw(st.booleans()):
        fields["position"] = {
            "lat_e6": draw(st.sampled_from([39_900_000, 40_900_000])),
            "lon_e6": 116_400_000,
        }
    ago = draw(st.sampled_from([0, 0, 0, 0, 1, 3, 9]))
    return what, draw(st.sampled_from((*PARTIES, AUTHORITY))), fields, ago, draw(st.integers(0, 9)) == 0


def live(
    story: list[tuple[str, str, dict[str, Any], int, bool]], *, corrections: tuple[int, ...] = ()
) -> World:
    """Judge a story event by event; what is refused is left out, corrections follow at the end."""
    world = World()
    world.owners = OWNERS
    world.do("waybill/scheduled", MAKER, **WAYBILL)
    for what, who, fields, ago, exception in story:
        world.now_us += HOUR_US
        submit(world, what, who, world.now_us - ago * HOUR_US, exception=exception, **fields)
    for choice in corrections:
        world.now_us += HOUR_US
        target = world.events[choice % len(world.events)]
        submit(world, "correct/done", target.actor, world.now_us, event=target.event_id.hex(), reason="wrong")
    return world


def submit(world: World, what: str, who: str, at_us: int, **fields: Any) -> bool:
    """Submit and check what must hold for each single event; False where it is refused."""
    before = dict(world.states)
    clean = clean_events(world)
    known = broken_rules(world)
    try:
        judgement = world.admit(world.build(what, who, at_us=at_us, late=at_us < world.now_us, **fields))
    except ChemtraceError as refused:
        code_of_refusal = refused.code
        left = world.states
    else:
        code_of_refusal, left = "", before
    assert before == left
    assert code_of_refusal in ("", "rule.refused", "event.not-found", "quantity.unit", "quantity.invalid")
    if code_of_refusal:
        return False
    event = world.events[-1]
    assert set(event.codes) == set(judgement.after) == set(judgement.before) == set(judgement.effect)
    broken = {f.index for f in judgement.findings} - {event.index}
    authors = {e.index: e.actor for e in world.events}
    mover = event.actor if event.kind != "correct" else authors[target_of(world)]
    explained = known - broken_rules(world)
    assert set(judgement.resolved) & known == explained, "what it explains is what the fold no longer finds"
    broken -= {event.index for event in world.events if (event.kind, event.phase) in LOOKS}
    ours = broken & clean - before_production(world, event.codes, judgement)
    assert all(authors[index] == mover for index in ours), "broke what others did without a finding"
    return True


def before_production(world: World, codes: tuple[str, ...], judgement: Judgement) -> set[int]:
    """Events about items that this one gives a production: they rested on a beginning that is told only now."""
    proved = [item for item in codes if judgement.after[item].proven and not judgement.before[item].proven]
    return {past.event.index for item in proved for past in world.history(item)}


def target_of(world: World) -> int:
    target = world.event(bytes.fromhex(world.events[-1].payload.event))
    return -1 if target is None else target.index


def clean_events(world: World) -> set[int]:
    """Indexes of events that no item's fold finds fault with."""
    return {event.index for event in world.events} - {index for index, _ in faults(world)}


def broken_rules(world: World) -> set[tuple[int, str, str]]:
    """What the folds of all items find: index, item and rule."""
    return {
        (index, item, each.rule)
        for item in world.states
        for index, found in refold(world, item).findings.items()
        for each in found
    }


def faults(world: World) -> set[tuple[int, str]]:
    """Index of each event that an item's fold finds fault with, and the item: one event may be about several."""
    return {
        (index, item)
        for item in world.states
        for index, found in refold(world, item).findings.items()
        if found
    }


def refold(world: World, item: str) -> Any:
    events = [past.event for past in world.history(item) if past.effect]
    return fold(item, events, waybill=world.waybill, is_authority=world.is_authority)


def essence(state: ItemState) -> dict[str, Any]:
    """A state without what only says which event was the last, and what arrived from outsiders."""
    hidden = ("last_index", "last_event_id", "effective_us", "outside")
    return {name: getattr(state, name) for name in state.__struct_fields__ if name not in hidden}


_MADE = [("produce/fill", MAKER, {"items": [line(each, 100)]}, 0, False) for each in CODES]
_SOLD = [("trade/sell", MAKER, {"items": [line(CODES[0])], "counterparty": BUYER}, 0, False)]
_GONE = [("transport/load", CARRIER, {"items": [line(CODES[0])], "waybill": "W-1001"}, 0, False)]
_IN_USE = [("transport/arrive", BUYER, {"items": [line(CODES[0], 100)], "waybill": "W-1001"}, 0, False)]
openings = st.sampled_from([[], _MADE, [*_MADE, *_SOLD], [*_MADE, *_SOLD, *_GONE, *_IN_USE]])
stories = st.builds(list.__add__, openings, st.lists(anything(), max_size=15))
picks = st.lists(st.integers(0, 99), max_size=3).map(tuple)


@given(stories, picks)
def test_keeps_every_item_with_one_holder_and_never_below_zero(story, corrections):
    world = live(story, corrections=corrections)
    for item in world.states:
        state = world.state(item)
        assert (state.holder is None) == (state.status in ("unborn", "void") and state.holder is None)
        assert state.status in ("unborn", "void") or state.holder is not None
        assert Decimal(0) <= state.quantity
        assert state.quantity == 0 or state.status not in ("unborn", "closed")
        assert state == decode_state(encode_state(state))


@given(stories, picks)
def test_state_is_the_fold_of_its_history_whatever_the_order_of_arrival(story, corrections):
    world = live(story, corrections=corrections)
    for item in world.states:
        events = [past.event for past in world.history(item) if past.effect]
        random.Random(7).shuffle(events)  # always the same shuffle
        again = fold(item, events, waybill=world.waybill, is_authority=world.is_authority)
        assert essence(again.state) == essence(world.state(item))


@given(stories)
def test_no_packed_item_is_in_itself(story):
    world = live(story)
    for item in world.states:
        path, state = {item}, world.state(item)
        while state.parent is not None:
            assert state.parent not in path
            path.add(state.parent)
            state = world.state(state.parent)


@given(stories)
def test_judging_twice_gives_the_same(story):
    first, second = live(story), live(story)
    assert first.states == second.states
    assert first.effects == second.effects


@given(stories, anything())
def test_a_correction_takes_its_event_back(story, last):
    world = live(story)
    before = {item: essence(world.state(item)) for item in world.states}
    what, who, fields, _, exception = last
    broken = faults(world)
    world.now_us += HOUR_US
    if not submit(world, what, who, world.now_us, exception=exception, **fields):
        return
    target = world.events[-1]
    explained = broken - faults(world)
    between = {item: essence(world.state(item)) for item in target.codes}
    judged = world.do("correct/done", who, event=target.event_id.hex(), reason="scanned the wrong drum")
    if explained and not all(judged.effect.values()):
        assert ["correct.superseded"] == sorted({f.rule for f in judged.findings})
        before |= between
    for item in target.codes:
        if item in before:
            assert before[item] == essence(world.state(item))
        else:
            assert "unborn" == world.state(item).status


@given(
    st.lists(amount, min_size=1, max_size=3),
    st.lists(amount, min_size=1, max_size=3),
    st.sampled_from(["1", "300"]),
)
def test_mass_never_grows_in_a_repacking_without_a_finding(inputs, outputs, extra):
    world = World()
    for number, much in enumerate(inputs):
        world.make(code(100 + number), much)
    judgement = world.do(
        "produce/repack",
        MAKER,
        inputs=[line(code(100 + n), much) for n, much in enumerate(inputs)],
        items=[{"code": code(200 + n), "quantity": kg(much)} for n, much in enumerate([*outputs, extra])],
    )
    put_in = sum(map(Fraction, inputs))
    taken_out = sum(map(Fraction, [*outputs, extra]))
    limit = put_in * (1 + (Fraction(149, 10000) if put_in <= 100 else Fraction(95, 10000)))
    assert (taken_out > limit) == ("transform.gain" in [f.rule for f in judgement.findings])
