"""Place and custody of a packed item are those of the outermost container around it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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


def first_in_ring(after: Mapping[str, ItemState], lookup: Callable[[str], ItemState]) -> ItemState | None:
    """The first item of `after` that would stand inside itself, or deeper than anything is packed; None if none.

    Items in a ring of containers have no outermost one: nobody could take them out, and no stock would count them.
    """
    for state in after.values():
        outer, depth = state, 0
        while outer.parent is not None:
            depth += 1
            if outer.parent == state.code or depth > MAX_DEPTH:
                return state
            outer = after.get(outer.parent) or lookup(outer.parent)
    return None


def has_in_hand(outer: ItemState, event: ItemEvent) -> bool:
    """Tell whether the actor holds the outermost container or is a party that moves or expects it."""
    offered = None if outer.offer is None else outer.offer[1]
    return event.actor in (outer.holder, outer.shipper, outer.consignee, offered)
