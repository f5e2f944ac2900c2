"""Quantities: exact, one spelling, units of one dimension only."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chemtrace.core.errors import QuantityError, RefusedError, UnitError
from chemtrace.core.quantity import (
    UNITS,
    Quantity,
    add,
    compare,
    convert,
    format_decimal,
    parse_quantity,
    subtract,
)

FACTORS = {
    "KGM": Fraction(1), "GRM": Fraction(1, 1000), "MGM": Fraction(1, 10**6), "TNE": Fraction(1000),
    "LTR": Fraction(1), "MLT": Fraction(1, 1000), "MTQ": Fraction(1000), "H87": Fraction(1),
}  # fmt: skip

decimals = st.decimals(0, Decimal("999999999999.999999999"), places=9)
masses = st.builds(Quantity, decimals, st.sampled_from(["KGM", "GRM", "MGM", "TNE"]))


def exact(quantity: Quantity) -> Fraction:
    return Fraction(quantity.value) * FACTORS[quantity.unit]


@pytest.mark.parametrize("text", ["0", "1", "25", "0.5", "999999999999.999999999", "10", "100.001"])
def test_canonical_text_is_read_and_written_back(text: str) -> None:
    assert text == parse_quantity(text, "KGM").text


@pytest.mark.parametrize(
    "text",
    ["", "-1", "+1", "1e3", "1E3", "01", "00", ".5", "1.", "1.0", "0.0", "1.50", "1,5", "1_000", " 1", "1\n", "٣",
     "NaN", "Infinity", "1000000000000", "0.0000000001", "1.0000000000"],
    ids=repr,
)  # fmt: skip
def test_any_other_spelling_is_refused(text: str) -> None:
    with pytest.raises(QuantityError) as caught:
        parse_quantity(text, "KGM")
    assert caught.value.fields["found"] == text


@pytest.mark.parametrize("unit", ["kgm", "KG", "", "kg", "ZZZ"])
def test_unknown_units_are_refused(unit: str) -> None:
    with pytest.raises(UnitError):
        parse_quantity("1", unit)


@pytest.mark.parametrize(
    ("text", "unit", "other", "want"),
    [
        ("1", "TNE", "KGM", "1000"),
        ("1.5", "KGM", "GRM", "1500"),
        ("250", "MGM", "KGM", "0.00025"),
        ("2.5", "MTQ", "LTR", "2500"),
        ("33", "MLT", "LTR", "0.033"),
        ("7", "H87", "H87", "7"),
    ],
)
def test_conversion_is_exact(text: str, unit: str, other: str, want: str) -> None:
    converted = convert(parse_quantity(text, unit), other)
    assert (want, other) == (converted.text, converted.unit)


@pytest.mark.parametrize(("left", "right"), [("KGM", "LTR"), ("LTR", "H87"), ("TNE", "MTQ")])
def test_dimensions_do_not_mix(left: str, right: str) -> None:
    one, two = parse_quantity("1", left), parse_quantity("1", right)
    for operation in (add, subtract, compare):
        with pytest.raises(UnitError):
            operation(one, two)
    with pytest.raises(UnitError) as caught:
        convert(one, right)
    assert {"left": left, "right": right} == caught.value.fields


def test_less_than_nothing_is_refused() -> None:
    with pytest.raises(QuantityError):
        subtract(parse_quantity("1", "KGM"), parse_quantity("1000.001", "GRM"))


def test_what_needs_more_digits_is_refused_not_rounded() -> None:
    with pytest.raises(QuantityError, match="fraction digits"):
        convert(parse_quantity("0.0000001", "MGM"), "KGM")
    with pytest.raises(QuantityError, match="integer digits"):
        convert(parse_quantity("999999999999", "TNE"), "MGM")


def test_decimals_without_a_canonical_text_are_refused() -> None:
    for value in (Decimal(-1), Decimal("NaN"), Decimal("1E+12"), Decimal("1E-10")):
        with pytest.raises(QuantityError):
            format_decimal(value)


@given(masses, masses)
def test_sums_differences_and_order_agree_with_fractions(left: Quantity, right: Quantity) -> None:
    try:
        total = add(left, right)
    except RefusedError:
        total = None
    if total is not None:
        assert exact(left) + exact(right) == exact(total)
        assert exact(left) == exact(subtract(total, right))
    assert compare(left, right) == (exact(left) > exact(right)) - (exact(left) < exact(right))


@given(masses, st.sampled_from(["KGM", "GRM", "MGM", "TNE"]))
def test_conversion_there_and_back_changes_nothing(quantity: Quantity, unit: str) -> None:
    try:
        there = convert(quantity, unit)
    except QuantityError:
        assume(False)
    assert exact(quantity) == exact(there)
    assert convert(there, quantity.unit).value == quantity.value


def test_every_unit_has_a_base_of_its_own_kind() -> None:
    assert {unit.base for unit in UNITS.values()} == {"KGM", "LTR", "H87"}
    assert all(FACTORS[unit.code] == Fraction(10) ** unit.power for unit in UNITS.values())
