"""The committer thread: the only one that writes. It gathers what is waiting, up to a group, and commits it.

A group that fails for want of disk, lock or time is answered with that error and changes nothing. A group in which one
statement trips over a defect of the program is tried again one by one, so that it takes nobody else down. Evidence
against our own records stops the thread's writing for good.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, Final, TypeVar

from chemtrace.core.errors import (
    ChemtraceError,
    ClockError,
    EvidenceError,
    LedgerStoppedError,
    UnavailableError,
)
from chemtrace.ledger.admit import Checked
from chemtrace.ledger.outcome import Outcome, Refused

T = TypeVar("T")
Commit = Callable[[Sequence[Checked]], list[Outcome]]

CLOSE_TIMEOUT_S: Final = 60.0
"""How long closing waits for the group in hand; longer than any commit, so that no answer is lost in between."""


class Committer:
    """One thread, one queue. Safe to call from any other thread."""

    def __init__(
        self,
        commit: Commit,
        *,
        group_size: int,
        window_s: float = 0.0,
        on_stop: Callable[[EvidenceError], None] | None = None,
    ) -> None:
        """Commit groups of at most `group_size` statements; wait `window_s` for more where the queue is empty.

        `on_stop` is told once, in the committer's thread, what ended the writing; it must not raise.
        """
        self._commit = commit
        self._on_stop = on_stop
        self._group_size = group_size
        self._window_s = window_s
        self._queue: queue.SimpleQueue[_Job | _Action | None] = queue.SimpleQueue()
        self._stopped: ChemtraceError | None = None
        self._lock = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="committer", daemon=True)
        self._thread.start()

    @property
    def stopped(self) -> ChemtraceError | None:
        """Why nothing is written any more, or None."""
        return self._stopped

    def submit(self, statements: Sequence[Checked]) -> Future[list[Outcome]]:
        """Queue statements that are to be appended in this order; the future has one outcome for each."""
        job = _Job(statements)
        self._put(job)
        return job.future

    def run(self, action: Callable[[], T]) -> T:
        """Run something between two groups, in the committer's thread, and return what it returns."""
        todo = _Action(action)
        self._put(todo)
        result: T = todo.future.result()
        return result

    def _put(self, item: _Job | _Action) -> None:
        with self._lock:
            if self._closed:
                raise LedgerStoppedError("the ledger is closing: nothing was changed; send again later")
            self._queue.put(item)

    def close(self) -> None:
        """Finish what is queued, then end the thread."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._queue.put(None)
        self._thread.join(CLOSE_TIMEOUT_S)

    def _run(self) -> None:
        waiting: _Job | _Action | None = None
        while True:
            item = waiting if waiting is not None else self._queue.get()
            waiting = None
            if item is None:
                return
            if isinstance(item, _Action):
                self._act(item)
                continue
            jobs, waiting, ended = self._gather(item)
            self._answer(jobs)
            if ended:
                return

    def _gather(self, first: _Job) -> tuple[list[_Job], _Job | _Action | None, bool]:
        """Take jobs until the group is full, the queue is empty, or something other than a job comes."""
        jobs, count = [first], len(first.statements)
        while count < self._group_size:
            try:
                item = self._queue.get(timeout=self._window_s) if self._window_s else self._queue.get_nowait()
            except queue.Empty:
                break
            if item is None:
                return jobs, None, True
            if isinstance(item, _Action) or count + len(item.statements) > self._group_size:
                return jobs, item, False
            jobs.append(item)
            count += len(item.statements)
        return jobs, None, False

    def _act(self, action: _Action) -> None:
        if self._stopped is not None:
            action.future.set_exception(_stopped_error(self._stopped))
            return
        try:
            action.future.set_result(action.action())
        except EvidenceError as error:
            # A wrong clock can be set right while the ledger runs; nothing else of this branch mends itself.
            if not isinstance(error, ClockError):
                self._stop(error)
            action.future.set_exception(error)
        except BaseException as error:  # noqa: BLE001  # whoever waits for the action must learn of it
            action.future.set_exception(error)

    def _stop(self, error: EvidenceError) -> None:
        self._stopped = error
        if self._on_stop is not None:
            self._on_stop(error)

    def _answer(self, jobs: Sequence[_Job]) -> None:
        statements = [checked for job in jobs for checked in job.statements]
        outcomes = self._outcomes(statements)
        at = 0
        for job in jobs:
            end = at + len(job.statements)
            job.future.set_result(outcomes[at:end])
            at = end

    def _outcomes(self, statements: Sequence[Checked]) -> list[Outcome]:
        if self._stopped is not None:
            return [Refused(_stopped_error(self._stopped))] * len(statements)
        try:
            return self._commit(statements)
        except EvidenceError as error:
            self._stop(error)
            return [Refused(_stopped_error(error))] * len(statements)
        except UnavailableError as error:
            return [Refused(error)] * len(statements)
        except Exception as error:  # noqa: BLE001  # a defect: the thread must live, and the innocent be served
            if len(statements) == 1:
                return [Refused(_defect(error))]
            return [outcome for checked in statements for outcome in self._outcomes([checked])]


class _Job:
    __slots__ = ("future", "statements")

    def __init__(self, statements: Sequence[Checked]) -> None:
        self.statements = statements
        self.future: Future[list[Outcome]] = Future()


class _Action:
    __slots__ = ("action", "future")

    def __init__(self, action: Callable[[], Any]) -> None:
        self.action = action
        self.future: Future[Any] = Future()


def _stopped_error(error: ChemtraceError) -> LedgerStoppedError:
    return LedgerStoppedError(
        "the ledger has stopped writing because its records contradict themselves: call the operator",
        because=error.code,
        detail=error.message,
    )


def _defect(error: Exception) -> UnavailableError:
    failed = UnavailableError(
        "the ledger could not decide on this statement because of a defect in the program: nothing was changed;"
        " report it with the event id",
        error=type(error).__name__,
    )
    failed.__cause__ = error
    return failed
