"""Entries of a log, fetched in runs and proved to be what its signed checkpoint commits before anybody reads them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from chemtrace.core.entry import leaf_hash
from chemtrace.core.errors import LogTruncatedError, RootMismatchError, TreeBrokenError
from chemtrace.core.merkle import CompactRange, verify_consistency
from chemtrace.core.tiles import WIDTH, consistency_from_tiles
from chemtrace.mirror.ports import AuditedLog
from chemtrace.mirror.views import View

RUN: Final = 16 * WIDTH
"""Entries in a run: 16 bundles."""


def end_of_run(first: int, size: int) -> int:
    """Where the run that begins at `first` ends in a tree of `size`: at a multiple of `RUN`, or at its end."""
    return min(size, (first // RUN + 1) * RUN)


def fetch_entries(
    log: AuditedLog, first: int, end: int, nodes: Sequence[bytes], view: View
) -> tuple[list[bytes], list[bytes], bytes]:
    """Return entries `first` to `end - 1`, their leaf hashes, and the nodes of the tree of `end` entries, joined.

    `nodes` are those of the tree of the `first` entries before, as known already.

    Raises:
        LogTruncatedError: the log does not give them, or the tiles that prove them.
        TreeBrokenError: they are not those that the checkpoint of `view` commits; carries both roots.
    """
    bodies: list[bytes] = []
    for number in range(first // WIDTH, (end + WIDTH - 1) // WIDTH):
        width = min(WIDTH, end - number * WIDTH)
        bundle = log.entry_bundle(number, width)
        if len(bundle) != width:
            raise LogTruncatedError(
                "the log gives fewer entries than its checkpoint covers",
                bundle=number,
                expected=width,
                found=len(bundle),
            )
        bodies += bundle[max(0, first - number * WIDTH) :]
    leaves: list[bytes] = [leaf_hash(body) for body in bodies]
    grown = CompactRange(first, nodes)
    grown.extend(leaves)
    _authenticate(log, first, grown, view)
    return bodies, leaves, grown.encode()


def _authenticate(log: AuditedLog, first: int, grown: CompactRange, view: View) -> None:
    size, root = view.checkpoint.size, view.checkpoint.root
    path = () if grown.size == size else consistency_from_tiles(grown.size, size, log.hash_tile)
    try:
        verify_consistency(
            old_size=grown.size, new_size=size, old_root=grown.root(), new_root=root, path=path
        )
    except RootMismatchError as error:
        raise TreeBrokenError(
            "the entries that the log gives are not those that it has signed",
            first=first,
            last=grown.size - 1,
            size=size,
            expected=error.fields.get("expected"),
            found=error.fields.get("computed"),
        ) from error
