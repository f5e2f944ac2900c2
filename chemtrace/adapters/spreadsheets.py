"""Reading spreadsheets: CSV (also gzip) and Excel workbooks, row by row, every cell as exact text.

Numbers of a workbook come as the shortest text that gives the same number again, which is what was typed; days
as YYYY-MM-DD. Nothing is computed: of a formula the value stored beside it counts.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import IO, Any, Final

from chemtrace.core.errors import SpreadsheetError
from chemtrace.intake.mapping import Sheet
from chemtrace.intake.reading import Row

MAX_BYTES: Final = 2 * 1024**3
"""Largest file, unpacked: a bomb ends here."""
MAX_ROWS: Final = 2_000_000

BEYOND: Final = "\0beyond"
"""Under which name text right of the last column counts for a row's identity."""

_GZIP: Final = b"\x1f\x8b"
_ZIP: Final = b"PK\x03\x04"


def load_rows(path: Path, sheet: Sheet, columns: Sequence[str]) -> tuple[list[Row], str]:
    """Read all rows below the header and the SHA-256 of the file; rows without any text are not rows.

    Raises:
        SpreadsheetError: missing, damaged, of an unknown format, too large, or without one of `columns`.
    """
    try:
        data = path.read_bytes() if path.stat().st_size <= MAX_BYTES else b""
    except OSError as error:
        raise SpreadsheetError(f"{path} cannot be read: {error.strerror}", name=str(path)) from error
    if not data:
        raise SpreadsheetError(f"{path} is empty or larger than 2 GiB", name=path.name)
    is_book = data.startswith(_ZIP)
    lines = (_workbook_lines if is_book else _csv_lines)(data, sheet, path.name)
    rows = list(_rows(lines, sheet.header_row, columns, path.name, may_be_short=is_book))
    return rows, hashlib.sha256(data).hexdigest()


def _rows(
    lines: Iterator[tuple[int, list[str]]],
    header_row: int,
    columns: Sequence[str],
    name: str,
    *,
    may_be_short: bool,
) -> Iterator[Row]:
    header: list[str] | None = None
    for number, (line, cells) in enumerate(lines, 1):
        if number < header_row:
            continue
        if header is None:
            header = _checked_header(cells, columns, name)
            continue
        if not any(cells):
            continue
        if number > MAX_ROWS:
            raise SpreadsheetError(f"{name} has more than {MAX_ROWS} rows: cut it", name=name, limit=MAX_ROWS)
        yield _row(line, header, cells, may_be_short=may_be_short)
    if header is None:
        raise SpreadsheetError(f"{name} has no header in row {header_row}", name=name)


def _row(line: int, header: list[str], cells: list[str], *, may_be_short: bool) -> Row:
    """A workbook leaves out empty cells at the end of a row; in CSV a short row is a broken one."""
    width, beyond = len(header), cells[len(header) :]
    named = dict(zip(header, [*cells, *[""] * (width - len(cells))], strict=False))
    if any(beyond):
        named[BEYOND] = "\0".join(beyond)
    broken = any(beyond) or (len(cells) < width and not may_be_short)
    return Row(line, named, f"{len(cells)} cells under {width} columns" if broken else None)


def _checked_header(cells: list[str], columns: Sequence[str], name: str) -> list[str]:
    header = list(cells)
    while header and not header[-1]:
        header.pop()
    missing = [column for column in columns if column not in header]
    if missing:
        raise SpreadsheetError(
            f"{name} lacks the column {missing[0]!r}: the mapping is for another sheet",
            name=name,
            expected=list(columns),
            found=header,
        )
    twice = sorted({column for column in header if header.count(column) > 1})
    if twice:
        raise SpreadsheetError(f"{name} has the column {twice[0]!r} twice", name=name, found=twice)
    return header


def _csv_lines(data: bytes, sheet: Sheet, name: str) -> Iterator[tuple[int, list[str]]]:
    encoding = "utf-8-sig" if sheet.encoding == "utf-8" else sheet.encoding
    raw: IO[bytes] = io.BytesIO(data)
    if data.startswith(_GZIP):
        raw = io.BytesIO(_unpacked(data, name))
    line = 1
    try:
        reader = csv.reader(
            io.TextIOWrapper(raw, encoding=encoding, newline=""), delimiter=sheet.delimiter, strict=True
        )
        for cells in reader:
            yield line, [cell.strip() for cell in cells]
            line = reader.line_num + 1
    except UnicodeDecodeError as error:
        raise SpreadsheetError(
            f"{name} is not {sheet.encoding} near line {line}: say its encoding in the mapping",
            name=name,
            line=line,
            expected=sheet.encoding,
        ) from error
    except csv.Error as error:
        raise SpreadsheetError(f"{name}, line {line}: {error}", name=name, line=line) from error


def _unpacked(data: bytes, name: str) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as packed:
            plain = packed.read(MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise SpreadsheetError(f"{name} is a damaged gzip file: {error}", name=name) from error
    if len(plain) > MAX_BYTES:
        raise SpreadsheetError(f"{name} unpacks to more than 2 GiB", name=name, limit=MAX_BYTES)
    return plain


def _workbook_lines(data: bytes, sheet: Sheet, name: str) -> Iterator[tuple[int, list[str]]]:
    from openpyxl import load_workbook

    try:
        _refuse_bomb(data, name)
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    except SpreadsheetError:
        raise
    except Exception as error:  # a damaged workbook fails in any of the parsers beneath
        raise SpreadsheetError(f"{name} is no Excel workbook that can be read: {error}", name=name) from error
    try:
        if sheet.sheet is not None and sheet.sheet not in book.sheetnames:
            raise SpreadsheetError(
                f"{name} has no sheet {sheet.sheet!r}", name=name, expected=sheet.sheet, found=book.sheetnames
            )
        page = book[sheet.sheet] if sheet.sheet is not None else book.worksheets[0]
        for number, values in enumerate(page.iter_rows(values_only=True), 1):
            cells = [_cell(value) for value in values]
            while cells and not cells[-1]:
                cells.pop()
            yield number, cells
    finally:
        book.close()


def _refuse_bomb(data: bytes, name: str) -> None:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        size = sum(part.file_size for part in archive.infolist())
    if size > MAX_BYTES:
        raise SpreadsheetError(f"{name} unpacks to more than 2 GiB", name=name, limit=MAX_BYTES, size=size)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, datetime):
        at_midnight = (value.hour, value.minute, value.second, value.microsecond) == (0, 0, 0, 0)
        return value.date().isoformat() if at_midnight else value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
    return str(value).strip()
