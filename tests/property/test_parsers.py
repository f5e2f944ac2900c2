"""Laws of every parser: it gives a value or one of our errors, and it takes one spelling only."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from chemtrace.core.errors import ChemtraceError
from tests.parsers import parsers

NAMES = sorted(parsers())
LAW = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def obey(name: str, data: bytes) -> bool:
    """Read, write and read again; whether the parser took it."""
    parser = parsers()[name]
    with suppress(ChemtraceError):
        value = parser.read(data)
        if parser.write is not None:
            written = parser.write(value)
            assert parser.read(written) == value
            assert data in (written, written + b"\n" * (name == "trust"))
        return True
    return False


@pytest.mark.parametrize("name", NAMES)
def test_a_good_input_is_taken_in_its_one_spelling(name: str) -> None:
    assert any(obey(name, seed) for seed in parsers()[name].seeds)


@pytest.mark.parametrize("name", NAMES)
@LAW
@given(data=st.binary(max_size=200))
@example(data=b"")
def test_any_bytes_give_a_value_or_an_error_of_ours(name: str, data: bytes) -> None:
    obey(name, data)


@st.composite
def changes(draw: st.DrawFn) -> list[tuple[str, float, bytes]]:
    """Some edits: what, where (as a share of the length), with which bytes."""
    edits = st.tuples(
        st.sampled_from(["replace", "insert", "delete", "repeat", "flip"]),
        st.floats(0, 1, exclude_max=True),
        st.binary(min_size=1, max_size=8),
    )
    return draw(st.lists(edits, min_size=1, max_size=3))


def edited(data: bytes, edits: list[tuple[str, float, bytes]]) -> bytes:
    """The data after the edits."""
    for what, share, piece in edits:
        at = int(share * len(data))
        if what == "replace":
            data = data[:at] + piece + data[at + len(piece) :]
        elif what == "insert":
            data = data[:at] + piece + data[at:]
        elif what == "delete":
            data = data[:at] + data[at + len(piece) :]
        elif what == "repeat":
            data = data[:at] + data[at : at + 40] + data[at:]
        elif data:
            data = data[:at] + bytes([data[at] ^ 1 << piece[0] % 8]) + data[at + 1 :]
    return data


@pytest.mark.parametrize("name", NAMES)
@LAW
@given(edits=changes(), which=st.integers(0, 99))
def test_a_changed_input_gives_a_value_or_an_error_of_ours(
    name: str, edits: list[tuple[str, float, bytes]], which: int
) -> None:
    seeds = parsers()[name].seeds
    obey(name, edited(seeds[which % len(seeds)], edits))
