"""The two ways in which groups get into the store: judged and written in one transaction, or judged ahead.

Ahead: while one group is written and synced by a thread of its own, the next one is judged. No more than one group is
ever ahead of the rows. What fails takes everything judged upon it back: memory is read again, and groups behind it are
judged anew.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from chemtrace.ledger.admit import Checked
from chemtrace.ledger.followers import Seen
from chemtrace.ledger.memory import Memory
from chemtrace.ledger.outcome import Outcome
from chemtrace.ledger.ports import Clock, Store
from chemtrace.ledger.sequence import GroupWork, Terms


class Writer:
    """Appends groups of checked statements. `write` may be called from another thread, all else from one alone."""

    def __init__(
        self,
        *,
        store: Store,
        memory: Memory,
        terms: Terms,
        clock: Clock,
        keep_seen: Callable[[Sequence[Seen]], None],
    ) -> None:
        """Write to `store` what `memory` knows the newest rows of; `keep_seen` gets what detectors should see."""
        self._store = store
        self._memory = memory
        self._terms = terms
        self._clock = clock
        self._keep_seen = keep_seen

    def commit(self, statements: Sequence[Checked]) -> list[Outcome]:
        """Admit or refuse each statement, in order, in one transaction; returns when it is durable.

        Raises:
            UnavailableError, EvidenceError: the transaction failed as a whole; nothing was changed.
        """
        work = GroupWork(self._store, self._memory, self._terms)
        try:
            with work:
                work.lock()
                work.take([statements], self._clock.now_us())
                work.write()
        except BaseException:
            self._memory.forget()
            raise
        # Durable from here.
        self._memory.settle(work.head_after)
        self._memory.trim()
        self.settle(work)
        return work.outcomes()

    def begin(self, behind: GroupWork | None, landed: Callable[[], None]) -> GroupWork:
        """A group to be judged ahead, upon `behind` where that is not durable yet.

        `landed` waits until it is, and raises `UnavailableError` when it never will be.
        """
        self._memory.trim(() if behind is None else behind.groups)
        return GroupWork(self._store, self._memory, self._terms, behind=behind, landed=landed)

    def take(self, work: GroupWork, parts: Sequence[Sequence[Checked]]) -> None:
        """Judge statements into a group, part by part.

        Where the group is `locked` afterwards, it must be written next, by this thread.
        Whatever is raised, the group must be given up with `take_back`.
        """
        try:
            work.take(parts, self._clock.now_us())
        except BaseException:
            work.__exit__(*sys.exc_info())
            raise

    def write(self, work: GroupWork) -> list[Outcome] | None:
        """Write and commit a group; the outcomes in the order of its statements.

        None, with nothing changed, when another writer came between: the group must be judged again.

        Raises:
            UnavailableError, EvidenceError: nothing was changed.
        """
        with work:
            if not work.locked and not work.lock():
                return None
            work.write()
        # Durable from here.
        self._memory.settle(work.head_after)
        return work.outcomes()

    def settle(self, work: GroupWork) -> None:
        """Show the detectors what became durable; in the order of the log."""
        self._keep_seen(work.seen)

    def take_back(self) -> None:
        """Forget all that was judged and is not durable."""
        self._memory.forget()
