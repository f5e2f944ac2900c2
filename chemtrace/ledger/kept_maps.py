"""Which maps stay readable, and pruning the versions of pages that belong to none of them.

A page of the map is written anew by every epoch that changes something below it; a map as of an epoch reads of each
page the newest version that is not newer. Readable stay the maps of (1) the newest epoch, (2) the newest checkpoint,
(3) the newest checkpoint that witnesses cosigned as the policy asks, (4) the newest landmarks, every 1,024th epoch.

Only pages that an epoch writes anew are looked at, so that pruning costs no more than writing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from chemtrace.core.policy import Policy
from chemtrace.ledger.ports import Head, ReadTransaction, WriteTransaction

LANDMARK: Final = 1024
"""Epochs whose number is a multiple of this are landmarks."""

LANDMARKS: Final = 16
"""Landmarks whose maps stay readable: at one epoch a second about four and a half hours."""

COSIGNATURES_LOOKED_AT: Final = 10_000
"""Newest cosignatures among which one checkpoint that satisfies the policy is looked for."""


def newest_witnessed(transaction: ReadTransaction, policy: Policy | None) -> int | None:
    """Size of the newest checkpoint whose stored cosignatures satisfy the policy; None without policy or such one."""
    if policy is None:
        return None
    names: set[str] = set()
    newest: int | None = None
    for size, name, key_hash in transaction.newest_cosignatures(COSIGNATURES_LOOKED_AT):
        if size != newest:
            newest, names = size, set()
        witness = policy.find(name, key_hash)
        if witness is not None:
            names.add(witness.name)
            if policy.satisfied(names):
                return size
    return None


def readable_versions(transaction: ReadTransaction, head: Head, policy: Policy | None) -> list[int]:
    """Indexes of the epoch records whose maps stay readable while `head` is the head row, rising."""
    sizes = (transaction.checkpoint_size(), newest_witnessed(transaction, policy))
    kept = {size - 1 for size in sizes if size is not None}
    kept.update(transaction.epoch_indexes(landmark_numbers(head.epoch_number)))
    kept.add(head.epoch_index)
    return sorted(index for index in kept if index >= 0)


def prune_maps(transaction: WriteTransaction, head: Head, policy: Policy | None, paths: Iterable[str]) -> int:
    """Remove versions of these pages that no readable map needs any more; returns how many.

    `head` is the head row before the epoch that has just written these pages.
    """
    return transaction.prune_map_pages(paths, readable_versions(transaction, head, policy))


def landmark_numbers(newest: int) -> list[int]:
    """Numbers of the landmark epochs that stay readable while `newest` is the newest epoch's number."""
    last = newest // LANDMARK
    return [number * LANDMARK for number in range(max(0, last - LANDMARKS + 1), last + 1)]
