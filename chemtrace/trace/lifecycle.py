"""The life of one item: a pure step, total over every status and every kind and phase.

The table that this machine must equal, cell by cell, is docs/reference/lifecycle.md.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from msgspec.structs import replace

from chemtrace.core.errors import HeaderError
from chemtrace.trace.custody import standing
from chemtrace.trace.event import ItemEvent
from chemtrace.trace.finding import Finding
from chemtrace.trace.maker import explain_finders, give_back, is_makers_word
from chemtrace.trace.movement import impossible_move
from chemtrace.trace.stages import (
    contain,
    dispose,
    produce,
    report,
    store,
    trade,
    transform,
    transport,
    use,
    watch,
)
from chemtrace.trace.state import MOST_FORMER, ItemState
from chemtrace.trace.step import Facts, Move, Step

Stage: TypeAlias = Callable[[ItemState, ItemEvent, Facts], Move]


def _no_move(state: ItemState, event: ItemEvent, facts: Facts) -> Move:
    """A correction changes nothing by itself: the history is folded again without the event it names."""
    del state, event, facts
    return Move({})


STAGES: Final[dict[tuple[str, str], Stage]] = {
    ("produce", "make"): produce.produce,
    ("produce", "fill"): produce.produce,
    ("produce", "repack"): produce.produce,
    ("trade", "sell"): trade.sell,
    ("trade", "buy"): trade.buy,
    ("store", "in"): store.store,
    ("store", "out"): store.store,
    ("store", "opening"): produce.open_balance,
    ("transport", "load"): transport.load,
    ("transport", "arrive"): transport.arrive,
    ("use", "consume"): use.consume,
    ("use", "return"): use.return_empty,
    ("dispose", "hand_over"): dispose.hand_over,
    ("dispose", "done"): dispose.end,
    ("dispose", "empty"): dispose.end,
    ("pack", "done"): contain.pack,
    ("unpack", "done"): contain.unpack,
    ("transform", "done"): transform.transform,
    ("inspect", "done"): watch.inspect,
    ("count", "done"): watch.count,
    ("report", "loss"): report.lose,
    ("report", "theft"): report.lose,
    ("report", "spill"): report.spill,
    ("report", "found"): report.find_again,
    ("report", "reprint"): report.reprint,
    ("report", "void"): report.void,
    ("correct", "done"): _no_move,
}
"""The stage of every kind and phase of item events."""

IN_HAND: Final = frozenset(
    {
        ("produce", "make"), ("produce", "fill"), ("produce", "repack"), ("trade", "sell"), ("transport", "load"),
        ("pack", "done"), ("unpack", "done"), ("transform", "done"), ("store", "opening"),
    }
)  # fmt: skip
"""What the submitter still has in its hands and can do right instead: these are refused, all else is found."""

ELSEWHERE: Final = frozenset(
    {
        ("trade", "sell"), ("trade", "buy"), ("report", "loss"), ("report", "theft"), ("report", "void"),
        ("report", "reprint"), ("correct", "done"),
    }
)  # fmt: skip
"""Events that do not put the item before the actor's eyes: their place says nothing about the item's."""


def advance(state: ItemState, event: ItemEvent, facts: Facts) -> Step:
    """Fold one event into one item.

    With a refusal, the state is what the event brings about under stance `exception`.

    Raises:
        HeaderError: no kind and phase of item events.
        FormError: a quantity in a unit of another dimension than the item's (`UnitError`), or too fine for its unit.
    """
    pair = (event.kind, event.phase)
    stage = STAGES.get(pair)
    if stage is None:
        raise HeaderError(f"{event.kind}/{event.phase} is no item event", kind=event.kind, phase=event.phase)
    before, move = state, None
    found: tuple[Finding, ...] = ()
    if state.made is not None and is_makers_word(state, event, facts):
        move = explain_finders(state, event, facts)
        if move is None:
            state, found = give_back(state, event)
    move = move or stage(state, event, facts)
    findings = (*found, *move.findings) if found else move.findings
    changes: dict[str, Any] = move.changes
    if event.position is not None and pair not in ELSEWHERE:
        jumped = impossible_move(state, event)
        if jumped is not None:
            findings = (*findings, jumped)
        changes["seen"] = (event.at_us, event.position[0], event.position[1], event.index)
    if before.holder is not None and changes.get("holder", state.holder) != before.holder:
        _remember_holder(before, changes, astray=bool(move.findings) and _is_taken(before, event))
    after = replace(
        state,
        last_index=max(state.last_index, event.index),
        last_event_id=event.event_id if event.index > state.last_index else state.last_event_id,
        effective_us=max(state.effective_us, event.effective_us),
        **changes,
    )
    return Step(after, findings, move.refusal, move.resolved)


def _is_taken(state: ItemState, event: ItemEvent) -> bool:
    """Whether an item that nobody has produced yet came to another with nobody having given it."""
    return not state.proven and standing(state, event) != "expected"


def _remember_holder(state: ItemState, changes: dict[str, Any], *, astray: bool) -> None:
    """The holders from each of whom the item came to the next; nobody, where it was found or taken."""
    if astray:
        changes["former"] = ()
        return
    others = [party for party in state.former if party != state.holder]
    changes["former"] = (*others, state.holder)[-MOST_FORMER:]
