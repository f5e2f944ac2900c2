"""Time: RFC 3339 text outside, integer microseconds since 1970-01-01T00:00:00Z inside; never a float."""

import re
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from chemtrace.core.errors import TimeFormatError
from chemtrace.core.types import Microseconds

_FORM: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?"
    r"(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)
_EPOCH: Final = datetime.fromisoformat("1970-01-01T00:00:00Z")
_EPOCH_NAIVE: Final = datetime(1970, 1, 1)  # noqa: DTZ001  # arithmetic in UTC only; spares the +00:00 suffix
_DAY_US: Final = 86_400_000_000

MAX_US: Final = Microseconds(253_402_300_799_999_999)
"""9999-12-31T23:59:59.999999Z, the last moment that RFC 3339 can write."""


@lru_cache(maxsize=4096)
def parse_rfc3339(text: str) -> Microseconds:
    """Return the moment that `text` names, in microseconds UTC.

    Strict RFC 3339 section 5.6: upper-case T and Z, an offset always, 1 to 6 fraction digits, years 1970 to
    9999 in UTC. Leap seconds (`:60`) and the unknown offset `-00:00` are refused: they name no moment of ours.

    Raises:
        TimeFormatError: the text is anything else; field `found` holds it.
    """
    if _FORM.fullmatch(text) is None or text.endswith("-00:00"):
        raise _refuse(text)
    try:
        since = datetime.fromisoformat(text) - _EPOCH
    except ValueError as error:
        raise _refuse(text) from error
    at_us = since.days * _DAY_US + since.seconds * 1_000_000 + since.microseconds
    if not 0 <= at_us <= MAX_US:
        raise _refuse(text)
    return Microseconds(at_us)


def format_utc(at_us: int) -> str:
    """Return `at_us` as RFC 3339 in UTC: ends in Z, with six fraction digits or, for whole seconds, none.

    Raises:
        TimeFormatError: outside 1970 to 9999.
    """
    if not 0 <= at_us <= MAX_US:
        raise TimeFormatError("this moment is outside 1970 to 9999", found=at_us)
    return (_EPOCH_NAIVE + timedelta(microseconds=at_us)).isoformat() + "Z"


def _refuse(text: str) -> TimeFormatError:
    return TimeFormatError(
        "not an RFC 3339 time with offset, for example 2026-03-01T08:30:00+08:00 or 2026-03-01T00:30:00Z",
        found=text[:40],
    )
