"""A run of entries judged and folded: one pass for form, one for everything that depends on what stands before."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from chemtrace.core.errors import AdmissionBrokenError
from chemtrace.core.events import AUTHORITY_KINDS
from chemtrace.mirror.entries import EntryJudge, ReadEntry, read_entry
from chemtrace.mirror.fold import Fold
from chemtrace.mirror.ports import MirrorStore, Position
from chemtrace.mirror.signatures import SignatureThreads
from chemtrace.registry.records import Change
from chemtrace.registry.state import Registry

Payloads = Callable[[int, int], Mapping[int, bytes]]
"""(first, count) to the payloads of the authority's entries in that range."""


class JudgedRun(msgspec.Struct, frozen=True):
    """A run without fault: (index, event id, bytes) of each entry, and what changed in the registry."""

    rows: Sequence[tuple[int, bytes, bytes]]
    changes: Sequence[Change]


class RunJudge:
    """Registry and fold as of the entries judged so far. After a failure it must be dropped."""

    def __init__(
        self, store: MirrorStore, position: Position, authority: str, signatures: SignatureThreads
    ) -> None:
        """Take up where the store stands; `authority` is the pinned kid of entry 0."""
        self._store = store
        self._signatures = signatures
        self.fold = Fold(store, position)
        self.next_index = position.size
        self._run: dict[bytes, ReadEntry] = {}
        self._judge = EntryJudge(Registry.from_records(store.records()), authority, self._names_earlier)

    def judge(
        self, first: int, bodies: Sequence[bytes], leaves: Sequence[bytes], payloads: Payloads
    ) -> JudgedRun:
        """Judge and fold entries `first` and following.

        Raises:
            AdmissionBrokenError, SignerBrokenError, PrevBrokenError, EpochBrokenError, ChainBrokenError,
            MapBrokenError, LogTruncatedError: the first entry that should not stand there.
        """
        reads = [read_entry(first + at, body) for at, body in enumerate(bodies)]
        events = [read for read in reads if read is not None]
        self._refuse_known(events)
        self._run = {}
        self.fold.load(name for read in events for name in read.names)
        known: Mapping[int, bytes] = {}
        if any(read.header.kind in AUTHORITY_KINDS for read in events):
            known = payloads(first, len(bodies))
        changes: list[Change] = []
        rows = []
        for at, (read, body, leaf) in enumerate(zip(reads, bodies, leaves, strict=True)):
            if read is None:
                rows.append((first + at, self.fold.add_epoch(first + at, leaf, body), body))
                continue
            authority = read.header.kind in AUTHORITY_KINDS
            judged = self._judge.judge(
                read,
                known.get(read.index) if authority else None,
                log_time_us=self.fold.log_time_us,
                heads=self.fold.heads(read.names),
            )
            self._signatures.add(judged.claims)
            if judged.change is not None:
                changes.append(judged.change)
            self.fold.add(read.index, leaf, read.event_id, read.names)
            self._run[read.event_id] = read
            rows.append((read.index, read.event_id, body))
        self._signatures.finish()
        self.next_index = first + len(bodies)
        return JudgedRun(rows, changes)

    def _refuse_known(self, events: Sequence[ReadEntry]) -> None:
        """An event stands in the log once."""
        known = self._store.indexes([read.event_id for read in events])
        for read in events:
            before = known.setdefault(read.event_id, read.index)
            if before != read.index:
                raise AdmissionBrokenError(
                    f"entry {read.index} is an event that stands in the log already",
                    index=read.index,
                    reason="event.twice",
                    first_index=before,
                )

    def _names_earlier(self, subject: str, event_id: bytes) -> bool:
        """Whether that event stands before the one in hand and names the subject."""
        read = self._run.get(event_id)
        if read is None:
            index = self._store.indexes([event_id]).get(event_id)
            body = None if index is None else self._store.entry(index)
            read = None if index is None or body is None else read_entry(index, body)
        return read is not None and subject in read.names
