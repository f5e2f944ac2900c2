"""Proof files and requests to witnesses: C2SP to the letter, one spelling, every changed byte refused."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chemtrace.core.add_checkpoint import (
    AddCheckpoint,
    Held,
    check_add_checkpoint,
    encode_add_checkpoint,
    parse_add_checkpoint,
    parse_size,
)
from chemtrace.core.checkpoint import Checkpoint, sign_checkpoint
from chemtrace.core.cosignature import cosign, cosigner
from chemtrace.core.errors import (
    CheckpointError,
    NoteFormatError,
    ProofShapeError,
    RefusedError,
    RootMismatchError,
    SplitViewError,
    WitnessConflictError,
    WitnessProofError,
    WitnessRequestError,
    WitnessUntrustedError,
)
from chemtrace.core.keys import generate_key
from chemtrace.core.merkle import EMPTY_ROOT, MemoryTree, consistency_path, hash_leaf, inclusion_path
from chemtrace.core.note import Note, encode_note, make_verifier, parse_note
from chemtrace.core.policy import parse_policy
from chemtrace.core.tlog_proof import TLogProof, encode_tlog_proof, parse_tlog_proof, verify_tlog_proof
from chemtrace.core.types import RootHash
from tests.specimens import ED25519

ORIGIN = "log.example/chemtrace"
LOG = make_verifier(ORIGIN, ED25519.public.raw)
LEAVES = [hash_leaf(b"entry %d" % at) for at in range(40)]
TREE = MemoryTree(LEAVES)
WITNESS = generate_key("ed25519", b"the witness of the proofs, 32 bytes")
POLICY = parse_policy(f"witness W {cosigner('w.example', WITNESS).vkey}\nquorum W\n")
NOBODY = parse_policy("quorum none\n")


def checkpoint(size: int, tree: MemoryTree = TREE) -> bytes:
    """The log's signed checkpoint at a size."""
    return sign_checkpoint(Checkpoint(ORIGIN, size, tree.root(size)), ED25519)


def proof(index: int = 5, size: int = 40, extra: bytes | None = None) -> bytes:
    """A cosigned proof of one entry."""
    note = parse_note(checkpoint(size))
    line = cosign(note.text, "w.example", WITNESS, 1_700_000_000)
    path = inclusion_path(index, size, TREE.node)
    return encode_tlog_proof(TLogProof(index, path, Note(note.text, (*note.signatures, line)), extra))


def test_a_proof_reads_as_the_standard_shows_it() -> None:
    lines = proof(0, 2, b"note").decode().split("\n")
    assert lines[:3] == ["c2sp.org/tlog-proof@v1", "extra bm90ZQ==", "index 0"]
    assert len(lines[3]) == 44
    assert lines[4:7] == ["", ORIGIN, "2"]


@given(st.integers(0, 39), st.integers(0, 39), st.none() | st.binary(max_size=40))
def test_a_proof_round_trips_and_verifies(index: int, more: int, extra: bytes | None) -> None:
    size = min(40, index + 1 + more)
    data = proof(index, size, extra)
    assert encode_tlog_proof(parse_tlog_proof(data)) == data
    found, at, cosigned = verify_tlog_proof(
        data, leaf_hash=LEAVES[index], origin=ORIGIN, log=LOG, policy=POLICY
    )
    assert (found.size, at, cosigned.cosignatures[0].time_s) == (size, index, 1_700_000_000)


def test_every_changed_byte_of_a_proof_is_refused() -> None:
    good = proof()
    for at in range(len(good)):
        for bit in (1, 0x20, 0x80):
            changed = good[:at] + bytes((good[at] ^ bit,)) + good[at + 1 :]
            with pytest.raises(RefusedError):
                verify_tlog_proof(changed, leaf_hash=LEAVES[5], origin=ORIGIN, log=LOG, policy=POLICY)


def test_a_proof_of_another_entry_is_refused() -> None:
    with pytest.raises(RootMismatchError):
        verify_tlog_proof(proof(), leaf_hash=LEAVES[6], origin=ORIGIN, log=LOG, policy=POLICY)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "",
        lambda text: text[1:],
        lambda text: text.replace("@v1", "@v2"),
        lambda text: text.replace("index 5", "index 05"),
        lambda text: text.replace("index 5", "index +5"),
        lambda text: text.replace("index 5", "index -5"),
        lambda text: text.replace("index 5", "index \u0665"),
        lambda text: text.replace("index 5", "index 9223372036854775808"),
        lambda text: text.replace("index 5\n", ""),
        lambda text: text.replace("index 5\n", "index 5\nextra AAAA\n"),
        lambda text: text.replace("index 5\n", "index 5\nAAAA\n"),
        lambda text: text.replace("index 5\n", "index 5\n" + "A" * 400 + "\n"),
        lambda text: text.replace("index 5\n", "extra AAA\nindex 5\n"),
        lambda text: text.replace("index 5\n", "extra AAAA\nextra AAAA\nindex 5\n"),
        lambda text: text.replace("index 5\n", "index 5\n" + ("A" * 43 + "=\n") * 64),
        lambda text: text.replace("\n\n", "\n\n\n", 1),
        lambda text: text.replace("\n", "\r\n"),
    ],
)
def test_what_is_no_proof_is_refused(change: Callable[[str], str]) -> None:
    changed = change(proof().decode()).encode()
    with pytest.raises((ProofShapeError, NoteFormatError, CheckpointError)):
        parse_tlog_proof(changed)


def request(old_size: int, new_size: int, tree: MemoryTree = TREE) -> AddCheckpoint:
    """An honest request from one size to another."""
    path = consistency_path(old_size, new_size, tree.node) if old_size else ()
    return AddCheckpoint(old_size, path, parse_note(checkpoint(new_size, tree)))


def held(size: int) -> Held | None:
    """What the witness holds after that size."""
    return Held(Checkpoint(ORIGIN, size, TREE.root(size)), checkpoint(size)) if size else None


@given(st.integers(0, 40), st.integers(0, 40))
def test_a_request_round_trips_and_moves_the_witness_on(one: int, other: int) -> None:
    old, new = sorted((one, other))
    asked = request(old, new)
    assert parse_add_checkpoint(encode_add_checkpoint(asked)) == asked
    after = check_add_checkpoint(asked, [LOG], held(old))
    assert after == Held(Checkpoint(ORIGIN, new, TREE.root(new)), checkpoint(new))


def test_a_request_reads_as_the_standard_shows_it() -> None:
    lines = encode_add_checkpoint(request(3, 4)).decode().split("\n")
    assert lines[0] == "old 3"
    assert [len(line) for line in lines[1:5]] == [44, 44, 44, 0]
    assert lines[5:7] == [ORIGIN, "4"]


def test_every_changed_byte_of_a_request_is_refused() -> None:
    good = encode_add_checkpoint(request(13, 29))
    for at in range(len(good)):
        for bit in (1, 0x20, 0x80):
            changed = good[:at] + bytes((good[at] ^ bit,)) + good[at + 1 :]
            with pytest.raises(RefusedError):
                check_add_checkpoint(parse_add_checkpoint(changed), [LOG], held(13))


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "",
        lambda text: text.replace("old 13", "13"),
        lambda text: text.replace("old 13", "old 013"),
        lambda text: text.replace("old 13", "old  13"),
        lambda text: text.replace("old 13", "Old 13"),
        lambda text: text.replace("old 13", "old 9223372036854775808"),
        lambda text: text.replace("old 13\n", "old 13\nAAAA\n"),
        lambda text: text.replace("old 13\n", "old 13\n" + ("A" * 43 + "=\n") * 64),
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text[: text.index("\n\n") + 2],
        lambda text: text + "x" * 300_000,
    ],
)
def test_what_is_no_request_is_refused(change: Callable[[str], str]) -> None:
    with pytest.raises(WitnessRequestError):
        parse_add_checkpoint(change(encode_add_checkpoint(request(13, 29)).decode()).encode())


def test_a_note_that_is_no_checkpoint_is_refused() -> None:
    note = Note("a letter\n", parse_note(checkpoint(4)).signatures)
    with pytest.raises(WitnessRequestError):
        check_add_checkpoint(AddCheckpoint(0, (), note), [LOG], None)


def test_an_old_size_other_than_the_one_held_is_a_conflict_with_both_sizes() -> None:
    with pytest.raises(WitnessConflictError) as caught:
        check_add_checkpoint(request(3, 29), [LOG], held(13))
    assert (caught.value.fields["expected"], caught.value.fields["found"]) == (13, 3)


def test_a_rollback_cannot_be_asked_for() -> None:
    with pytest.raises(WitnessRequestError):
        check_add_checkpoint(AddCheckpoint(29, (), parse_note(checkpoint(13))), [LOG], held(29))
    with pytest.raises(WitnessConflictError):
        check_add_checkpoint(request(3, 13), [LOG], held(29))


def test_two_roots_of_one_size_are_evidence_with_both_notes() -> None:
    other = MemoryTree([*LEAVES[:12], hash_leaf(b"another")])
    with pytest.raises(SplitViewError) as caught:
        check_add_checkpoint(AddCheckpoint(13, (), parse_note(checkpoint(13, other))), [LOG], held(13))
    assert caught.value.fields["first_note"] == checkpoint(13)
    assert caught.value.fields["second_note"] == checkpoint(13, other)


def test_a_fork_of_a_larger_size_has_no_proof() -> None:
    other = MemoryTree([hash_leaf(b"other %d" % at) for at in range(40)])
    with pytest.raises(WitnessProofError):
        check_add_checkpoint(request(13, 29, other), [LOG], held(13))
    with pytest.raises(WitnessProofError):
        check_add_checkpoint(AddCheckpoint(13, (), parse_note(checkpoint(29))), [LOG], held(13))


def test_from_nothing_the_proof_is_empty() -> None:
    with pytest.raises(WitnessProofError):
        check_add_checkpoint(AddCheckpoint(0, (bytes(32),), parse_note(checkpoint(29))), [LOG], None)


def test_the_empty_tree_has_one_root() -> None:
    note = parse_note(sign_checkpoint(Checkpoint(ORIGIN, 0, RootHash(bytes(32))), ED25519))
    with pytest.raises(WitnessConflictError):
        check_add_checkpoint(AddCheckpoint(0, (), note), [LOG], None)
    empty = parse_note(sign_checkpoint(Checkpoint(ORIGIN, 0, EMPTY_ROOT), ED25519))
    assert check_add_checkpoint(AddCheckpoint(0, (), empty), [LOG], None).checkpoint.size == 0


def test_an_unknown_or_missing_log_signature_is_not_trusted() -> None:
    other = generate_key("ed25519", b"somebody else's key of 32 bytes..")
    with pytest.raises(WitnessUntrustedError):
        check_add_checkpoint(request(0, 29), [make_verifier(ORIGIN, other.public.raw)], None)
    with pytest.raises(WitnessUntrustedError):
        check_add_checkpoint(request(0, 29), [], None)


def test_only_the_logs_own_lines_are_kept() -> None:
    note = parse_note(checkpoint(29))
    line = cosign(note.text, "w.example", WITNESS, 5)
    asked = AddCheckpoint(0, (), Note(note.text, (line, *note.signatures)))
    assert check_add_checkpoint(asked, [LOG], None).note == encode_note(note)


@pytest.mark.parametrize("text", ["", "-1", "01", "1 ", "\u0661", "9223372036854775808"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(WitnessRequestError):
        parse_size(text)


def test_nobody_is_needed_where_the_policy_says_so() -> None:
    note = parse_note(checkpoint(40))
    data = encode_tlog_proof(TLogProof(5, inclusion_path(5, 40, TREE.node), note))
    found, _, cosigned = verify_tlog_proof(data, leaf_hash=LEAVES[5], origin=ORIGIN, log=LOG, policy=NOBODY)
    assert found.size == 40
    assert cosigned.cosignatures == ()
