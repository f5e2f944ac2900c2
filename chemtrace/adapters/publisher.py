"""The timer that publishes: a thread that cuts an epoch whenever something is new, and now and then anyway."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import structlog

from chemtrace.core.errors import ChemtraceError

log = structlog.get_logger("chemtrace.publisher")


class Publisher:
    """Calls `publish(force)` every `interval_s` seconds; forced when nothing was published for `heartbeat_s`."""

    def __init__(self, publish: Callable[[bool], object], *, interval_s: float, heartbeat_s: float) -> None:
        """Prepare the thread; it starts with `start`."""
        self._publish = publish
        self._interval_s = interval_s
        self._heartbeat_s = heartbeat_s
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after the publication in hand."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join(60)

    def _run(self) -> None:
        last = time.monotonic()
        while not self._ended.wait(self._interval_s):
            force = time.monotonic() - last >= self._heartbeat_s
            try:
                if self._publish(force) is not None:
                    last = time.monotonic()
            except ChemtraceError as error:
                log.exception("publish.failed", **error.problem())
            except Exception:  # the timer must live: the next round may succeed, and health shows the trouble
                log.exception("publish.defect")
