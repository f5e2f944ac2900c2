"""FF1 is NIST's: its published samples hold, decryption inverts it, bad input is refused by name."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chemtrace.core import ff1
from chemtrace.core.errors import MasterKeyError, SerialRangeError

KEY = bytes.fromhex("2B7E151628AED2A6ABF7158809CF4F3CEF4359D8D580AA4F7F036D6F04FC6A94")
SIGNS = string.digits + string.ascii_lowercase
TENS = "39383736353433323130"
SEVENS = "3737373770717273373737"

SAMPLES = [
    (16, 10, "", "0123456789", "2433477484"),
    (16, 10, TENS, "0123456789", "6124200773"),
    (16, 36, SEVENS, "0123456789abcdefghi", "a9tv40mll9kdu509eum"),
    (24, 10, "", "0123456789", "2830668132"),
    (24, 10, TENS, "0123456789", "2496655549"),
    (24, 36, SEVENS, "0123456789abcdefghi", "xbj3kv35jrawxv32ysr"),
    (32, 10, "", "0123456789", "6657667009"),
    (32, 10, TENS, "0123456789", "1001623463"),
    (32, 36, SEVENS, "0123456789abcdefghi", "xs8a0azh2avyalyzuwd"),
]


def numerals(text: str) -> tuple[int, ...]:
    return tuple(SIGNS.index(sign) for sign in text)


@pytest.mark.parametrize(("key_bytes", "radix", "tweak", "plain", "cipher"), SAMPLES)
def test_the_published_samples_hold_both_ways(
    key_bytes: int, radix: int, tweak: str, plain: str, cipher: str
) -> None:
    key, data = KEY[:key_bytes], bytes.fromhex(tweak)
    assert ff1.encrypt(key, data, numerals(plain), radix=radix) == numerals(cipher)
    assert ff1.decrypt(key, data, numerals(cipher), radix=radix) == numerals(plain)


@given(
    st.integers(2, 300).flatmap(
        lambda radix: st.tuples(
            st.just(radix),
            st.lists(st.integers(0, radix - 1), min_size=20, max_size=80),
            st.binary(max_size=40),
        )
    )
)
def test_decryption_inverts_encryption_for_any_radix_length_and_tweak(
    case: tuple[int, list[int], bytes],
) -> None:
    radix, plain, tweak = case
    assert ff1.decrypt(KEY, tweak, ff1.encrypt(KEY, tweak, plain, radix=radix), radix=radix) == tuple(plain)


@pytest.mark.parametrize(
    ("radix", "plain"), [(10, [1] * 5), (1, [0] * 30), (70_000, [1, 2]), (31, [31] * 7), (31, [-1] * 7)]
)
def test_refuses_a_domain_that_is_too_small_or_a_numeral_out_of_range(radix: int, plain: list[int]) -> None:
    with pytest.raises(SerialRangeError):
        ff1.encrypt(KEY, b"", plain, radix=radix)


def test_refuses_a_key_of_another_size() -> None:
    with pytest.raises(MasterKeyError):
        ff1.encrypt(KEY[:17], b"", [1] * 7, radix=31)
