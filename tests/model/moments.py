"""Moments between two steps of a writer, at which the machine may crash or another writer may come between."""

from collections.abc import Callable


class Crash(BaseException):
    """The process is gone: nothing of it runs any more."""


class Moments:
    """Counts the moments passed; at the one that is armed, the crash or the interruption happens, once."""

    def __init__(self) -> None:
        self._left: int | None = None
        self._crash = False
        self._between: Callable[[], None] | None = None
        self.held = False
        """Whether a transaction is open: nobody else can come between then."""

    def arm_crash(self, after: int) -> None:
        self._left, self._crash, self._between = after, True, None

    def arm_interruption(self, after: int, between: Callable[[], None]) -> None:
        self._left, self._crash, self._between = after, False, between

    def disarm(self) -> None:
        self._left = None

    def pass_(self) -> None:
        if self._left is None or (self.held and not self._crash):
            return
        self._left -= 1
        if self._left >= 0:
            return
        self._left = None
        if self._crash:
            raise Crash
        if self._between is not None:
            self._between()
