"""Times and spans of time for people: what programs keep in microseconds and seconds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from chemtrace.core.times import MAX_US, format_utc


def readable(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of an error with moments (`_us`) as RFC 3339 and spans (`_s`) in hours or days; no unit in names."""
    return {_name(name, value): _readable(name, value) for name, value in fields.items()}


def _name(name: str, value: object) -> str:
    return re.sub(r"_(?:us|s)\Z", "", name) if _readable(name, value) is not value else name


def _readable(name: str, value: object) -> object:
    """A moment in microseconds as RFC 3339, a span in seconds in hours and days."""
    if isinstance(value, int) and name.endswith("_us") and 0 <= value <= MAX_US:
        return format_utc(value)
    if isinstance(value, int) and name.endswith("_s"):
        return span(value)
    return value


def span(seconds: int) -> str:
    """A length of time for people: `90 秒 s`, `36.5 小时 h`, `12.0 天 days`; from two days on in days."""
    if seconds < 600:
        return f"{seconds} 秒 s"
    unit, size = ("小时 h", 3600) if seconds < 172_800 else ("天 days", 86_400)
    tenths = (seconds * 10 + size // 2) // size
    return f"{tenths // 10}.{tenths % 10} {unit}"
