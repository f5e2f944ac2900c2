"""The signatures of a run of entries, on all cores: the library gives up the interpreter's lock while it works."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

from chemtrace.core.errors import (
    ChemtraceError,
    SignatureInvalidError,
    SignerBrokenError,
    VerifiersDisagreeError,
)
from chemtrace.core.second_opinion import verify_twice
from chemtrace.mirror.entries import Claim

RUN: Final = 64
"""Signatures that a thread takes at once."""


class SignatureThreads:
    """A pool of threads for claims, which works while the caller judges on; close it at the end. One caller."""

    def __init__(self, threads: int = 0) -> None:
        """Use `threads` threads, 0: one a core."""
        self._pool = ThreadPoolExecutor(threads or os.cpu_count() or 1, thread_name_prefix="mirror")
        self._waiting: list[Future[ChemtraceError | None]] = []
        self._claims: list[Claim] = []

    def add(self, claims: Sequence[Claim]) -> None:
        """Take claims; they are checked from now on, by two libraries where there are two."""
        self._claims += claims
        if len(self._claims) >= RUN:
            self._send()

    def finish(self) -> None:
        """Return when every claim taken has verified.

        Raises:
            SignerBrokenError: the first that has not.
            VerifiersDisagreeError: the libraries give two answers; neither counts before a person has looked.
        """
        self._send()
        waiting, self._waiting = self._waiting, []
        wrong = [error for error in [one.result() for one in waiting] if error is not None]
        if wrong:
            raise wrong[0]

    def drop(self) -> None:
        """Forget what was taken: the run is lost for another reason."""
        for one in self._waiting:
            one.cancel()
        self._waiting, self._claims = [], []

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _send(self) -> None:
        if self._claims:
            self._waiting.append(self._pool.submit(_first_wrong, self._claims))
            self._claims = []


def _first_wrong(claims: Sequence[Claim]) -> ChemtraceError | None:
    for claim in claims:
        try:
            verify_twice(claim.key, claim.message, claim.signature)
        except VerifiersDisagreeError as error:
            error.add_note(f"entry {claim.index}")
            return error
        except SignatureInvalidError as error:
            return SignerBrokenError(
                f"a signature of entry {claim.index} does not verify",
                index=claim.index,
                reason=error.code,
                kid=claim.kid,
            )
    return None
