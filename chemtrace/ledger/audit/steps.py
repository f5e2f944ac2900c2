"""The steps of all histories, computed and stored, as two sets that must be equal: constant memory for each subject.

Each subject and each place within 1,024 indexes gets a random number that nobody outside this run can know; a step
counts as the product of both, and products are summed over 1,024 indexes. Two different sets give equal sums for one
choice of numbers in 2^59 (a polynomial of degree 2 over numbers below 2^60, Schwartz 1980), whoever chose the sets: a
sum of digests would be as quick to forge as a subset sum.
"""

from __future__ import annotations

from secrets import randbits
from typing import Final

BUCKET_BITS: Final = 10
"""Steps are compared in sums over 1,024 indexes: constant memory, whatever their order in the table."""
_BITS: Final = 60
_IN_BUCKET: Final = (1 << BUCKET_BITS) - 1


class StepSums:
    """What the entries say less what is stored, for each bucket of indexes."""

    def __init__(self) -> None:
        """Start with nothing, and numbers of its own."""
        self._sums: dict[int, int] = {}
        self._subjects: dict[str, int] = {}
        self._places = {
            effect: [randbits(_BITS) for _ in range(1 << BUCKET_BITS)] for effect in (False, True)
        }

    def compute(self, subject: str, index: int, *, effect: bool) -> None:
        """Take a step that an entry makes."""
        number = self._subjects.get(subject)
        if number is None:
            number = self._subjects[subject] = randbits(_BITS)
        bucket = index >> BUCKET_BITS
        step = number * self._places[effect][index & _IN_BUCKET]
        self._sums[bucket] = self._sums.get(bucket, 0) + step

    def take_stored(self, subject: str, index: int, *, effect: bool) -> None:
        """Take away a step that is stored, after all of the entries'."""
        number = self._subjects.get(subject)
        if number is None:
            # No entry names it: whatever is taken away once, nothing makes up for it.
            number = randbits(_BITS)
        bucket = index >> BUCKET_BITS
        step = number * self._places[effect][index & _IN_BUCKET]
        self._sums[bucket] = self._sums.get(bucket, 0) - step

    def first_wrong(self) -> int | None:
        """The lowest bucket whose sets differ, or None."""
        return min((bucket for bucket, total in self._sums.items() if total), default=None)
