"""A maker's word about an item that others had found, and held, before its production was reported.

They had it from nobody that the record knows. What they did stands, until the maker says where its item went: a sale
to one who has had it explains them; whatever else the maker does with the item in hand, it has the item still, as it
was made, and the record of the others is contradicted. A label that was read before its drum was filled thus never
keeps the drum from its maker. Decided in docs/adr/0027.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from chemtrace.trace.event import ItemEvent
from chemtrace.trace.exact import in_unit, tolerance
from chemtrace.trace.finding import Finding, find_item
from chemtrace.trace.state import NEVER, ZERO, Claim, ItemState
from chemtrace.trace.step import Changes, Facts, Move

IN_ITS_HANDS: Final = frozenset(
    {
        ("trade", "sell"), ("transport", "load"), ("transport", "arrive"), ("store", "in"), ("store", "out"),
        ("use", "consume"), ("use", "return"), ("dispose", "hand_over"), ("dispose", "done"), ("dispose", "empty"),
        ("pack", "done"), ("produce", "repack"), ("transform", "done"), ("count", "done"), ("report", "loss"),
        ("report", "theft"), ("report", "spill"), ("report", "found"),
    }
)  # fmt: skip
"""What is said of an item by who has it, or had it until now."""

FREED: Final[Changes] = {
    "status": "held",
    "drawn": ZERO,
    "parent": None,
    "offer": None,
    "claims": (),
    "early": (),
    "shipper": None,
    "consignee": None,
    "waybill": None,
    "vehicle": None,
    "loaded": None,
    "emptied": False,
    "closed_index": NEVER,
    "stored_unit": None,
}
"""What nobody has sold, moved, opened or packed."""


def is_makers_word(state: ItemState, event: ItemEvent, facts: Facts) -> bool:
    """Tell whether the maker of an item that others found says, for the first time, what it does with it.

    The carrier speaks for it when it loads on a waybill that the maker has filed, not on one of its own.
    """
    if state.made is None or (event.kind, event.phase) not in IN_ITS_HANDS or not _is_moved(event, facts):
        return False
    if event.actor == state.producer:
        return True
    waybill = facts.waybill
    if (
        (event.kind, event.phase) != ("transport", "load")
        or waybill is None
        or event.actor != waybill.carrier
    ):
        return False
    return state.producer == waybill.consignor == waybill.scheduled_by


def _is_moved(event: ItemEvent, facts: Facts) -> bool:
    """An output of a repacking is made, and a container is packed into; inputs and lines are at hand."""
    return facts.role == "input" if event.inputs else facts.role == "line"


def explain_finders(state: ItemState, event: ItemEvent, facts: Facts) -> Move | None:
    """The sale to one who has the item, or from whom it came to who has it: it had it from its maker.

    None: it is another sale, or none, or one of more than was made.
    """
    buyer = event.counterparty
    if (event.kind, event.phase) != ("trade", "sell") or buyer is None:
        return None
    if buyer not in (state.holder, state.shipper, *state.former) or _is_too_much(state, facts):
        return None
    bought = next((claim for claim in state.claims if (claim.kind, claim.party) == ("buy", buyer)), None)
    changes: Changes = {
        "made": None,
        "claims": tuple([claim for claim in state.claims if claim is not bought]),
    }
    if bought is None and buyer == state.holder and state.offer is None:
        changes["offer"] = (event.actor, buyer)
    resolved = () if bought is None else ((bought.index, state.code, "item.no-offer"),)
    return Move(changes, resolved=resolved)


def _is_too_much(state: ItemState, facts: Facts) -> bool:
    filled = state.made or ZERO
    if facts.quantity is None:
        return False
    return in_unit(facts.quantity, state.unit) > filled + tolerance(filled, state.unit)


def give_back(state: ItemState, event: ItemEvent) -> tuple[ItemState, tuple[Finding, ...]]:
    """The item as it left its making, in its maker's hands, and what there is to say to those who had it."""
    if state.holder == state.producer and state.status == "held" and state.parent is None:
        return replace(state, made=None), ()
    filled = state.made or ZERO
    made, drawn = f"{filled:f} {state.unit}", f"{state.drawn:f} {state.unit}"
    fill: Changes = {
        "made": None,
        "claims": _claims_of_the_buyer(state, event),
        "holder": state.producer,
        "site": event.site,
        "filled": filled,
        "quantity": filled,
    }
    return replace(state, **(FREED | fill)), (
        find_item("item.reclaimed", event, state, expected=made, found=drawn),
    )


def _claims_of_the_buyer(state: ItemState, event: ItemEvent) -> tuple[Claim, ...]:
    """What the buyer of this sale said before it: it had that from its maker."""
    if (event.kind, event.phase) != ("trade", "sell"):
        return ()
    maker = event.actor
    return tuple(
        [replace(claim, source=maker) for claim in state.claims if claim.party == event.counterparty]
    )


def as_at_hand(state: ItemState, event: ItemEvent, facts: Facts) -> ItemState:
    """The item as the actor of this event finds it at hand: its maker, as it was made."""
    return give_back(state, event)[0] if is_makers_word(state, event, facts) else state
