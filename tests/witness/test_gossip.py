"""Checkpoints that people have kept: one history, or the proof that there are two."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chemtrace.core.bundle.trust import Trust, encode_trust
from chemtrace.core.checkpoint import Checkpoint, sign_checkpoint
from chemtrace.core.cosignature import cosign, cosigner
from chemtrace.core.errors import NoteSignatureError, SplitViewError
from chemtrace.core.gossip import check_one_history, read_checkpoint
from chemtrace.core.keys import generate_key
from chemtrace.core.note import Note, NoteSignature, encode_note, make_verifier, parse_note
from chemtrace.core.policy import parse_policy
from chemtrace.core.types import RootHash
from tests.cli.shell import run, run_ok
from tests.specimens import ED25519

ORIGIN = "log.example/chemtrace"
LOG = make_verifier(ORIGIN, ED25519.public.raw)
WITNESS = generate_key("ed25519", b"a witness of what people keep...")
TEXT = f"witness W {cosigner('w.example', WITNESS).vkey}\nquorum W\n"
POLICY = parse_policy(TEXT)


def kept(size: int, root: int, *, cosigned: bool = True) -> bytes:
    """A checkpoint as somebody has kept it."""
    note = parse_note(sign_checkpoint(Checkpoint(ORIGIN, size, RootHash(bytes([root]) * 32)), ED25519))
    lines = (cosign(note.text, "w.example", WITNESS, 1_700_000_000),) if cosigned else ()
    return encode_note(Note(note.text, (*note.signatures, *lines)))


def test_it_tells_who_has_cosigned_and_whether_that_is_enough() -> None:
    whole, bare = (read_checkpoint(kept(7, 1, cosigned=yes), ORIGIN, LOG, POLICY) for yes in (True, False))
    assert (whole.satisfied, whole.witnesses) == (True, frozenset({"W"}))
    assert (bare.satisfied, bare.witnesses) == (False, frozenset())
    assert whole.note == bare.note


def test_one_history_is_one_root_for_each_size() -> None:
    same = [read_checkpoint(kept(size, size), ORIGIN, LOG, POLICY) for size in (7, 9, 7, 8)]
    check_one_history(same)


def test_two_roots_of_one_size_are_evidence_with_both_notes_also_without_witnesses() -> None:
    two = [read_checkpoint(kept(7, root, cosigned=False), ORIGIN, LOG, None) for root in (1, 2)]
    with pytest.raises(SplitViewError) as caught:
        check_one_history(two)
    assert caught.value.fields["first_note"] == kept(7, 1, cosigned=False)
    assert caught.value.fields["second_note"] == kept(7, 2, cosigned=False)


def test_what_the_log_has_not_signed_is_no_evidence() -> None:
    stranger = generate_key("ed25519", b"a stranger who would like a fork")
    forged = sign_checkpoint(Checkpoint(ORIGIN, 7, RootHash(bytes(32))), stranger)
    with pytest.raises(NoteSignatureError):
        read_checkpoint(forged, ORIGIN, LOG, POLICY)


def test_a_forged_line_of_a_witness_refuses_the_checkpoint() -> None:
    note = parse_note(kept(7, 1, cosigned=False))
    line = NoteSignature("w.example", cosigner("w.example", WITNESS).key_hash, bytes(72))
    with pytest.raises(NoteSignatureError):
        read_checkpoint(encode_note(Note(note.text, (*note.signatures, line))), ORIGIN, LOG, POLICY)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    trust = Trust(authority="ab" * 32, log=LOG.vkey, max_age_s=None, mirrors=(), origin=ORIGIN, policy=TEXT)
    (tmp_path / "trust.json").write_bytes(encode_trust(trust))
    for name, data in {
        "a": kept(7, 1), "b": kept(9, 3), "fork": kept(7, 2), "bare": kept(8, 5, cosigned=False),
    }.items():  # fmt: skip
        (tmp_path / name).write_bytes(data)
    return tmp_path


def test_the_command_verifies_compares_and_tells_the_evidence_from_too_few_witnesses(folder: Path) -> None:
    pinned = ("--trust", str(folder / "trust.json"))

    def files(*names: str) -> tuple[str, ...]:
        return tuple(str(folder / name) for name in names)

    told = run_ok("verify", "checkpoint", *files("a", "b"), *pinned, "--json").json["checkpoints"]
    assert [one["size"] for one in told] == [7, 9]
    assert told[0]["witnesses"] == [{"key": "w.example", "time": "2023-11-14T22:13:20Z"}]
    assert "见证 cosigned by W" in run_ok("verify", "checkpoint", *files("a"), *pinned).out
    fork = run("verify", "checkpoint", *files("a", "b", "fork"), *pinned, "--json")
    assert json.loads(fork.err)["code"] == "evidence.split-view"
    bare = run("verify", "checkpoint", *files("a", "bare"), *pinned, "--json")
    assert json.loads(bare.err)["code"] == "policy.unmet"
    assert fork.code != bare.code
