"""Checkpoints compared: what a phone, a clerk and a newspaper have kept of one log has to be one history.

Two roots of one size, both signed by the log, prove that it has shown two histories. Sizes that differ need a
consistency proof, which only the log or a mirror can give: nothing is said about them here.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from chemtrace.core.checkpoint import Checkpoint, verify_checkpoint
from chemtrace.core.cosignature import Cosignature, verify_cosignatures
from chemtrace.core.errors import SplitViewError
from chemtrace.core.note import NoteVerifier, encode_note, parse_note
from chemtrace.core.policy import Policy, names_of


class Seen(msgspec.Struct, frozen=True):
    """A checkpoint that the log has signed; who of the policy has cosigned it, and whether they are enough."""

    checkpoint: Checkpoint
    note: bytes
    cosignatures: tuple[Cosignature, ...]
    witnesses: frozenset[str]
    satisfied: bool


def read_checkpoint(data: bytes, origin: str, log: NoteVerifier, policy: Policy | None) -> Seen:
    """Return a checkpoint after its log's signature and every known witness's line have been verified.

    Raises:
        NoteFormatError, CheckpointError, NoteSignatureError: as `verify_checkpoint` and `verify_cosignatures`.
    """
    checkpoint, signed = verify_checkpoint(data, origin, [log])
    if policy is None:
        return Seen(checkpoint, encode_note(signed), (), frozenset(), satisfied=True)
    cosignatures = verify_cosignatures(parse_note(data), [one.verifier for one in policy.witnesses])
    names = names_of(policy, cosignatures)
    return Seen(checkpoint, encode_note(signed), cosignatures, names, policy.satisfied(names))


def check_one_history(checkpoints: Iterable[Seen]) -> None:
    """Check that no size has two roots.

    Raises:
        SplitViewError: it has; fields `first_note` and `second_note` hold the two signed notes as evidence.
    """
    by_size: dict[int, Seen] = {}
    for seen in checkpoints:
        first = by_size.setdefault(seen.checkpoint.size, seen)
        if first.checkpoint.root != seen.checkpoint.root:
            raise SplitViewError(
                "the log has signed two roots for one size: keep both files, they are the proof",
                origin=seen.checkpoint.origin,
                size=seen.checkpoint.size,
                first=first.checkpoint.root,
                second=seen.checkpoint.root,
                first_note=first.note,
                second_note=seen.note,
            )
