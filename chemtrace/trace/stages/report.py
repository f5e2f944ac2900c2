"""report/loss, theft, spill, found: what went wrong; report/reprint and void: the label alone."""

from __future__ import annotations

from typing import Final

from chemtrace.trace.custody import contradiction, found_by, rest_status, standing
from chemtrace.trace.event import ItemEvent
from chemtrace.trace.exact import in_unit
from chemtrace.trace.finding import find_item
from chemtrace.trace.stages.use import draw, place_findings
from chemtrace.trace.state import ZERO, ItemState
from chemtrace.trace.step import Changes, Facts, Move, note

_ISSUE_RULE: Final = {"not-issued": "item.not-issued", "foreign-issuer": "item.foreign-issuer"}


def lose(state: ItemState, event: ItemEvent, facts: Facts) -> Move:
    """Loss or theft, by the holder or who expects the item: missing until it is reported found.

    Found: item.unknown, closed, void, not-holder.
    """
    stands = standing(state, event)
    if stands == "unborn":
        return note("item.unknown", event, state, found_by(event, facts, status="missing"))
    if stands == "missing":
        return Move({})
    changes: Changes = {"status": "missing", "parent": None, "site": None, "stored_unit": None}
    if state.parent is not None:
        return Move({**changes, "holder": event.actor})
    if stands in ("own", "expected"):
        return Move(changes)
    return contradiction(state, event, stands, changes)


def find_again(state: ItemState, event: ItemEvent, facts: Facts) -> Move:
    """A missing item is there again: with its holder, under way if it is the carrier; else with the party that has it.

    Found: item.unknown, closed, void, not-holder (a stranger's word does not lift a report; the authority's does).
    """
    stands = standing(state, event)
    if stands == "unborn":
        return note("item.unknown", event, state, found_by(event, facts))
    if stands != "missing":
        return contradiction(state, event, stands) if stands in ("closed", "void") else Move({})
    if state.shipper is not None and event.actor == state.holder:
        return Move({"status": "in_transit"})
    changes: Changes = {"status": rest_status(state), "site": event.site}
    offered = None if state.offer is None else state.offer[1]
    if event.actor in (state.holder, state.shipper, state.consignee, offered):
        return Move({**changes, "holder": event.actor, "shipper": None, "consignee": None, "loaded": None,
                     "waybill": None, "vehicle": None})  # fmt: skip
    if facts.privileged:
        return Move(changes)
    return contradiction(state, event, "stranger", changes)


def spill(state: ItemState, event: ItemEvent, facts: Facts) -> Move:
    """Some of the content is lost; what is under way is expected to arrive with that much less.

    Found: item.unknown, closed, missing, void, not-holder, packed, over-use.
    """
    stands = standing(state, event)
    if stands == "unborn":
        drawn = ZERO if facts.quantity is None else facts.quantity.value
        return note("item.unknown", event, state, found_by(event, facts) | {"drawn": drawn})
    if stands in ("closed", "missing", "void"):
        return contradiction(state, event, stands)
    taken = draw(state, event, facts)
    if state.loaded is not None and facts.quantity is not None:
        left = state.loaded - in_unit(facts.quantity, state.unit)
        taken.changes["loaded"] = max(ZERO, left)
    if stands in ("own", "expected") and state.parent is None:
        return taken
    return place_findings(state, event, taken.changes, taken.findings)


def reprint(state: ItemState, event: ItemEvent, facts: Facts) -> Move:
    """A label is printed again, by the holder or, before production, by whom the code was issued to.

    Found: item.not-issued, foreign-issuer, closed, void, not-holder.
    """
    stands = standing(state, event)
    if stands == "unborn":
        rule = _ISSUE_RULE.get(facts.issue)
        return Move({}) if rule is None else note(rule, event, state)
    if (
        stands in ("own", "expected")
        or state.parent is not None
        or event.actor in (state.producer, state.holder)
    ):
        return Move({})
    return contradiction(state, event, stands)


def void(state: ItemState, event: ItemEvent, facts: Facts) -> Move:
    """A code that was never produced is taken out of use by whom it was issued to; it never comes to life.

    Found: item.not-issued, foreign-issuer, already-produced (a living item cannot be voided).
    """
    rule = _ISSUE_RULE.get(facts.issue)
    told = () if rule is None else (find_item(rule, event, state),)
    if state.status == "void":
        return Move({}, told)
    if state.proven:
        return Move({}, told or (find_item("item.already-produced", event, state),))
    # What only the master key tells, that the serial was never given out, keeps nobody from ending its own code.
    return Move({"status": "void", "closed_index": event.index}, told)
