"""One row of a sheet, read by a mapping: a movement, or the reason why it is none. Pure, total, exact.

The identity of a row is the digest of all its cells, and its ordinal among rows with the same cells: numbers that
people gave to rows repeat, lines move when a sheet is sorted.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Final, TypeAlias

import msgspec

from chemtrace.core.errors import QuantityError, RowError, TimeFormatError
from chemtrace.core.quantity import format_decimal
from chemtrace.core.times import MAX_US, parse_rfc3339
from chemtrace.intake.mapping import Kind, PartyColumn
from chemtrace.intake.mapping import Mapping as SheetMapping

ZERO: Final = Decimal(0)
MAX_NOTE: Final = 2000
MAX_LINE: Final = 200

Nonce: TypeAlias = str
"""32 hex digits; derived from a row's identity under a secret, so that its digest tells nothing to others."""


class Row(msgspec.Struct, frozen=True):
    """A row as the file has it: the line (in a workbook the row) where it begins, and its cells by column.

    `defect` is what is wrong with the row as a whole, such as cells beyond the header's.
    """

    line: int
    cells: Mapping[str, str]
    defect: str | None = None


class Identity(msgspec.Struct, frozen=True):
    """SHA-256 over all cells, and how many rows with the same cells came before, from 0."""

    digest: bytes
    ordinal: int

    def nonce(self, secret: bytes, namespace: str, part: str) -> Nonce:
        """The nonce of one event (`part`) of this row in a namespace."""
        text = b"\0".join([namespace.encode(), part.encode(), self.digest, str(self.ordinal).encode()])
        return hmac.digest(secret, text, "sha256")[:16].hex()


class Movement(msgspec.Struct, frozen=True):
    """What a row says: who moved how much of what, when, and to or from whom. Parties are `ext:NAMESPACE:ID`."""

    line: int
    identity: Identity
    reporter: str
    counterparty: str
    kind: Kind
    slot: str
    value: str
    unit: str
    day: str
    at: str
    opening_at: str
    contract: str | None
    note: str | None

    @property
    def year(self) -> str:
        """Year of the row's date, four digits."""
        return self.day[:4]


class RefusedRow(msgspec.Struct, frozen=True):
    """A row that is no event: where it stands, why, and what it would have counted for (as far as it can be read)."""

    line: int
    reason: str
    detail: str
    reporter: str
    year: str
    value: str | None


def identified(rows: Iterable[Row]) -> Iterator[tuple[Row, Identity]]:
    """Give every row its identity, in the order of the file."""
    seen: dict[bytes, int] = {}
    for row in rows:
        digest = _digest(row.cells)
        ordinal = seen.get(digest, 0)
        seen[digest] = ordinal + 1
        yield row, Identity(digest, ordinal)


def read_row(
    mapping: SheetMapping, row: Row, identity: Identity, *, latest_us: int = MAX_US
) -> Movement | RefusedRow:
    """Read a row; what cannot be an event comes back with its reason, never as an exception.

    A row dated behind `latest_us` (microseconds UTC) is refused as the ledger would refuse it: for a rehearsal.
    """
    try:
        movement = _movement(mapping, row, identity)
        if parse_rfc3339(movement.at) > latest_us:
            raise _refuse("time.future", f"{movement.day} has not come yet")
        return movement
    except RowError as error:
        reason = str(error.fields["reason"])
        return refused_row(mapping, row, reason, error.message)


def refused_row(mapping: SheetMapping, row: Row, reason: str, detail: str) -> RefusedRow:
    """The row as a refusal; reporter, year and quantity as far as they can be read, so that sums stay exact."""
    cells = row.cells
    try:
        year = _day(mapping, cells)[:4]
    except RowError:
        year = "?"
    try:
        value: str | None = format(_number(cells.get(mapping.quantity.column, "")), "f")
    except RowError:
        value = None
    return RefusedRow(row.line, reason, detail, cells.get(mapping.reporter.column, "") or "?", year, value)


def _movement(mapping: SheetMapping, row: Row, identity: Identity) -> Movement:
    cells = row.cells
    if row.defect is not None:
        raise _refuse("row.width", row.defect)
    kind_text = cells[mapping.kind.column]
    kind = mapping.kind.values.get(kind_text)
    if kind is None:
        raise _refuse("kind.unknown", f"the mapping knows no kind {kind_text!r}")
    substance = mapping.substance.values.get(cells[mapping.substance.column])
    if substance is None:
        found = cells[mapping.substance.column]
        raise _refuse("substance.unknown", f"the mapping knows no substance {found!r}")
    day = _day(mapping, cells)
    dates = mapping.date
    return Movement(
        line=row.line,
        identity=identity,
        reporter=_party(mapping, mapping.reporter, cells),
        counterparty=_party(mapping, mapping.counterparty, cells),
        kind=kind,
        slot=substance.slot,
        value=_quantity(mapping, cells),
        unit=mapping.quantity.unit,
        day=day,
        at=_moment(f"{day}T{dates.time}{dates.offset}"),
        opening_at=_moment(f"{day}T{dates.opening_time}{dates.offset}"),
        contract=_contract(mapping, cells),
        note=_note(mapping, cells),
    )


def _digest(cells: Mapping[str, str]) -> bytes:
    parts = [f"{len(name)}:{name}{len(text)}:{text}" for name, text in sorted(cells.items())]
    return hashlib.sha256("".join(parts).encode("utf-8", "surrogatepass")).digest()


def _party(mapping: SheetMapping, column: PartyColumn, cells: Mapping[str, str]) -> str:
    text = cells[column.column]
    if re.fullmatch(column.pattern, text) is None or re.fullmatch(r"[A-Za-z0-9._-]{1,64}", text) is None:
        raise _refuse("party.invalid", f"{column.column} is {text!r}, not of the form {column.pattern}")
    return f"ext:{mapping.namespace}:{text}"


def _day(mapping: SheetMapping, cells: Mapping[str, str]) -> str:
    text = cells.get(mapping.date.column, "")
    try:
        # The zone is the mapping's: only the day is taken from here.
        return datetime.strptime(text, mapping.date.format).date().isoformat()  # noqa: DTZ007  # a day has no zone
    except ValueError as error:
        raise _refuse(
            "date.invalid", f"{mapping.date.column} is {text!r}, not of the form {mapping.date.format}"
        ) from error


def _moment(text: str) -> str:
    try:
        parse_rfc3339(text)
    except TimeFormatError as error:
        raise _refuse(
            "date.invalid", f"{text} is no time that the ledger can keep: {error.message}"
        ) from error
    return text


def _number(text: str) -> Decimal:
    """A decimal number; full-width digits and signs, as input methods type them, are taken as their plain ones."""
    text = unicodedata.normalize("NFKC", text)
    if re.fullmatch(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,2})?", text, re.ASCII) is None:
        raise _refuse("quantity.invalid", f"{text[:40]!r} is no decimal number")
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise _refuse("quantity.invalid", f"{text[:40]!r} is no decimal number") from error


def _quantity(mapping: SheetMapping, cells: Mapping[str, str]) -> str:
    text = cells[mapping.quantity.column]
    value = _number(text)
    if value < ZERO:
        raise _refuse("quantity.negative", f"{text} {mapping.quantity.unit} is below zero")
    if value == ZERO:
        if mapping.quantity.zero == "refuse":
            raise _refuse("quantity.zero", f"{text} {mapping.quantity.unit} moves nothing")
        return "0"
    try:
        return format_decimal(value)
    except QuantityError as error:
        raise _refuse(
            "quantity.digits", f"{text} has more than 12 integer or 9 fraction digits: nothing is rounded"
        ) from error


def _contract(mapping: SheetMapping, cells: Mapping[str, str]) -> str | None:
    text = "" if mapping.contract is None else cells[mapping.contract]
    if len(text) > MAX_LINE:
        raise _refuse("text.too-long", f"{mapping.contract} has {len(text)} signs, at most {MAX_LINE}")
    return text or None


def _note(mapping: SheetMapping, cells: Mapping[str, str]) -> str | None:
    text = "; ".join([f"{name}={cells[name]}" for name in mapping.note if cells[name]])
    if len(text) > MAX_NOTE:
        raise _refuse("text.too-long", f"the columns to note have {len(text)} signs, at most {MAX_NOTE}")
    return text or None


def _refuse(reason: str, message: str) -> RowError:
    return RowError(message, reason=reason)
