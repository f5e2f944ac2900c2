"""Signatures: one answer for each, the same from every implementation, also on hostile input."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chemtrace.core import ed25519, p256, sm2, sm2_libcrypto
from chemtrace.core.algorithms import ALGORITHMS, find_algorithm, verify
from chemtrace.core.errors import KeyWeakError, SignatureInvalidError, SPKIError
from chemtrace.core.keys import PrivateKey, generate_key
from tests.oracle import ed25519_naive
from tests.specimens import ED25519, P256, SM2

VECTORS = Path(__file__).parents[4] / "shared" / "vectors"
MESSAGE = "consignment 25 kg 硫酸".encode()

shared_vectors = pytest.mark.skipif(
    not VECTORS.is_dir(), reason="the shared vectors are not beside this checkout"
)


def load(path: str) -> Any:
    return json.loads((VECTORS / path).read_text())


def accepted(check: Any, *arguments: Any) -> bool:
    try:
        check(*arguments)
    except SignatureInvalidError:
        return False
    return True


@pytest.mark.parametrize("key", [ED25519, P256, SM2], ids=["ed25519", "p256", "sm2"])
def test_a_signature_verifies_under_its_key_alone(key: PrivateKey) -> None:
    signature = key.sign(MESSAGE)
    assert len(signature) == 64
    verify(key.public, MESSAGE, signature)
    other = generate_key(key.public.alg, b"another specimen key of 32 bytes").public
    with pytest.raises(SignatureInvalidError) as caught:
        verify(other, MESSAGE, signature)
    assert (key.public.alg, other.raw) == (caught.value.fields["algorithm"], caught.value.fields["public"])


@pytest.mark.parametrize("key", [ED25519, P256, SM2], ids=["ed25519", "p256", "sm2"])
def test_any_flipped_bit_of_a_signature_is_refused(key: PrivateKey) -> None:
    signature = key.sign(MESSAGE)
    for bit in range(512):
        forged = bytearray(signature)
        forged[bit // 8] ^= 1 << bit % 8
        assert not accepted(verify, key.public, MESSAGE, bytes(forged)), bit


@pytest.mark.parametrize("key", [ED25519, P256, SM2], ids=["ed25519", "p256", "sm2"])
@pytest.mark.parametrize(
    "forged",
    [b"", bytes(63), bytes(64), bytes(65), b"\xff" * 64, bytes(32) + b"\x01" * 32, b"\x01" * 32 + bytes(32)],
)
def test_malformed_signatures_are_refused(key: PrivateKey, forged: bytes) -> None:
    assert not accepted(verify, key.public, MESSAGE, forged)


@pytest.mark.parametrize("key", [ED25519, P256], ids=["ed25519", "p256"])
def test_signing_is_deterministic(key: PrivateKey) -> None:
    assert key.sign(MESSAGE) == key.sign(MESSAGE)


def test_the_registry_is_closed() -> None:
    assert list(ALGORITHMS) == ["ed25519", "p256", "sm2"]
    with pytest.raises(SPKIError):
        find_algorithm("none")


# --- Ed25519 ---------------------------------------------------------------------------------------------


@shared_vectors
def test_ed25519_edge_cases_have_one_answer() -> None:
    answers = set()
    for case in load("ed25519-edge-cases/ed25519vectors.json"):
        key, signature, message = bytes.fromhex(case["key"]), bytes.fromhex(case["sig"]), case["msg"].encode()
        got = accepted(ed25519.verify_ed25519, key, message, signature)
        assert got == ed25519_naive.accepts(key, message, signature), case
        flags = set(case["flags"] or ())
        assert not (got and flags & {"low_order_A", "low_order_R", "non_canonical_A", "non_canonical_R"}), (
            case
        )
        assert got or flags & {"low_order_A", "low_order_R", "non_canonical_A", "non_canonical_R",
                               "low_order_residue", "reencoded_k"}, case  # fmt: skip
        answers.add(got)
    assert answers == {True, False}


@shared_vectors
def test_ed25519_edge_keys_are_refused_at_registration() -> None:
    for case in load("ed25519-edge-cases/ed25519vectors.json"):
        weak = {"low_order_A", "non_canonical_A"} & set(case["flags"] or ())
        if weak:
            with pytest.raises(KeyWeakError):
                ed25519.check_ed25519_key(bytes.fromhex(case["key"]))
        else:
            ed25519.check_ed25519_key(bytes.fromhex(case["key"]))


@shared_vectors
def test_wycheproof_ed25519() -> None:
    count = 0
    for group in load("wycheproof/ed25519_test.json")["testGroups"]:
        for case in group["tests"]:
            arguments = (bytes.fromhex(text) for text in (group["publicKey"]["pk"], case["msg"], case["sig"]))
            assert accepted(ed25519.verify_ed25519, *arguments) == (case["result"] == "valid"), case
            count += 1
    assert count == 151


def test_the_blocklist_is_the_fourteen_encodings_of_low_order() -> None:
    assert len(ed25519.LOW_ORDER) == 14
    canonical = [point for point in ed25519.LOW_ORDER if ed25519_naive.decode(point) is not None]
    assert len(canonical) == 8
    for encoding in canonical:
        point = ed25519_naive.decode(encoding)
        assert point is not None
        assert ed25519_naive.multiply(8, point) == ed25519_naive.IDENTITY


def test_every_height_at_or_above_the_prime_is_non_canonical() -> None:
    for height in range(2**255 - 25, 2**255):
        for sign in (0, 1):
            encoding = (height | sign << 255).to_bytes(32, "little")
            assert ed25519.is_canonical_point(encoding) == (height < 2**255 - 19)


@given(st.binary(min_size=32, max_size=32))
def test_points_off_the_curve_are_no_keys(raw: bytes) -> None:
    try:
        ed25519.check_ed25519_key(raw)
    except (SPKIError, KeyWeakError):
        point = ed25519_naive.decode(raw)
        assert point is None or ed25519_naive.multiply(8, point) == ed25519_naive.IDENTITY
    else:
        assert ed25519_naive.decode(raw) is not None


@given(st.binary(max_size=100), st.binary(min_size=32, max_size=32))
def test_ed25519_agrees_with_the_naive_verifier(message: bytes, seed: bytes) -> None:
    public, signature = ed25519.ed25519_public(seed), ed25519.sign_ed25519(seed, message)
    assert accepted(ed25519.verify_ed25519, public, message, signature)
    assert ed25519_naive.accepts(public, message, signature)
    raised = signature[:32] + (int.from_bytes(signature[32:], "little") + ed25519_naive.L).to_bytes(
        32, "little"
    )
    assert not accepted(ed25519.verify_ed25519, public, message, raised)


# --- P-256 -----------------------------------------------------------------------------------------------


@shared_vectors
def test_wycheproof_p256_with_low_s() -> None:
    count = high = 0
    for group in load("wycheproof/ecdsa_secp256r1_sha256_p1363_test.json")["testGroups"]:
        key = bytes.fromhex(group["publicKey"]["uncompressed"])
        for case in group["tests"]:
            signature, message = bytes.fromhex(case["sig"]), bytes.fromhex(case["msg"])
            is_high = len(signature) == 64 and int.from_bytes(signature[32:], "big") > p256.ORDER // 2
            want = case["result"] == "valid" and not is_high
            assert accepted(p256.verify_p256, key, message, signature) == want, case
            if case["result"] == "valid" and is_high:
                assert accepted(p256.verify_p256, key, message, p256.lower_s(signature)), case
                high += 1
            count += 1
    assert count == 262
    assert high


@given(st.binary(max_size=100))
def test_p256_signs_with_low_s_and_refuses_its_twin(message: bytes) -> None:
    signature = P256.sign(message)
    s = int.from_bytes(signature[32:], "big")
    assert s <= p256.ORDER // 2
    twin = signature[:32] + (p256.ORDER - s).to_bytes(32, "big")
    assert not accepted(p256.verify_p256, P256.public.raw, message, twin)
    assert p256.lower_s(twin) == signature == p256.lower_s(signature)


def test_a_raw_signature_of_another_length_cannot_be_lowered() -> None:
    with pytest.raises(SignatureInvalidError):
        p256.lower_s(bytes(70))


# --- SM2 -------------------------------------------------------------------------------------------------


def test_libcrypto_is_on_this_machine_so_that_both_are_tested() -> None:
    assert sm2_libcrypto.is_available()


@shared_vectors
def test_sm2_of_the_standard() -> None:
    case = load("sm2-sm3/sm2_sign.json")["vectors"][0]
    public = bytes.fromhex("04" + case["public_key_x"] + case["public_key_y"])
    message, signature = case["message"].encode(), bytes.fromhex(case["r"] + case["s"])
    assert public == sm2.sm2_public(bytes.fromhex(case["private_key"]))
    assert int(case["e"], 16) == sm2.message_digest(public, message, case["user_id"])
    sm2.verify_sm2_python(public, message, signature, case["user_id"])
    sm2_libcrypto.verify_sm2_libcrypto(public, message, signature, case["user_id"])


@shared_vectors
def test_sm3_of_the_standard() -> None:
    for case in load("sm2-sm3/sm3.json")["vectors"]:
        data = bytes.fromhex(case["input"])
        assert sm2.hash_sm3(data).hex() == case["output"].lower() == hashlib.new("sm3", data).hexdigest()


@given(st.binary(max_size=200), st.sampled_from(["1234567812345678", "ALICE123@YAHOO.COM", "监管局"]))
def test_both_sm2_implementations_agree(message: bytes, user_id: str) -> None:
    raw, secret = SM2.public.raw, SM2.secret
    for signature in (
        sm2.sign_sm2_python(secret, message, user_id),
        sm2_libcrypto.sign_sm2_libcrypto(secret, message, user_id),
    ):
        for check in (sm2.verify_sm2_python, sm2_libcrypto.verify_sm2_libcrypto):
            assert accepted(check, raw, message, signature, user_id)
            assert not accepted(check, raw, message + b"!", signature, user_id)
            assert not accepted(check, raw, message, signature, user_id + "x")


def test_sm2_numbers_out_of_range_are_refused_by_both() -> None:
    order = sm2.ORDER
    good = int.from_bytes(SM2.sign(MESSAGE)[:32], "big")
    for r, s in (
        (0, 1),
        (1, 0),
        (order, 1),
        (1, order),
        (good, order - good),
        (order - 1, 1),
        (2**256 - 1, 1),
    ):
        forged = r.to_bytes(32, "big") + s.to_bytes(32, "big")
        for check in (sm2.verify_sm2_python, sm2_libcrypto.verify_sm2_libcrypto):
            assert not accepted(check, SM2.public.raw, MESSAGE, forged)


def test_sm2_without_openssl_falls_back_to_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    signature = SM2.sign(MESSAGE)
    monkeypatch.setattr(sm2_libcrypto, "is_available", lambda: False)
    verify(SM2.public, MESSAGE, signature)
    verify(SM2.public, MESSAGE, SM2.sign(MESSAGE))
    assert not accepted(verify, SM2.public, MESSAGE + b"!", signature)


def test_the_user_id_of_the_record_is_part_of_what_is_signed() -> None:
    key = generate_key("sm2", bytes(range(32)), sm2_id="ALICE123@YAHOO.COM")
    signature = key.sign(MESSAGE)
    verify(key.public, MESSAGE, signature)
    default = generate_key("sm2", bytes(range(32)))
    assert default.kid == key.kid
    assert not accepted(verify, default.public, MESSAGE, signature)
