"""`Ledger`: the one object through which every door submits, publishes and asks how things stand.

Form and signatures are checked by a pool of threads, without a lock; one committer thread takes what is checked and
appends it group by group. While one group is being made durable the next one gathers, and is judged where the load is
high, so groups grow with the load and a lone statement waits for nobody. Epochs are cut by the same thread, between two
groups.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from threading import Lock
from typing import Final

import msgspec

from chemtrace.core.catalogue import Catalogue
from chemtrace.core.checkpoint import Checkpoint, parse_checkpoint
from chemtrace.core.errors import ChemtraceError, EvidenceError
from chemtrace.core.note import parse_note
from chemtrace.core.promise import DEFAULT_PUBLISH_DELAY_US
from chemtrace.core.times import format_utc
from chemtrace.ledger.admit import Checked
from chemtrace.ledger.checked_wire import Answer
from chemtrace.ledger.checking import BulkChecker, CheckingPool, Verdict
from chemtrace.ledger.committer import AHEAD_FROM, Committer
from chemtrace.ledger.followers import Follower, Seen
from chemtrace.ledger.integrate import Fold, Integration
from chemtrace.ledger.memory import Memory
from chemtrace.ledger.outcome import Admitted, Outcome, Refused
from chemtrace.ledger.ports import CheckpointSigner, Clock, Head, ReceiptSigner, Store
from chemtrace.ledger.publish import cut_epoch, prepare_epoch, sign_epoch
from chemtrace.ledger.recover import verify_tip
from chemtrace.ledger.sequence import Terms
from chemtrace.ledger.watching import Watching
from chemtrace.ledger.witnessing import Serving
from chemtrace.ledger.writing import Writer
from chemtrace.registry.state import Registry

MAX_SEEN: Final = 100_000
"""Events kept in memory for the detectors between two epochs; beyond, they are read back from the store."""

PREPARE_FROM: Final = 2_000
"""Entries since the last epoch from which on they are folded beside the writer first: about 0.1 s of work."""
MAX_PREPARED: Final = 3
"""Rounds of that, each for what came during the one before."""


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """What a ledger is wired from; `master` None where no codes can be checked."""

    store: Store
    clock: Clock
    origin: str
    catalogue: Catalogue
    master: bytes | None
    receipt_signer: ReceiptSigner
    vault: CheckpointSigner
    followers: tuple[Follower, ...] = ()
    group_size: int = 4000
    group_window_s: float = 0.0
    ahead_from: int = AHEAD_FROM
    threads: int = 0
    publish_delay_us: int = DEFAULT_PUBLISH_DELAY_US
    serving: Serving = Serving()
    bulk_checker: Callable[[Callable[[], Registry]], BulkChecker] | None = None
    fold: Fold | None = None


class Ledger:
    """An open ledger with its committer thread; close it to end the thread."""

    def __init__(self, parts: Parts) -> None:
        """Check the newest end of the log, take up what a crash left undone, and start the threads.

        Raises:
            EvidenceError: the records contradict themselves; nothing is started.
            UnavailableError: no ledger, or the database does not answer.
        """
        self._parts = parts
        self._memory = Memory(parts.master)
        self._integration: Fold = parts.fold or Integration(parts.serving.policy)
        self._publishing = Lock()
        self._seen: list[Seen] | None = []
        self._watching = Watching(parts.followers, self._newest_registry, parts.clock)
        signer = parts.receipt_signer
        terms = Terms(parts.origin, parts.catalogue, signer.kid, signer.sign, parts.publish_delay_us)
        writer = Writer(
            store=parts.store,
            memory=self._memory,
            terms=terms,
            clock=parts.clock,
            keep_seen=self._keep_seen,
        )
        try:
            self._recover()
        except BaseException as error:
            if isinstance(error, EvidenceError):
                self._watching.record_fault(error)
            self._watching.close()
            raise
        self._checking = CheckingPool(
            parts.store,
            self._newest_registry,
            receipt_kid=parts.receipt_signer.kid,
            threads=parts.threads or os.cpu_count() or 1,
            outside=None if parts.bulk_checker is None else parts.bulk_checker(self._newest_registry),
        )
        self._committer = Committer(
            writer.commit,
            ahead=writer,
            ahead_from=parts.ahead_from,
            group_size=parts.group_size,
            window_s=parts.group_window_s,
            on_stop=self._watching.record_fault,
        )

    def _newest_registry(self) -> Registry:
        return self._memory.registry

    # ------------------------------------------------------------------ submitting

    def submit(self, wire: bytes) -> Outcome:
        """Admit or refuse one statement; returns once it is durable. From any thread."""
        verdict = self._checking.check(wire)
        if not isinstance(verdict, Checked):
            return _early(verdict)
        return self._committer.submit([verdict]).result()[0]

    def submit_many(self, wires: Sequence[bytes]) -> list[Outcome]:
        """Admit or refuse statements in their order; one outcome for each, in the same order. From any thread.

        Each stands for itself: what is refused does not keep the others out, except that events which follow it
        lack their predecessor.
        """
        pending: list[tuple[list[Verdict] | None, Future[list[Outcome]] | None]] = []
        for found in self._checking.check_chunks(wires):
            if isinstance(found, Answer):
                pending.append((None, self._committer.submit(found)))
                continue
            checked = [verdict for verdict in found if isinstance(verdict, Checked)]
            pending.append((found, self._committer.submit(checked) if checked else None))
        outcomes: list[Outcome] = []
        for verdicts, future in pending:
            sequenced = future.result() if future is not None else []
            outcomes += sequenced if verdicts is None else _in_order(verdicts, sequenced)
        return outcomes

    def _keep_seen(self, seen: Sequence[Seen]) -> None:
        if self._memory.take_foreign() or self._seen is None or len(self._seen) + len(seen) > MAX_SEEN:
            self._seen = None
        else:
            self._seen += seen

    # ------------------------------------------------------------------ publishing

    def publish(self, force: bool = False, *, watched: bool = True) -> Checkpoint | None:
        """Cut an epoch, sign and store the checkpoint, let the detectors tick; None when nothing is new.

        `force` cuts an epoch even when nothing happened: log time moves on, and deadlines with it. The detectors
        tick on a thread of their own, which the writing never waits for; this call does, unless not `watched`.

        Raises:
            ClockError: the clock went back beyond the slack; nothing was written.
            CheckpointForkError: the vault refuses; writing stops.
            MapBrokenError: stored trees or pages are not those of the entries; writing stops.
        """
        with self._publishing:
            self._prepare()
            checkpoint = self._committer.run(lambda: self._publish(force=force))
        if watched:
            self._watching.wait()
        return checkpoint

    def wait_for_detectors(self) -> None:
        """Return once the detectors have been shown every epoch that was published before this call."""
        self._watching.wait()

    def _prepare(self) -> None:
        """Fold a large epoch beside the writer, so that it stands still only for what came in the meantime."""
        for _ in range(MAX_PREPARED):
            head = self._memory.head
            if head is None or head.size - max(self._integration.folded, head.epoch_index + 1) < PREPARE_FROM:
                return
            try:
                prepare_epoch(self._parts.store, self._integration)
            except ChemtraceError:
                return  # nothing was changed; the writer meets it again and says so

    def _publish(self, *, force: bool) -> Checkpoint | None:
        parts = self._parts
        now_us = parts.clock.now_us()
        epoch = cut_epoch(parts.store, self._memory, now_us, force=force, integration=self._integration)
        self._keep_seen(())
        if epoch is None:
            return None
        note = sign_epoch(parts.store, parts.vault, parts.origin, epoch.index)
        seen, self._seen = self._seen, []
        self._watching.show(epoch, seen)
        return parse_checkpoint(parse_note(note).text, parts.origin)

    def _recover(self) -> None:
        parts = self._parts
        with parts.store.read() as transaction:
            head = verify_tip(transaction, parts.origin, parts.vault.last_signed())
            self._memory.refresh(transaction, head)
            epochs = transaction.epochs_from(head.epoch_index) if head.epoch_index >= 0 else ()
        if epochs:
            sign_epoch(parts.store, parts.vault, parts.origin, epochs[-1].index)
            self._watching.show(epochs[-1], None)
        # Entries behind the last epoch were never shown to the detectors by this process.
        self._seen = None if head.size > head.epoch_index + 1 else []
        self._memory.take_foreign()

    # ------------------------------------------------------------------ asking

    @property
    def registry(self) -> Registry:
        """The registry as of the newest entry; only look-ups."""
        return self._memory.registry

    @property
    def origin(self) -> str:
        """The log's name in checkpoints and receipts."""
        return self._parts.origin

    @property
    def size(self) -> int:
        """Number of entries."""
        return self._head().size

    @property
    def log_time(self) -> int:
        """Time of the newest epoch, microseconds UTC."""
        return self._head().log_time_us

    def _head(self) -> Head:
        head = self._memory.head
        if head is not None:
            return head
        with self._parts.store.read() as transaction:
            return transaction.head()

    def checkpoint(self) -> bytes | None:
        """The newest signed checkpoint (a C2SP note) with its cosignatures, or None before the first epoch.

        Where witnesses are required, the newest one that satisfies the policy.
        """
        with self._parts.store.read() as transaction:
            return self._parts.serving.checkpoint(transaction)

    def health(self) -> dict[str, object]:
        """`{writable, size, log_time, epoch, stopped, detectors}`.

        `stopped` is the code of what ended the writing, or None; `detectors` is "ok" or what holds them up.
        """
        head, stopped = self._head(), self._committer.stopped
        return {
            "writable": stopped is None,
            "size": head.size,
            "log_time": format_utc(head.log_time_us),
            "epoch": head.epoch_number,
            "stopped": None if stopped is None else stopped.code,
            "detectors": "ok" if self._watching.error is None else repr(self._watching.error),
        }

    def close(self) -> None:
        """Finish what was handed in, then end the threads."""
        self._committer.close()
        self._checking.close()
        self._watching.close()
        self._integration.close()


def _in_order(verdicts: Sequence[Verdict], sequenced: Sequence[Outcome]) -> list[Outcome]:
    """Outcomes of a chunk of which some statements were answered before the sequencer saw them."""
    rest = iter(sequenced)
    return [next(rest) if isinstance(verdict, Checked) else _early(verdict) for verdict in verdicts]


def _early(verdict: Admitted | ChemtraceError) -> Outcome:
    return verdict if isinstance(verdict, Admitted) else Refused(verdict)
