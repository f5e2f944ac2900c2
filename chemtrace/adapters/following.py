"""The thread of a mirror: one round of following after another, for as long as it runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from chemtrace.core.errors import ChemtraceError, EvidenceError, UnavailableError
from chemtrace.ledger.witness import Evidence

MAX_PAUSE_S: Final = 300.0

log = structlog.get_logger("chemtrace.mirror")


class FollowingThread:
    """Calls `follow` every `interval_s` seconds; after failures less often, up to every five minutes."""

    def __init__(
        self,
        follow: Callable[[], object],
        *,
        interval_s: float,
        standing: Callable[[], Sequence[Evidence]] = tuple,
    ) -> None:
        """Prepare the thread; it starts with `start`. `standing`: evidence kept that nobody has acknowledged."""
        self._standing = standing
        self._told = 0
        self._follow = follow
        self._interval_s = interval_s
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mirror", daemon=True)
        self.fault: ChemtraceError | None = None
        """What the last round ended with, None when it went well."""

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after the round in hand."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join(60)

    def _run(self) -> None:
        pause_s = 0.0
        while not self._ended.wait(pause_s):
            pause_s = self._interval_s if self._round() else min(MAX_PAUSE_S, max(1.0, 2 * pause_s))

    def _tell_standing(self) -> None:
        """Evidence comes by requests too: what stands is said at the start, and whenever there is more of it."""
        standing = self._standing()
        if len(standing) > self._told:
            codes = sorted({one.code for one in standing})
            log.error("mirror.evidence-stands", count=len(standing), codes=codes)
        self._told = len(standing)

    def _round(self) -> bool:
        try:
            self._tell_standing()
            self._follow()
        except EvidenceError as error:
            log.exception("mirror.evidence", **error.problem())
            self.fault = error
        except UnavailableError as error:
            log.warning("mirror.unavailable", **error.problem())
            self.fault = error
        except ChemtraceError as error:
            log.exception("mirror.refused", **error.problem())
            self.fault = error
        except Exception:  # the thread must live: the next round may succeed, and the state shows the trouble
            log.exception("mirror.defect")
            return False
        else:
            self.fault = None
        return self.fault is None
