"""Anchors: an outside service states when a checkpoint existed (RFC 3161), and the statement is kept in the log.

What is stamped is the checkpoint's text (origin, size, root), which anybody can write again from the event; so an
anchor proves that this very tree existed at that time. It gives time only: who shows two trees is caught by witnesses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

import msgspec

from chemtrace.core.base64url import decode_base64url, encode_base64url
from chemtrace.core.checkpoint import Checkpoint, encode_checkpoint, parse_checkpoint
from chemtrace.core.errors import AnchorInvalidError, CheckpointMissingError, ChemtraceError
from chemtrace.core.note import parse_note
from chemtrace.core.times import format_utc
from chemtrace.core.types import RootHash


class Timestamp(msgspec.Struct, frozen=True):
    """A verified timestamp: the token (DER of RFC 3161's TimeStampToken), its time, and who signed it."""

    token: bytes
    time_us: int
    signer: str


class TimestampService(Protocol):
    """An outside service that stamps, and the check of what any such service has stamped."""

    def stamp(self, message: bytes) -> Timestamp:
        """Have `message` stamped; raises `AnchorUnavailableError`, `AnchorInvalidError`."""
        ...


VerifyToken = Callable[[bytes, bytes], Timestamp]
"""`(token, message)` to the verified timestamp; raises `AnchorInvalidError`."""


class Anchored(msgspec.Struct, frozen=True):
    """A checkpoint with its timestamp, ready to be recorded."""

    checkpoint: Checkpoint
    service: str
    timestamp: Timestamp

    def facts(self) -> dict[str, object]:
        """The members of an `anchor/timestamp` payload."""
        return {
            "size": self.checkpoint.size,
            "root": self.checkpoint.root.hex(),
            "service": self.service,
            "token": encode_base64url(self.timestamp.token),
        }


class AnchorEvent(msgspec.Struct, frozen=True):
    """An `anchor/timestamp` event as it stands in the log."""

    index: int
    size: int
    root: str
    service: str
    token: str


class AnchorReport(msgspec.Struct, frozen=True):
    """What was found about one anchor: its time when it verifies, else the code and sentence of what is wrong."""

    index: int
    size: int
    service: str
    verified: bool
    time: str | None = None
    signer: str | None = None
    code: str | None = None
    detail: str | None = None


def stamp_checkpoint(note: bytes | None, origin: str, service: TimestampService, name: str) -> Anchored:
    """Have the served checkpoint stamped by an outside service, called `name` in the log.

    Raises:
        CheckpointMissingError: nothing is published yet.
        AnchorUnavailableError, AnchorInvalidError: the service does not answer, or what it answers does not verify.
    """
    if note is None:
        raise CheckpointMissingError("no checkpoint is published yet; one follows the first event")
    checkpoint = parse_checkpoint(parse_note(note).text, origin)
    return Anchored(checkpoint, name, service.stamp(anchored_text(checkpoint)))


def anchored_text(checkpoint: Checkpoint) -> bytes:
    """The bytes that are stamped: the checkpoint's text without extension lines and signatures."""
    return encode_checkpoint(checkpoint).encode("utf-8")


def verify_anchors(
    anchors: Iterable[AnchorEvent],
    origin: str,
    *,
    root_of: Callable[[int], bytes | None],
    verify: VerifyToken,
) -> list[AnchorReport]:
    """Check every anchor: its root is that of this log at its size, and its token is over that checkpoint.

    `root_of` gives the root of the log's first entries, None for a size beyond it. Nothing is raised for a wrong
    anchor: the report says what is wrong with which.
    """
    return [_report(anchor, origin, root_of, verify) for anchor in anchors]


def _report(
    anchor: AnchorEvent, origin: str, root_of: Callable[[int], bytes | None], verify: VerifyToken
) -> AnchorReport:
    head = (anchor.index, anchor.size, anchor.service)
    try:
        own = root_of(anchor.size)
        if own is None or own.hex() != anchor.root:
            raise AnchorInvalidError(
                "the anchor names another root than this log has at that size",
                expected=None if own is None else own,
                found=anchor.root,
                size=anchor.size,
            )
        checkpoint = Checkpoint(origin, anchor.size, RootHash(own))
        stamp = verify(decode_base64url(anchor.token), anchored_text(checkpoint))
    except ChemtraceError as error:
        return AnchorReport(*head, verified=False, code=error.code, detail=error.message)
    return AnchorReport(*head, verified=True, time=format_utc(stamp.time_us), signer=stamp.signer)
