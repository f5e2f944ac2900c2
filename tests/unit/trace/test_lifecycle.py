"""The machine is total, and equals the page that documents it, cell by cell."""

from pathlib import Path

import pytest

from chemtrace.core.events import ITEM_KINDS, PAYLOADS
from chemtrace.trace.lifecycle import IN_HAND, STAGES
from chemtrace.trace.rules import RULES
from tests.unit.trace.lifecycle import COLUMNS, ROWS, outcome

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "lifecycle.md"


def _tables() -> list[dict[tuple[str, str], str]]:
    tables: list[dict[tuple[str, str], str]] = []
    for text in PAGE.read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in text.strip("|").split("|")]
        if text.startswith("| kind/phase |"):
            tables.append({})
        elif tables and len(cells) == len(COLUMNS) + 1 and not text.startswith("|---"):
            tables[-1].update(
                {(cells[0], column): cell for column, cell in zip(COLUMNS, cells[1:], strict=True)}
            )
    return tables


TABLES = _tables()


def test_documents_every_row_and_column_twice():
    pairs = {(row, column) for row in ROWS for column in COLUMNS}
    assert [pairs, pairs] == [set(table) for table in TABLES]


@pytest.mark.parametrize("row", ROWS)
def test_does_what_the_page_says_for_who_may(row):
    expected = {column: TABLES[0][row, column] for column in COLUMNS}
    assert expected == {column: outcome(row, column, stranger=False) for column in COLUMNS}


@pytest.mark.parametrize("row", ROWS)
def test_does_what_the_page_says_for_a_stranger(row):
    expected = {column: TABLES[1][row, column] for column in COLUMNS}
    assert expected == {column: outcome(row, column, stranger=True) for column in COLUMNS}


def test_has_a_stage_for_every_kind_and_phase_of_items():
    assert {pair for pair in PAYLOADS if pair[0] in ITEM_KINDS} == set(STAGES)
    assert {what for what, _, _ in ROWS.values()} | {"correct/done"} == {f"{k}/{p}" for k, p in STAGES}


def test_refuses_only_what_is_still_in_hand():
    refusing = {ROWS[row][0] for table in TABLES for (row, _), cell in table.items() if cell.startswith("✗")}
    assert {f"{kind}/{phase}" for kind, phase in IN_HAND} == refusing


def test_names_only_rules_that_exist():
    named = {word for table in TABLES for cell in table.values() for word in cell.split() if "." in word}
    assert set() == named - set(RULES)
