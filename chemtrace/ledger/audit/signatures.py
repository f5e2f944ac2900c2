"""Many signatures at once: on all cores by threads, as libsodium and OpenSSL give up the interpreter's lock."""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final

import msgspec

from chemtrace.core.algorithms import PublicKey, verify
from chemtrace.core.errors import ChemtraceError, SignatureInvalidError
from chemtrace.ledger.audit.report import FaultLog

RUN: Final = 128
"""Signatures a thread takes at once: few hand-overs, yet all cores end together."""
MAX_WAITING: Final = 64
"""Runs under way before the reader waits: bounds memory."""
SWITCH_INTERVAL_S: Final = 0.0001
"""A thread that comes back from libsodium waits this long for the interpreter, not Python's 5 ms: measured 1.6
times the rate beside a busy reader.
"""


class Claim(msgspec.Struct, frozen=True, gc=False):
    """One signature to check: one of `keys` made it over `message`. `what` names it in a fault."""

    index: int
    what: str
    keys: tuple[PublicKey, ...]
    message: bytes
    signature: bytes


class SignatureCheck:
    """Checks claims behind the reader's back and notes those that fail."""

    def __init__(self, faults: FaultLog, pool: ThreadPoolExecutor) -> None:
        """Note failures in `faults`; work in `pool`."""
        self.checked = 0
        self._faults = faults
        self._pool = pool
        self._run: list[Claim] = []
        self._waiting: deque[Future[list[tuple[Claim, ChemtraceError]]]] = deque()

    def add(self, claim: Claim) -> None:
        """Take one claim; waits while too many are under way."""
        self._run.append(claim)
        if len(self._run) >= RUN:
            self._send()

    def finish(self) -> None:
        """Wait for all claims taken so far."""
        self._send()
        while self._waiting:
            self._collect()

    def _send(self) -> None:
        if self._run:
            self._waiting.append(self._pool.submit(_check_run, self._run))
            self.checked += len(self._run)
            self._run = []
        while len(self._waiting) > MAX_WAITING:
            self._collect()

    def _collect(self) -> None:
        for claim, error in self._waiting.popleft().result():
            self._faults.add(claim.index, error.code, f"{claim.what}: {error.message}")


@contextmanager
def signature_check(faults: FaultLog) -> Iterator[SignatureCheck]:
    """A check with one thread a core; quick hand-over of the interpreter while it lasts."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    try:
        with ThreadPoolExecutor(max_workers=os.cpu_count() or 1, thread_name_prefix="audit") as pool:
            yield SignatureCheck(faults, pool)
    finally:
        sys.setswitchinterval(before)


def _check_run(claims: list[Claim]) -> list[tuple[Claim, ChemtraceError]]:
    failed = []
    for claim in claims:
        error = _check(claim)
        if error is not None:
            failed.append((claim, error))
    return failed


def _check(claim: Claim) -> ChemtraceError | None:
    last: ChemtraceError = SignatureInvalidError("no key is known that could have signed it")
    for key in claim.keys:
        try:
            verify(key, claim.message, claim.signature)
        except ChemtraceError as error:
            last = error
        else:
            return None
    return last
