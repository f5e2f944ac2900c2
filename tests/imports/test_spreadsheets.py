"""CSV, gzip and workbooks give the same rows; what cannot be read is refused by name."""

from __future__ import annotations

import gzip
from datetime import datetime

import pytest
from openpyxl import Workbook

from chemtrace.adapters.spreadsheets import load_rows
from chemtrace.core.errors import SpreadsheetError
from chemtrace.intake.mapping import Sheet
from chemtrace.intake.reading import identified
from tests.imports.sheet import COLUMNS, GOOD, write_csv


def cells_of(path, sheet=None):
    rows, _ = load_rows(path, sheet or Sheet(), COLUMNS)
    return [tuple(row.cells.values()) for row in rows]


def test_reads_csv_and_its_gzip_alike(tmp_path):
    plain = write_csv(tmp_path / "a.csv", GOOD)
    packed = tmp_path / "a.csv.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert list(GOOD) == cells_of(plain) == cells_of(packed)


def test_names_the_line_where_a_row_begins(tmp_path):
    path = write_csv(tmp_path / "a.csv", [(*GOOD[0][:7], "two\nlines"), GOOD[1]])
    assert [2, 4] == [row.line for row in load_rows(path, Sheet(), COLUMNS)[0]]


def test_leaves_out_rows_without_any_text(tmp_path):
    path = write_csv(tmp_path / "a.csv", [GOOD[0], ("",) * 8, GOOD[1]])
    assert [2, 4] == [row.line for row in load_rows(path, Sheet(), COLUMNS)[0]]


def test_reads_chinese_encodings_and_a_byte_order_mark(tmp_path):
    text = write_csv(tmp_path / "a.csv", GOOD).read_text("utf-8")
    (tmp_path / "b.csv").write_text(text, "gb18030")
    (tmp_path / "c.csv").write_text(text, "utf-8-sig")
    assert list(GOOD) == cells_of(tmp_path / "b.csv", Sheet(encoding="gb18030"))
    assert list(GOOD) == cells_of(tmp_path / "c.csv")


def test_a_workbook_gives_what_was_typed(tmp_path):
    book = Workbook()
    page = book.create_sheet("历史", 0)
    page.append(COLUMNS)
    for row in GOOD:
        number = int(row[6]) if row[6].isdigit() else float(row[6])
        page.append([int(row[0]), datetime.fromisoformat(row[1]), *row[2:6], number, row[7] or None])
    book.save(tmp_path / "a.xlsx")
    found = cells_of(tmp_path / "a.xlsx")
    assert [row[:6] for row in GOOD] == [row[:6] for row in found]
    assert ["1.5", "1.5", "1e-09", "0.25", "0.1", "3", "2", "0.001"] == [row[6] for row in found]
    rows, _ = load_rows(tmp_path / "a.xlsx", Sheet(), COLUMNS)
    assert [0, 1] == [identity.ordinal for _, identity in identified(rows)][:2]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("empty.csv", b""),
        ("cut.csv.gz", gzip.compress(b"a,b\n" * 1000, mtime=0)[:-20]),
        ("noise.xlsx", b"PK\x03\x04" + b"\0" * 200),
        ("latin.csv", "日期".encode("gb18030") + b"\xff\n"),
        ("other.csv", b"a,b\n1,2\n"),
        ("quote.csv", b'"a,b\n'),
        ("header.csv", b"\n"),
    ],
)
def test_refuses_what_cannot_be_read(tmp_path, name, data):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(SpreadsheetError):
        load_rows(tmp_path / name, Sheet(), COLUMNS)


def test_refuses_a_missing_file_a_missing_sheet_and_a_column_that_stands_twice(tmp_path):
    with pytest.raises(SpreadsheetError):
        load_rows(tmp_path / "nowhere.csv", Sheet(), COLUMNS)
    twice = write_csv(tmp_path / "a.csv", [], (*COLUMNS, "备注"))
    with pytest.raises(SpreadsheetError, match="twice"):
        load_rows(twice, Sheet(), COLUMNS)
    Workbook().save(tmp_path / "a.xlsx")
    with pytest.raises(SpreadsheetError, match="no sheet"):
        load_rows(tmp_path / "a.xlsx", Sheet(sheet="历史"), COLUMNS)
