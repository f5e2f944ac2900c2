"""The seal: made by the issuer's key of the year, checked in constant time, never shown by an error."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chemtrace.core.check_sign import ALPHABET
from chemtrace.core.errors import CodeFormatError, MasterKeyError, SealError
from chemtrace.core.seal import derive_issuer_key, make_seal, verify_seal

MASTER = bytes(range(32))
CODE = "BJ1P0057K2M4QX9T3CF"
KEY = derive_issuer_key(MASTER, "7K2M", 2026)
SEAL = make_seal(issuer_key=KEY, code=CODE)


def test_a_seal_verifies_under_its_own_key_only() -> None:
    verify_seal(issuer_key=KEY, code=CODE, seal=SEAL)
    others = [
        derive_issuer_key(MASTER, "7K2M", 2027),
        derive_issuer_key(MASTER, "7K2N", 2026),
        derive_issuer_key(MASTER[::-1], "7K2M", 2026),
    ]
    for other in others:
        with pytest.raises(SealError):
            verify_seal(issuer_key=other, code=CODE, seal=SEAL)


def test_a_seal_is_ten_signs_that_a_qr_code_takes_as_alphanumeric() -> None:
    assert len(SEAL) == 10
    assert set(SEAL) <= set(ALPHABET)


def test_every_single_wrong_sign_is_refused() -> None:
    for place in range(10):
        for sign in ALPHABET:
            if sign != SEAL[place]:
                with pytest.raises(SealError):
                    verify_seal(issuer_key=KEY, code=CODE, seal=SEAL[:place] + sign + SEAL[place + 1 :])


@given(st.text(max_size=14))
def test_any_other_text_is_refused_by_name(text: str) -> None:
    if text != SEAL:
        with pytest.raises(SealError):
            verify_seal(issuer_key=KEY, code=CODE, seal=text)


def test_an_error_shows_neither_the_right_nor_the_given_seal() -> None:
    with pytest.raises(SealError) as caught:
        verify_seal(issuer_key=KEY, code=CODE, seal="1111111111")
    shown = str(caught.value.problem())
    assert SEAL not in shown
    assert "1111111111" not in shown


def test_refuses_to_seal_what_is_no_canonical_code() -> None:
    with pytest.raises(CodeFormatError):
        make_seal(issuer_key=KEY, code=CODE.lower())


@pytest.mark.parametrize("key", [b"", bytes(31)])
def test_refuses_short_keys(key: bytes) -> None:
    with pytest.raises(MasterKeyError):
        derive_issuer_key(key, "7K2M", 2026)
    with pytest.raises(MasterKeyError):
        make_seal(issuer_key=key, code=CODE)


@pytest.mark.parametrize(
    ("issuer", "year"), [("7K2", 2026), ("7K2O", 2026), ("7K2M", 1999), ("7K2M", 10_000)]
)
def test_refuses_an_issuer_or_year_that_cannot_be_one(issuer: str, year: int) -> None:
    with pytest.raises(SealError):
        derive_issuer_key(MASTER, issuer, year)
