"""The mapping file: which columns of a sheet mean what. A closed JSON form, `chemtrace/mapping/1`.

It names the columns of the two parties, the date, the substance, the quantity and the kind, and says for each kind of
row which event it is. Nothing in it is code.
"""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from chemtrace.core.errors import MappingError
from chemtrace.core.events import PAYLOADS
from chemtrace.core.events.fields import Cas, Line, Text, Unit

MAX_BYTES: Final = 256 * 1024

Column = Annotated[str, Meta(min_length=1, max_length=200)]

EVENTS: Final = frozenset(
    {
        "trade/sell", "trade/buy", "transport/arrive", "dispose/hand_over", "dispose/done", "use/consume",
        "report/loss", "report/theft",
    }
)  # fmt: skip
"""What a row may become: events about one item with a quantity."""


class Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A member of the mapping; an unknown member is a mistake, not an extension."""


class Sheet(Strict, frozen=True, kw_only=True):
    """How the file is written. `sheet`: name in a workbook, else the first. `header_row` counts from 1."""

    encoding: Literal["utf-8", "gb18030", "latin-1"] = "utf-8"
    delimiter: Annotated[str, Meta(min_length=1, max_length=1)] = ","
    sheet: Line | None = None
    header_row: Annotated[int, Meta(ge=1, le=100)] = 1


class PartyColumn(Strict, frozen=True, kw_only=True):
    """A column with a party's number, and the pattern (Python `re`, whole value) that it must have."""

    column: Column
    pattern: Line = "[A-Za-z0-9._-]{1,64}"


class DateColumn(Strict, frozen=True, kw_only=True):
    """A column with a day (Python `strptime` format); the sheet knows no hour, so the mapping states one."""

    column: Column
    format: Line = "%Y-%m-%d"
    time: Annotated[str, Meta(pattern=r"^[0-2][0-9]:[0-5][0-9]:[0-5][0-9]\Z")] = "12:00:00"
    opening_time: Annotated[str, Meta(pattern=r"^[0-2][0-9]:[0-5][0-9]:[0-5][0-9]\Z")] = "00:00:00"
    offset: Annotated[str, Meta(pattern=r"^(?:Z|[+-][0-2][0-9]:[0-5][0-9])\Z")] = "+08:00"


class Substance(Strict, frozen=True, kw_only=True):
    """The slot that a substance has in trace codes, and its CAS number, if it has one."""

    slot: Annotated[str, Meta(pattern=r"^(?!000)[0-9]{3}\Z")]
    cas: Cas | None = None


class SubstanceColumn(Strict, frozen=True, kw_only=True):
    """A column with a code of the substance."""

    column: Column
    values: Annotated[dict[str, Substance], Meta(min_length=1)]


class QuantityColumn(Strict, frozen=True, kw_only=True):
    """A column with a decimal number in one unit; a row that moves nothing is refused unless `zero` is `admit`."""

    column: Column
    unit: Unit
    zero: Literal["refuse", "admit"] = "refuse"


class Kind(Strict, frozen=True, kw_only=True):
    """What a row of this kind is: an event, with or without an opening balance of the lot before it."""

    event: str
    opening: bool
    meaning_zh: Text
    meaning_en: Text


class KindColumn(Strict, frozen=True, kw_only=True):
    """A column with the kind of the row."""

    column: Column
    values: Annotated[dict[str, Kind], Meta(min_length=1)]


class Mapping(Strict, frozen=True, kw_only=True):
    """A checked mapping file.

    `reporter` says it, `counterparty` is the other hand: for a purchase or return it is where the goods came from.
    `contract` is the column of an order number, `note` are the columns kept as they stand.
    """

    typ: Literal["chemtrace/mapping/1"]
    id: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,63}\Z")]
    title_zh: Line
    title_en: Line
    source: Text
    namespace: Annotated[str, Meta(pattern=r"^[a-z0-9-]{1,32}\Z")]
    sheet: Sheet = Sheet()
    reporter: PartyColumn
    counterparty: PartyColumn
    date: DateColumn
    substance: SubstanceColumn
    quantity: QuantityColumn
    kind: KindColumn
    item_kind: Literal["P", "C", "T"] = "T"
    contract: Column | None = None
    note: Annotated[tuple[Column, ...], Meta(max_length=40)] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that the mapping reads, each once."""
        read = [
            self.reporter.column,
            self.counterparty.column,
            self.date.column,
            self.substance.column,
            self.quantity.column,
            self.kind.column,
            *([] if self.contract is None else [self.contract]),
            *self.note,
        ]
        return tuple(dict.fromkeys(read))


def parse_mapping(data: bytes) -> Mapping:
    """Read a mapping file.

    Raises:
        MappingError: not of the form, an event that a row cannot be, or a pattern that is none.
    """
    if len(data) > MAX_BYTES:
        raise MappingError("a mapping file is small", size=len(data), limit=MAX_BYTES)
    try:
        mapping = msgspec.json.decode(data, type=Mapping)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MappingError(f"the mapping breaks its form: {error}") from error
    for value, kind in mapping.kind.values.items():
        if kind.event not in EVENTS:
            raise MappingError(
                f"rows of kind {value!r} cannot become {kind.event}",
                field=f"kind.values.{value}.event",
                found=kind.event,
                expected=sorted(EVENTS),
            )
    for party in (mapping.reporter, mapping.counterparty):
        _check_pattern(party)
    return mapping


def has_member(event: str, member: str) -> bool:
    """Whether the payload of an event (`kind/phase`) has a member."""
    kind, _, phase = event.partition("/")
    return member in PAYLOADS[kind, phase].__struct_fields__


def _check_pattern(party: PartyColumn) -> None:
    try:
        re.compile(party.pattern)
    except re.error as error:
        raise MappingError(
            f"the pattern of column {party.column!r} is no regular expression: {error}", found=party.pattern
        ) from error
