"""What the writer keeps in memory between groups: the head row, the registry, and the subjects used lately.

All of it is a copy of committed rows, moved along while a group is judged. It is dropped whenever the head row is
not the one this writer left behind: another writer came between, or a commit failed.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Final, TypeVar

from chemtrace.ledger.ports import Group, Head, ReadTransaction, SubjectHead
from chemtrace.registry.state import Registry
from chemtrace.trace.state import ItemState, decode_state, unborn
from chemtrace.trace.waybill import WaybillState, decode_waybill

MAX_SUBJECTS: Final = 200_000
"""Heads and item states kept, about 1 KiB each together."""

ValueT = TypeVar("ValueT")


class Memory:
    """One writer's copy of the newest rows; owned by the committer thread."""

    def __init__(self, master: bytes | None) -> None:
        """Start with nothing; `master` is the key behind the code serials."""
        self._master = master
        self.head: Head | None = None
        self.registry = Registry(master)
        self.heads: dict[str, SubjectHead | None] = {}
        self.items: dict[str, ItemState] = {}
        self.waybills: dict[str, WaybillState | None] = {}
        self._foreign = False

    def refresh(self, transaction: ReadTransaction, head: Head) -> None:
        """Drop what another writer may have changed, and read the registry again where it moved."""
        if self.head == head:
            return
        self._foreign = True
        self.heads.clear()
        self.items.clear()
        self.waybills.clear()
        if self.head is None or self.head.registry_index != head.registry_index:
            self.registry = Registry.from_records(transaction.records(), self._master)
        self.head = head

    def take_foreign(self) -> bool:
        """Whether rows came that this writer did not write, since the question was asked last."""
        foreign, self._foreign = self._foreign, False
        return foreign

    def forget(self) -> None:
        """After a failed commit: nothing here can be trusted any more."""
        self.head = None

    def load(self, transaction: ReadTransaction, subjects: set[str]) -> None:
        """Have the heads and states of these subjects at hand, in one question each for what is not."""
        missing = [subject for subject in subjects if subject not in self.heads]
        if missing:
            found = transaction.subject_heads(missing)
            self.heads.update({subject: found.get(subject) for subject in missing})
        codes = [subject for subject in subjects if ":" not in subject and subject not in self.items]
        if codes:
            states = transaction.item_states(codes)
            for code in codes:
                data = states.get(code)
                self.items[code] = unborn(code) if data is None else decode_state(data)
        numbers = [s[8:] for s in subjects if s.startswith("waybill:") and s[8:] not in self.waybills]
        if numbers:
            notes = transaction.waybills(numbers)
            for number in numbers:
                note = notes.get(number)
                self.waybills[number] = None if note is None else decode_waybill(note)

    def settle(self, head: Head) -> None:
        """Take note that what was changed here is committed under this head row."""
        self.head = head

    def trim(self, before: Sequence[Group] = ()) -> None:
        """Forget the older half where there is too much, but nothing of groups that are not durable yet."""
        _trim(self.heads, {name for group in before for name in group.heads})
        _trim(self.items, {code for group in before for code in group.items})
        _trim(self.waybills, {number for group in before for number in group.waybills})


def _trim(kept: dict[str, ValueT], pending: AbstractSet[str]) -> None:
    """Forget the older half when there are too many: cheap, and the next question brings back what is needed."""
    if len(kept) > MAX_SUBJECTS:
        for key in [key for key in list(kept)[: MAX_SUBJECTS // 2] if key not in pending]:
            del kept[key]
