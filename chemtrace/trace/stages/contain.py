"""pack/done and unpack/done: items go into, or come out of, a container that has a code of its own.

What happens to the container happens to them: while packed, place and custody are those of the container.
"""

from __future__ import annotations

from chemtrace.trace.custody import RULE_OF, standing, wants_holder
from chemtrace.trace.event import ItemEvent
from chemtrace.trace.stages.produce import bear_aggregate
from chemtrace.trace.stages.trade import AGGREGATE
from chemtrace.trace.state import ItemState
from chemtrace.trace.step import Facts, Move, refuse


def pack(state: ItemState, event: ItemEvent, facts: Facts) -> Move:
    """Only the holder packs: item.unknown, closed, missing, void, not-holder, packed, no-container are refused.

    A container is an aggregate (kind A); it is born by its first packing, whoever has read its label before.
    """
    if facts.role == "container":
        return _pack_into(state, event, facts)
    refused = wants_holder(state, event)
    if refused is not None:
        return refused
    return Move({"parent": event.container})


def _pack_into(state: ItemState, event: ItemEvent, facts: Facts) -> Move:
    if state.kind != AGGREGATE:
        # What a sale, a waybill and an inspection ask of a container they ask of this kind.
        return refuse("item.no-container", event, state)
    if not state.proven and state.status != "void":
        return bear_aggregate(state, event, facts)
    return wants_holder(state, event) or Move({})


def unpack(state: ItemState, event: ItemEvent, facts: Facts) -> Move:
    """The holder of the container takes items out; they are the unpacker's, where it unpacks.

    Refused: item.unknown, closed, missing, void, not-packed; for the container also item.not-holder and packed.
    """
    if facts.role == "container":
        return wants_holder(state, event) or Move({})
    if state.status in ("unborn", "closed", "missing", "void"):
        return refuse(RULE_OF[standing(state, event)], event, state)
    if state.parent is None or state.parent != event.container:
        return refuse("item.not-packed", event, state, expected=state.parent, found=event.container)
    return Move({"parent": None, "holder": event.actor, "site": event.site})
