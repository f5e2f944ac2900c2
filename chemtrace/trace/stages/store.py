"""store/in and store/out: an item enters or leaves a storage unit; custody stays where it is."""

from __future__ import annotations

from chemtrace.core.events.items import Store
from chemtrace.trace.custody import contradiction, found_by, standing
from chemtrace.trace.event import ItemEvent
from chemtrace.trace.state import ItemState
from chemtrace.trace.step import Changes, Facts, Move, note


def store(state: ItemState, event: ItemEvent, facts: Facts) -> Move:
    """The holder, or a warehouse that names the holder as owner, moves an item in or out of store.

    It has happened: item.unknown, closed, missing, void, packed, not-received and not-holder are found.
    """
    stands = standing(state, event)
    changes = _placed(event)
    if stands == "unborn":
        return note("item.unknown", event, state, found_by(event, facts) | changes)
    if state.parent is not None:
        return note("item.packed", event, state)
    if state.status == "in_transit":
        return Move({}) if stands == "own" else contradiction(state, event, stands)
    deposited = stands == "stranger" and event.counterparty is not None and event.counterparty == state.holder
    if stands != "own" and not deposited:
        return contradiction(state, event, stands)
    return Move(changes)


def _placed(event: ItemEvent) -> Changes:
    payload = event.payload
    if event.phase == "out" or not isinstance(payload, Store):
        return {"stored_unit": None}
    changes: Changes = {"stored_unit": payload.unit}
    if event.site is not None:
        changes["site"] = event.site
    return changes
