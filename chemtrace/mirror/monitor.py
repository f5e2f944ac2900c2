"""An enterprise's monitor: every entry in its name is its own, and every one of its events is in the histories shown.

The monitor holds no copy of the log. It follows checkpoints, reads every new entry once, keeps the ids of its own
events, and asks for the bundle of each subject that they name: a bundle that verifies and lacks one of them proves
that the log hides it. What the log never took in, after it gave a receipt for it, only the receipt shows
(`mirror.promises`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from typing import Final

import msgspec

from chemtrace.core.algorithms import PublicKey
from chemtrace.core.bundle.trust import Trust
from chemtrace.core.bundle.verdict import Verdict
from chemtrace.core.bundle.verify import verify_bundle
from chemtrace.core.errors import (
    AdmissionBrokenError,
    BundleFormatError,
    ChemtraceError,
    ErasureUnloggedError,
    EventOmittedError,
    EvidenceError,
    ForeignEventError,
    LogTruncatedError,
    ProofStaleError,
    RefusedError,
    SplitViewError,
    UnavailableError,
)
from chemtrace.core.events import parse_payload
from chemtrace.core.events.authority import Key
from chemtrace.core.pae import HEADER_TYPE, encode_pae
from chemtrace.core.policy import parse_policy, verify_cosigned
from chemtrace.core.second_opinion import verify_twice
from chemtrace.ledger.ports import Clock
from chemtrace.mirror.entries import ReadEntry, read_entry
from chemtrace.mirror.fetch import end_of_run, fetch_entries
from chemtrace.mirror.monitor_store import MonitorStore, OwnEvent, Pinned
from chemtrace.mirror.ports import ProvingLog, hashes_of
from chemtrace.mirror.promises import Promised, Promises
from chemtrace.mirror.silence import read_log_time, silence
from chemtrace.mirror.views import View, compare_views, parse_view

MAX_SUBJECTS: Final = 500
"""Histories asked for in one round; the rest follow in the next."""
MAX_WAIT_US: Final = 60_000_000
"""Time spent in one round on questions that get no answer: a log that has stopped would hold up the round for hours."""


class Round(msgspec.Struct, frozen=True):
    """What one look found: size of the log, own events that are new, histories that were shown whole, findings.

    `log_time_us`: log time of the newest checkpoint; `age_s`: seconds from it to this machine's clock, never negative.
    `promises`: what became of the receipts held, None where there are none.
    """

    size: int
    new_events: int
    proved: int
    findings: tuple[ChemtraceError, ...]
    log_time_us: int = 0
    age_s: int = 0
    promises: Promised | None = None


class Monitor:
    """Watches one log for one enterprise."""

    def __init__(
        self,
        *,
        log: ProvingLog,
        store: MonitorStore,
        trust: Trust,
        clock: Clock,
        enterprise: str,
        keys: Iterable[PublicKey],
        silent_after_s: float = 0,
        promises: Promises | None = None,
    ) -> None:
        """Watch for `enterprise`, whose only keys are `keys`; a log silent for longer is a finding, 0: for ever."""
        self._promises = promises
        self._silent_after_us = int(silent_after_s * 1_000_000)
        self._log = log
        self._store = store
        self._trust = trust
        self._clock = clock
        self._enterprise = enterprise
        self._keys = {key.kid.hex(): key for key in keys}

    def look(self) -> Round:
        """Look once; whatever contradicts is kept and stands in the findings, oldest first.

        Raises:
            UnavailableError, ServerRefusedError: the log is not reached, or does not let this monitor read.
            EvidenceError: the log's views contradict each other; it was kept, and nothing further was believed.
        """
        with self._keeping():
            note = self._log.checkpoint()
            view = self._view(note)
            found: list[ChemtraceError] = list(self._unmet(note))
            provable = 0 if found else view.checkpoint.size
            new = self._read(view, found)
        proved = self._prove(view, provable, found)
        promised = None if self._promises is None else self._promises.look(view, found)
        log_time_us, age_us = self._age()
        if self._silent_after_us and age_us > self._silent_after_us:
            found.append(silence(view, log_time_us, self._silent_after_us))
        self._keep(found)
        return Round(
            view.checkpoint.size,
            new,
            proved,
            tuple(found),
            log_time_us=log_time_us,
            age_s=age_us // 1_000_000,
            promises=promised,
        )

    def standing(self) -> Sequence[str]:
        """What was found in this or any earlier look and nobody has acknowledged: names of the files of evidence."""
        return self._store.standing()

    def acknowledge(self) -> Sequence[str]:
        """A person has seen what stands; it stays kept, and is no longer told. What is found again stands again.

        A log that has signed two histories is not believed after that either.
        """
        return self._store.acknowledge()

    @contextmanager
    def _keeping(self) -> Iterator[None]:
        try:
            if SplitViewError.code in self._store.kept_codes():
                raise SplitViewError(
                    "this log has signed two histories before, see the folder of evidence; it is not believed any more",
                    origin=self._trust.origin,
                )
            yield
        except EvidenceError as error:
            self._log.forget()
            self._store.keep(error)
            raise

    def _keep(self, found: Iterable[ChemtraceError]) -> None:
        for error in found:
            if not isinstance(error, UnavailableError):
                self._store.keep(error)

    def _age(self) -> tuple[int, int]:
        """Log time of the newest checkpoint, and how long ago that is; a folder that never read it counts from now."""
        pinned, now_us = self._store.pinned(), self._clock.now_us()
        if not pinned.log_time_us:
            pinned = msgspec.structs.replace(pinned, log_time_us=now_us)
            self._store.commit(pinned, ())
        return pinned.log_time_us, max(0, now_us - pinned.log_time_us)

    def _view(self, note: bytes) -> View:
        view = self._parse(note)
        pinned = self._store.pinned()
        if pinned.seen:
            compare_views(self._parse(pinned.seen), view, self._log.hash_tile)
        if pinned.seen != view.note:
            self._store.commit(msgspec.structs.replace(pinned, seen=view.note), ())
        return view

    def _unmet(self, note: bytes) -> Iterator[ChemtraceError]:
        """Whether the newest checkpoint has the cosignatures that the policy asks for."""
        if self._trust.policy is None:
            return
        try:
            policy = parse_policy(self._trust.policy)
            verify_cosigned(note, self._trust.origin, self._trust.log_verifier, policy)
        except RefusedError as error:
            yield error

    def _read(self, view: View, found: list[ChemtraceError]) -> int:
        """Read every entry that is new; returns how many are in the enterprise's name."""
        pinned, count = self._store.pinned(), 0
        while pinned.size < view.checkpoint.size:
            first = pinned.size
            end = end_of_run(first, view.checkpoint.size)
            bodies, _, nodes = fetch_entries(self._log, first, end, hashes_of(pinned.nodes), view)
            own: list[OwnEvent] = []
            reads = list(_well_formed(first, bodies, found))
            for read in reads:
                if read.header.enterprise == self._enterprise:
                    count += 1
                    own += [OwnEvent(name, read.event_id, read.index) for name in read.names]
                    self._judge(read, found)
            self._look_for_keys(reads, first, len(bodies), found)
            # What is read is not read again: its findings are kept before, whatever the log does next.
            self._keep(found)
            pinned = Pinned(pinned.seen, end, nodes, read_log_time(bodies[-1]) or pinned.log_time_us)
            self._store.commit(pinned, own)
        return count

    def _judge(self, read: ReadEntry, found: list[ChemtraceError]) -> None:
        """An event in the enterprise's name is signed by its own keys, and the signatures verify."""
        message = encode_pae(HEADER_TYPE, read.entry.header_bytes)
        for kid, signature in read.entry.signatures:
            key = self._keys.get(kid.hex())
            reason = "key.unknown"
            if key is not None:
                try:
                    verify_twice(key, message, signature)
                    continue
                except RefusedError as error:
                    reason = error.code
                except EvidenceError as error:
                    found.append(error)
                    continue
            found.append(
                ForeignEventError(
                    f"entry {read.index} is in the name of {self._enterprise}, which did not sign it",
                    index=read.index,
                    event=read.event_id,
                    kind=f"{read.header.kind}/{read.header.phase}",
                    reason=reason,
                    kid=kid,
                )
            )

    def _look_for_keys(
        self, reads: Sequence[ReadEntry], first: int, count: int, found: list[ChemtraceError]
    ) -> None:
        """A key that the authority registered in the enterprise's name is one that the enterprise asked for."""
        keys = [read for read in reads if read.header.kind == "key"]
        payloads = self._log.registry_payloads(first, count) if keys else {}
        for read in keys:
            payload = payloads.get(read.index)
            if payload is None:
                found.append(LogTruncatedError("the log does not give a key's payload", index=read.index))
                continue
            value = _key(read, payload, found)
            if value is not None and value.party == self._enterprise and value.kid not in self._keys:
                found.append(
                    ForeignEventError(
                        f"entry {read.index} gives {self._enterprise} a key that it does not hold",
                        index=read.index,
                        event=read.event_id,
                        kind=f"key/{read.header.phase}",
                        reason="key.unknown",
                        kid=value.kid,
                    )
                )

    def _prove(self, view: View, provable: int, found: list[ChemtraceError]) -> int:
        """Ask for the histories that own events belong to; returns how many were shown whole.

        `provable`: size of a tree that has all the cosignatures a proof needs; no proof may be of a smaller one.
        """
        proved = waited_us = 0
        for subject in self._store.unproved(MAX_SUBJECTS):
            asked_us = self._clock.now_us()
            try:
                verdict = verify_bundle(self._log.bundle(subject), self._trust, now_us=self._clock.now_us())
                self._check_history(subject, verdict, provable)
            except ChemtraceError as error:
                error.fields = {"subject": subject, "size": view.checkpoint.size, **error.fields}
                found.append(error)
                if isinstance(error, UnavailableError):
                    waited_us += self._clock.now_us() - asked_us
                if waited_us >= MAX_WAIT_US:
                    break
                continue
            self._store.prove(subject, verdict.size)
            proved += 1
        return proved

    def _check_history(self, subject: str, verdict: Verdict, provable: int) -> None:
        if verdict.subject != subject:
            raise BundleFormatError(
                "the log answers with the history of another subject", expected=subject, found=verdict.subject
            )
        shown = {event.event_id: event for event in verdict.events}
        for event_id, index in self._store.events_of(subject).items():
            event = shown.get(event_id.hex())
            if event is None and index < verdict.size:
                raise EventOmittedError(
                    f"the history of {subject} is proved whole, and lacks entry {index}",
                    index=index,
                    event=event_id,
                    count=verdict.count,
                )
            if event is None and index < provable:
                raise ProofStaleError(
                    f"the log's proof about {subject} is of a tree from before entry {index}, which it has published",
                    index=index,
                    event=event_id,
                    size=provable,
                    proved_size=verdict.size,
                )
            if event is not None and event.payload is None:
                raise ErasureUnloggedError(
                    f"the content of entry {index} is gone, and no entry says why",
                    index=index,
                    event=event_id,
                )

    def _parse(self, note: bytes) -> View:
        return parse_view(note, self._trust.origin, [self._trust.log_verifier])


def _well_formed(first: int, bodies: Sequence[bytes], found: list[ChemtraceError]) -> Iterator[ReadEntry]:
    """The events among entries; what is no entry at all is a finding, and the others are read all the same."""
    for at, body in enumerate(bodies):
        try:
            read = read_entry(first + at, body)
        except AdmissionBrokenError as error:
            found.append(error)
            continue
        if read is not None:
            yield read


def _key(read: ReadEntry, payload: bytes, found: list[ChemtraceError]) -> Key | None:
    """The payload of a key's entry; one that is not the signed one, or has no such form, is a finding."""
    reason = "payload.digest-mismatch"
    try:
        if sha256(payload).hexdigest() == read.header.payload.sha256:
            value = parse_payload(read.header.kind, read.header.phase, payload)
            return value if isinstance(value, Key) else None
    except RefusedError as error:
        reason = error.code
    message = f"the payload of entry {read.index} is not what it should be"
    found.append(AdmissionBrokenError(message, index=read.index, reason=reason))
    return None
