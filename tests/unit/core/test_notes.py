"""Notes and checkpoints: C2SP exactly; nothing half verified ever comes out."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chemtrace.core.checkpoint import (
    Checkpoint,
    encode_checkpoint,
    parse_checkpoint,
    sign_checkpoint,
    verify_checkpoint,
)
from chemtrace.core.errors import CheckpointError, NoteFormatError, NoteSignatureError, RefusedError
from chemtrace.core.keys import generate_key
from chemtrace.core.note import (
    Note,
    NoteSignature,
    encode_note,
    make_verifier,
    parse_note,
    parse_vkey,
    sign_note,
    verify_note,
)
from chemtrace.core.types import RootHash
from tests.specimens import ED25519, P256

VECTORS = Path(__file__).parents[4] / "shared" / "vectors" / "signed-note" / "signed_note.json"
ORIGIN = "log.example/chemtrace"
OTHER = generate_key("ed25519", b"another specimen key of 32 bytes")
CHECKPOINT = Checkpoint(ORIGIN, 42, RootHash(bytes(range(32))))
VERIFIER = make_verifier(ORIGIN, ED25519.public.raw)

shared_vectors = pytest.mark.skipif(
    not VECTORS.is_file(), reason="the shared vectors are not beside this checkout"
)


@shared_vectors
def test_published_notes() -> None:
    for case in json.loads(VECTORS.read_text())["notes"]:
        verifiers = [parse_vkey(text) for text in case["vkeys"]]
        try:
            verify_note(case["note"].encode(), verifiers)
        except RefusedError:
            assert not case["valid"], case
        else:
            assert case["valid"], case


@shared_vectors
def test_published_bad_verifier_keys_are_refused() -> None:
    for case in json.loads(VECTORS.read_text())["bad_vkeys"]:
        with pytest.raises(NoteFormatError):
            parse_vkey(case["vkey"])


def test_a_verifier_key_round_trips() -> None:
    assert parse_vkey(VERIFIER.vkey) == VERIFIER
    assert VERIFIER.vkey.startswith(f"{ORIGIN}+")


@pytest.mark.parametrize(
    "text", ["", "a", "a+b", "a+b+c", "+00000000+AAAA", "a b+00000000+AAAA", "a+00000000+AA"]
)
def test_what_is_no_verifier_key_is_refused(text: str) -> None:
    with pytest.raises(NoteFormatError):
        parse_vkey(text)


def test_a_checkpoint_round_trips_signed() -> None:
    data = sign_checkpoint(CHECKPOINT, ED25519)
    checkpoint, note = verify_checkpoint(data, ORIGIN, [VERIFIER])
    assert checkpoint == CHECKPOINT
    assert encode_note(note) == data
    assert note.text == f"{ORIGIN}\n42\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"


@given(st.data())
def test_any_flipped_bit_of_a_checkpoint_is_refused(data: st.DataObject) -> None:
    signed = bytearray(sign_checkpoint(CHECKPOINT, ED25519))
    bit = data.draw(st.integers(0, len(signed) * 8 - 1))
    signed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(RefusedError):
        verify_checkpoint(bytes(signed), ORIGIN, [VERIFIER])


def test_a_checkpoint_of_another_log_is_refused_with_both_names() -> None:
    other = Checkpoint("log.example/other", 1, CHECKPOINT.root)
    data = encode_note(sign_note(encode_checkpoint(other), ORIGIN, ED25519))
    with pytest.raises(CheckpointError) as caught:
        verify_checkpoint(data, ORIGIN, [VERIFIER])
    assert caught.value.fields == {"expected": ORIGIN, "found": "log.example/other"}


def test_a_note_of_unknown_signers_is_refused() -> None:
    data = encode_note(sign_note("text\n", "somebody", OTHER))
    with pytest.raises(NoteSignatureError) as caught:
        verify_note(data, [VERIFIER])
    assert caught.value.fields["expected"] == (f"{ORIGIN}+{VERIFIER.key_hash.hex()}",)


def test_unknown_and_repeated_signatures_are_left_out() -> None:
    own, other = sign_note("text\n", ORIGIN, ED25519), sign_note("text\n", "somebody", OTHER)
    note = Note("text\n", (*other.signatures, *own.signatures, *own.signatures))
    assert verify_note(encode_note(note), [VERIFIER]) == own


def test_a_wrong_signature_of_a_known_key_refuses_the_whole_note() -> None:
    own = sign_note("text\n", ORIGIN, ED25519)
    forged = NoteSignature(ORIGIN, VERIFIER.key_hash, bytes(64))
    second = sign_note("text\n", "somebody", OTHER)
    both = [VERIFIER, make_verifier("somebody", OTHER.public.raw)]
    with pytest.raises(NoteSignatureError):
        verify_note(encode_note(Note(own.text, (*second.signatures, forged))), both)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"text\n",
        b"text\n\n",
        b"text\n\nno signature\n",
        b"text\n\n\xe2\x80\x94 name AAAA\n",
        b"text\n\n\xe2\x80\x94 name AAAAAAA\n",
        b"text\n\n\xe2\x80\x94 na+me AAAAAAAA\n",
        b"text\n\n\xe2\x80\x94 name AAAAAAAA",
        b"text\n\n\xe2\x80\x94 name AAAAAAAA\n\n",
        b"te\x00xt\n\n\xe2\x80\x94 name AAAAAAAA\n",
        b"te\rxt\n\n\xe2\x80\x94 name AAAAAAAA\n",
        b"text\xff\n\n\xe2\x80\x94 name AAAAAAAA\n",
        b"text\n\n" + b"\xe2\x80\x94 name AAAAAAAA\n" * 101,
        b"x" * 1_000_001,
    ],
    ids=lambda data: repr(data[:40]),
)
def test_malformed_notes_are_refused(data: bytes) -> None:
    with pytest.raises(NoteFormatError):
        parse_note(data)


@pytest.mark.parametrize(
    ("text", "name"),
    [("no newline", ORIGIN), ("a\tb\n", ORIGIN), ("\ud800\n", ORIGIN), ("a\n", "a b"), ("a\n", "")],
)
def test_malformed_notes_are_not_signed(text: str, name: str) -> None:
    with pytest.raises(NoteFormatError):
        sign_note(text, name, ED25519)


def test_notes_are_signed_with_ed25519_only() -> None:
    with pytest.raises(NoteFormatError):
        sign_note("text\n", ORIGIN, P256)


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"{ORIGIN}\n42\n",
        f"{ORIGIN}\n42\nAAAA\n",
        f"{ORIGIN}\n042\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n",
        f"{ORIGIN}\n-1\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n",
        f"{ORIGIN}\n9223372036854775808\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n",
        f"{ORIGIN}\n42\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9=\n",
        f"{ORIGIN}\n42\nnot base64\n",
        f"{ORIGIN}\n42\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        f"{ORIGIN}\n42\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n\n",
        "\n42\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n",
    ],
)
def test_malformed_checkpoints_are_refused(text: str) -> None:
    with pytest.raises(CheckpointError):
        parse_checkpoint(text)


def test_extension_lines_of_other_logs_are_read_over() -> None:
    assert parse_checkpoint(encode_checkpoint(CHECKPOINT) + "extension\n") == CHECKPOINT


@given(st.integers(0, 2**63 - 1), st.binary(min_size=32, max_size=32))
def test_checkpoint_texts_round_trip(size: int, root: bytes) -> None:
    checkpoint = Checkpoint(ORIGIN, size, RootHash(root))
    assert parse_checkpoint(encode_checkpoint(checkpoint), ORIGIN) == checkpoint
