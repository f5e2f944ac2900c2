"""Who the actor of an event is to an item: its holder, somebody who expects it, or a stranger."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from chemtrace.trace.event import ItemEvent
from chemtrace.trace.state import ZERO, ItemState
from chemtrace.trace.step import Changes, Facts, Move, note, refuse

Standing: TypeAlias = Literal["own", "expected", "stranger", "unborn", "closed", "missing", "void"]

RULE_OF: Final[dict[str, str]] = {
    "unborn": "item.unknown",
    "closed": "item.closed",
    "missing": "item.missing",
    "void": "item.void",
    "expected": "item.not-received",
    "stranger": "item.not-holder",
}
"""The rule that an event breaks by the standing of its actor, where the kind wants the holder."""

WITHOUT_RIGHT: Final = frozenset(
    {*RULE_OF.values(), "item.no-offer", "item.not-loaded", "item.reclaimed", "waybill.consignee"}
)
"""What is found where the actor should not have the item, as far as the record knows."""


def standing(state: ItemState, event: ItemEvent) -> Standing:
    """Say what the actor is to the item; a status that ends or suspends its life comes before that.

    In transit the carrier is the holder; shipper, consignee and buyer expect it.
    """
    status = state.status
    if status in {"unborn", "closed", "missing", "void"}:
        return status
    actor = event.actor
    if state.holder == actor:
        return "own"
    if state.offer is not None and state.offer[1] == actor:
        return "expected"
    if status == "in_transit" and actor in (state.consignee, state.shipper):
        return "expected"
    return "stranger"


def is_handed_over(before: ItemState, after: ItemState, event: ItemEvent) -> bool:
    """Tell whether the actor came to hold by this event what it expected: a sale or a shipment was for it."""
    return before.holder != after.holder == event.actor and standing(before, event) == "expected"


def wants_holder(state: ItemState, event: ItemEvent) -> Move | None:
    """Refuse what only the holder of an item at rest and unpacked may do; None where nothing is in the way."""
    if state.parent is not None:
        return refuse("item.packed", event, state)
    stands = standing(state, event)
    if stands != "own":
        return refuse("item.not-holder" if stands == "expected" else RULE_OF[stands], event, state)
    if state.status == "in_transit":
        return refuse("item.not-holder", event, state)
    return None


def is_offered_elsewhere(state: ItemState, receiver: str) -> bool:
    """Tell whether an offer stands that is neither to `receiver` nor fulfilled."""
    return state.offer is not None and state.offer[1] not in (receiver, state.holder)


def rest_status(state: ItemState) -> str:
    """The status of an item at rest: spent once it was given back as empty or nothing is left in it, else held.

    Containers (kind A) hold items, no quantity; of an unproven item nobody knows what is left.
    """
    empty = state.proven and state.kind != "A" and state.quantity == ZERO
    return "spent" if empty or state.emptied else "held"


def found_by(event: ItemEvent, facts: Facts, *, status: str = "held") -> Changes:
    """An unborn item that an event found: it exists from now on, unproven, in the hands of the actor."""
    changes: Changes = {
        "status": status,
        "holder": event.actor,
        "site": event.site,
        "born_index": event.index,
    }
    if facts.quantity is not None:
        changes["unit"] = facts.quantity.unit
    return changes


def contradiction(
    state: ItemState, event: ItemEvent, stands: Standing, changes: Changes | None = None
) -> Move:
    """Admit an event of somebody who should not have the item, or about one that should not be here.

    Custody is not taken from a proven holder. Of an unproven item the latest word counts: the actor becomes the
    holder and `changes` apply. The expected receiver's `changes` apply as well; its receipt is still missing.
    """
    rule = RULE_OF[stands]
    if stands == "expected":
        return note(rule, event, state, {**(changes or {}), "early": (*state.early, event.index)[-16:]})
    if stands == "stranger" and not state.proven:
        return note(rule, event, state, {**(changes or {}), "holder": event.actor, "site": event.site})
    return note(rule, event, state)


def received(state: ItemState) -> tuple[tuple[int, str, str], ...]:
    """What a receipt explains: the expected receiver's events before it."""
    return tuple([(index, state.code, "item.not-received") for index in state.early])
