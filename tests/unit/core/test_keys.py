"""Keys: one encoding each, refused when weak, requested only by who holds them, kept in standard files."""

import shutil
import subprocess

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from chemtrace.core.base64url import decode_base64url, encode_base64url
from chemtrace.core.canonical import encode_canonical
from chemtrace.core.errors import (
    JSONCanonicalError,
    KeyFileError,
    KeyRequestError,
    KeyWeakError,
    RefusedError,
    SignatureInvalidError,
    SPKIError,
)
from chemtrace.core.key_files import encode_private_pem, parse_private_pem
from chemtrace.core.keys import PrivateKey, generate_key, make_key_request, parse_spki, verify_key_request
from tests.specimens import ED25519, ENTERPRISE, P256, SM2

OPENSSL = shutil.which("openssl")
OPENSSL_SM2_KID = "4b8a72f90c0e1fb84a27ad6960ad669ac55d519cf81b0e4992609d547f81178f"
OPENSSL_SM2_PEM = b"""-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqBHM9VAYItBG0wawIBAQQg069jY3dCjEaut8jl
DM4Zv/l/WywpRsULhQOyirFeGMehRANCAAQqM/MKUuh01Vtq+mi+NUXO/O3jCZNi
5mzkr4pdelY/OkAnAQwiLPNAZuJb6PGmbVucu9qN4CEwonGLa8vb/qIG
-----END PRIVATE KEY-----
"""

ALL = pytest.mark.parametrize("key", [ED25519, P256, SM2], ids=["ed25519", "p256", "sm2"])


@ALL
def test_the_spki_names_algorithm_and_key(key: PrivateKey) -> None:
    parsed = parse_spki(key.public.spki)
    assert key.public == parsed
    assert key.kid == parsed.kid
    assert len(parsed.kid) == 32


@ALL
def test_keys_of_a_seed_are_the_same_and_of_chance_differ(key: PrivateKey) -> None:
    alg = key.public.alg
    assert generate_key(alg, bytes(32)).kid == generate_key(alg, bytes(32)).kid
    assert generate_key(alg).kid != generate_key(alg).kid


def test_a_short_seed_is_refused() -> None:
    with pytest.raises(SPKIError):
        generate_key("ed25519", b"short")


@ALL
def test_the_secret_stays_out_of_the_text_form(key: PrivateKey) -> None:
    assert key.secret.hex() not in repr(key)
    assert key.kid.hex() in repr(key)


@pytest.mark.parametrize("scalar", [0, 2**256 - 1])
@pytest.mark.parametrize("alg", ["p256", "sm2"])
def test_scalars_outside_the_group_are_refused(alg: str, scalar: int) -> None:
    with pytest.raises(SPKIError):
        PrivateKey(alg, scalar.to_bytes(32, "big"))


@ALL
def test_damaged_public_keys_are_refused(key: PrivateKey) -> None:
    spki = key.public.spki
    for damaged in (b"", spki[:-1], spki + b"\0", spki[:10] + b"\0" + spki[11:]):
        with pytest.raises(SPKIError):
            parse_spki(damaged)


@pytest.mark.parametrize("key", [P256, SM2], ids=["p256", "sm2"])
def test_points_off_the_curve_and_compressed_points_are_refused(key: PrivateKey) -> None:
    spki, raw = key.public.spki, key.public.raw
    off = raw[:-1] + bytes((raw[-1] ^ 1,))
    for point in (off, b"\x02" + raw[1:33], b"\x02" + raw[1:], b"\x04" + bytes(64), b"\x04" + b"\xff" * 64):
        with pytest.raises(SPKIError):
            parse_spki(spki[:-65] + point)


def test_weak_keys_are_refused_at_registration() -> None:
    prefix = ED25519.public.spki[:-32]
    for weak in (bytes(32), b"\x01" + bytes(31), b"\xff" * 32, b"\xed" + b"\xff" * 30 + b"\x7f"):
        with pytest.raises(KeyWeakError):
            parse_spki(prefix + weak)


# --- requests --------------------------------------------------------------------------------------------


@ALL
def test_a_request_says_who_asks_for_which_key(key: PrivateKey) -> None:
    request = verify_key_request(make_key_request(key, ENTERPRISE, "enterprise"))
    assert (ENTERPRISE, "enterprise", key.public) == (request.enterprise, request.role, request.public_key)


def test_a_request_keeps_the_user_id_of_sm2() -> None:
    key = generate_key("sm2", bytes(32), sm2_id="ALICE123@YAHOO.COM")
    assert verify_key_request(make_key_request(key, ENTERPRISE, "device")).public_key == key.public


@ALL
def test_no_changed_request_passes(key: PrivateKey) -> None:
    data = make_key_request(key, ENTERPRISE, "enterprise")
    for at in range(len(data)):
        changed = bytearray(data)
        changed[at] ^= 1
        with pytest.raises(RefusedError):
            verify_key_request(bytes(changed))


def test_somebody_elses_key_cannot_be_requested() -> None:
    data = make_key_request(ED25519, ENTERPRISE, "enterprise")
    stolen = encode_base64url(generate_key("ed25519", b"x" * 32).public.spki).encode()
    own = encode_base64url(ED25519.public.spki).encode()
    with pytest.raises(SignatureInvalidError):
        verify_key_request(data.replace(own, stolen))


def test_a_request_cannot_be_turned_to_another_enterprise_or_role() -> None:
    data = make_key_request(ED25519, ENTERPRISE, "enterprise")
    with pytest.raises(SignatureInvalidError):
        verify_key_request(data.replace(b'"role":"enterprise"', b'"role":"authority"'))


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"{}", KeyRequestError),
        (b"[]", KeyRequestError),
        (encode_canonical({"typ": "chemtrace/key-request/1"}), KeyRequestError),
        (b'{"typ":1, "a":2}', JSONCanonicalError),
    ],
)
def test_what_is_no_request_is_refused(data: bytes, error: type[RefusedError]) -> None:
    with pytest.raises(error):
        verify_key_request(data)


def test_requests_of_a_wrong_form_are_not_made() -> None:
    with pytest.raises(KeyRequestError):
        make_key_request(ED25519, "somebody", "enterprise")


def test_a_request_must_name_the_algorithm_of_its_key() -> None:
    data = make_key_request(P256, ENTERPRISE, "enterprise").replace(b'"alg":"p256"', b'"alg":"ed25519"')
    with pytest.raises(SPKIError):
        verify_key_request(data)


# --- files -----------------------------------------------------------------------------------------------


@ALL
@pytest.mark.parametrize("passphrase", [None, "correct horse", "密码"])
def test_a_key_file_gives_the_key_back(key: PrivateKey, passphrase: str | None) -> None:
    pem = encode_private_pem(key, passphrase)
    assert pem.startswith(b"-----BEGIN ENCRYPTED" if passphrase else b"-----BEGIN PRIVATE")
    assert parse_private_pem(pem, passphrase).public == key.public
    for wrong in {"wrong", None} - {passphrase}:
        with pytest.raises(KeyFileError):
            parse_private_pem(pem, wrong)


@ALL
@pytest.mark.parametrize("passphrase", [None, "pass"])
def test_openssl_reads_our_key_files(key: PrivateKey, passphrase: str | None) -> None:
    pem = encode_private_pem(key, passphrase)
    if OPENSSL is None:  # no command line here: the library reads what has no passphrase
        assert parse_private_pem(pem, passphrase).public == key.public
        return
    command = [OPENSSL, "pkey", "-passin", "pass:pass", "-pubout", "-outform", "DER"]
    assert subprocess.run(command, input=pem, capture_output=True, check=True).stdout == key.public.spki


def test_an_sm2_key_made_by_openssl_is_read() -> None:
    assert parse_private_pem(OPENSSL_SM2_PEM).public.kid.hex() == OPENSSL_SM2_KID


@pytest.mark.parametrize(
    "pem", [b"", b"\xff", b"-----BEGIN PRIVATE KEY-----\n!!\n-----END PRIVATE KEY-----\n"]
)
def test_what_is_no_key_file_is_refused(pem: bytes) -> None:
    with pytest.raises(KeyFileError):
        parse_private_pem(pem)


def test_key_files_of_other_algorithms_are_refused() -> None:
    pem = X25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(KeyFileError):
        parse_private_pem(pem)


def test_base64url_has_one_spelling() -> None:
    for size in range(70):
        data = bytes(range(size))
        assert data == decode_base64url(encode_base64url(data))
    for text in ("A", "AB", "AAB", "AA==", "A+", "A/", "AA\n", "AAAA ", "ÄAAA", "AAAAA"):
        with pytest.raises(RefusedError):
            decode_base64url(text)
