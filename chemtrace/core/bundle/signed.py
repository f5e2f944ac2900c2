"""Who has signed the checkpoint of a proof, and the epoch record that is the last leaf of its tree."""

from __future__ import annotations

from typing import Final

import msgspec

from chemtrace.core.bundle.model import Tick
from chemtrace.core.bundle.record import check_covered
from chemtrace.core.bundle.trust import Trust
from chemtrace.core.bundle.verdict import Cosigner
from chemtrace.core.checkpoint import Checkpoint, parse_checkpoint
from chemtrace.core.cosignature import verify_cosignature
from chemtrace.core.ed25519 import verify_ed25519
from chemtrace.core.entry import encode_entry, leaf_hash
from chemtrace.core.epoch import EpochRecord, parse_epoch
from chemtrace.core.errors import (
    BundleFormatError,
    EventOrderError,
    MapProofError,
    NoteSignatureError,
    PolicyUnmetError,
    SignatureInvalidError,
    SignatureUnneededError,
)
from chemtrace.core.merkle import verify_inclusion
from chemtrace.core.note import Note, NoteSignature, NoteVerifier
from chemtrace.core.policy import Policy, parse_policy

CLOCK_SLACK_S: Final = 300
"""How far a mirror's clock may be ahead of the verifier's, seconds: more, and its time does not count."""

_US: Final = 1_000_000


class Signed(msgspec.Struct, frozen=True):
    """A checkpoint whose every line was verified, its epoch record, and who cosigned, in the order of the lines.

    `now_us` is the verifier's clock, microseconds UTC, or None where there is none to rely on.
    """

    checkpoint: Checkpoint
    record: EpochRecord
    map_root: bytes
    cosigners: tuple[Cosigner, ...]
    now_us: int | None = None

    @property
    def mirrors(self) -> tuple[Cosigner, ...]:
        """The cosigners that recompute everything first and said when, by a clock not ahead of the verifier's.

        One whose clock is ahead is left out: the newest time would be its, and an old proof would pass for new.
        """
        return tuple([one for one in self._timed if not self._is_ahead(one)])

    @property
    def mirrors_ahead(self) -> tuple[Cosigner, ...]:
        """The mirrors whose time is after the verifier's by more than `CLOCK_SLACK_S`; none without a clock."""
        return tuple([one for one in self._timed if self._is_ahead(one)])

    @property
    def _timed(self) -> list[Cosigner]:
        return [one for one in self.cosigners if one.mirror and one.time_s]

    def _is_ahead(self, one: Cosigner) -> bool:
        return self.now_us is not None and one.time_s * _US > self.now_us + CLOCK_SLACK_S * _US

    @property
    def as_of_us(self) -> int:
        """The newest time of a mirror that counts, else the log's own, microseconds UTC."""
        return max([one.time_s * _US for one in self.mirrors], default=self.record.log_time_us)


def verify_signed(
    note: Note, record: bytes, path: tuple[bytes, ...], trust: Trust, *, now_us: int | None = None
) -> Signed:
    """Return checkpoint and record after all signatures and the record's place were verified (bundle.md steps 2, 3).

    `now_us` decides which mirrors' times count (step 10); it refuses nothing here.

    Raises:
        CheckpointError: another log. NoteSignatureError: a line does not verify, or the log has not signed.
        SignatureUnneededError: a line of an unknown key. PolicyUnmetError: too few witnesses.
        EpochFormatError, EpochBrokenError, ProofShapeError, RootMismatchError, MapProofError: the record.
    """
    checkpoint = parse_checkpoint(note.text, trust.origin)
    cosigners = _verify_lines(note, trust)
    parsed = parse_epoch(record)
    _check_record(parsed, record, checkpoint.size - 1, path, checkpoint)
    if parsed.map_root is None:
        raise MapProofError(
            "this log's record commits no map: nothing can be proved from it", index=checkpoint.size - 1
        )
    return Signed(checkpoint, parsed, bytes.fromhex(parsed.map_root), cosigners, now_us)


def verify_ticks(ticks: tuple[Tick, ...], checkpoint: Checkpoint) -> dict[int, EpochRecord]:
    """Return the older records by index, each verified to stand in the tree; raises as `verify_signed`.

    Raises:
        EventOrderError: indexes do not rise, or reach the newest record.
    """
    records: dict[int, EpochRecord] = {}
    last = -1
    for tick in ticks:
        if not last < tick.index < checkpoint.size - 1:
            raise EventOrderError(
                "ticks stand in rising order before the newest record", index=tick.index, after=last
            )
        record = parse_epoch(tick.record)
        _check_record(record, tick.record, tick.index, tick.path, checkpoint)
        records[tick.index] = record
        last = tick.index
    return records


def _check_record(
    record: EpochRecord, data: bytes, index: int, path: tuple[bytes, ...], checkpoint: Checkpoint
) -> None:
    check_covered(record, index)
    leaf = leaf_hash(encode_entry(data, ()))
    verify_inclusion(leaf_hash=leaf, index=index, size=checkpoint.size, path=path, root=checkpoint.root)


def _verify_lines(note: Note, trust: Trust) -> tuple[Cosigner, ...]:
    """Verify every line: none of an unknown key, none twice, the log's among them, the quorum met."""
    policy = None if trust.policy is None else parse_policy(trust.policy)
    log = trust.log_verifier
    seen: set[tuple[str, bytes]] = set()
    cosigners: list[Cosigner] = []
    for line in note.signatures:
        who = (line.name, line.key_hash)
        if who in seen:
            raise BundleFormatError("a checkpoint carries each signature once", name=line.name)
        seen.add(who)
        if who == (log.name, log.key_hash):
            _verify_log_line(log, note, line)
        else:
            cosigners.append(_verify_witness_line(policy, note, line, trust))
    if (log.name, log.key_hash) not in seen:
        raise NoteSignatureError("the log has not signed this checkpoint", expected=log.vkey)
    if policy is not None and not policy.satisfied({one.name for one in cosigners}):
        raise PolicyUnmetError(
            "the witnesses that the policy asks for have not cosigned: fetch the proof again later",
            expected=policy.describe(),
            found=tuple([one.name for one in cosigners]),
        )
    return tuple(cosigners)


def _verify_log_line(log: NoteVerifier, note: Note, line: NoteSignature) -> None:
    try:
        verify_ed25519(log.public, note.text.encode("utf-8"), line.signature)
    except SignatureInvalidError as error:
        raise NoteSignatureError(
            "the log's signature does not verify", name=line.name, key=log.vkey
        ) from error


def _verify_witness_line(policy: Policy | None, note: Note, line: NoteSignature, trust: Trust) -> Cosigner:
    witness = None if policy is None else policy.find(line.name, line.key_hash)
    if witness is None:
        raise SignatureUnneededError(
            "the checkpoint carries a signature of a key that is not pinned: ask for the current trust file",
            found=f"{line.name}+{line.key_hash.hex()}",
        )
    time_s = verify_cosignature(witness.verifier, note.text, line)
    return Cosigner(witness.name, time_s, witness.name in trust.mirrors)
