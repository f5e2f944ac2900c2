"""The newest checkpoint that satisfies a policy, by the cosignatures in the store.

Cosignatures are only ever added, so what satisfied the policy once always does. That is remembered: a look reads the
newest few cosignatures, and goes through all of them once in a process, however long witnesses have been away.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from chemtrace.core.policy import Policy
from chemtrace.ledger.ports import ReadTransaction

LATELY: Final = (16, 1_000)
"""Newest cosignatures that every look may read: a few seconds of them, then some minutes."""
EVER: Final = (10_000, 100_000, 1_000_000, 10_000_000)
"""Cosignatures that the first look may read, more and more until one checkpoint is found or all were read."""


class Witnessed:
    """Remembers the newest checkpoint that satisfies `policy`; any thread may ask, each with its own snapshot."""

    def __init__(self, policy: Policy | None) -> None:
        """Know nothing yet; without a policy there never is such a checkpoint."""
        self.policy = policy
        self._known: int | None = None
        self._searched = False

    def newest(self, transaction: ReadTransaction) -> int | None:
        """Size of the newest checkpoint whose cosignatures in this snapshot satisfy the policy, or None."""
        if self.policy is None:
            return None
        known = self._known
        found = self._search(transaction, LATELY, known)
        if found is None and known is not None and self._stands(transaction, known):
            return known
        if found is None and (known is not None or not self._searched):
            # The first look, or a snapshot that is older than what is known.
            found = self._search(transaction, EVER, None)
            self._searched = True
        if found is not None:
            self._known = max(found, self._known or 0)
        return found

    def _search(self, transaction: ReadTransaction, limits: Iterable[int], known: int | None) -> int | None:
        """The newest size that satisfies the policy and is not below `known`, among so many cosignatures."""
        for limit in limits:
            count, names, newest = 0, set[str](), -1
            for size, name, key_hash in transaction.newest_cosignatures(limit):
                if known is not None and size < known:
                    return None
                count += 1
                if size != newest:
                    newest, names = size, set()
                if self._add(names, name, key_hash):
                    return size
            if count < limit:
                return None
        return None

    def _stands(self, transaction: ReadTransaction, size: int) -> bool:
        names: set[str] = set()
        return any(self._add(names, row.name, row.key_hash) for row in transaction.cosignatures(size))

    def _add(self, names: set[str], name: str, key_hash: bytes) -> bool:
        """Count one more witness; whether they are enough now."""
        if self.policy is None:
            return False
        witness = self.policy.find(name, key_hash)
        if witness is not None:
            names.add(witness.name)
        return witness is not None and self.policy.satisfied(names)
