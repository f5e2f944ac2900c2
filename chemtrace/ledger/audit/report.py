"""What an audit says: verified or not, the first wrong index, and the faults, each with a stable code."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

from chemtrace.core.errors import ChemtraceError

MAX_FAULTS: Final = 100
"""Faults kept in a report: the ones with the lowest indexes. All are counted."""
NOWHERE: Final = -1
"""Index of a fault that concerns the ledger as a whole, such as a guard that is gone."""


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing that is not as the log's own bytes say. `index`: the first entry that it concerns, or `NOWHERE`."""

    index: int
    code: str
    detail: str

    def to_json(self) -> dict[str, Any]:
        """`{index, code, detail}`."""
        return {
            "index": None if self.index == NOWHERE else self.index,
            "code": self.code,
            "detail": self.detail,
        }


@dataclass(frozen=True, slots=True)
class AuditReport:
    """The outcome of an audit of `entries` entries. `checkpoint` is the newest one: (origin, size, root) or None.

    `first_bad_index` is the lowest index of any fault; `fault_count` counts all, `faults` holds the lowest ones.
    """

    entries: int
    epochs: int
    signatures: int
    checkpoint: tuple[str, int, bytes] | None
    first_bad_index: int | None
    fault_count: int
    faults: tuple[Fault, ...]

    @property
    def verified(self) -> bool:
        """Whether there is no fault at all."""
        return self.fault_count == 0

    def with_faults(self, faults: Iterable[Fault]) -> AuditReport:
        """This report and what was found wrong beside the log."""
        more = tuple(faults)
        indexes = [fault.index for fault in more if fault.index != NOWHERE]
        if self.first_bad_index is not None:
            indexes.append(self.first_bad_index)
        return replace(
            self,
            first_bad_index=min(indexes, default=None),
            fault_count=self.fault_count + len(more),
            faults=tuple(sorted((*self.faults, *more))[:MAX_FAULTS]),
        )

    def to_json(self) -> dict[str, Any]:
        """The report as the command line prints it, without the time it took."""
        checkpoint = None
        if self.checkpoint is not None:
            origin, size, root = self.checkpoint
            checkpoint = {"origin": origin, "size": size, "root": root.hex()}
        return {
            "verified": self.verified,
            "entries": self.entries,
            "epochs": self.epochs,
            "signatures": self.signatures,
            "checkpoint": checkpoint,
            "first_bad_index": self.first_bad_index,
            "fault_count": self.fault_count,
            "faults": [fault.to_json() for fault in self.faults],
        }


class FaultLog:
    """Collects faults in any order, keeps the lowest ones."""

    def __init__(self) -> None:
        """Start without faults."""
        self.count = 0
        self.first: int | None = None
        self._kept: set[Fault] = set()

    def add(self, index: int, code: str, detail: str) -> None:
        """Note one fault; the same one twice counts once while it is kept. `NOWHERE` names no wrong entry."""
        fault = Fault(index, code, detail)
        if fault in self._kept:
            return
        self.count += 1
        if index != NOWHERE:
            self.first = index if self.first is None else min(self.first, index)
        self._kept.add(fault)
        if len(self._kept) > 2 * MAX_FAULTS:
            self._kept = set(heapq.nsmallest(MAX_FAULTS, self._kept))

    def add_error(self, index: int, error: ChemtraceError) -> None:
        """Note an error of our tree as a fault, with both of its sides."""
        problem = error.problem()
        sides = problem["fields"]
        self.add(index, error.code, f"{error.message} {sides}" if sides else error.message)

    def lowest(self) -> tuple[Fault, ...]:
        """The faults kept, in the order of their indexes."""
        return tuple(sorted(self._kept)[:MAX_FAULTS])
