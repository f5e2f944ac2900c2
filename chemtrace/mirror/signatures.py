"""The signatures of a run of entries, on all cores: the library gives up the interpreter's lock while it works."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
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
    """A pool of threads for claims; close it at the end."""

    def __init__(self, threads: int = 0) -> None:
        """Use `threads` threads, 0: one a core."""
        self._pool = ThreadPoolExecutor(threads or os.cpu_count() or 1, thread_name_prefix="mirror")

    def check(self, claims: Sequence[Claim]) -> None:
        """Return when every claim has verified, by two libraries where there are two.

        Raises:
            SignerBrokenError: the first that has not.
            VerifiersDisagreeError: the libraries give two answers; neither counts before a person has looked.
        """
        runs = [claims[at : at + RUN] for at in range(0, len(claims), RUN)]
        for wrong in self._pool.map(_first_wrong, runs):
            if wrong is not None:
                raise wrong

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(wait=True, cancel_futures=True)


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
