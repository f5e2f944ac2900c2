"""Mass in and mass out of a repacking or transformation: nothing comes from nowhere, little gets lost."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Context, Decimal
from typing import Final

from chemtrace.core.quantity import UNITS, Quantity
from chemtrace.trace.event import ItemEvent
from chemtrace.trace.exact import NORMAL_LOSS, base_value, sigma, tolerance
from chemtrace.trace.finding import Finding, Refusal, find
from chemtrace.trace.rules import Severity
from chemtrace.trace.state import ZERO

_WIDE: Final = Context(prec=60)
"""No sum of 255 quantities is ever rounded in it."""


def check_chemicals(event: ItemEvent) -> Refusal | None:
    """Refuse a repacking into codes of another chemical than its inputs' (item.chemical)."""
    slots = {code[4:7] for code, _ in event.inputs}
    for code, _ in event.lines:
        if code[4:7] not in slots or len(slots) > 1:
            said = "/".join(sorted(slots))
            return Refusal(find("item.chemical", event, code, expected=code[4:7], found=said))
    return None


def weigh(event: ItemEvent) -> tuple[Finding, ...]:
    """Compare the sums of inputs and outputs in their base unit (transform.gain, transform.loss).

    Gain: more than the tolerance of the scale on the inputs. A transformation may add water or other unregulated
    matter, so its gain is minor. Loss: more than three times the normal loss and 3 sigma; only where one chemical
    stays what it is. Sums of two dimensions are not compared.
    """
    put_in = _sum(quantity for _, quantity in event.inputs)
    taken_out = _sum(quantity for _, quantity in event.lines if quantity is not None)
    if put_in is None or taken_out is None or put_in.unit != taken_out.unit:
        return ()
    unit, first = put_in.unit, event.inputs[0][0]
    sides = (f"{put_in.value:f} {unit}", f"{taken_out.value:f} {unit}")
    if taken_out.value > put_in.value + tolerance(put_in.value, unit):
        severity: Severity = "critical" if event.kind == "produce" else "minor"
        return (find("transform.gain", event, first, severity=severity, expected=sides[0], found=sides[1]),)
    lost = put_in.value - taken_out.value
    if lost > _allowed_loss(put_in.value, unit) and _is_one_chemical(event):
        return (find("transform.loss", event, first, expected=sides[0], found=sides[1]),)
    return ()


def _allowed_loss(value: Decimal, unit: str) -> Decimal:
    return ZERO if unit == "H87" else 3 * NORMAL_LOSS * value + 3 * sigma(value, unit)


def _is_one_chemical(event: ItemEvent) -> bool:
    return len({code[4:7] for code in event.codes}) == 1


def _sum(quantities: Iterable[Quantity]) -> Quantity | None:
    """The sum in the base unit of one dimension; None for nothing or for several dimensions."""
    total, base = ZERO, ""
    for quantity in quantities:
        unit = UNITS[quantity.unit].base
        if base and unit != base:
            return None
        base, total = unit, _WIDE.add(total, base_value(quantity.value, quantity.unit))
    return Quantity(total, base) if base else None
