"""Serials: a permutation of the counter, equal to FF1 one by one, invertible, without collisions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chemtrace.core import ff1
from chemtrace.core.check_sign import ALPHABET
from chemtrace.core.codes import canonical_code, make_code, parse_code
from chemtrace.core.errors import CodeFormatError, MasterKeyError, SerialRangeError
from chemtrace.core.serials import CHUNK, SERIALS, issue_codes, serial_key, serial_number

MASTER = bytes(range(32))


def issued(start: int, count: int, *, kind: str = "P", slot: str = "005", issuer: str = "7K2M") -> list[str]:
    return list(issue_codes(master=MASTER, kind=kind, slot=slot, issuer=issuer, start=start, count=count))


def one_by_one(number: int, *, kind: str, slot: str, issuer: str) -> str:
    """The code of one number by the generic FF1, with no table and no chunk."""
    numerals = [number // 31**place % 31 for place in range(6, -1, -1)]
    permuted = ff1.encrypt(serial_key(MASTER), f"1{kind}{slot}{issuer}".encode(), numerals, radix=31)
    return make_code(kind=kind, slot=slot, issuer=issuer, serial="".join(ALPHABET[n] for n in permuted)).text


@given(
    st.integers(0, SERIALS - 3),
    st.sampled_from("PCTWA"),
    st.integers(1, 999),
    st.text(alphabet=ALPHABET, min_size=4, max_size=4),
)
def test_the_chunked_permutation_is_ff1(start: int, kind: str, slot: int, issuer: str) -> None:
    series = {"kind": kind, "slot": f"{slot:03d}", "issuer": issuer}
    codes = issued(start, 3, **series)
    assert codes == [one_by_one(number, **series) for number in range(start, start + 3)]
    assert [serial_number(MASTER, parse_code(code)) for code in codes] == [start, start + 1, start + 2]


def test_no_two_numbers_share_a_code_and_every_code_is_canonical() -> None:
    codes = issued(0, CHUNK + 5_000)
    assert len(set(codes)) == CHUNK + 5_000
    assert codes == [canonical_code(code) for code in codes]


def test_chunks_and_batches_join_without_a_seam() -> None:
    whole = issued(CHUNK - 3, CHUNK + 6)
    assert whole == issued(CHUNK - 3, 10) + issued(CHUNK + 7, CHUNK - 4)


def test_neighbours_look_unrelated() -> None:
    serials = [code[11:18] for code in issued(1_000, 2_000)]
    for place in range(7):
        assert len({serial[place] for serial in serials}) == 31
    assert serials != sorted(serials)


def test_each_series_has_its_own_permutation() -> None:
    series = [{}, {"kind": "C"}, {"slot": "006"}, {"issuer": "7K2N"}]
    assert len({code[11:18] for parts in series for code in issued(7, 1, **parts)}) == 4


def test_another_master_key_gives_other_codes() -> None:
    other = issue_codes(master=bytes(32), kind="P", slot="005", issuer="7K2M", start=0, count=20)
    assert not set(other) & set(issued(0, 20))


def test_the_last_number_of_a_series_is_reached_and_not_passed() -> None:
    last = issued(SERIALS - 1, 1)
    assert serial_number(MASTER, parse_code(last[0])) == SERIALS - 1
    assert issued(SERIALS, 0) == []


@pytest.mark.parametrize(("start", "count"), [(-1, 1), (0, -1), (SERIALS, 1), (SERIALS - 1, 2)])
def test_refuses_numbers_outside_the_series_before_giving_any(start: int, count: int) -> None:
    with pytest.raises(SerialRangeError):
        issue_codes(master=MASTER, kind="P", slot="005", issuer="7K2M", start=start, count=count)


def test_refuses_a_wrong_series_or_a_short_key() -> None:
    with pytest.raises(CodeFormatError):
        issued(0, 1, kind="X")
    with pytest.raises(CodeFormatError):
        issued(0, 1, slot="000")
    with pytest.raises(MasterKeyError):
        issue_codes(master=b"short", kind="P", slot="005", issuer="7K2M", start=0, count=1)
