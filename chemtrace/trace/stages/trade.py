"""trade/sell and trade/buy: an offer is made, and custody passes to who was offered."""

from __future__ import annotations

from typing import Literal

from chemtrace.trace.custody import (
    RULE_OF,
    contradiction,
    found_by,
    is_offered_elsewhere,
    received,
    standing,
)
from chemtrace.trace.event import ItemEvent
from chemtrace.trace.exact import in_unit, tolerance
from chemtrace.trace.finding import Finding, find_item
from chemtrace.trace.state import Claim, ItemState
from chemtrace.trace.step import Changes, Facts, Move, note, refuse

MOST_CLAIMS: int = 16
"""Claims that an item remembers; the oldest is forgotten first."""

AGGREGATE: str = "A"
"""Kind of a container code: it has no quantity of its own."""


def sell(state: ItemState, event: ItemEvent, facts: Facts) -> Move:
    """The holder (of goods under way: their shipper) offers the item to one buyer.

    Refused: item.unknown, closed, missing, void, not-holder, packed, insufficient, double-sale.
    """
    refused = _not_sellable(state, event) or too_much(state, event, facts)
    if refused is not None:
        return refused
    buyer = event.counterparty or ""
    changes: Changes = {"offer": (event.actor, buyer)}
    if state.offer is not None and is_offered_elsewhere(state, buyer):
        return refuse("item.double-sale", event, state, changes, expected=state.offer[1], found=buyer)
    if state.claims:
        return _complete(state, event, changes)
    return Move(changes)


def _not_sellable(state: ItemState, event: ItemEvent) -> Move | None:
    if state.parent is not None:
        return refuse("item.packed", event, state)
    stands = standing(state, event)
    if state.status == "in_transit":
        return None if state.shipper == event.actor else refuse("item.not-holder", event, state)
    if stands != "own":
        return refuse("item.not-holder" if stands == "expected" else RULE_OF[stands], event, state)
    if state.status == "spent":
        return refuse("item.insufficient", event, state, expected=f"{state.quantity:f} {state.unit}")
    return None


def too_much(state: ItemState, event: ItemEvent, facts: Facts) -> Move | None:
    """Refuse to move more than the item holds, scale tolerance of its fill included (item.insufficient)."""
    amount = facts.quantity
    if amount is None or not state.proven or state.kind == AGGREGATE:
        return None
    asked = in_unit(amount, state.unit)
    if asked <= state.quantity or asked <= state.quantity + tolerance(state.filled, state.unit):
        return None
    expected = f"{state.quantity:f} {state.unit}"
    stated = f"{asked:f} {state.unit}"
    return refuse("item.insufficient", event, state, expected=expected, found=stated)


def _complete(state: ItemState, event: ItemEvent, changes: Changes) -> Move:
    """The buyer had reported its receipt before this sale: custody passes now, and its finding is explained."""
    mine = [c for c in state.claims if c.party == event.counterparty and c.source == event.actor]
    if not mine:
        return Move(changes)
    bought = next((claim for claim in mine if claim.kind == "buy"), None)
    if state.status != "in_transit":
        changes |= {"holder": mine[0].party, "site": mine[0].site}
    if bought is None:
        return Move(changes)
    changes |= {"offer": None, "claims": tuple([c for c in state.claims if c is not bought]), "early": ()}
    return Move(changes, resolved=((bought.index, state.code, "item.no-offer"), *received(state)))


def buy(state: ItemState, event: ItemEvent, facts: Facts) -> Move:
    """The buyer takes what it was offered; without a matching offer custody stays with the proven holder.

    Found: item.unknown, closed, missing, void, packed, no-offer; not-holder where a third party has it by now.
    """
    stands = standing(state, event)
    if stands == "unborn":
        bought = found_with_quantity(event, facts) | claim(state, event, "buy")
        return note("item.unknown", event, state, bought)
    if stands in ("closed", "missing", "void"):
        return contradiction(state, event, stands)
    if state.offer is not None and state.offer[1] == event.actor:
        return _take_offer(state, event, state.offer[0])
    if state.parent is not None:
        return note("item.packed", event, state)
    if state.status == "spent":
        return note("item.closed", event, state)
    return _claim(state, event)


def found_with_quantity(event: ItemEvent, facts: Facts) -> Changes:
    """An item found by a receipt: what was received is what is known of its quantity."""
    changes = found_by(event, facts)
    if facts.quantity is not None:
        changes["quantity"] = facts.quantity.value
    return changes


def _take_offer(state: ItemState, event: ItemEvent, seller: str) -> Move:
    changes: Changes = {"offer": None, "early": ()}
    if state.status == "in_transit":
        changes["consignee"] = state.consignee or event.actor
    elif state.parent is None and state.holder == seller:
        changes["holder"] = event.actor
        if event.site is not None:
            changes |= {"site": event.site, "stored_unit": None}
    found: tuple[Finding, ...] = ()
    if state.status != "in_transit" and state.parent is None and state.holder not in (seller, event.actor):
        found = (find_item("item.not-holder", event, state),)  # sold to one, delivered to another
    elif event.counterparty is not None and event.counterparty != seller:
        expected = f"{seller} → {event.actor}"
        stated = event.counterparty
        found = (find_item("item.no-offer", event, state, expected=expected, found=stated),)
    return Move(changes, found, resolved=received(state))


def _claim(state: ItemState, event: ItemEvent) -> Move:
    """A purchase that no sale explains; a sale by the holder afterwards completes it."""
    offer = state.offer
    expected = None if offer is None else f"{offer[0]} → {offer[1]}"
    stated = event.counterparty
    if state.holder == event.actor:
        return note("item.no-offer", event, state, expected=expected, found=stated)
    if not state.proven:
        return note(
            "item.no-offer",
            event,
            state,
            {"holder": event.actor, "site": event.site} | claim(state, event, "buy"),
            expected=expected,
            found=stated,
        )
    return note("item.no-offer", event, state, claim(state, event, "buy"), expected=expected, found=stated)


def claim(state: ItemState, event: ItemEvent, kind: Literal["buy", "arrive"]) -> Changes:
    """Remember an unexplained receipt: the newest of each party and kind, so that nobody's displaces another's."""
    source = state.shipper if state.status == "in_transit" else state.holder
    new = Claim(kind=kind, party=event.actor, source=source or "", index=event.index, site=event.site)
    others = [old for old in state.claims if (old.kind, old.party) != (kind, event.actor)]
    return {"claims": (*others[1 - MOST_CLAIMS :], new)}
