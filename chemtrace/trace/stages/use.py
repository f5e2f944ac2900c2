"""use/consume, use/return and the inputs of repacking: the quantity of an item falls, never below zero."""

from __future__ import annotations

from decimal import Decimal

from chemtrace.trace.custody import contradiction, found_by, is_offered_elsewhere, standing, wants_holder
from chemtrace.trace.event import ItemEvent
from chemtrace.trace.exact import in_unit, tolerance
from chemtrace.trace.finding import Finding, find_item
from chemtrace.trace.state import ZERO, ItemState
from chemtrace.trace.step import Changes, Facts, Move, note, refuse


def consume(state: ItemState, event: ItemEvent, facts: Facts) -> Move:
    """Draw from an item that the actor has.

    It has happened, so these are found: item.unknown, closed, missing, void, packed, not-holder, not-received,
    over-use.
    """
    stands = standing(state, event)
    if stands == "own" and state.status == "held" and state.parent is None:
        return draw(state, event, facts)
    if stands == "unborn":
        drawn = ZERO if facts.quantity is None else facts.quantity.value
        return note("item.unknown", event, state, {**found_by(event, facts), "drawn": drawn})
    if stands in ("closed", "missing", "void"):
        return contradiction(state, event, stands)
    return _draw_oddly(state, event, facts)


def _draw_oddly(state: ItemState, event: ItemEvent, facts: Facts) -> Move:
    """Draw from an item that is spent, packed, under way, or not the actor's."""
    taken = draw(state, event, facts)
    if state.status == "spent" and taken.findings:
        return note("item.closed", event, state)
    return place_findings(state, event, taken.changes, taken.findings)


def draw_input(state: ItemState, event: ItemEvent, facts: Facts) -> Move:
    """Draw from an input of a repacking or transformation: only its holder may, from an item at hand.

    Refused: item.not-holder, packed, closed (also spent: nothing is in it), missing, void. An unknown code is found.
    """
    if state.status == "unborn":
        return consume(state, event, facts)
    refused = wants_holder(state, event)
    if refused is not None:
        return refused
    taken = draw(state, event, facts)
    if state.status == "spent" and taken.findings:
        return refuse("item.closed", event, state)
    return taken


def draw(state: ItemState, event: ItemEvent, facts: Facts) -> Move:
    """Take the stated amount out; more than was filled, scale tolerance included, is item.over-use.

    Of an unproven item nobody knows the fill: what was drawn is added up until a producer speaks.
    """
    if facts.quantity is None:
        return Move({})
    unit = state.unit or facts.quantity.unit
    drawn = state.drawn + in_unit(facts.quantity, unit)
    if not state.proven:
        left = state.quantity - (drawn - state.drawn)
        return Move({"drawn": drawn, "unit": unit, "quantity": max(ZERO, left)})
    left = state.filled - drawn
    if left > ZERO:
        return Move({"drawn": drawn, "quantity": left})
    changes: Changes = {"drawn": drawn, "quantity": ZERO}
    if state.status == "held":
        changes |= {"status": "spent", "closed_index": event.index}
    limit = state.filled + tolerance(state.filled, unit)
    if drawn <= limit:
        return Move(changes)
    expected = f"{limit:f} {unit}"
    stated = f"{drawn:f} {unit}"
    return Move(changes, (find_item("item.over-use", event, state, expected=expected, found=stated),))


def return_empty(state: ItemState, event: ItemEvent, facts: Facts) -> Move:
    """An emptied package goes back: spent, and offered to the counterparty if one is named."""
    stands = standing(state, event)
    if stands == "unborn":
        changes = {**found_by(event, facts, status="spent"), "emptied": True, "closed_index": event.index}
        return note("item.unknown", event, state, changes)
    if stands in ("closed", "missing", "void"):
        return contradiction(state, event, stands)
    changes, found = residue(state, event, facts)
    changes |= {"emptied": True, "closed_index": event.index}
    if state.status == "held":
        changes["status"] = "spent"
    if event.counterparty is not None and event.counterparty != event.actor:
        changes["offer"] = (event.actor, event.counterparty)
        if stands == "own" and is_offered_elsewhere(state, event.counterparty):
            expected = None if state.offer is None else state.offer[1]
            sold = find_item("item.double-sale", event, state, expected=expected, found=event.counterparty)
            found = (sold, *found)
    return place_findings(state, event, changes, found)


def residue(state: ItemState, event: ItemEvent, facts: Facts) -> tuple[Changes, tuple[Finding, ...]]:
    """Set the quantity to the residue stated; beyond scale tolerance of the book it is a finding.

    More left than the book says means more was drawn than filled elsewhere or the fill was misstated; less means
    that something went unrecorded. Without a stated residue the book stands.
    """
    if facts.quantity is None:
        return {}, ()
    unit = state.unit or facts.quantity.unit
    left = in_unit(facts.quantity, unit)
    if not state.proven:
        return {"quantity": left, "unit": unit}, ()
    found: tuple[Finding, ...] = ()
    if abs(state.quantity - left) > tolerance(state.filled, unit):
        expected = f"{state.quantity:f} {unit}"
        stated = f"{left:f} {unit}"
        found = (find_item("item.unaccounted", event, state, expected=expected, found=stated),)
    return weighed(state, left), found


def weighed(state: ItemState, value: Decimal) -> Changes:
    """Put what was weighed in the place of the book: the newest measurement counts.

    Less than the book has left the item; more means that the fill was larger than stated.
    """
    if not state.proven:
        return {"quantity": value}
    if value > state.filled - state.drawn:
        return {"quantity": value, "filled": value + state.drawn}
    return {"quantity": value, "drawn": state.filled - value}


def place_findings(state: ItemState, event: ItemEvent, changes: Changes, found: tuple[Finding, ...]) -> Move:
    """Admit `changes` by the standing of the actor; adds the finding for a packed item, a stranger, an early event.

    Whether the actor has the container of a packed item is judged outside: here it has (see `trace.judge`).
    """
    if state.parent is not None:
        return Move(changes, (find_item("item.packed", event, state), *found))
    stands = standing(state, event)
    if stands == "own" and state.status == "in_transit":
        stands = "expected"
    if stands != "own":
        move = contradiction(state, event, stands, changes)
        return Move(move.changes, (*move.findings, *found)) if move.changes else move
    return Move(changes, found)
