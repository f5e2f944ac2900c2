"""Time: strict RFC 3339 in, whole microseconds inside, one spelling out."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chemtrace.core.errors import TimeFormatError
from chemtrace.core.times import MAX_US, format_utc, parse_rfc3339


@pytest.mark.parametrize(
    ("text", "at_us"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T08:00:00+08:00", 0),
        ("2026-03-01T08:30:00.5+08:00", 1772325000_500000),
        ("2026-02-28T23:59:59.000001-00:30", 1772324999_000001),
        ("2024-02-29T00:00:00+00:00", 1709164800_000000),
        ("9999-12-31T23:59:59.999999Z", MAX_US),
    ],
)
def test_known_moments(text: str, at_us: int) -> None:
    assert at_us == parse_rfc3339(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-03-01",
        "2026-03-01T00:00:00",
        "2026-03-01 00:00:00Z",
        "2026-03-01t00:00:00Z",
        "2026-03-01T00:00:00z",
        "2026-03-01T00:00:00-00:00",
        "2026-03-01T00:00:00+0800",
        "2026-03-01T00:00:00+24:00",
        "2026-03-01T00:00Z",
        "2026-03-01T24:00:00Z",
        "2026-03-01T00:00:60Z",
        "2026-03-01T00:60:00Z",
        "2026-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-03-01T00:00:00.Z",
        "2026-03-01T00:00:00.1234567Z",
        "2026-03-01T00:00:00,5Z",
        "2026-03-01T00:00:00Z\n",
        "٢٠٢٦-03-01T00:00:00Z",
        "1969-12-31T23:59:59Z",
        "1970-01-01T00:00:00+08:00",
        "9999-12-31T23:59:59-08:00",
        "0000-01-01T00:00:00Z",
    ],
    ids=repr,
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(TimeFormatError) as caught:
        parse_rfc3339(text)
    assert caught.value.fields["found"] == text


@given(st.integers(0, MAX_US))
def test_format_and_parse_are_inverse(at_us: int) -> None:
    text = format_utc(at_us)
    assert text.endswith("Z")
    assert at_us == parse_rfc3339(text)
    assert text.count(".") == bool(at_us % 1_000_000)


@given(
    st.datetimes(datetime(1971, 1, 1), datetime(9998, 1, 1)),  # noqa: DTZ001  # the zone is drawn below
    st.integers(-23 * 60, 23 * 60),
)
def test_offsets_name_the_same_moment_as_the_standard_library_says(local: datetime, minutes: int) -> None:
    moment = local.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    at_us = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    assert at_us == parse_rfc3339(moment.isoformat())


@pytest.mark.parametrize("at_us", [-1, MAX_US + 1])
def test_moments_outside_the_range_have_no_text(at_us: int) -> None:
    with pytest.raises(TimeFormatError):
        format_utc(at_us)
