"""The durable outbox: signed statements are written down, sent in order, and kept until a receipt verifies.

Nothing is dropped: a refused statement is parked with its problem and shown; an answer that cannot be trusted
changes nothing. Sending twice is harmless, because the event id decides: the ledger answers the second time
with the first receipt.
"""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import orjson

from chemtrace.core.errors import (
    ChemtraceError,
    OutboxError,
    ServerAnswerError,
    ServerRefusedError,
    ServerUnavailableError,
)
from chemtrace.core.statement import Statement, encode_wire
from scanners.client import Posted
from scanners.events import now_us
from scanners.export import store_lines
from scanners.outbox_store import OutboxStore, Parked, Queued

BATCH: Final = 500
"""Statements in one request; small enough that a weak line gets some through."""

FIRST_WAIT_US: Final = 1_000_000
MAX_WAIT_US: Final = 300_000_000
"""Waiting between tries doubles from 1 s to 5 min, with jitter of a half to one and a half."""

_CHAIN: Final = frozenset({"prev.unknown", "prev.stale"})
# These say that the request did not get through as it should, not that the ledger refuses the statement.
_NOT_ABOUT_IT: Final = ("request.", "access.", "refused.access", "rate.", "refused.rate")


class Sender(Protocol):
    """The part of `LedgerClient` that the outbox needs; receipts are verified before it answers."""

    def post_batch(self, statements: Sequence[Statement]) -> tuple[Posted | ChemtraceError, ...]:
        """Send in order; one result each."""
        ...

    def post(self, statement: Statement) -> Posted:
        """Send one."""
        ...


@dataclass(frozen=True, slots=True)
class FlushReport:
    """What one flush did: acknowledged, parked, still waiting; why it stopped early; when to try again.

    `next_try_us` is in microseconds UTC; None when nothing is left to try.
    """

    acknowledged: int
    parked: int
    waiting: int
    stopped_by: ChemtraceError | None = None
    next_try_us: int | None = None


class Outbox:
    """A queue of signed statements in one file; safe against `kill -9` at any moment and for several processes."""

    def __init__(
        self,
        path: Path,
        *,
        clock: Callable[[], int] = now_us,
        jitter: Callable[[], float] = lambda: random.uniform(0.5, 1.5),  # noqa: S311  # spreads retries, hides nothing
    ) -> None:
        """Open or create the file; raises `OutboxError`."""
        self.store = OutboxStore(path)
        self._clock = clock
        self._jitter = jitter

    def close(self) -> None:
        """Close the file; what is queued stays."""
        self.store.close()

    def queue(self, statement: Statement) -> bool:
        """Put a signed statement in; it is on the disk when this returns. False: it was in already."""
        with self.store.writing():
            if self.store.knows(statement.event_id.hex()):
                return False
            self.store.insert_pending(statement, self._clock())
        return True

    def record(
        self, subjects: Iterable[str], build: Callable[[Mapping[str, str | None]], Statement]
    ) -> Statement:
        """Build and queue an event that follows, for each subject, the last one queued or acknowledged here.

        `build` gets the event id (hex, or None: head unknown) to name for each subject and returns the signed
        statement. No other event of these subjects can come between.
        """
        with self.store.writing():
            statement = build({subject: self.store.last_event(subject) for subject in subjects})
            if not self.store.knows(statement.event_id.hex()):
                self.store.insert_pending(statement, self._clock())
        return statement

    def note_heads(self, heads: Mapping[str, str]) -> None:
        """Remember the ledger's heads (subject to event id) for events that will be recorded without a line."""
        with self.store.writing():
            self.store.put_heads(heads.items())

    def pending(self, limit: int = 1000) -> tuple[Queued, ...]:
        """What is still to be sent, in order."""
        return self.store.pending(limit)

    def parked(self) -> tuple[Parked, ...]:
        """What the ledger refused, with its problems."""
        return self.store.parked()

    def release(self, event: str) -> None:
        """Queue a parked statement again at its old place, once its cause is removed (a key registered, say).

        Raises:
            OutboxError: no such event is parked.
        """
        with self.store.writing():
            if not self.store.release(event):
                raise OutboxError("No such event is parked here.", event=event)

    def flush(self, sender: Sender, *, force: bool = False) -> FlushReport:
        """Send what is queued, in order, until it is empty or the ledger cannot be used.

        Args:
            force: try now, although an earlier failure asked to wait.
        """
        failures, next_us = self.store.backoff()
        if not force and self._clock() < next_us:
            return FlushReport(0, 0, self.store.counts()[0], next_try_us=next_us)
        with self.store.flushing() as alone:
            if not alone:
                message = "Another process is sending this outbox now."
                return FlushReport(
                    0, 0, self.store.counts()[0], OutboxError(message, file=self.store.path.name)
                )
            acknowledged, parked, error = self._send_all(sender)
        retry_us = None
        if error is not None:
            failures = 0 if acknowledged else failures
            retry_us = self._clock() + int(
                min(MAX_WAIT_US, FIRST_WAIT_US << min(failures, 20)) * self._jitter()
            )
        self.store.set_backoff(0 if error is None else failures + 1, retry_us or 0)
        return FlushReport(acknowledged, parked, self.store.counts()[0], error, retry_us)

    def export(self, path: Path, *, parked: bool = False) -> int:
        """Write what is queued (or what is parked) as NDJSON wire statements, in order.

        It is the last way out of a device: the file can be posted as a batch from another machine. The outbox
        keeps everything. Returns the number of lines.
        """
        kept: Iterable[Queued | Parked] = self.store.parked() if parked else self.store.pending(-1)
        return store_lines(path, (encode_wire(one.statement) for one in kept))

    def _send_all(self, sender: Sender) -> tuple[int, int, ChemtraceError | None]:
        acknowledged = parked = 0
        while batch := self.store.pending(BATCH):
            try:
                results = self._post(sender, batch)
            except (ServerUnavailableError, ServerAnswerError, ServerRefusedError) as error:
                return acknowledged, parked, error
            done, refused, trouble = self._settle(batch, results)
            acknowledged, parked = acknowledged + done, parked + refused
            if trouble is not None or done + refused == 0:
                return acknowledged, parked, trouble
        return acknowledged, parked, None

    def _post(self, sender: Sender, batch: tuple[Queued, ...]) -> tuple[Posted | ChemtraceError, ...]:
        """Send as one batch; where the ledger refuses it as a whole, one by one up to the first that fails."""
        try:
            return sender.post_batch([queued.statement for queued in batch])
        except ServerRefusedError:
            results: list[Posted | ChemtraceError] = []
            for queued in batch:
                try:
                    results.append(sender.post(queued.statement))
                except ServerRefusedError as error:
                    results.append(error)
                    break
            return tuple(results)

    def _settle(
        self, batch: tuple[Queued, ...], results: Sequence[Posted | ChemtraceError]
    ) -> tuple[int, int, ChemtraceError | None]:
        """Book each result in one transaction: a receipt removes, a refusal parks, anything else leaves it."""
        done = refused = 0
        trouble: ChemtraceError | None = None
        with self.store.writing():
            for queued, result in zip(batch, results, strict=False):
                if isinstance(result, Posted):
                    self.store.acknowledge(queued, result.wire, self._clock())
                    done += 1
                elif isinstance(result, ServerRefusedError) and self._is_final(queued, result):
                    self.store.park(queued, orjson.dumps(result.problem()), self._clock())
                    refused += 1
                elif trouble is None:
                    trouble = result
        return done, refused, trouble

    def _is_final(self, queued: Queued, refusal: ServerRefusedError) -> bool:
        code = str(refusal.fields["remote_code"])
        if code.startswith(_NOT_ABOUT_IT):
            return False
        # Refused only because its predecessor is still here: it will be in order once that one got through.
        waits = any(
            self.store.is_pending(subject.prev)
            for subject in queued.statement.header.subjects
            if subject.prev
        )
        return not (code in _CHAIN and waits)
