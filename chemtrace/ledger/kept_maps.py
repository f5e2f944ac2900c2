"""Which maps stay readable, and pruning the versions of pages that belong to none of them.

A page of the map is written anew by every epoch that changes something below it; a map as of an epoch reads of each
page the newest version that is not newer. Readable stay the maps of (1) the newest epoch, (2) the newest checkpoint,
(3) the newest checkpoint that witnesses cosigned as the policy asks, (4) the newest landmarks, every 1,024th epoch.

Only pages that an epoch writes anew are looked at, so that pruning costs no more than writing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from chemtrace.ledger.ports import FoldTransaction, Head, ReadTransaction
from chemtrace.ledger.witnessed import Witnessed

LANDMARK: Final = 1024
"""Epochs whose number is a multiple of this are landmarks."""

LANDMARKS: Final = 16
"""Landmarks whose maps stay readable: at one epoch a second about four and a half hours."""


def readable_versions(transaction: ReadTransaction, head: Head, witnessed: Witnessed) -> list[int]:
    """Indexes of the epoch records whose maps stay readable while `head` is the head row, rising."""
    sizes = (transaction.checkpoint_size(), witnessed.newest(transaction))
    kept = {size - 1 for size in sizes if size is not None}
    kept.update(transaction.epoch_indexes(landmark_numbers(head.epoch_number)))
    kept.add(head.epoch_index)
    return sorted(index for index in kept if index >= 0)


def prune_maps(transaction: FoldTransaction, head: Head, witnessed: Witnessed, paths: Iterable[str]) -> int:
    """Remove versions of these pages that no readable map needs any more; returns how many.

    `head` is the head row before the epoch that has just written these pages.
    """
    return transaction.prune_map_pages(paths, readable_versions(transaction, head, witnessed))


def landmark_numbers(newest: int) -> list[int]:
    """Numbers of the landmark epochs that stay readable while `newest` is the newest epoch's number."""
    last = newest // LANDMARK
    return [number * LANDMARK for number in range(max(0, last - LANDMARKS + 1), last + 1)]
