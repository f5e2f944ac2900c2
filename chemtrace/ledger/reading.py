"""A ledger opened for reading only: answers how things stand, beside the process that writes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from chemtrace.core.checkpoint import Checkpoint
from chemtrace.core.errors import UnavailableError
from chemtrace.core.times import format_utc
from chemtrace.ledger.outcome import Outcome
from chemtrace.ledger.ports import Store
from chemtrace.ledger.witnessing import Serving
from chemtrace.registry.state import Registry


class ReadOnlyLedger:
    """The asking half of `Ledger`, each answer from the newest committed rows."""

    def __init__(
        self, store: Store, origin: str, master: bytes | None, serving: Serving | None = None
    ) -> None:
        """Read from `store`; the registry is that of this moment."""
        self._store = store
        self._serving = serving or Serving()
        self.origin = origin
        with store.read() as transaction:
            self.registry = Registry.from_records(transaction.records(), master)

    def submit(self, wire: bytes) -> Outcome:
        """Always refuses: this ledger was opened for reading."""
        _refuse(wire)

    def submit_many(self, wires: Sequence[bytes]) -> list[Outcome]:
        """Always refuses: this ledger was opened for reading."""
        _refuse(wires)

    def publish(self, force: bool = False, *, watched: bool = True) -> Checkpoint | None:
        """Always refuses: this ledger was opened for reading."""
        _refuse((force, watched))

    @property
    def size(self) -> int:
        """Number of entries."""
        with self._store.read() as transaction:
            return transaction.head().size

    @property
    def log_time(self) -> int:
        """Time of the newest epoch, microseconds UTC."""
        with self._store.read() as transaction:
            return transaction.head().log_time_us

    def checkpoint(self) -> bytes | None:
        """The newest signed checkpoint, or None; as `Ledger.checkpoint`."""
        with self._store.read() as transaction:
            return self._serving.checkpoint(transaction)

    def health(self) -> dict[str, object]:
        """As `Ledger.health`, never writable."""
        with self._store.read() as transaction:
            head = transaction.head()
        return {
            "writable": False,
            "size": head.size,
            "log_time": format_utc(head.log_time_us),
            "epoch": head.epoch_number,
            "stopped": None,
            "detectors": "ok",
        }

    def close(self) -> None:
        """Nothing to end."""


def _refuse(_asked: object) -> NoReturn:
    raise UnavailableError("this ledger was opened for reading only")
