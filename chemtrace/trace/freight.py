"""What one line of a load is: the items in it, through its containers, and what they weigh together."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from chemtrace.core.quantity import UNITS, Quantity
from chemtrace.trace.containment import MAX_DEPTH
from chemtrace.trace.exact import base_value
from chemtrace.trace.stages.trade import AGGREGATE
from chemtrace.trace.state import ZERO, ItemState
from chemtrace.trace.view import ItemsView

_MEASURED: Final = frozenset({"KGM", "LTR"})
"""Base units that count towards the exempt mass; pieces do not."""


def contents(code: str, view: ItemsView, *, depth: int = MAX_DEPTH) -> tuple[ItemState, ...]:
    """The items that are in a container of kind A now, those of containers inside it too; not the containers."""
    packed: dict[str, None] = {}
    for past in view.history(code):
        if past.event.kind == "pack" and past.event.container == code:
            packed.update(dict.fromkeys([named for named, _ in past.event.lines]))
    found: list[ItemState] = []
    for name in packed:
        state = view.state(name)
        if state.parent != code:
            continue
        if state.kind != AGGREGATE:
            found.append(state)
        elif depth > 1:
            found.extend(contents(name, view, depth=depth - 1))
    return tuple(found)


def mass_of(state: ItemState, stated: Quantity | None, view: ItemsView) -> Decimal | None:
    """Kilograms of one line: as stated, else as recorded, of a container the sum of its contents; None: not known."""
    amounts = _amounts(state, stated, view)
    if not amounts or any(unit != "KGM" for _, unit in amounts):
        return None
    return sum([value for value, _ in amounts], ZERO)


def measure_of(state: ItemState, stated: Quantity | None, view: ItemsView) -> Decimal:
    """Kilograms and litres of one line together, as far as they are known."""
    return sum([value for value, unit in _amounts(state, stated, view) if unit in _MEASURED], ZERO)


def _amounts(state: ItemState, stated: Quantity | None, view: ItemsView) -> list[tuple[Decimal, str]]:
    """Amount and base unit (empty where unknown) of everything in one line."""
    if stated is not None:
        return [(base_value(stated.value, stated.unit), UNITS[stated.unit].base)]
    items = contents(state.code, view) if state.kind == AGGREGATE else (state,)
    return [
        (base_value(item.quantity, item.unit), UNITS[item.unit].base) if item.unit else (ZERO, "")
        for item in items
    ]
