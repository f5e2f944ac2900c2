"""Exact arithmetic on quantities: plain spelling, conversion to an item's unit, tolerances of scales.

Tolerance "tol" of a weighing is 3 sigma of the scale plus 0.5 % (reference: anomaly rules, and R-16 of the rule
register). Default sigma where no scale is registered: 0.33 % up to 100 kg or litres, 0.15 % above. Pieces are exact.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from chemtrace.core.errors import FormError
from chemtrace.core.quantity import UNITS, Quantity, convert

SMALL_PACKAGE: Final = Decimal(100)
"""Up to this many kilograms or litres a package is weighed on a platform scale, above on a larger one."""
SMALL_SIGMA: Final = Decimal("0.0033")
LARGE_SIGMA: Final = Decimal("0.0015")
SLACK: Final = Decimal("0.005")
NORMAL_LOSS: Final = Decimal("0.005")
"""Share that sticks to hoses and walls when something is repacked (R-16: 0.5 % of weighed bulk)."""
RECEIPT_SIGMAS: Final = 4
"""A receipt differs from a load beyond 4 sigma of the difference of both weighings."""

_NANO: Final = 9


def plain(value: Decimal) -> Decimal:
    """The same number with no exponent above zero and no trailing zeros; the object itself where it is plain."""
    _, digits, exponent = value.as_tuple()
    if exponent == 0 or (isinstance(exponent, int) and exponent < 0 and digits[-1] != 0):
        return value
    return Decimal(format(value.normalize(), "f"))


def in_unit(quantity: Quantity, unit: str) -> Decimal:
    """The value of `quantity` in `unit`, exact; an empty `unit` takes the quantity's own.

    Raises:
        UnitError: another dimension.
    """
    if quantity.unit == unit or not unit:
        return quantity.value
    return convert(quantity, unit).value


def comparable(quantity: Quantity, unit: str) -> Decimal | None:
    """`in_unit`, or None where the amount is of another dimension or too fine for it: strangers weigh as they like."""
    try:
        return in_unit(quantity, unit)
    except FormError:
        return None


def base_value(value: Decimal, unit: str) -> Decimal:
    """`value` in the base unit of its dimension: kilograms, litres or pieces; exact for any item quantity."""
    power = UNITS[unit].power
    return value.scaleb(power) if power else value


def sigma(value: Decimal, unit: str) -> Decimal:
    """One standard deviation of weighing `value`, in `unit`; zero for pieces and for unknown units."""
    if unit == "H87" or not unit:
        return Decimal(0)
    return value * (SMALL_SIGMA if base_value(value, unit) <= SMALL_PACKAGE else LARGE_SIGMA)


def tolerance(value: Decimal, unit: str) -> Decimal:
    """What a correct weighing of `value` may be off: 3 sigma plus 0.5 %; zero for pieces."""
    if unit == "H87" or not unit:
        return Decimal(0)
    return 3 * sigma(value, unit) + value * SLACK


def exceeds_weighings(sent: Decimal, received: Decimal, unit: str) -> bool:
    """Tell whether two weighings of one load differ by more than 4 sigma of their difference; exact in integers."""
    difference = _nano(sent - received)
    first, second = _nano(sigma(sent, unit)), _nano(sigma(received, unit))
    return difference * difference > RECEIPT_SIGMAS * RECEIPT_SIGMAS * (first * first + second * second)


def _nano(value: Decimal) -> int:
    return int(value.scaleb(_NANO))
