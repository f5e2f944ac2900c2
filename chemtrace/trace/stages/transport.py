"""transport/load and transport/arrive: an item goes onto a vehicle, and comes into the hands of its receiver."""

from __future__ import annotations

from decimal import Decimal

from msgspec.structs import replace

from chemtrace.trace.custody import RULE_OF, contradiction, received, rest_status, standing
from chemtrace.trace.event import ItemEvent
from chemtrace.trace.exact import exceeds_weighings, in_unit
from chemtrace.trace.finding import Finding, find_item
from chemtrace.trace.stages.trade import AGGREGATE, claim, found_with_quantity, too_much
from chemtrace.trace.stages.use import weighed
from chemtrace.trace.state import ItemState
from chemtrace.trace.step import Changes, Facts, Move, note, refuse


def load(state: ItemState, event: ItemEvent, facts: Facts) -> Move:
    """The holder, or the carrier of a waybill whose consignor is the holder, reports the loading.

    A carrier may load again onto another vehicle, for the same consignee: where the goods go is the shipper's to say.
    Refused: item.unknown, closed, missing, void, not-holder, packed, insufficient. Found: waybill.consignee.
    """
    if state.claims:
        explained = _explain_arrival(state, event, facts)
        if explained is not None:
            return explained
    refused = _not_loadable(state, event, facts) or too_much(state, event, facts)
    if refused is not None:
        return refused
    waybill = facts.waybill
    again = state.status == "in_transit"
    consignee = _consignee(state, event, facts)
    found: tuple[Finding, ...] = ()
    if again and _is_diverted(state, event, consignee):
        found = (find_item("waybill.consignee", event, state, expected=state.consignee, found=consignee),)
        consignee = state.consignee
    loaded: Decimal | None = state.quantity
    if facts.quantity is not None:
        loaded = in_unit(facts.quantity, state.unit)
    elif state.kind == AGGREGATE or not state.unit:
        loaded = None
    return Move(
        {
            "status": "in_transit",
            "shipper": state.shipper if again else state.holder,
            "holder": event.actor if waybill is None else waybill.carrier,
            "consignee": consignee,
            "waybill": event.waybill,
            "vehicle": event.vehicle if waybill is None else event.vehicle or waybill.vehicle,
            "loaded": loaded,
            "site": None,
            "stored_unit": None,
        },
        found,
    )


def _is_diverted(state: ItemState, event: ItemEvent, consignee: str | None) -> bool:
    """Whether another than the shipper loads goods under way for another than they were shipped to."""
    return event.actor != state.shipper and state.consignee is not None and consignee != state.consignee


def _not_loadable(state: ItemState, event: ItemEvent, facts: Facts) -> Move | None:
    if state.parent is not None:
        return refuse("item.packed", event, state)
    stands = standing(state, event)
    waybill = facts.waybill
    if stands in ("stranger", "expected"):
        if state.status == "in_transit" or waybill is None:
            return refuse("item.not-holder", event, state)
        if waybill.carrier != event.actor or waybill.consignor != state.holder:
            return refuse("item.not-holder", event, state)
    elif stands != "own":
        return refuse(RULE_OF[stands], event, state)
    return None


def _consignee(state: ItemState, event: ItemEvent, facts: Facts) -> str | None:
    if facts.waybill is not None:
        return facts.waybill.consignee
    if event.counterparty is not None:
        return event.counterparty
    if state.status == "in_transit":
        return state.consignee
    return None if state.offer is None else state.offer[1]


def _explain_arrival(state: ItemState, event: ItemEvent, facts: Facts) -> Move | None:
    """The load behind an arrival that is reported already: the item is where it arrived."""
    to = _consignee(state, event, facts)
    arrived = next((known for known in state.claims if (known.kind, known.party) == ("arrive", to)), None)
    if arrived is None or state.status == "in_transit":
        return None
    carried = facts.waybill is not None and (facts.waybill.carrier, facts.waybill.consignor) == (
        event.actor,
        arrived.source,
    )
    if arrived.source != event.actor and not carried:
        return None
    changes: Changes = {"claims": tuple([c for c in state.claims if c is not arrived]), "early": ()}
    if state.holder == arrived.source:
        changes |= {"holder": arrived.party, "site": arrived.site}
    return Move(changes, resolved=((arrived.index, state.code, "item.not-loaded"), *received(state)))


def arrive(state: ItemState, event: ItemEvent, facts: Facts) -> Move:
    """Consignee, buyer or shipper (own transfer, return, rejected load) has the item now.

    Found: item.unknown, closed, missing, void, not-loaded, packed, waybill.consignee or item.not-holder where
    somebody else reports it, receipt-difference.
    """
    stands = standing(state, event)
    if stands == "unborn":
        return note("item.unknown", event, state, found_with_quantity(event, facts))
    if stands in ("closed", "missing", "void"):
        return contradiction(state, event, stands)
    if state.status != "in_transit":
        return _arrive_unloaded(state, event, facts)
    if stands == "stranger":
        return _arrive_elsewhere(state, event)
    changes, found = _receive(state, event, facts)
    if _is_elsewhere(state, event, stands):
        wrong = find_item("waybill.consignee", event, state, expected=state.consignee, found=event.actor)
        found = (wrong, *found)
    return Move(changes, found, resolved=received(state))


def _is_elsewhere(state: ItemState, event: ItemEvent, stands: str) -> bool:
    """The consignee is another; without a waybill the buyer may be meant, but not the carrier itself."""
    if state.consignee is None or event.actor in (state.consignee, state.shipper):
        return False
    return state.waybill is not None or stands == "own"


def _receive(state: ItemState, event: ItemEvent, facts: Facts) -> tuple[Changes, tuple[Finding, ...]]:
    """Custody, place and the received amount; what was weighed last is the book."""
    changes: Changes = {
        "holder": event.actor,
        "site": event.site,
        "shipper": None,
        "consignee": None,
        "waybill": None,
        "vehicle": None,
        "loaded": None,
        "early": (),
    }
    quantity = state.quantity
    found: tuple[Finding, ...] = ()
    if facts.quantity is not None and state.unit:
        quantity = in_unit(facts.quantity, state.unit)
        changes |= weighed(state, quantity)
        found = _difference(state, event, quantity)
    changes["status"] = rest_status(
        state if quantity == state.quantity else replace(state, quantity=quantity)
    )
    if changes["status"] == "spent" and state.closed_index < 0:
        changes["closed_index"] = event.index
    if state.offer is not None and state.offer[0] == event.actor:
        changes["offer"] = None  # the seller took it back: the sale has come to nothing
    return changes, found


def _difference(state: ItemState, event: ItemEvent, got: Decimal) -> tuple[Finding, ...]:
    sent = state.loaded
    if sent is None or sent == got or not exceeds_weighings(sent, got, state.unit):
        return ()
    expected = f"{sent:f} {state.unit}"
    stated = f"{got:f} {state.unit}"
    return (find_item("item.receipt-difference", event, state, expected=expected, found=stated),)


def _arrive_elsewhere(state: ItemState, event: ItemEvent) -> Move:
    """A stranger reports the arrival of goods under way: the carrier still answers for them."""
    rule = "item.not-holder" if state.waybill is None else "waybill.consignee"
    expected = state.consignee
    stated = event.actor
    if not state.proven:
        return note(
            rule,
            event,
            state,
            {"status": "held", "holder": event.actor, "site": event.site},
            expected=expected,
            found=stated,
        )
    return note(rule, event, state, claim(state, event, "arrive"), expected=expected, found=stated)


def _arrive_unloaded(state: ItemState, event: ItemEvent, facts: Facts) -> Move:
    """An arrival that no load explains: the holder's own transfer, the buyer of a sale, or somebody's claim."""
    if state.parent is not None:
        return note("item.packed", event, state)
    stands = standing(state, event)
    if stands == "own":
        return note("item.not-loaded", event, state, {"site": event.site})
    if stands == "expected" or not state.proven:
        changes, found = _receive(state, event, facts)
        changes |= claim(state, event, "arrive")
        changes["status"] = state.status
        missed = find_item("item.not-loaded", event, state)
        return Move(changes, (missed, *found), resolved=received(state))
    return note("item.not-loaded", event, state, claim(state, event, "arrive"))
