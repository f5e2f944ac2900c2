"""Rows become movements, exactly, or refusals with a reason; a row keeps its identity wherever it stands."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from chemtrace.core.errors import MappingError
from chemtrace.intake.mapping import parse_mapping
from chemtrace.intake.reading import Movement, RefusedRow, Row, identified, read_row
from chemtrace.intake.tally import Tally
from tests.imports.sheet import BAD, COLUMNS, GOOD, MAPPING

SMALL = parse_mapping(json.dumps(MAPPING).encode())


def rows_of(*cells: tuple[str, ...]) -> list[Row]:
    return [Row(line, dict(zip(COLUMNS, row, strict=True))) for line, row in enumerate(cells, 2)]


def read(*cells: tuple[str, ...]) -> list[Movement | RefusedRow]:
    return [read_row(SMALL, row, identity) for row, identity in identified(rows_of(*cells))]


def test_reads_every_good_row_with_its_exact_quantity():
    movements = read(*GOOD)
    assert ["1.5", "1.5", "0.000000001", "0.25", "0.1", "3", "2", "0.001"] == [m.value for m in movements]
    assert all(isinstance(m, Movement) for m in movements)


def test_a_row_speaks_for_a_foreign_party_at_noon_of_its_day():
    first = read(GOOD[0])[0]
    assert isinstance(first, Movement)
    assert ("ext:small:R001", "ext:small:B001") == (first.reporter, first.counterparty)
    assert ("2020-01-02T12:00:00+08:00", "2020-01-02T00:00:00+08:00") == (first.at, first.opening_at)


@pytest.mark.parametrize(("reason", "cells"), [bad for bad in BAD if bad[0] != "row.width"])
def test_refuses_a_bad_row_with_line_and_reason(reason, cells):
    refused = read(cells)[0]
    assert isinstance(refused, RefusedRow)
    assert (2, reason) == (refused.line, refused.reason)
    assert refused.detail


def test_a_row_is_known_by_its_cells_and_its_ordinal_not_by_its_place():
    def nonces(*cells: tuple[str, ...]) -> list[str]:
        return [i.nonce(b"s" * 32, "small", "movement") for _, i in identified(rows_of(*cells))]

    there, back = nonces(*GOOD), nonces(*reversed(GOOD))
    assert len(set(there)) == len(GOOD)
    assert set(there) == set(back)


def test_the_identity_does_not_run_cells_together():
    (_, one), (_, two) = identified(
        [Row(2, {"a": "1", "b": "2"}), Row(3, {"a": "1b", "b": ""})],
    )
    assert one.digest != two.digest


def test_the_nonce_says_nothing_without_the_secret_and_differs_by_part():
    ((_, identity),) = identified(rows_of(GOOD[0]))
    told = {
        identity.nonce(b"s" * 32, "small", "movement"),
        identity.nonce(b"s" * 32, "small", "opening"),
        identity.nonce(b"t" * 32, "small", "movement"),
        identity.nonce(b"s" * 32, "other", "movement"),
    }
    assert 4 == len(told)


def test_the_account_is_equal_only_to_the_last_digit():
    tally = Tally("KGM")
    first = read(GOOD[2])[0]
    tally.row(first)
    tally.event("ext:small:R001", "2020", "0.000000002")
    assert not tally.is_equal
    assert Decimal("0.000000001") == tally.total().mass_rows


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("typ", "chemtrace/mapping/2"),
        ("namespace", "Upper"),
        ("unknown", 1),
        ("reporter", {"column": "申报人", "pattern": "("}),
        ("quantity", {"column": "千克", "unit": "LBR"}),
        ("substance", {"column": "物质", "values": {"氯": {"slot": "000"}}}),
        ("kind", {"column": "类型", "values": {}}),
        (
            "kind",
            {
                "column": "类型",
                "values": {
                    "x": {"event": "key/register", "opening": False, "meaning_zh": "x", "meaning_en": "x"}
                },
            },
        ),
    ],
)
def test_refuses_a_mapping_that_breaks_its_form(member, value):
    with pytest.raises(MappingError):
        parse_mapping(json.dumps({**MAPPING, member: value}).encode())
