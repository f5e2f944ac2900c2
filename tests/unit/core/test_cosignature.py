"""Cosignatures: the bytes of C2SP tlog-cosignature, both types; no changed byte is ever taken."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from chemtrace.core.checkpoint import Checkpoint, encode_checkpoint, sign_checkpoint
from chemtrace.core.cosignature import (
    MAX_TIME_S,
    CosigningKey,
    cosign,
    cosigned_message,
    cosigner,
    make_cosignature_verifier,
    parse_witness_vkey,
    verify_cosignature,
    verify_cosignatures,
)
from chemtrace.core.errors import (
    CheckpointError,
    NoteFormatError,
    NoteSignatureError,
    RefusedError,
    SignatureInvalidError,
    SPKIError,
)
from chemtrace.core.keys import generate_key
from chemtrace.core.ml_dsa import MLDSAKey, generate_ml_dsa_key, verify_ml_dsa
from chemtrace.core.note import (
    Note,
    NoteSignature,
    encode_note,
    encode_signature_lines,
    make_verifier,
    parse_note,
    parse_signature_lines,
)
from chemtrace.core.types import RootHash
from tests.specimens import ED25519, P256

ORIGIN = "log.example/chemtrace"
NAME = "witness.example/w1"
TIME_S = 1_679_315_147
TEXT = encode_checkpoint(Checkpoint(ORIGIN, 42, RootHash(bytes(range(32)))))
CLASSIC = generate_key("ed25519", b"a witness key for tests, 32 bytes")
QUANTUM = MLDSAKey(bytes(range(32)))
BOTH = pytest.mark.parametrize("key", [CLASSIC, QUANTUM], ids=["ed25519", "ml-dsa-44"])


@BOTH
def test_a_cosignature_gives_its_time_back(key: CosigningKey) -> None:
    line = cosign(TEXT, NAME, key, TIME_S)
    assert verify_cosignature(cosigner(NAME, key), TEXT, line) == TIME_S


@BOTH
def test_a_verifier_key_round_trips(key: CosigningKey) -> None:
    verifier = cosigner(NAME, key)
    assert parse_witness_vkey(verifier.vkey) == verifier


def test_an_ed25519_cosignature_signs_the_text_behind_two_lines() -> None:
    line = cosign(TEXT, NAME, CLASSIC, TIME_S)
    assert line.signature[:8] == TIME_S.to_bytes(8, "big")
    message = b"cosignature/v1\ntime 1679315147\n" + TEXT.encode()
    Ed25519PublicKey.from_public_bytes(CLASSIC.public.raw).verify(line.signature[8:], message)


def test_an_ml_dsa_cosignature_signs_name_origin_range_and_root() -> None:
    line = cosign(TEXT, NAME, QUANTUM, TIME_S)
    message = (
        b"subtree/v1\n\0" + bytes([18]) + NAME.encode() + TIME_S.to_bytes(8, "big")
        + bytes([21]) + ORIGIN.encode() + bytes(8) + (42).to_bytes(8, "big") + bytes(range(32))
    )  # fmt: skip
    assert len(line.signature) == 8 + 2420
    verify_ml_dsa(QUANTUM.public, message, line.signature[8:])


def test_an_ml_dsa_cosignature_holds_under_other_extension_lines_as_the_standard_says() -> None:
    line = cosign(TEXT, NAME, QUANTUM, TIME_S)
    assert verify_cosignature(cosigner(NAME, QUANTUM), TEXT + "extension\n", line) == TIME_S


@BOTH
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_changed_bit_of_the_line_is_refused(key: CosigningKey, data: st.DataObject) -> None:
    line = cosign(TEXT, NAME, key, TIME_S)
    changed = bytearray(line.signature)
    bit = data.draw(st.integers(0, len(changed) * 8 - 1))
    changed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(NoteSignatureError):
        verify_cosignature(cosigner(NAME, key), TEXT, NoteSignature(NAME, line.key_hash, bytes(changed)))


@BOTH
def test_every_changed_byte_of_the_checkpoint_is_refused(key: CosigningKey) -> None:
    line = cosign(TEXT, NAME, key, TIME_S)
    for at in range(len(TEXT)):
        changed = TEXT[:at] + chr(ord(TEXT[at]) ^ 1) + TEXT[at + 1 :]
        with pytest.raises((NoteSignatureError, CheckpointError)):
            verify_cosignature(cosigner(NAME, key), changed, line)


@BOTH
@pytest.mark.parametrize("cut", [0, 4, 8, -1])
def test_a_line_of_another_length_is_refused(key: CosigningKey, cut: int) -> None:
    line = cosign(TEXT, NAME, key, TIME_S)
    short = NoteSignature(NAME, line.key_hash, line.signature[:cut])
    for wrong in (short, NoteSignature(NAME, line.key_hash, line.signature + b"\0")):
        with pytest.raises(NoteSignatureError):
            verify_cosignature(cosigner(NAME, key), TEXT, wrong)


def test_a_log_signature_is_no_cosignature_of_the_same_key() -> None:
    own = make_verifier(NAME, CLASSIC.public.raw)
    assert own.key_hash != cosigner(NAME, CLASSIC).key_hash
    line = NoteSignature(NAME, cosigner(NAME, CLASSIC).key_hash, bytes(8) + CLASSIC.sign(TEXT.encode()))
    with pytest.raises(NoteSignatureError):
        verify_cosignature(cosigner(NAME, CLASSIC), TEXT, line)


def test_an_ed25519_cosignature_of_time_zero_is_refused() -> None:
    body = CLASSIC.sign(b"cosignature/v1\ntime 0\n" + TEXT.encode())
    verifier = cosigner(NAME, CLASSIC)
    with pytest.raises(NoteSignatureError):
        verify_cosignature(verifier, TEXT, NoteSignature(NAME, verifier.key_hash, bytes(8) + body))


def test_an_ml_dsa_cosignature_of_time_zero_states_consistency_only() -> None:
    message = cosigned_message(name=NAME, time_s=0, origin=ORIGIN, start=0, end=42, root=bytes(range(32)))
    verifier = cosigner(NAME, QUANTUM)
    line = NoteSignature(NAME, verifier.key_hash, bytes(8) + QUANTUM.sign(message))
    assert verify_cosignature(verifier, TEXT, line) == 0


@pytest.mark.parametrize("time_s", [0, -1, MAX_TIME_S + 1, 2**63])
def test_no_cosignature_is_made_at_an_impossible_time(time_s: int) -> None:
    with pytest.raises(NoteFormatError):
        cosign(TEXT, NAME, CLASSIC, time_s)


def test_only_checkpoints_are_cosigned() -> None:
    with pytest.raises(CheckpointError):
        cosign("a letter\n", NAME, CLASSIC, TIME_S)


def test_a_key_of_another_algorithm_is_no_witness_key() -> None:
    with pytest.raises(NoteFormatError):
        cosigner(NAME, P256)


def test_weak_short_and_unknown_witness_keys_are_refused() -> None:
    wrong = [(4, bytes(32)), (4, bytes(31)), (6, bytes(32)), (1, CLASSIC.public.raw), (5, bytes(32))]
    for key_type, public in wrong:
        with pytest.raises(NoteFormatError):
            make_cosignature_verifier(NAME, key_type, public)
    with pytest.raises(NoteFormatError):
        parse_witness_vkey(make_verifier(NAME, CLASSIC.public.raw).vkey)


@pytest.mark.parametrize("at", range(len(cosigner(NAME, CLASSIC).vkey)))
def test_every_changed_sign_of_a_witness_key_is_refused_or_another_key(at: int) -> None:
    text = cosigner(NAME, CLASSIC).vkey
    changed = text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]
    with pytest.raises(NoteFormatError):
        parse_witness_vkey(changed)


def test_names_and_origins_above_255_bytes_are_refused_by_ml_dsa() -> None:
    with pytest.raises(NoteFormatError):
        cosign(TEXT, "w" * 256, QUANTUM, TIME_S)


@pytest.mark.parametrize(("start", "end", "time_s"), [(8, 4, 0), (-1, 4, 0), (4, 8, 1), (0, 2**63, 0)])
def test_no_message_for_a_subtree_that_cannot_be(start: int, end: int, time_s: int) -> None:
    with pytest.raises(NoteFormatError):
        cosigned_message(name=NAME, time_s=time_s, origin=ORIGIN, start=start, end=end, root=bytes(32))


def test_lines_of_unknown_keys_and_repeated_lines_are_left_out() -> None:
    signed = parse_note(sign_checkpoint(Checkpoint(ORIGIN, 42, RootHash(bytes(range(32)))), ED25519))
    lines = (cosign(TEXT, NAME, CLASSIC, TIME_S), cosign(TEXT, "witness.example/q", QUANTUM, 7))
    note = Note(signed.text, (*signed.signatures, *lines, lines[0]))
    found = verify_cosignatures(parse_note(encode_note(note)), [cosigner(NAME, CLASSIC)])
    assert [(one.verifier.name, one.time_s) for one in found] == [(NAME, TIME_S)]


def test_a_wrong_line_of_a_known_key_refuses_the_note() -> None:
    forged = NoteSignature(NAME, cosigner(NAME, CLASSIC).key_hash, bytes(72))
    with pytest.raises(NoteSignatureError):
        verify_cosignatures(Note(TEXT, (forged,)), [cosigner(NAME, CLASSIC)])


def test_a_line_is_not_taken_for_another_key() -> None:
    line = cosign(TEXT, NAME, CLASSIC, TIME_S)
    with pytest.raises(NoteSignatureError):
        verify_cosignature(cosigner("witness.example/w2", CLASSIC), TEXT, line)


def test_signature_lines_round_trip_alone() -> None:
    lines = (cosign(TEXT, NAME, CLASSIC, TIME_S), cosign(TEXT, NAME, QUANTUM, TIME_S))
    assert parse_signature_lines(encode_signature_lines(lines)) == lines


@pytest.mark.parametrize(
    "data", [b"", b"\n", b"x\n", "— a AAAA\n".encode(), b"\xff\n", "— a AAAAAAAA".encode()]
)
def test_what_are_no_signature_lines_is_refused(data: bytes) -> None:
    with pytest.raises(NoteFormatError):
        parse_signature_lines(data)


def test_a_new_ml_dsa_key_signs_and_shows_no_secret() -> None:
    key = generate_ml_dsa_key()
    verify_ml_dsa(key.public, b"25 kg", key.sign(b"25 kg"))
    assert key.secret.hex() not in repr(key)
    assert MLDSAKey(key.secret).public == key.public


def test_ml_dsa_refuses_other_lengths_messages_and_keys() -> None:
    signature = QUANTUM.sign(b"25 kg")
    for public, message, given_ in (
        (QUANTUM.public, b"26 kg", signature),
        (QUANTUM.public[:-1], b"25 kg", signature),
        (QUANTUM.public, b"25 kg", signature[:-1]),
    ):
        with pytest.raises(SignatureInvalidError):
            verify_ml_dsa(public, message, given_)
    with pytest.raises(SPKIError):
        MLDSAKey(bytes(31))


@given(st.text(max_size=80))
def test_any_text_is_a_witness_key_or_refused_by_name(text: str) -> None:
    with pytest.raises(RefusedError):
        parse_witness_vkey(text)
