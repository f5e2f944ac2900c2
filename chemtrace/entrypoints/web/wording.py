"""How codes, times, quantities and names stand on a page. Values come from the ledger as text and stay text."""

from __future__ import annotations

from typing import Any, Final

from chemtrace.core.catalogue import Catalogue
from chemtrace.core.codes import CODE_SIGNS
from chemtrace.core.errors import TimeFormatError
from chemtrace.core.times import format_utc, parse_rfc3339
from chemtrace.entrypoints.web.language import Words

BEIJING_US: Final = 8 * 3_600_000_000
"""UTC+8 without daylight saving: the one zone of the city, said on every page."""

UNITS: Final = {
    "KGM": "kg", "GRM": "g", "MGM": "mg", "TNE": "t", "LTR": "L", "MLT": "mL", "MTQ": "m³",
}  # fmt: skip
"""UN/CEFACT Recommendation 20 codes to the symbols people know; pieces (H87) are a word of the catalogue."""

STAGES: Final = ("produce", "trade", "store", "transport", "use", "dispose")
"""The six stages of the law, in order."""

_STAGE_OF: Final = {
    "repack": "produce", "transform": "produce", "pack": "store", "unpack": "store", "count": "store",
    "waybill": "transport",
}  # fmt: skip


def local_time(text: str | None) -> str:
    """An RFC 3339 time as Beijing reads it, to the second: `2026-11-22 13:10:05`; what is no time stays as it is."""
    if not text:
        return "—"
    try:
        return local_moment(parse_rfc3339(text))
    except TimeFormatError:
        return text


def local_moment(at_us: int) -> str:
    """Microseconds UTC as Beijing reads them, to the second."""
    return format_utc(at_us + BEIJING_US)[:19].replace("T", " ")


def utc_text(at_us: int) -> str:
    """Microseconds UTC as RFC 3339, for the `datetime` of a `<time>`."""
    return format_utc(at_us)


def pretty_code(code: str) -> str:
    """A trace code as people read it: `BJ1P-005-7K2M-4QX9T3C-F`; anything else unchanged."""
    if len(code) != CODE_SIGNS:
        return code
    return f"{code[:4]}-{code[4:7]}-{code[7:11]}-{code[11:18]}-{code[18]}"


def is_code(text: str) -> bool:
    """Whether a subject or code column holds an item's code (and not the number of a waybill)."""
    return len(text) == CODE_SIGNS and text.isalnum() and text.isascii()


def quantity(value: str | None, unit: str | None, words: Words) -> str:
    """A quantity with its unit, as `200 kg`; a dash where none is known."""
    code = unit or ""
    if value is None or value == "" or (value == "0" and not code):
        return "—"
    symbol = words("unit.pieces") if code == "H87" else UNITS.get(code, code)
    return f"{value} {symbol}".rstrip()


def amount(document: Any, words: Words) -> str:
    """A quantity of a payload, `{value, unit}` or None."""
    if not isinstance(document, dict):
        return "—"
    return quantity(str(document.get("value", "")), str(document.get("unit", "")), words)


def stage_of(kind: str, phase: str) -> str:
    """The stage that an event belongs to; `look` for inspections, reports, corrections and what else looks on."""
    stage = _STAGE_OF.get(phase) or _STAGE_OF.get(kind) or kind
    return stage if stage in STAGES else "look"


def substance(slot: str, catalogue: Catalogue, words: Words) -> str:
    """The name of a chemical slot."""
    chemical = catalogue.by_slot.get(slot)
    if chemical is not None:
        return words.pick(chemical.name_zh, chemical.name_en)
    return words("substance.mixed") if slot == "000" else words("substance.unlisted", slot=slot)


def short(text: str, signs: int = 12) -> str:
    """The beginning of a digest."""
    return text if len(text) <= signs else f"{text[:signs]}…"


def position(lat_e6: int, lon_e6: int) -> str:
    """A place on earth in degrees to four digits, about ten metres (WGS-84)."""
    return f"{_degrees(lat_e6)}, {_degrees(lon_e6)}"


def _degrees(part: int) -> str:
    whole, rest = divmod(abs(part), 1_000_000)
    return f"{'-' if part < 0 else ''}{whole}.{rest // 100:04d}"
