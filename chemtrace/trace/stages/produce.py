"""produce/make, fill, repack, the outputs of transform, store/opening: an item comes to life, or is filled again."""

from __future__ import annotations

from msgspec.structs import replace

from chemtrace.core.errors import FormError
from chemtrace.core.events.items import Produce
from chemtrace.core.quantity import Quantity
from chemtrace.trace.custody import RULE_OF, standing
from chemtrace.trace.event import ItemEvent
from chemtrace.trace.exact import in_unit, tolerance
from chemtrace.trace.finding import Finding, find_item
from chemtrace.trace.maker import FREED
from chemtrace.trace.stages.use import draw_input
from chemtrace.trace.state import ZERO, ItemState
from chemtrace.trace.step import Changes, Facts, Move, note, refuse

FOREIGN: str = "ext:"
"""How a party of another namespace begins: an importer speaks for it."""

RETURNABLE: str = "C"
"""Kind whose code lives through many fills; packages, tank loads and waste units have one."""


def produce(state: ItemState, event: ItemEvent, facts: Facts) -> Move:
    """One line of a production: inputs are drawn from, items are born."""
    if facts.role == "input":
        return draw_input(state, event, facts)
    return bear(state, event, facts)


def bear(state: ItemState, event: ItemEvent, facts: Facts) -> Move:
    """Give life to an item, a new fill to a returnable, or a production to an item known only from being found.

    Refused: item.already-produced, item.closed, item.missing, item.void, item.packed, item.not-holder (a refill by a
    stranger), item.not-issued, item.foreign-issuer, item.chemical.
    """
    status = state.status
    if status == "unborn":
        return _checked(state, event, facts, _fill(event, facts))
    if status == "void":
        return refuse("item.void", event, state)
    if not state.proven:
        return _prove(state, event, facts)
    if status == "closed":
        return refuse("item.closed", event, state)
    if status == "missing":
        return refuse("item.missing", event, state)
    if status == "spent" and state.kind == RETURNABLE and event.phase == "fill":
        return _refill(state, event, facts)
    return refuse("item.already-produced", event, state)


def bear_aggregate(state: ItemState, event: ItemEvent, facts: Facts) -> Move:
    """Give life to an aggregate by packing into it: with what others said of its code there is nothing inside yet.

    Refused: item.not-issued, item.foreign-issuer.
    """
    move = _checked(state, event, facts, FREED | _fill(event, facts))
    if state.status == "unborn":
        return move
    found = () if state.holder == event.actor else (find_item("item.reclaimed", event, state),)
    return replace(move, findings=found, resolved=((state.born_index, state.code, "item.unknown"),))


def open_balance(state: ItemState, event: ItemEvent, facts: Facts) -> Move:
    """An item that was there before the record begins: it has no producer here.

    What an importer says for a foreign party stands in the place of a production, as far as this record can know
    (docs/adr/0011). Of anybody else it is found: item.unknown, as for every item that turns up from nowhere.
    Refused: item.already-produced, closed, missing, void, not-issued, foreign-issuer.
    """
    if state.status != "unborn":
        return refuse(RULE_OF.get(state.status, "item.already-produced"), event, state)
    changes = _fill(event, facts) | {"producer": None}
    if event.actor.startswith(FOREIGN):
        return _checked(state, event, facts, changes)
    changes |= {"proven": False, "filled": ZERO}
    move = _checked(state, event, facts, changes)
    return move if move.refusal is not None else note("item.unknown", event, state, changes)


def _fill(event: ItemEvent, facts: Facts) -> Changes:
    amount = facts.quantity
    value, unit = (ZERO, "") if amount is None else (amount.value, amount.unit)
    return {
        "status": "held",
        "producer": event.actor,
        "holder": event.actor,
        "site": event.site,
        "quantity": value,
        "filled": value,
        "unit": unit,
        "proven": True,
        "made": None,
        "born_index": event.index,
    }


def _checked(state: ItemState, event: ItemEvent, facts: Facts, changes: Changes) -> Move:
    """Refuse a birth under a code of nobody, of another enterprise or of another chemical."""
    if facts.issue == "not-issued":
        return refuse("item.not-issued", event, state, changes)
    if facts.issue == "foreign-issuer":
        return refuse("item.foreign-issuer", event, state, changes)
    payload = event.payload
    if isinstance(payload, Produce) and payload.chemical is not None:
        expected = facts.chemical
        if expected is not None and payload.chemical != expected:
            return refuse("item.chemical", event, state, changes, expected=expected, found=payload.chemical)
    return Move(changes)


def _prove(state: ItemState, event: ItemEvent, facts: Facts) -> Move:
    """The producer reports after others have found the item: it keeps its holder and status until the maker speaks."""
    made = _fill(event, facts)
    state, found = _in_its_unit(state, event, made)
    unit = made["unit"] or state.unit
    filled = ZERO if facts.quantity is None else in_unit(facts.quantity, unit)
    left = max(ZERO, filled - state.drawn)
    changes: Changes = {
        "producer": event.actor,
        "filled": filled,
        "quantity": left if state.status != "closed" else ZERO,
        "unit": unit,
        "proven": True,
        "made": None if state.holder == event.actor or event.exception else filled,
        "drawn": state.drawn,
        "loaded": state.loaded,
        "born_index": event.index,
    }
    if state.status == "held" and left == ZERO and filled > ZERO:
        changes |= {"status": "spent", "closed_index": event.index}
    over = state.drawn > filled + tolerance(filled, unit)
    expected = f"{filled + tolerance(filled, unit):f} {unit}"
    stated = f"{state.drawn:f} {unit}"
    if over:
        found = (find_item("item.over-use", event, state, expected=expected, found=stated),)
    explained = ((state.born_index, state.code, "item.unknown"),)
    return replace(_checked(state, event, facts, changes), findings=found, resolved=explained)


def _in_its_unit(state: ItemState, event: ItemEvent, made: Changes) -> tuple[ItemState, tuple[Finding, ...]]:
    """The item as others found it, in the unit of its maker.

    Amounts of another dimension, or too fine to be told in it, say nothing about it: nobody whose word came first
    decides how finely its maker and its buyers may weigh.
    """
    unit = made["unit"]
    if not state.unit or not unit or state.unit == unit:
        return state, ()
    try:
        drawn = in_unit(Quantity(state.drawn, state.unit), unit)
        loaded = None if state.loaded is None else in_unit(Quantity(state.loaded, state.unit), unit)
    except FormError:
        stated = f"{state.drawn:f} {state.unit}"
        expected = f"{made['filled']:f} {unit}"
        over = find_item("item.over-use", event, state, expected=expected, found=stated)
        return replace(state, unit=unit, drawn=ZERO, loaded=None), (over,) if state.drawn else ()
    return replace(state, unit=unit, drawn=drawn, loaded=loaded), ()


def _refill(state: ItemState, event: ItemEvent, facts: Facts) -> Move:
    """A new fill of a returned cylinder, by its holder, its owner (who filled it before) or who expects it back."""
    if state.parent is not None:
        return refuse("item.packed", event, state)
    if standing(state, event) == "stranger" and state.producer != event.actor:
        return refuse("item.not-holder", event, state)
    return _checked(state, event, facts, FREED | _fill(event, facts))
