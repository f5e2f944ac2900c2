"""The followers' thread: shows them each epoch behind its publication, which never waits for them.

Followers keep a position of their own: what was not shown because the process ended is read back at the next start.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import Final

from chemtrace.core.errors import EvidenceError
from chemtrace.ledger.followers import Follower, Seen
from chemtrace.ledger.ports import Clock, EpochRow
from chemtrace.registry.state import Registry

MAX_WAITING: Final = 100_000
"""Events kept in memory for followers that fall behind; what comes then is read back from the store."""

FAULT_TIMEOUT_S: Final = 30.0
"""How long the end of writing waits for the alert of it."""

CLOSE_TIMEOUT_S: Final = 60.0
"""How long closing waits for the epochs in hand; what is left is taken up at the next start."""


class Watching:
    """One thread, one queue; safe to call from any other thread."""

    def __init__(self, followers: Sequence[Follower], registry: Callable[[], Registry], clock: Clock) -> None:
        """Start the thread, where there is anybody to be shown anything."""
        self._followers = followers
        self._registry = registry
        self._clock = clock
        self._queue: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._handed, self._shown = 0, 0
        self._last: Future[None] | None = None
        self.error: Exception | None = None
        """What holds a follower up, or None; it takes up again at the next epoch."""
        self._thread = threading.Thread(target=self._run, name="detectors", daemon=True)
        if followers:
            self._thread.start()

    def show(self, epoch: EpochRow, seen: Sequence[Seen] | None) -> None:
        """Hand over an epoch and what came before it (None: to be read back); returns at once."""
        if seen is not None and self._handed - self._shown + len(seen) > MAX_WAITING:
            seen = None
        self._put(_Task(lambda follower: follower.follow(epoch, seen, self._registry()), len(seen or ())))

    def record_fault(self, error: EvidenceError) -> None:
        """Let the followers keep what ended the writing, and wait for it; nothing is raised where they cannot."""
        found_us = self._clock.now_us()
        task = _Task(lambda follower: follower.record_fault(error, found_us), 0)
        self._put(task)
        with suppress(TimeoutError):
            self.wait(FAULT_TIMEOUT_S)
        if task.failure is not None:
            error.add_note(f"no alert of it could be written: {task.failure!r}")

    def wait(self, timeout_s: float | None = None) -> None:
        """Return once the followers have been shown all that was handed over before this call.

        Raises:
            TimeoutError: they have not after `timeout_s` seconds.
        """
        last = self._last
        if last is not None:
            last.result(timeout_s)

    def close(self) -> None:
        """Finish what was handed over, then end the thread."""
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join(CLOSE_TIMEOUT_S)

    def _put(self, task: _Task) -> None:
        if self._thread.is_alive():
            self._handed += task.events
            self._last = task.done
            self._queue.put(task)

    def _run(self) -> None:
        while (task := self._queue.get()) is not None:
            try:
                for follower in self._followers:
                    task.action(follower)
            except Exception as error:  # noqa: BLE001  # a defect in a detector must not stop the log: health names it
                self.error = task.failure = error
            else:
                self.error = None
            self._shown += task.events
            task.done.set_result(None)


class _Task:
    __slots__ = ("action", "done", "events", "failure")

    def __init__(self, action: Callable[[Follower], None], events: int) -> None:
        self.action = action
        self.events = events
        self.failure: Exception | None = None
        self.done: Future[None] = Future()
