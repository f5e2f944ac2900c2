"""Place and custody of a packed item are those of the outermost container around it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from chemtrace.trace.event import ItemEvent
from chemtrace.trace.state import ItemState

MAX_DEPTH: Final = 16
"""Containers in containers that are followed; deeper nesting is no packing of this world."""


def outermost(state: ItemState, lookup: Callable[[str], ItemState]) -> ItemState:
    """The state of the container that stands around all others, or `state` itself if it is not packed."""
    for _ in range(MAX_DEPTH):
        if state.parent is None:
            return state
        state = lookup(state.parent)
    return state


def resolve(state: ItemState, lookup: Callable[[str], ItemState]) -> ItemState:
    """The item as it is seen from outside: custody, place, transport and fate of its outermost container.

    Quantity, parent and history stay the item's own; a spent item stays spent inside a container that is held.
    """
    if state.parent is None:
        return state
    outer = outermost(state, lookup)
    return replace(
        state,
        status=state.status if outer.status in ("held", "spent") else outer.status,
        holder=outer.holder,
        site=outer.site,
        shipper=outer.shipper,
        consignee=outer.consignee,
        waybill=outer.waybill,
        vehicle=outer.vehicle,
        stored_unit=outer.stored_unit,
    )


def has_in_hand(outer: ItemState, event: ItemEvent) -> bool:
    """Tell whether the actor holds the outermost container or is a party that moves or expects it."""
    offered = None if outer.offer is None else outer.offer[1]
    return event.actor in (outer.holder, outer.shipper, outer.consignee, offered)
