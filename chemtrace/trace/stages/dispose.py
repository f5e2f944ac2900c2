"""dispose/hand_over, done and empty: the end of an item's life, or its way there."""

from __future__ import annotations

from chemtrace.trace.custody import contradiction, found_by, is_offered_elsewhere, standing
from chemtrace.trace.event import ItemEvent
from chemtrace.trace.finding import find_item
from chemtrace.trace.stages.use import place_findings, residue
from chemtrace.trace.state import ZERO, ItemState
from chemtrace.trace.step import Changes, Facts, Move, note


def hand_over(state: ItemState, event: ItemEvent, facts: Facts) -> Move:
    """The holder gives an item to a disposer: an offer, completed by the disposer's receipt or disposal.

    Found: item.unknown, closed, missing, void, packed, not-received, not-holder, double-sale.
    """
    stands = standing(state, event)
    offer = None if event.counterparty is None else (event.actor, event.counterparty)
    changes: Changes = {"offer": offer}
    if stands == "unborn":
        return note("item.unknown", event, state, found_by(event, facts) | changes)
    if state.parent is not None:
        return note("item.packed", event, state, changes)
    if stands != "own":
        return contradiction(state, event, stands)
    if state.status == "in_transit":
        return note("item.not-received", event, state)
    if offer is not None and state.offer is not None and is_offered_elsewhere(state, offer[1]):
        return note("item.double-sale", event, state, changes, expected=state.offer[1], found=offer[1])
    return Move(changes)


def end(state: ItemState, event: ItemEvent, facts: Facts) -> Move:
    """The item is destroyed, treated or scrapped: closed for ever.

    By its holder, or by whom it was handed to. Found: item.unknown, closed, missing, void, packed, not-received,
    not-holder, unaccounted (a stated amount that is not what the book holds).
    """
    stands = standing(state, event)
    if stands == "unborn":
        changes = found_by(event, facts, status="closed") | {"closed_index": event.index}
        return note("item.unknown", event, state, changes)
    if stands in ("closed", "missing", "void"):
        return contradiction(state, event, stands)
    book, found = residue(state, event, facts)
    changes = _closed(state, event, book)
    if state.parent is not None:
        return Move({**changes, "holder": event.actor}, (find_item("item.packed", event, state), *found))
    if stands == "expected" and state.status != "in_transit" and event.phase == "done":
        return Move({**changes, "holder": event.actor, "site": event.site}, found)
    return place_findings(state, event, changes, found)


def _closed(state: ItemState, event: ItemEvent, book: Changes) -> Changes:
    filled = book.get("filled", state.filled)
    return {
        "status": "closed",
        "quantity": ZERO,
        "filled": filled,
        "drawn": filled if state.proven else state.drawn,
        "parent": None,
        "offer": None,
        "claims": (),
        "stored_unit": None,
        "closed_index": event.index,
    }
