"""A witness of C2SP tlog-witness: it cosigns a log's checkpoint only when that contains all it has cosigned before.

It keeps one checkpoint for each log. Which one is swapped atomically and durably before any answer; two answers can
therefore never contradict each other, whatever is killed in between. Two roots of one size, both signed by the log,
are kept as evidence and shown to everybody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Protocol

import msgspec

from chemtrace.core.add_checkpoint import (
    Held,
    check_add_checkpoint,
    parse_add_checkpoint,
    read_origin,
)
from chemtrace.core.cosignature import CosigningKey, cosign, cosigner
from chemtrace.core.errors import SplitViewError, WitnessUnknownLogError
from chemtrace.core.note import Note, NoteSignature, NoteVerifier, encode_note, parse_note
from chemtrace.ledger.ports import Clock

SECOND_US: Final = 1_000_000


class Kept(msgspec.Struct, frozen=True):
    """What is kept of a log: its last cosigned checkpoint, and the time of that cosignature (seconds since 1970)."""

    held: Held
    time_s: int


class Evidence(msgspec.Struct, frozen=True):
    """Two signed checkpoints of one log that contradict each other; `code` of the error that says how."""

    found_us: int
    origin: str
    code: str
    first_note: bytes
    second_note: bytes


class WitnessState(Protocol):
    """A witness's memory: durable, shared by all its processes."""

    def kept(self, origin: str) -> Kept | None:
        """What is kept of a log, None before its first checkpoint."""
        ...

    def swap(self, origin: str, before: Kept | None, after: Kept) -> bool:
        """Put `after` in place of `before`, durable on return; False when something else stood there: unchanged."""
        ...

    def keep_evidence(self, evidence: Evidence) -> None:
        """Keep a contradiction, durable on return; a bounded number for each log."""
        ...

    def evidence(self) -> tuple[Evidence, ...]:
        """All contradictions, oldest first."""
        ...


Examine = Callable[[Held], None]
"""What a cosigner does beyond consistency before it signs; raises to refuse. An auditing mirror recomputes here."""


class Witness:
    """One witness: its name, its keys, the logs it trusts, and its memory. Safe for many threads."""

    def __init__(
        self,
        *,
        name: str,
        keys: Sequence[CosigningKey],
        logs: Iterable[NoteVerifier],
        state: WitnessState,
        clock: Clock,
        examine: Examine | None = None,
    ) -> None:
        """Cosign as `name` with each of `keys`; raises `NoteFormatError` for a name or key that cannot stand."""
        self.name = name
        self._keys = tuple(keys)
        self.vkeys = tuple([cosigner(name, key).vkey for key in self._keys])
        self._logs = _by_origin(logs)
        self._state = state
        self._clock = clock
        self._examine = examine

    @property
    def origins(self) -> tuple[str, ...]:
        """The logs that are witnessed, sorted."""
        return tuple(sorted(self._logs))

    def evidence(self) -> tuple[Evidence, ...]:
        """All contradictions found, oldest first."""
        return self._state.evidence()

    def kept(self, origin: str) -> Kept | None:
        """What is kept of a log."""
        return self._state.kept(origin)

    def cosigned(self, origin: str) -> bytes | None:
        """The checkpoint of a log that was cosigned last, with the log's lines and this witness's own."""
        kept = self._state.kept(origin)
        if kept is None:
            return None
        note = parse_note(kept.held.note)
        lines = [cosign(note.text, self.name, key, kept.time_s) for key in self._keys]
        return encode_note(Note(note.text, (*note.signatures, *lines)))

    def add_checkpoint(self, body: bytes) -> tuple[NoteSignature, ...]:
        """Cosign the checkpoint of a request, one line for each key; it is on disk when this returns.

        Raises:
            WitnessRequestError (400), WitnessUnknownLogError (404), WitnessUntrustedError (403),
            WitnessConflictError (409, field `expected` is the size held), WitnessProofError (422).
            SplitViewError (409): the log has signed two roots for one size; both notes are kept.
        """
        request = parse_add_checkpoint(body)
        origin = read_origin(request).origin
        verifiers = self._logs.get(origin)
        if verifiers is None:
            raise WitnessUnknownLogError("this witness does not know this log", origin=origin)
        while True:
            before = self._state.kept(origin)
            try:
                held = check_add_checkpoint(request, verifiers, before.held if before else None)
            except SplitViewError as error:
                self._remember(error)
                raise
            if self._examine is not None:
                self._examine(held)
            # A witness's time never goes back: a larger tree is never stated for an earlier moment.
            time_s = max(self._clock.now_us() // SECOND_US, before.time_s if before else 1)
            if self._state.swap(origin, before, Kept(held, time_s)):
                # Durable from here. Whoever is killed now is asked again and finds the same checkpoint.
                return tuple([cosign(request.note.text, self.name, key, time_s) for key in self._keys])

    def _remember(self, error: SplitViewError) -> None:
        fields = error.fields
        first, second, origin = fields["first_note"], fields["second_note"], fields["origin"]
        if isinstance(first, bytes) and isinstance(second, bytes) and isinstance(origin, str):
            self._state.keep_evidence(Evidence(self._clock.now_us(), origin, error.code, first, second))


def _by_origin(logs: Iterable[NoteVerifier]) -> Mapping[str, tuple[NoteVerifier, ...]]:
    found: dict[str, tuple[NoteVerifier, ...]] = {}
    for verifier in logs:
        found[verifier.name] = (*found.get(verifier.name, ()), verifier)
    return found
