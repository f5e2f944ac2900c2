"""Many statements checked at once: chunks on a pool of threads, in the order given.

The signature check is the dearest part and releases the interpreter's lock, but each return from it waits for the lock
that the writer holds most of the time. Large batches therefore go to processes of their own, where there are some.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, Protocol, TypeAlias

from chemtrace.core.errors import RefusedError
from chemtrace.ledger.admit import Checked, check_statement, wire_event_id
from chemtrace.ledger.checked_wire import Answer
from chemtrace.ledger.outcome import Admitted
from chemtrace.ledger.ports import Store
from chemtrace.registry.state import Registry

CHUNK: Final = 250
"""Statements a thread checks in one go: small against a group of 4,000, large against the cost of handing over."""

WORTHWHILE: Final = 32
"""Statements from which on handing them to another process costs less than it saves."""

Verdict: TypeAlias = Checked | Admitted | RefusedError
"""Checked: to be sequenced. Admitted: malformed, but its event is known. Else why it is refused."""


class BulkChecker(Protocol):
    """Checks statements somewhere else."""

    def check(self, wires: Sequence[bytes]) -> Answer | None:
        """What was found; None: nobody looked."""
        ...

    def close(self) -> None:
        """End what was started."""
        ...


class CheckingPool:
    """Threads that check form and signatures against the registry as it is now."""

    def __init__(
        self,
        store: Store,
        registry: Callable[[], Registry],
        *,
        receipt_kid: bytes,
        threads: int,
        outside: BulkChecker | None = None,
    ) -> None:
        """Use `threads` threads; `registry` gives the newest registry, `store` answers which events are known.

        `outside` checks large batches in other processes; without it the threads do.
        """
        self._outside = outside
        self._store = store
        self._registry = registry
        self._receipt_kid = receipt_kid
        # Outside, while one thread reads an answer another one has put the next question already.
        workers = threads if outside is None else 2 * threads
        self._pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="check")

    def check(self, wire: bytes) -> Verdict:
        """Check one statement in the caller's thread."""
        try:
            return check_statement(wire, self._registry())
        except RefusedError as error:
            return self._known_or(wire, error)

    def check_chunks(self, wires: Sequence[bytes]) -> Iterator[list[Verdict] | Answer]:
        """Check all statements on the pool; chunks come back in order, as soon as each is done.

        An `Answer` is one that is whole: all its statements are to be sequenced.
        """
        parts = [wires[at : at + CHUNK] for at in range(0, len(wires), CHUNK)]
        pending: list[Future[list[Verdict] | Answer]] = [
            self._pool.submit(self._check_part, part) for part in parts
        ]
        for future in pending:
            yield future.result()

    def _check_part(self, wires: Sequence[bytes]) -> list[Verdict] | Answer:
        outside = self._outside if len(wires) >= WORTHWHILE else None
        answer = None if outside is None else outside.check(wires)
        if answer is None:
            return [self.check(wire) for wire in wires]
        if answer.whole:
            return answer
        found = zip(wires, answer.verdicts(), strict=True)
        return [self.check(wire) if checked is None else checked for wire, checked in found]

    def _known_or(self, wire: bytes, error: RefusedError) -> Verdict:
        """A known event gets its first receipt, whatever signatures or payload come with it this time."""
        event_id = wire_event_id(wire)
        if event_id is None:
            return error
        with self._store.read() as transaction:
            known = transaction.known_events([event_id]).get(event_id)
        if known is None or not known.receipt:
            return error
        return Admitted(known.receipt, known.signature, self._receipt_kid, known.index, duplicate=True)

    def close(self) -> None:
        """Let the threads end; nothing may be checked any more."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        if self._outside is not None:
            self._outside.close()
