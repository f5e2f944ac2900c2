"""Small tables that commands read: CSV with a header line, and the forms of single cells."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path

from chemtrace.core.errors import PayloadError

MAX_DEGREES = {"lat": 90, "lon": 180}


def load_rows(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file (UTF-8, also with a byte order mark) by column name, cells stripped.

    Raises:
        PayloadError: not such a file.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return [_clean(row) for row in csv.DictReader(file)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise PayloadError(f"{path.name} is not a CSV file in UTF-8: {error}", file=path.name) from error


def require_column(row: Mapping[str, str], name: str) -> str:
    """A cell that may not be empty; raises `PayloadError`, naming it."""
    value = row.get(name, "")
    if not value:
        raise PayloadError(
            f"{name} is missing: give --{name.replace('_', '-')}, or fill the column", field=name
        )
    return value


def parse_degrees(name: str, text: str) -> int:
    """Degrees as people write them (`39.904989`) in millionths, exactly; raises `PayloadError`."""
    if not text:
        raise PayloadError(
            f"{name} is needed: where the place is, in degrees of WGS-84, such as 39.904989", field=name
        )
    try:
        scaled = Decimal(text).scaleb(6)
    except InvalidOperation:
        scaled = Decimal("NaN")
    limit = MAX_DEGREES[name] * 1_000_000
    if not scaled.is_finite() or scaled != scaled.to_integral_value() or abs(scaled) > limit:
        raise PayloadError(
            f"{name} is degrees with at most six decimals, up to {MAX_DEGREES[name]}",
            field=name,
            found=text[:40],
        )
    return int(scaled)


def _clean(row: Mapping[str | None, str | list[str] | None]) -> dict[str, str]:
    return {name: value.strip() for name, value in row.items() if name is not None and isinstance(value, str)}
