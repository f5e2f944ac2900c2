"""The state of an item as a pure fold over its own events: by effective time, ties by index; and its revision."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, TypeAlias

import msgspec
from msgspec.structs import replace

from chemtrace.core.errors import FormError
from chemtrace.core.events.items import Correct
from chemtrace.core.quantity import Quantity
from chemtrace.trace.custody import WITHOUT_RIGHT, is_handed_over
from chemtrace.trace.event import ItemEvent
from chemtrace.trace.finding import Finding, Refusal, find_item
from chemtrace.trace.lifecycle import IN_HAND, advance
from chemtrace.trace.maker import IN_ITS_HANDS
from chemtrace.trace.state import ItemState, unborn
from chemtrace.trace.step import Facts, Resolved, Role
from chemtrace.trace.view import ItemsView, Past
from chemtrace.trace.waybill import WaybillState

WaybillLookup: TypeAlias = Callable[[str], WaybillState | None]
"""Parties of a waybill by number: they never change once scheduled, so old events may be folded with them."""

PartyCheck: TypeAlias = Callable[[str], bool]


LOOKS: Final = frozenset({("inspect", "done"), ("report", "found")})
"""What anybody may say of any item without a contradiction: nobody's correction waits for it."""


class Folded(msgspec.Struct, frozen=True):
    """An item after its events, with what each of them broke: findings and refusals (of exceptions) by index.

    `unproven` are the events before which no production stood behind the item; `received` those by which who expected
    it came to hold it: its seller or shipper had given it. `holders`: who held it after each event.
    """

    state: ItemState
    findings: dict[int, tuple[Finding, ...]]
    refusals: dict[int, Refusal]
    unproven: frozenset[int] = frozenset()
    received: frozenset[int] = frozenset()
    holders: dict[int, str | None] = {}


class Revision(msgspec.Struct, frozen=True):
    """What a late event or a correction does to one item."""

    state: ItemState
    findings: tuple[Finding, ...] = ()
    refusal: Refusal | None = None
    resolved: tuple[Resolved, ...] = ()
    effect: bool = True


def part_of(event: ItemEvent, code: str) -> tuple[Role, Quantity | None]:
    """The part that `code` plays in an event, and the quantity stated for it."""
    if code == event.container:
        return "container", None
    for named, quantity in event.lines:
        if named == code:
            return "line", quantity
    for named, drawn in event.inputs:
        if named == code:
            return "input", drawn
    return "line", None


def past_facts(event: ItemEvent, code: str, *, waybill: WaybillLookup, is_authority: PartyCheck) -> Facts:
    """What a step of an admitted event needs; issue and chemical were decided when it was admitted."""
    role, quantity = part_of(event, code)
    number = event.waybill
    return Facts(
        role=role,
        quantity=quantity,
        waybill=None if number is None else waybill(number),
        privileged=is_authority(event.actor),
    )


def standing_events(events: Iterable[ItemEvent]) -> list[ItemEvent]:
    """The events that count, in effective order: those that no standing correction names.

    A correction can itself be corrected; as it can only name what came before it, the newest decides first.
    """
    chosen = list(events)
    cancelled: set[bytes] = set()
    for event in sorted(chosen, key=lambda e: -e.index):
        if event.kind == "correct" and event.event_id not in cancelled and isinstance(event.payload, Correct):
            cancelled.add(bytes.fromhex(event.payload.event))
    standing = [event for event in chosen if event.event_id not in cancelled]
    standing.sort(key=lambda e: (e.effective_us, e.index))
    return standing


def fold(
    code: str,
    events: Iterable[ItemEvent],
    *,
    waybill: WaybillLookup,
    is_authority: PartyCheck,
    newest: tuple[int, Facts] | None = None,
) -> Folded:
    """Fold the events of one item that have effect; the order given does not matter.

    `newest` is the index of an event that is being judged, with what was asked for it; the others were judged before.

    As of an index or a time: give only the events up to it. What a past event was refused for under stance
    `exception` stands as a critical finding.

    Raises:
        FormError: amounts of two dimensions; cannot happen with admitted events that have effect.
    """
    state = unborn(code)
    findings: dict[int, tuple[Finding, ...]] = {}
    refusals: dict[int, Refusal] = {}
    unproven: set[int] = set()
    received: set[int] = set()
    holders: dict[int, str | None] = {}
    for event in standing_events(events):
        if newest is not None and event.index == newest[0]:
            facts = newest[1]
        else:
            facts = past_facts(event, code, waybill=waybill, is_authority=is_authority)
        if not state.proven:
            unproven.add(event.index)
        try:
            step = advance(state, event, facts)
        except FormError:
            if not (state.proven and event.index < state.born_index):
                raise
            # Who found the item measured it otherwise, or more finely, than its maker: nobody had said yet.
            findings[event.index] = (_incomparable(event, facts, state),)
            continue
        if state.proven and is_handed_over(state, step.state, event):
            received.add(event.index)
        state = step.state
        holders[event.index] = state.holder
        told = step.findings
        if step.refusal is not None:
            refusals[event.index] = step.refusal
            told = (step.refusal.excepted(), *told)
        findings[event.index] = told
        for index, _, rule in step.resolved:
            findings[index] = tuple([f for f in findings.get(index, ()) if f.rule != rule])
    return Folded(state, findings, refusals, frozenset(unproven), frozenset(received), holders)


def revise_late(event: ItemEvent, facts: Facts, state: ItemState, view: ItemsView) -> Revision:
    """Put a late event in its effective place; without effect where it would contradict what others did in order.

    A kind that the submitter can still do right is refused instead (late.superseded). A production is never too late
    for an item that others only found: whatever they did with it rested on its beginning, which is told now.
    """
    past = _with_effect(view.history(state.code))
    try:
        old = _fold(state.code, past, view)
        new = _fold(state.code, [*past, event], view, (event.index, facts))
    except FormError:
        return _superseded("late.superseded", event, state, (event, "quantity.unit"), ())
    refusal = new.refusals.get(event.index)
    own = tuple([f for f in new.findings[event.index] if refusal is None or f.rule != refusal.rule])
    proves = new.state.proven and not old.state.proven
    bound = [other for other in past if other.index not in old.unproven] if proves else past
    broken = _first_of_others(event.actor, old, new, bound) or _foundling(event, old, new, past)
    if broken is not None:
        return _superseded("late.superseded", event, state, broken, own)
    fresh = _fresh(old, new, except_index=event.index)
    return Revision(_head(new.state, event), (*own, *fresh), refusal, resolved_between(state.code, old, new))


def revise_corrected(event: ItemEvent, target: ItemEvent, state: ItemState, view: ItemsView) -> Revision:
    """Fold again without the event that a correction names; without effect where that would undo others' work."""
    past = _with_effect(view.history(state.code))
    try:
        old, new = _fold(state.code, past, view), _fold(state.code, [*past, event], view)
    except FormError:
        return _superseded("correct.superseded", event, state, (target, "quantity.unit"), ())
    broken = _first_of_others(target.actor, old, new, past) or _unspoken(target, old, new, past)
    if broken is not None:
        return _superseded("correct.superseded", event, state, broken, ())
    fresh = _fresh(old, new, except_index=event.index)
    return Revision(_head(new.state, event), fresh, None, resolved_between(state.code, old, new))


def without_effect(state: ItemState, event: ItemEvent) -> ItemState:
    """The item after an event that only becomes its head."""
    return _head(state, event)


def _head(state: ItemState, event: ItemEvent) -> ItemState:
    return replace(state, last_index=event.index, last_event_id=event.event_id)


def _with_effect(history: Iterable[Past]) -> list[ItemEvent]:
    return [past.event for past in history if past.effect]


def _fold(
    code: str, events: Iterable[ItemEvent], view: ItemsView, newest: tuple[int, Facts] | None = None
) -> Folded:
    return fold(code, events, waybill=view.waybill, is_authority=view.is_authority, newest=newest)


def _keys(folded: Folded) -> dict[tuple[int, str], Finding]:
    return {(index, found.rule): found for index, all_ in folded.findings.items() for found in all_}


def _fresh(old: Folded, new: Folded, *, except_index: int) -> tuple[Finding, ...]:
    """Findings on older events that the revision brings up; they are the reviser's own."""
    known = _keys(old)
    return tuple([f for key, f in _keys(new).items() if key not in known and key[0] != except_index])


def resolved_between(code: str, old: Folded, new: Folded) -> tuple[Resolved, ...]:
    """What an item was found to break in the old fold and no longer in the new one, by index and rule."""
    left = _keys(new)
    return tuple(sorted((index, code, rule) for index, rule in _keys(old) if (index, rule) not in left))


def _first_of_others(
    actor: str, old: Folded, new: Folded, past: list[ItemEvent]
) -> tuple[ItemEvent, str] | None:
    """The first event of somebody else that was its right and now would not be, and the rule.

    One that contradicted the record already may change its contradiction: that explains, it does not undo. Neither is
    undone what anybody may say who only looks. But what was handed over stays with who received it, whatever else was
    found about the receipt.
    """
    by_index = {event.index: event for event in past}
    for index, rule in sorted(_keys(new)):
        other = by_index.get(index)
        if other is None or other.actor == actor or (other.kind, other.phase) in LOOKS:
            continue
        if rule not in _rules(old, index) and _is_right(old, index):
            return other, rule
    for index in sorted(old.received):
        receiver = by_index[index].actor
        if receiver not in (actor, new.holders.get(index)):
            return by_index[index], "item.not-holder"
    return None


def _rules(folded: Folded, index: int) -> frozenset[str]:
    return frozenset([found.rule for found in folded.findings.get(index, ())])


def _is_right(folded: Folded, index: int) -> bool:
    """Whether nothing that an event was found to break says that its actor should not have had the item."""
    return _rules(folded, index).isdisjoint(WITHOUT_RIGHT)


def _foundling(
    event: ItemEvent, old: Folded, new: Folded, past: list[ItemEvent]
) -> tuple[ItemEvent, str] | None:
    """The production, where an event told late would take the item from who has it, from a time before it was made."""
    before_birth = old.state.proven and event.index in new.unproven
    if not before_birth:
        return None
    if (old.state.holder, old.state.status) == (new.state.holder, new.state.status):
        return None
    born = next((other for other in past if other.index == old.state.born_index), event)
    return born, "item.unknown"


def _incomparable(event: ItemEvent, facts: Facts, state: ItemState) -> Finding:
    stated = "" if facts.quantity is None else f"{facts.quantity.value:f} {facts.quantity.unit}"
    return find_item("item.over-use", event, state, expected=f"{state.filled:f} {state.unit}", found=stated)


def _unspoken(
    target: ItemEvent, old: Folded, new: Folded, past: list[ItemEvent]
) -> tuple[ItemEvent, str] | None:
    """What another rightly did with it since its maker said where it went: that word cannot be unsaid any more."""
    if old.state.made is not None or new.state.made is None:
        return None
    for other in past:
        had = other.actor != target.actor and (other.kind, other.phase) in IN_ITS_HANDS | {("trade", "buy")}
        if had and other.index > target.index and _is_right(old, other.index):
            return other, "item.reclaimed"
    return None


def _superseded(
    rule: str,
    event: ItemEvent,
    state: ItemState,
    against: tuple[ItemEvent, str],
    own: tuple[Finding, ...],
) -> Revision:
    other, broken = against
    said = f"{other.kind}/{other.phase}, {other.actor}, {broken}"
    told = find_item(rule, event, state, expected=other.index, found=said)
    after = _head(state, event)
    if (event.kind, event.phase) in IN_HAND:
        return Revision(after, own, Refusal(told), effect=False)
    return Revision(after, (told, *own), effect=False)
