"""Quantities: exact decimals with a UN/CEFACT unit code (Recommendation 20); never floats.

One canonical spelling: no sign, no exponent, no leading zeros, no trailing zeros in the fraction, at most 12
integer and 9 fraction digits. Mass is kept in KGM, volume in LTR, pieces in H87; other units of a dimension
convert by exact powers of ten.
"""

import re
from decimal import Context, Decimal
from types import MappingProxyType
from typing import Final

import msgspec

from chemtrace.core.errors import QuantityError, UnitError

_FORM: Final = re.compile(r"(?:0|[1-9][0-9]{0,11})(?:\.[0-9]{0,8}[1-9])?")
_LIMIT: Final = Decimal(10) ** 12
# Wide enough that no sum, difference or conversion of two quantities is ever rounded.
_EXACT: Final = Context(prec=60)


class Unit(msgspec.Struct, frozen=True):
    """A unit: its UN/CEFACT code, the code of its dimension's base unit, and 10^`power` base units in one of it."""

    code: str
    base: str
    power: int


UNITS: Final = MappingProxyType(
    {
        unit.code: unit
        for unit in (
            Unit("KGM", "KGM", 0),  # kilogram
            Unit("GRM", "KGM", -3),  # gram
            Unit("MGM", "KGM", -6),  # milligram
            Unit("TNE", "KGM", 3),  # tonne
            Unit("LTR", "LTR", 0),  # litre
            Unit("MLT", "LTR", -3),  # millilitre
            Unit("MTQ", "LTR", 3),  # cubic metre
            Unit("H87", "H87", 0),  # piece
        )
    }
)


class Quantity(msgspec.Struct, frozen=True, gc=False):
    """An exact amount, zero or more; `value` as it was written or computed, `unit` a code of `UNITS`.

    Two quantities are equal by `==` only with the same unit; `compare` looks through units of one dimension.
    """

    value: Decimal
    unit: str

    @property
    def text(self) -> str:
        """The canonical decimal string of `value`."""
        return format_decimal(self.value)


def parse_quantity(value: str, unit: str) -> Quantity:
    """Return the quantity of its canonical decimal string and unit code.

    Raises:
        QuantityError: not the canonical spelling.
        UnitError: a unit outside `UNITS`.
    """
    if _FORM.fullmatch(value) is None:
        raise QuantityError(
            "not a canonical decimal: no sign, exponent, leading or trailing zeros; 12 integer, 9 fraction digits",
            found=value[:40],
        )
    _find(unit)
    return Quantity(Decimal(value), unit)


def format_decimal(value: Decimal) -> str:
    """Return the canonical string of a decimal; raises `QuantityError` where it has none."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    if _FORM.fullmatch(text) is None:
        raise QuantityError("this number has no canonical decimal string", found=text[:40])
    return text


def convert(quantity: Quantity, unit: str) -> Quantity:
    """Return the same amount in another unit of its dimension, exactly.

    Raises:
        UnitError: another dimension or an unknown unit.
        QuantityError: more digits than a quantity may have.
    """
    source, target = _find(quantity.unit), _find(unit)
    if source.base != target.base:
        raise UnitError(
            "units of two dimensions do not convert: state the amount in a unit of the item's dimension",
            left=source.code,
            right=target.code,
        )
    return _make(quantity.value.scaleb(source.power - target.power, _EXACT), unit)


def add(left: Quantity, right: Quantity) -> Quantity:
    """Return the exact sum in the unit of `left`; raises `UnitError`, `QuantityError`."""
    return _make(_EXACT.add(left.value, _value_in(right, left.unit)), left.unit)


def subtract(left: Quantity, right: Quantity) -> Quantity:
    """Return the exact difference in the unit of `left`; raises `UnitError`, and `QuantityError` below zero."""
    return _make(_EXACT.subtract(left.value, _value_in(right, left.unit)), left.unit)


def compare(left: Quantity, right: Quantity) -> int:
    """Return -1, 0 or 1 as `left` is less than, equal to or more than `right`; raises `UnitError`."""
    other = _value_in(right, left.unit)
    return (left.value > other) - (left.value < other)


def _value_in(quantity: Quantity, unit: str) -> Decimal:
    source, target = _find(quantity.unit), _find(unit)
    if source.base != target.base:
        raise UnitError("units of two dimensions do not compare or add", left=unit, right=source.code)
    return quantity.value.scaleb(source.power - target.power, _EXACT)


def _find(unit: str) -> Unit:
    found = UNITS.get(unit)
    if found is None:
        raise UnitError("unknown unit: use a UN/CEFACT code", found=unit, expected=tuple(UNITS))
    return found


def _make(value: Decimal, unit: str) -> Quantity:
    if value < 0 or value >= _LIMIT:
        raise QuantityError(
            "the amount is below zero or has more than 12 integer digits", found=value, unit=unit
        )
    if value != round(value, 9):
        raise QuantityError("the amount has more than 9 fraction digits in this unit", found=value, unit=unit)
    return Quantity(Decimal(format_decimal(value)), unit)
