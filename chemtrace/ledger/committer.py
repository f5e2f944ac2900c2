"""The committer thread: the only one that orders and judges. It gathers what is waiting, up to a group, and commits it.

Where many statements wait, it judges *ahead*: the group goes to a thread that writes it, and what comes meanwhile is
judged into the next group. Groups are written one after another; answers leave behind the commit of their own group.
A group that fails takes the one judged upon it back: that one is judged again.

A group that fails for want of disk, lock or time is answered with that error and changes nothing. A group in which one
statement trips over a defect of the program is tried again one by one, so that it takes nobody else down. Evidence
against our own records stops the thread's writing for good.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final, Protocol, TypeAlias, TypeVar

from chemtrace.core.errors import (
    ChemtraceError,
    ClockError,
    EvidenceError,
    LedgerBusyError,
    LedgerStoppedError,
    UnavailableError,
)
from chemtrace.ledger.admit import Checked
from chemtrace.ledger.outcome import Outcome, Refused
from chemtrace.ledger.sequence import GroupWork

T = TypeVar("T")
Commit = Callable[[Sequence[Checked]], list[Outcome]]

AHEAD_FROM: Final = 100
"""Statements from which on handing them to the writing thread costs less than it saves."""

CLOSE_TIMEOUT_S: Final = 60.0
"""How long closing waits for the group in hand; longer than any commit, so that no answer is lost in between."""


class Ahead(Protocol):
    """Judges groups ahead of their commit; see `ledger.writing.Writer`."""

    def begin(self, behind: GroupWork | None, landed: Callable[[], None]) -> GroupWork:
        """An empty group behind another one."""
        ...

    def take(self, work: GroupWork, parts: Sequence[Sequence[Checked]]) -> None:
        """Judge statements into the group, part by part."""
        ...

    def write(self, work: GroupWork) -> list[Outcome] | None:
        """Make the group durable; None when it must be judged again."""
        ...

    def settle(self, work: GroupWork) -> None:
        """Take note that the group is durable."""
        ...

    def take_back(self) -> None:
        """Forget what was judged and is not durable."""
        ...


class Committer:
    """One thread, one queue. Safe to call from any other thread."""

    def __init__(
        self,
        commit: Commit,
        *,
        group_size: int,
        window_s: float = 0.0,
        on_stop: Callable[[EvidenceError], None] | None = None,
        ahead: Ahead | None = None,
        ahead_from: int = AHEAD_FROM,
    ) -> None:
        """Commit groups of at most `group_size` statements; wait `window_s` for more where the queue is empty.

        Groups of `ahead_from` statements or more are judged ahead, where there is an `ahead`.
        `on_stop` is told once, in the committer's thread, what ended the writing; it must not raise.
        """
        self._commit = commit
        self._on_stop = on_stop
        self._group_size = group_size
        self._window_s = window_s
        self._ahead = ahead
        self._ahead_from = ahead_from
        self._open: _Group | None = None
        self._flight: _Group | None = None
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="writer")
        self._queue: queue.SimpleQueue[_Item] = queue.SimpleQueue()
        self._waiting: list[_Item] = []
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
        while True:
            item = self._waiting.pop() if self._waiting else self._queue.get()
            if isinstance(item, _Job):
                self._take(self._gather(item))
            elif isinstance(item, _Group):
                self._landed(item)
            else:
                self._finish()
                if item is None:
                    self._writer.shutdown()
                    return
                self._act(item)

    def _gather(self, first: _Job) -> list[_Job]:
        """Take jobs until the group is full, the queue is empty, or something else is to be done first."""
        limit = self._group_size - (0 if self._open is None else self._open.count)
        jobs, count = [first], len(first.statements)
        while count < limit:
            try:
                item = self._queue.get(timeout=self._window_s) if self._window_s else self._queue.get_nowait()
            except queue.Empty:
                break
            if isinstance(item, _Group):
                # What is judged already goes out at once; these jobs make a group of their own.
                self._landed(item)
                limit = self._group_size
            elif isinstance(item, _Job) and count + len(item.statements) <= limit:
                jobs.append(item)
                count += len(item.statements)
            else:
                self._waiting.append(item)
                break
        return jobs

    # ------------------------------------------------------------------ judging ahead

    def _take(self, jobs: list[_Job]) -> None:
        """Judge jobs ahead of the commit while a group is being written or the load is high; else commit at once."""
        ahead, count = self._ahead, sum(len(job.statements) for job in jobs)
        if ahead is None or self._stopped or (self._flight is None and count < self._ahead_from):
            self._answer(jobs)
            return
        if self._open is not None and self._open.count + count > self._group_size:
            self._land(ahead)
        if self._open is None:
            behind = None if self._flight is None else self._flight.work
            self._open = _Group(ahead.begin(behind, self._await_flight))
        group = self._open
        group.add(jobs, count)
        try:
            ahead.take(group.work, [job.statements for job in jobs])
        except Exception:  # noqa: BLE001  # whatever it is: judged alone, it gets its proper name
            self._give_up(ahead)
            return
        if group.work.locked:
            self._write_here(ahead)
        elif self._flight is None or group.count >= self._group_size:
            self._land(ahead)

    def _landed(self, group: _Group) -> None:
        if self._ahead is not None and group is self._flight:
            self._land(self._ahead)

    def _land(self, ahead: Ahead) -> None:
        """Wait for the group that is being written; then the one that was judged behind it is."""
        flight, self._flight = self._flight, None
        if flight is not None:
            self._settle(ahead, flight)
        if self._open is not None:
            self._flight, self._open = self._open, None
            self._writer.submit(self._fly, ahead, self._flight)

    def _finish(self) -> None:
        """Have everything durable that was judged."""
        while self._ahead is not None and (self._flight is not None or self._open is not None):
            self._land(self._ahead)

    def _fly(self, ahead: Ahead, group: _Group) -> None:
        """In the writing thread: make a group durable, then answer; whatever fails is left to the committer."""
        _write(ahead, group)
        self._queue.put(group)

    def _await_flight(self) -> None:
        """For a group that needs the rows of the one before it."""
        if self._flight is not None and (
            self._flight.written.exception() is not None or not self._flight.written.result()
        ):
            raise LedgerBusyError("the group before this one was taken back: nothing was changed; send again")

    def _write_here(self, ahead: Ahead) -> None:
        """A group that holds the head row already: the one before it is durable, and this one must be next."""
        flight, self._flight = self._flight, None
        group, self._open = self._open, None
        if flight is not None:
            self._settle(ahead, flight)
        if group is not None:
            _write(ahead, group)
            self._settle(ahead, group)

    def _settle(self, ahead: Ahead, group: _Group) -> None:
        """Take note of what became of a group. What was judged upon one that failed is judged again behind it."""
        outcomes = None
        try:
            if group.written.result():
                ahead.settle(group.work)
                return
        except UnavailableError as error:
            outcomes = [Refused(error)] * group.count
        except EvidenceError as error:
            self._stop(error)
        except Exception:  # noqa: BLE001  # a defect: the group is tried again, and then one by one
            outcomes = None
        ahead.take_back()
        behind, self._open = self._open, None
        self._answer(group.jobs, outcomes)
        if behind is not None:
            self._answer(behind.jobs)

    def _give_up(self, ahead: Ahead) -> None:
        """What could not be judged ahead is judged alone, behind the group that is being written."""
        flight, self._flight = self._flight, None
        group, self._open = self._open, None
        if flight is not None:
            self._settle(ahead, flight)
        ahead.take_back()
        if group is not None:
            self._answer(group.jobs)

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

    def _answer(self, jobs: Sequence[_Job], outcomes: Sequence[Outcome] | None = None) -> None:
        """Answer with the outcomes given, or commit in one transaction and answer; nothing is being written."""
        if outcomes is None:
            try:
                outcomes = self._outcomes(_statements(jobs))
            except Exception as error:  # noqa: BLE001  # an answer of a checking process that cannot be read
                outcomes = [Refused(_defect(error))] * sum(len(job.statements) for job in jobs)
        _answer(jobs, outcomes)

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


class _Group:
    """Jobs that are judged ahead; `written` comes true with the commit, false when another writer came between."""

    __slots__ = ("count", "jobs", "work", "written")

    def __init__(self, work: GroupWork) -> None:
        self.work = work
        self.jobs: list[_Job] = []
        self.count = 0
        self.written: Future[bool] = Future()

    def add(self, jobs: Sequence[_Job], count: int) -> None:
        self.jobs += jobs
        self.count += count


class _Action:
    __slots__ = ("action", "future")

    def __init__(self, action: Callable[[], Any]) -> None:
        self.action = action
        self.future: Future[Any] = Future()


_Item: TypeAlias = _Job | _Action | _Group | None


def _statements(jobs: Sequence[_Job]) -> list[Checked]:
    return [checked for job in jobs for checked in job.statements]


def _answer(jobs: Sequence[_Job], outcomes: Sequence[Outcome]) -> None:
    at = 0
    for job in jobs:
        end = at + len(job.statements)
        job.future.set_result(list(outcomes[at:end]))
        at = end


def _write(ahead: Ahead, group: _Group) -> None:
    try:
        outcomes = ahead.write(group.work)
        if outcomes is not None:
            _answer(group.jobs, outcomes)
    except BaseException as error:  # noqa: BLE001  # the committer's thread looks at it, and goes on
        group.written.set_exception(error)
    else:
        group.written.set_result(outcomes is not None)


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
