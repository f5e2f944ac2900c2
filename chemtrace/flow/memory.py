"""Small facts that detectors carry from one observation to the next, each with a time to forget it.

Values are JSON (text, integers, lists of them), so that the memory is stored and restored beside the held signals.
"""

from __future__ import annotations

import heapq
from collections.abc import Container, Iterable
from typing import TypeAlias

import msgspec

Value: TypeAlias = "str | int | tuple[Value, ...]"


class Memo(msgspec.Struct, frozen=True, gc=False):
    """One remembered value and the log time from which it may be forgotten."""

    value: Value
    forget_us: int


class Memory:
    """A keyed store with forgetting. Keys are `DETECTOR|name`, so that two detectors never share one by accident."""

    __slots__ = ("_changed", "_memos", "_order", "_standing")

    def __init__(
        self, memos: Iterable[tuple[str, Memo]] = (), *, standing: Container[str] = frozenset()
    ) -> None:
        """Start from stored memos, given in any order; `standing` are the incident keys that have claims."""
        self._standing = standing
        self._memos = dict(memos)
        self._order = [(memo.forget_us, key) for key, memo in self._memos.items()]
        heapq.heapify(self._order)
        self._changed: set[str] = set()

    def stands(self, key: str) -> bool:
        """Whether anything is held or raised under an incident key: if not, there is nothing to explain."""
        return key in self._standing

    def get(self, key: str) -> Value | None:
        """The value under `key`, or None."""
        memo = self._memos.get(key)
        return None if memo is None else memo.value

    def put(self, key: str, value: Value, forget_us: int) -> None:
        """Remember `value` under `key` until log time `forget_us`."""
        if key not in self._memos:
            heapq.heappush(self._order, (forget_us, key))
        self._memos[key] = Memo(value, forget_us)
        self._changed.add(key)

    def forget(self, log_time_us: int) -> None:
        """Drop what is due. A memo renewed since stays in the queue under its new time."""
        while self._order and self._order[0][0] <= log_time_us:
            _, key = heapq.heappop(self._order)
            memo = self._memos[key]
            if memo.forget_us > log_time_us:
                heapq.heappush(self._order, (memo.forget_us, key))
                continue
            del self._memos[key]
            self._changed.add(key)

    def changes(self) -> tuple[tuple[str, Memo | None], ...]:
        """What changed since the last call, by key; None where a memo was forgotten."""
        found = tuple((key, self._memos.get(key)) for key in sorted(self._changed))
        self._changed.clear()
        return found

    def all(self) -> tuple[tuple[str, Memo], ...]:
        """Every memo, by key."""
        return tuple(sorted(self._memos.items(), key=lambda pair: pair[0]))
