"""Following a log as an auditing mirror: fetch what is new, authenticate it, judge it, fold it, keep it.

Entries are taken in runs. A run is first proved to be what the signed checkpoint commits, then judged entry by entry;
only a run without fault is written, in one transaction with the position. A mirror that is killed goes on from there.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final, Protocol

import msgspec

from chemtrace.core.add_checkpoint import Held
from chemtrace.core.bundle.trust import Trust
from chemtrace.core.entry import is_epoch_header, parse_entry
from chemtrace.core.epoch import encode_epoch
from chemtrace.core.errors import (
    EpochBrokenError,
    EvidenceError,
    MirrorBehindError,
    SplitViewError,
)
from chemtrace.core.tiles import extend_tiles, root_from_tiles
from chemtrace.core.times import format_utc
from chemtrace.ledger.ports import Clock
from chemtrace.ledger.witness import Evidence
from chemtrace.mirror.fetch import RUN, end_of_run, fetch_entries
from chemtrace.mirror.ports import AuditedLog, MirrorStore, Position, Step
from chemtrace.mirror.run import RunJudge
from chemtrace.mirror.signatures import SignatureThreads
from chemtrace.mirror.views import View, compare_views, parse_view, split_view

INLINE: Final = RUN
"""Entries that a mirror recomputes while a request waits; further behind, it asks to come again."""
MAX_AHEAD_US: Final = 3_600_000_000
"""How far log time may be ahead of this machine's clock: an hour, far more than clocks differ by accident."""
WAIT_S: Final = 3
"""Seconds that a request waits for the run in hand."""
RETRY_S: Final = 5


class EvidenceKeeper(Protocol):
    """Where contradictions are kept for everybody to see: the witness's memory."""

    def keep_evidence(self, evidence: Evidence) -> None:
        """Keep one, durable on return."""
        ...

    def evidence(self) -> tuple[Evidence, ...]:
        """All, oldest first."""
        ...


class Follower:
    """One mirror of one log. Safe for several threads: one recomputes, the others wait or are sent away."""

    def __init__(
        self,
        *,
        log: AuditedLog,
        store: MirrorStore,
        trust: Trust,
        evidence: EvidenceKeeper,
        clock: Clock,
        threads: int = 0,
    ) -> None:
        """Follow the log that `trust` pins; `threads` check signatures, 0: one a core."""
        self._log = log
        self._store = store
        self._trust = trust
        self._evidence = evidence
        self._clock = clock
        self._signatures = SignatureThreads(threads)
        self._lock = threading.Lock()
        self._judge: RunJudge | None = None
        self._wanted: View | None = None

    @property
    def position(self) -> Position:
        """How far it has recomputed."""
        return self._store.position()

    def follow(self) -> View:
        """Fetch the newest checkpoint and recompute up to it, or up to one that a request has brought; return it.

        Raises:
            RollbackError, SplitViewError, TreeBrokenError, LogTruncatedError: what the log shows contradicts what it
                has shown or signed. Other errors of evidence: what it holds should not be there. All are kept.
            UnavailableError: the log is not reached, or refuses this mirror.
        """
        view = self._parse(self._log.checkpoint())
        with self._lock, self._keeping(view):
            position = self._store.position()
            seen = position.seen
            if seen:
                before = self._parse(seen)
                kept = self._stored_tile if before.checkpoint.size <= position.size else None
                compare_views(before, view, self._log.hash_tile, read_kept=kept)
            if seen != view.note:
                self._store.saw(view.note)
            # A log that shows only what its witnesses have cosigned brings the next checkpoint in a request.
            wanted = self._wanted
            if wanted is not None and wanted.checkpoint.size > view.checkpoint.size:
                self._advance(wanted)
            self._advance(view)
        return view

    def examine(self, held: Held) -> None:
        """Let a witness cosign only what was recomputed whole; what is a little ahead is recomputed now.

        Raises:
            MirrorBehindError: not recomputed yet; the log should ask again.
            EvidenceError: what was recomputed contradicts it, or the log has signed two histories before.
        """
        view = View(held.checkpoint, held.note)
        if not self._lock.acquire(timeout=WAIT_S):
            raise self._behind(view)
        try:
            if view.checkpoint.size > self._store.position().size + INLINE:
                self._wanted = view
                raise self._behind(view)
            with self._keeping(view):
                self._advance(view)
        finally:
            self._lock.release()

    def close(self) -> None:
        """End the threads."""
        self._signatures.close()

    def _behind(self, view: View) -> MirrorBehindError:
        return MirrorBehindError(
            "this mirror has not recomputed so far yet: ask again",
            retry_after_s=RETRY_S,
            size=view.checkpoint.size,
            recomputed=self._store.position().size,
        )

    @contextmanager
    def _keeping(self, view: View) -> Iterator[None]:
        """Keep whatever contradicts; after any failure what is in memory is dropped, it may be ahead of the store."""
        try:
            self._refuse_forked()
            yield
        except BaseException as error:
            self._judge = None
            self._signatures.drop()
            if isinstance(error, EvidenceError):
                self._log.forget()
                self._keep(error, view)
            raise

    def _advance(self, view: View) -> None:
        """Recompute up to a view, or compare one of a tree that was recomputed before."""
        position, size = self._store.position(), view.checkpoint.size
        if position.note:
            before = self._parse(position.note)
            if before.checkpoint.size <= size:
                compare_views(before, view, self._log.hash_tile)
        if size <= position.size:
            self._check_root(view, position)
        while position.size < size:
            position = self._run(position, view)
        body = self._store.entry(size - 1)
        if body is None or not is_epoch_header(parse_entry(body).header_bytes):
            raise EpochBrokenError(
                "a checkpoint stands right behind an epoch record, this one does not",
                index=size - 1,
                size=size,
            )

    def _run(self, position: Position, view: View) -> Position:
        first = position.size
        end = end_of_run(first, view.checkpoint.size)
        bodies, leaves, nodes = fetch_entries(self._log, first, end, position.hashes, view)
        judge = self._judge
        if judge is None or judge.next_index != first:
            judge = self._judge = RunJudge(self._store, position, self._trust.authority, self._signatures)
        judged = judge.judge(first, bodies, leaves, self._payloads)
        fold = judge.fold
        self._check_time(fold.log_time_us, fold.epoch_index)
        after = Position(
            size=end,
            nodes=nodes,
            chain=fold.chain,
            epoch_index=fold.epoch_index,
            epoch=b"" if fold.epoch is None else encode_epoch(fold.epoch),
            subjects=fold.subjects,
            note=view.note,
        )
        tiles = extend_tiles(first, leaves, self._stored_tile)
        subjects, pages = fold.take()
        self._store.commit(
            Step(
                first=first,
                entries=judged.rows,
                tiles=[(tile.level, tile.number, tile.data) for tile in tiles],
                subjects=subjects,
                pages=pages,
                changes=judged.changes,
                position=after,
            )
        )
        return after

    def _check_time(self, log_time_us: int, index: int) -> None:
        """Log time ends the graces of keys: it may not run ahead of everybody's clocks."""
        now_us = self._clock.now_us()
        if log_time_us > now_us + MAX_AHEAD_US:
            raise EpochBrokenError(
                "log time is ahead of this mirror's clock: one of the two is wrong",
                index=index,
                field="log_time",
                expected=format_utc(now_us),
                found=format_utc(log_time_us),
            )

    def _payloads(self, first: int, count: int) -> Mapping[int, bytes]:
        return self._log.registry_payloads(first, count)

    def _check_root(self, view: View, position: Position) -> None:
        """The root of a tree that was recomputed before must be the one that the entries gave."""
        size = view.checkpoint.size
        if size and self._stored_root(size) != view.checkpoint.root:
            raise split_view(self._parse(position.note), view)

    def _stored_root(self, size: int) -> bytes:
        return root_from_tiles(size, self._stored_tile)

    def _stored_tile(self, level: int, number: int, _width: int) -> bytes:
        return self._store.tile(level, number)

    def _parse(self, note: bytes) -> View:
        return parse_view(note, self._trust.origin, [self._trust.log_verifier])

    def _refuse_forked(self) -> None:
        """A log that has signed two histories is not followed any more: which one would it be?"""
        for evidence in self._evidence.evidence():
            if evidence.code == SplitViewError.code and evidence.origin == self._trust.origin:
                raise SplitViewError(
                    "this log has signed two histories before: a person must decide what becomes of it",
                    origin=evidence.origin,
                    first_note=evidence.first_note,
                    second_note=evidence.second_note,
                )

    def _keep(self, error: EvidenceError, view: View) -> None:
        """Keep a contradiction: two notes where there are two, else the note and what was found under it."""
        first, second = error.fields.get("first_note"), error.fields.get("second_note")
        if not isinstance(first, bytes) or not isinstance(second, bytes):
            first, second = view.note, msgspec.json.encode(error.problem(), order="sorted")
        self._evidence.keep_evidence(
            Evidence(self._clock.now_us(), self._trust.origin, error.code, first, second)
        )
