"""Asking a witness for its cosignature (C2SP tlog-witness), and serving checkpoints with what witnesses added.

The dialogue is pure over a port that sends one request. The witness is believed nothing: a line counts only when it
verifies under the key of the policy, and its answers about sizes only choose the next proof.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final, Protocol

import msgspec

from chemtrace.core.add_checkpoint import MAX_REQUEST_BYTES, AddCheckpoint, encode_add_checkpoint, parse_size
from chemtrace.core.checkpoint import Checkpoint, parse_checkpoint
from chemtrace.core.cosignature import Cosignature, CosignatureVerifier, verify_cosignature
from chemtrace.core.errors import (
    NoteFormatError,
    NoteSignatureError,
    RollbackError,
    SplitViewError,
    WitnessForgedError,
    WitnessRequestError,
    WitnessUnavailableError,
)
from chemtrace.core.note import (
    Note,
    encode_note,
    encode_signature_lines,
    parse_note,
    parse_signature_lines,
)
from chemtrace.core.policy import Policy, PolicyWitness
from chemtrace.core.times import format_utc
from chemtrace.ledger.ports import CosignatureRow, ReadTransaction
from chemtrace.ledger.witnessed import Witnessed

MAX_ASKED: Final = 3
"""Requests for one cosignature: one that is told the size held, one with the proof, one more for a race."""
CLOCK_SLACK_S: Final = 300
"""How far a witness's clock may be ahead of ours: its time states how fresh a proof is."""
MAX_ANSWER_BYTES: Final = MAX_REQUEST_BYTES
MAX_SAID: Final = 200
"""Characters shown of what a witness says when it refuses."""
_CODE: Final = re.compile(r"[a-z0-9]+(?:[.-][a-z0-9]+){0,6}", re.ASCII)
SECOND_US: Final = 1_000_000

ReadPath = Callable[[int, int], Sequence[bytes]]
"""`(old size, new size)` to the consistency proof between them."""


class WitnessAnswer(msgspec.Struct, frozen=True):
    """What came back over HTTP: status, body, and seconds to wait when the witness asked for it."""

    status: int
    body: bytes
    retry_after_s: int | None = None


class _Told(msgspec.Struct):
    """The members that are read of a problem document (RFC 9457)."""

    code: str = ""
    detail: str = ""


class WitnessCaller(Protocol):
    """Sends one request to a witness."""

    def send(self, url: str, body: bytes) -> WitnessAnswer:
        """POST `body` to the add-checkpoint of a submission prefix; raises `WitnessUnavailableError`."""
        ...


def ask_witness(
    witness: PolicyWitness,
    caller: WitnessCaller,
    *,
    note: Note,
    read_path: ReadPath,
    known_size: int,
    now_s: int,
    newest_size: Callable[[], int],
) -> Cosignature:
    """Return a witness's verified cosignature of a checkpoint.

    Args:
        note: the checkpoint with the log's signature.
        known_size: the size that it is thought to hold; when it tells another one, that is taken.
        now_s: seconds since 1970.
        newest_size: the size of the newest checkpoint we have, asked only when the witness holds a larger one.

    Raises:
        WitnessUnavailableError: no answer, a refusal, or no line of its key; ask again later.
        WitnessForgedError: a line in its name that does not verify; fields `first_note`, `second_note`.
        SplitViewError: it holds another root for this size. RollbackError: it holds a larger tree than we ever signed.
    """
    checkpoint = parse_checkpoint(note.text)
    size, old = checkpoint.size, min(known_size, checkpoint.size)
    for _ in range(MAX_ASKED):
        path = tuple(read_path(old, size)) if 0 < old < size else ()
        body = encode_add_checkpoint(AddCheckpoint(old, path, note))
        answer = caller.send(witness.url or "", body)
        if answer.status == 200:
            return _cosignature(witness.verifier, note, answer.body, now_s)
        if answer.status != 409:
            raise _refused(witness, answer)
        told = _told_size(witness, answer.body)
        if told > size:
            raise _held_beyond(witness, told, checkpoint, newest_size())
        if told == old == size:
            raise SplitViewError(
                "the witness holds another root for this size: it was shown another log under our key",
                witness=witness.name,
                size=size,
                root=checkpoint.root,
                first_note=encode_note(note),
            )
        old = told
    raise WitnessUnavailableError(
        "the witness tells another size each time it is asked", witness=witness.name, size=size, told=old
    )


def merge_lines(note: bytes, rows: Sequence[CosignatureRow], policy: Policy) -> bytes:
    """Return a stored checkpoint with the lines of the policy's witnesses behind the log's, in the policy's order."""
    places = {(one.verifier.name, one.verifier.key_hash): place for place, one in enumerate(policy.witnesses)}
    known = sorted(
        [row for row in rows if (row.name, row.key_hash) in places], key=lambda row: _place(row, places)
    )
    signed = parse_note(note)
    lines = [line for row in known for line in parse_signature_lines(f"{row.line}\n".encode())]
    return encode_note(Note(signed.text, (*signed.signatures, *lines)))


class WitnessLine(msgspec.Struct, frozen=True):
    """A witness of the policy and when it cosigned a checkpoint (RFC 3339, UTC), None when it has not."""

    name: str
    key_name: str
    time: str | None


class WitnessSheet(msgspec.Struct, frozen=True):
    """Who has cosigned a checkpoint: what the policy asks for, whether that is met, and every witness of it."""

    quorum: str
    satisfied: bool
    lines: tuple[WitnessLine, ...]


def read_sheet(note: bytes, policy: Policy) -> WitnessSheet:
    """Return who of the policy has cosigned a checkpoint; a line that does not verify counts as none."""
    parsed = parse_note(note)
    times: dict[str, int] = {}
    for line in parsed.signatures:
        witness = policy.find(line.name, line.key_hash)
        if witness is not None:
            with suppress(NoteSignatureError):
                times[witness.name] = verify_cosignature(witness.verifier, parsed.text, line)
    lines = [
        WitnessLine(
            one.name,
            one.verifier.name,
            format_utc(times[one.name] * SECOND_US) if one.name in times else None,
        )
        for one in policy.witnesses
    ]
    return WitnessSheet(policy.describe(), policy.satisfied(times.keys()), tuple(lines))


class Serving:
    """Which checkpoint is shown as the newest: any one, or, when `required`, only one that satisfies the policy."""

    def __init__(self, policy: Policy | None = None, *, required: bool = False) -> None:
        """Serve under `policy`; safe for many threads."""
        self.policy = policy
        self.required = required
        self._witnessed = Witnessed(policy)

    def size(self, transaction: ReadTransaction) -> int | None:
        """Size of the checkpoint that is shown, None before there is one."""
        if self.required:
            return self._witnessed.newest(transaction)
        return transaction.checkpoint_size()

    def checkpoint(self, transaction: ReadTransaction) -> bytes | None:
        """The checkpoint that is shown, with its cosignatures."""
        size = self.size(transaction)
        note = None if size is None else transaction.checkpoint(size)
        if size is None or note is None or self.policy is None:
            return note
        return merge_lines(note, transaction.cosignatures(size), self.policy)


def row_of(cosignature: Cosignature, size: int, added_us: int) -> CosignatureRow:
    """Return a verified cosignature as it is stored."""
    line = encode_signature_lines([cosignature.line]).decode("utf-8").removesuffix("\n")
    return CosignatureRow(size, cosignature.verifier.name, cosignature.verifier.key_hash, line, added_us)


def _place(row: CosignatureRow, places: dict[tuple[str, bytes], int]) -> int:
    return places[row.name, row.key_hash]


def _cosignature(verifier: CosignatureVerifier, note: Note, body: bytes, now_s: int) -> Cosignature:
    """The one line of this witness's key in its answer; lines of other keys are left out, as the standard says."""
    try:
        lines = parse_signature_lines(body)
    except NoteFormatError as error:
        raise WitnessUnavailableError(
            f"the witness answers what is no cosignature: {error.message}"
        ) from error
    for line in lines:
        if (line.name, line.key_hash) == (verifier.name, verifier.key_hash):
            try:
                time_s = verify_cosignature(verifier, note.text, line)
            except NoteSignatureError as error:
                raise WitnessForgedError(
                    "a cosignature in the name of this witness does not verify",
                    witness=verifier.name,
                    first_note=encode_note(note),
                    second_note=encode_note(Note(note.text, (*note.signatures, line))),
                ) from error
            if not 0 < time_s <= now_s + CLOCK_SLACK_S:
                raise WitnessUnavailableError(
                    "the clock of the witness is wrong, or ours",
                    witness=verifier.name,
                    found=time_s,
                    now=now_s,
                )
            return Cosignature(verifier, line, time_s)
    raise WitnessUnavailableError(
        "the witness answers with no line of the key in the policy",
        expected=f"{verifier.name}+{verifier.key_hash.hex()}",
        found=tuple(f"{line.name}+{line.key_hash.hex()}" for line in lines),
    )


def _refused(witness: PolicyWitness, answer: WitnessAnswer) -> WitnessUnavailableError:
    said_code, said = _said(answer.body)
    words = _words(answer.status)
    if said_code.startswith("evidence."):
        words = "it has found that our log contradicts itself"
    return WitnessUnavailableError(
        f"the witness answers {answer.status}: {words}" + (f" [{said_code}]: {said}" if said_code else ""),
        witness=witness.name,
        status=answer.status,
        retry_after_s=answer.retry_after_s or 0,
        said_code=said_code,
        said=said,
    )


def _said(body: bytes) -> tuple[str, str]:
    """What a refusal says of itself: its code, "" where it names none, and its words, cut; both are data of others."""
    try:
        told = msgspec.json.decode(body, type=_Told)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return "", _printable(body[:MAX_SAID].decode("utf-8", "replace"))
    code = told.code if len(told.code) <= 64 and _CODE.fullmatch(told.code) else ""
    return code, _printable(told.detail[:MAX_SAID])


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)


def _words(status: int) -> str:
    return {
        400: "it does not understand our request",
        403: "it does not trust the key of our log",
        404: "it does not know our log; give its operator our verifier key",
        422: "our consistency proof does not verify against what it holds: was the log forked?",
        429: "it is asked too often",
        503: "not now",
    }.get(status, "no cosignature")


def _told_size(witness: PolicyWitness, body: bytes) -> int:
    try:
        text = body.decode("ascii")
        return parse_size(text[:-1] if text.endswith("\n") else "")
    except (UnicodeDecodeError, WitnessRequestError) as error:
        raise WitnessUnavailableError(
            "the witness answers 409 without the size it holds", witness=witness.name, found=body[:80]
        ) from error


def _held_beyond(witness: PolicyWitness, told: int, checkpoint: Checkpoint, newest: int) -> Exception:
    if told <= newest:
        return WitnessUnavailableError(
            "the witness has gone on to a newer checkpoint meanwhile", witness=witness.name, held=told
        )
    return RollbackError(
        "the witness holds a larger tree than this log has: a backup was restored, or another writer signs",
        witness=witness.name,
        expected=told,
        found=newest,
        origin=checkpoint.origin,
    )
