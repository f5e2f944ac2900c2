"""Clocks: the only place where the time of day enters the program."""

from __future__ import annotations

import threading
import time

from chemtrace.core.errors import SettingError


class SystemClock:
    """The machine's clock in UTC, never going back within one process: it stands still until time has caught up."""

    def __init__(self) -> None:
        """Start at the machine's time."""
        self._lock = threading.Lock()
        self._last_us = 0

    def now_us(self) -> int:
        """Microseconds since 1970-01-01T00:00:00Z."""
        with self._lock:
            self._last_us = max(self._last_us, time.time_ns() // 1000)
            return self._last_us


class DemoClock:
    """A clock that is set by hand, so that a demonstration can live through days in seconds. Never for real ledgers."""

    def __init__(self, start_us: int, *, demo: bool) -> None:
        """Start at `start_us`; `demo` must be said, so that no setting can bring this clock into service.

        Raises:
            SettingError: asked for outside the demonstration.
        """
        if not demo:
            raise SettingError("the demonstration's clock runs only in the demonstration", setting="clock")
        self._lock = threading.Lock()
        self._now_us = start_us

    def now_us(self) -> int:
        """The moment it stands at; each question takes one microsecond, so that no two are the same."""
        with self._lock:
            self._now_us += 1
            return self._now_us

    def move_to(self, at_us: int) -> None:
        """Go forward to `at_us`; raises `SettingError` for a moment that is past."""
        with self._lock:
            if at_us < self._now_us:
                raise SettingError("a clock does not go back", setting="clock", found=at_us, at=self._now_us)
            self._now_us = at_us
