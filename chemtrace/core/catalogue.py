"""The catalogue of chemicals a deployment traces: dated data, never code; read strictly.

A catalogue gives each chemical a slot (001-999, signs 5-7 of a trace code) and what labels, rules and fire crews
need to know of it. Which chemicals a city lists is its own decision: another catalogue may be loaded in place of
contracts/chemicals/beijing-35.json. Form: contracts/chemicals/README.md and catalogue.schema.json.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Annotated, Final, Literal

import msgspec

from chemtrace.core.errors import CatalogueError

CATALOGUE_TYPE: Final = "chemtrace/catalogue/1"
MAX_BYTES: Final = 4 * 1024 * 1024
"""Largest catalogue read: 999 entries of 4 KiB."""

Flag = Literal[
    "special-control",
    "key-supervised",
    "highly-toxic",
    "explosive-precursor",
    "drug-precursor-1",
    "drug-precursor-2",
    "drug-precursor-3",
    "civil-explosive-trade",
    "gas",
]
"""Legal attributes; sources in contracts/chemicals/README.md."""

TDGClass = Literal[
    "1.1", "1.2", "1.3", "1.4", "1.5", "1.6", "2.1", "2.2", "2.3", "3", "4.1", "4.2", "4.3", "5.1", "5.2", "6.1",
    "6.2", "7", "8", "9",
]  # fmt: skip
"""Class or division of the UN Model Regulations (GB 6944-2012)."""

State = Literal["solid", "liquid", "gas-compressed", "gas-liquefied", "gas-refrigerated", "gas-dissolved"]
Packaging = Literal[
    "bag", "bottle", "box", "cryogenic", "cylinder", "drum", "fixed-tank", "ibc", "jerrycan", "tank-truck",
    "tube-trailer",
]  # fmt: skip
StorageGroup = Literal[
    "ACD", "ALK", "CYN", "EXP", "GFL", "GIN", "GOX", "GTX", "ISO", "LFL", "OXI", "SEP", "SFL", "TOX", "WRX",
]  # fmt: skip
Slot = Annotated[str, msgspec.Meta(pattern="^(?!000)[0-9]{3}$", min_length=3, max_length=3)]
UNNumber = Annotated[str, msgspec.Meta(pattern="^[0-9]{4}$", min_length=4, max_length=4)]
CAS = Annotated[str, msgspec.Meta(pattern="^[1-9][0-9]{1,6}-[0-9]{2}-[0-9]$", max_length=12)]
Tonnes = Annotated[str, msgspec.Meta(pattern=r"^(0|[1-9][0-9]{0,5})(\.[0-9]{1,3})?$(?!\n)", max_length=10)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=120)]
Text = Annotated[str, msgspec.Meta(max_length=400)]
Day = Annotated[str, msgspec.Meta(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$", max_length=10)]
Serial = Annotated[str, msgspec.Meta(pattern="^[0-9]{1,4}$", max_length=4)]


class Chemical(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One chemical of a catalogue.

    `critical_quantity_t` (tonnes) and `critical_beta` are those of GB 18218-2018, decimal strings, null where the
    standard gives none. `unit` is the UN/CEFACT code of the base unit of its quantities. `kinds` says which item
    kinds it is traced as (waste units and aggregates always may be).
    """

    slot: Slot
    name_zh: Name
    name_en: Name
    tdg_class: TDGClass | None
    unit: Literal["KGM", "LTR", "H87"]
    aliases_zh: tuple[Name, ...] = ()
    aliases_en: tuple[Name, ...] = ()
    cas: CAS | None = None
    un: UNNumber | None = None
    un_other: tuple[UNNumber, ...] = ()
    subsidiary: tuple[TDGClass, ...] = ()
    packing_group: Literal["I", "II", "III"] | None = None
    ghs: tuple[Name, ...] = ()
    flags: tuple[Flag, ...] = ()
    critical_quantity_t: Tonnes | None = None
    critical_beta: Tonnes | None = None
    state: State | None = None
    kinds: tuple[Literal["P", "C", "T"], ...] = ("P", "C", "T")
    packaging: tuple[Packaging, ...] = ()
    storage_groups: tuple[StorageGroup, ...] = ()
    catalogue_2015: tuple[Serial, ...] = ()
    catalogue_2015_checked: bool = False
    note_zh: Text = ""
    note_en: Text = ""

    @property
    def critical_quantity(self) -> Decimal | None:
        """The critical quantity in tonnes as an exact number, or None."""
        return None if self.critical_quantity_t is None else Decimal(self.critical_quantity_t)

    def has_flag(self, flag: Flag) -> bool:
        """Tell whether the chemical carries a legal attribute."""
        return flag in self.flags


class CatalogueDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The file form of a catalogue; `parse_catalogue` turns it into a `Catalogue`."""

    typ: Literal["chemtrace/catalogue/1"]
    id: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9.-]{0,63}$(?!\n)")]
    title_zh: Name
    title_en: Name
    valid_from: Day
    valid_to: Day | None
    source: Text
    chemicals: Annotated[tuple[Chemical, ...], msgspec.Meta(min_length=1, max_length=999)]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """A checked catalogue; in force from `valid_from` to before `valid_to` (null: open)."""

    id: str
    title_zh: str
    title_en: str
    valid_from: date
    valid_to: date | None
    source: str
    chemicals: tuple[Chemical, ...]
    by_slot: Mapping[str, Chemical]
    by_cas: Mapping[str, Chemical]

    def is_in_force(self, day: date) -> bool:
        """Tell whether the catalogue applies on a day."""
        return self.valid_from <= day and (self.valid_to is None or day < self.valid_to)


def parse_catalogue(data: bytes) -> Catalogue:
    """Read a catalogue file: strict JSON, every field checked, nothing unknown, nothing twice.

    Raises:
        CatalogueError: names the field or entry and both sides.
    """
    document = _parse_document(data)
    valid_from = _day("valid_from", document.valid_from)
    valid_to = None if document.valid_to is None else _day("valid_to", document.valid_to)
    if valid_to is not None and valid_to <= valid_from:
        message = "A catalogue must end after it begins."
        raise CatalogueError(
            message, field="valid_to", got=document.valid_to, expected_after=document.valid_from
        )
    for chemical in document.chemicals:
        _check_chemical(chemical)
    by_slot = _index("slot", ((chemical.slot, chemical) for chemical in document.chemicals))
    by_cas = _index("cas", ((c.cas, c) for c in document.chemicals if c.cas is not None))
    return Catalogue(
        id=document.id,
        title_zh=document.title_zh,
        title_en=document.title_en,
        valid_from=valid_from,
        valid_to=valid_to,
        source=document.source,
        chemicals=document.chemicals,
        by_slot=by_slot,
        by_cas=by_cas,
    )


def verify_cas(cas: str) -> str:
    """Return a CAS number whose form and check digit hold.

    Raises:
        CatalogueError: another form, or another check digit (carries both).
    Source:
        CAS Registry check digit: sum of digit times place from the right, modulo 10.
    """
    if re.fullmatch(r"[1-9][0-9]{1,6}-[0-9]{2}-[0-9]", cas, re.ASCII) is None:
        message = f"{cas!r} has not the form of a CAS number, such as 7782-50-5."
        raise CatalogueError(message, field="cas", got=cas, expected="NNNNNNN-NN-N")
    digits = cas.replace("-", "")
    expected = str(sum(place * int(digit) for place, digit in enumerate(reversed(digits[:-1]), 1)) % 10)
    if digits[-1] != expected:
        message = f"CAS number {cas} ends in {digits[-1]} but its check digit is {expected}."
        raise CatalogueError(message, field="cas", got=cas, expected=expected)
    return cas


def _parse_document(data: bytes) -> CatalogueDocument:
    if len(data) > MAX_BYTES:
        message = f"A catalogue has at most {MAX_BYTES} bytes, this has {len(data)}."
        raise CatalogueError(message, got_length=len(data), expected_maximum=MAX_BYTES)
    try:
        # The standard parser is asked because it alone shows a name that stands twice in an object.
        members = json.loads(data.decode("utf-8"), object_pairs_hook=_unique_members)
        return msgspec.convert(members, CatalogueDocument)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        message = f"A catalogue is JSON in UTF-8: {error}"
        raise CatalogueError(message, expected="JSON in UTF-8") from error
    except msgspec.ValidationError as error:
        message = f"The catalogue breaks its schema: {error}"
        raise CatalogueError(message, field=str(error).rpartition("`")[0].rpartition("`")[2]) from error


def _unique_members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        message = f"The member {twice!r} stands twice in one object."
        raise CatalogueError(message, field=twice)
    return members


def _day(field: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        message = f"{text!r} is no day of the calendar."
        raise CatalogueError(message, field=field, got=text, expected="YYYY-MM-DD") from error


def _check_chemical(chemical: Chemical) -> None:
    if chemical.cas is not None:
        verify_cas(chemical.cas)
    if chemical.tdg_class is None and (chemical.un or chemical.subsidiary or chemical.packing_group):
        _refuse(
            chemical,
            "tdg_class",
            None,
            "a class, because the entry has a UN number, subsidiary hazard or group",
        )
    if chemical.un is None and chemical.un_other:
        _refuse(chemical, "un", None, "a main UN number beside the others")
    if chemical.tdg_class in chemical.subsidiary:
        _refuse(chemical, "subsidiary", chemical.tdg_class, "a hazard other than the main class")
    if chemical.tdg_class in {"2.1", "2.2", "2.3"} and chemical.packing_group is not None:
        _refuse(chemical, "packing_group", chemical.packing_group, "null: gases have no packing group")
    if chemical.critical_quantity is not None and chemical.critical_quantity == 0:
        _refuse(chemical, "critical_quantity_t", chemical.critical_quantity_t, "more than 0, or null")
    if not chemical.kinds:
        _refuse(chemical, "kinds", (), "at least one of P, C, T")
    for field in (
        "aliases_zh",
        "aliases_en",
        "un_other",
        "subsidiary",
        "flags",
        "kinds",
        "packaging",
        "storage_groups",
    ):
        values = getattr(chemical, field)
        if len(set(values)) != len(values):
            _refuse(chemical, field, values, "each value once")


def _refuse(chemical: Chemical, field: str, got: object, expected: str) -> None:
    message = f"Entry {chemical.slot} ({chemical.name_en}): {field} must be {expected}."
    raise CatalogueError(message, slot=chemical.slot, field=field, got=got, expected=expected)


def _index(field: str, entries: Iterable[tuple[str, Chemical]]) -> Mapping[str, Chemical]:
    index: dict[str, Chemical] = {}
    for key, chemical in entries:
        first = index.setdefault(key, chemical)
        if first is not chemical:
            message = f"{field} {key} stands at two entries: {first.name_en} and {chemical.name_en}."
            raise CatalogueError(message, field=field, got=key, first=first.slot, second=chemical.slot)
    return MappingProxyType(index)
