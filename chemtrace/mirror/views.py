"""What a log shows now against what it has shown before: the rules of everyone who follows one.

A view is a signed checkpoint. Of two views of one log the smaller tree is a prefix of the larger, or the log has
shown two histories; both signed notes together prove that to anybody.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from chemtrace.core.checkpoint import Checkpoint, verify_checkpoint
from chemtrace.core.errors import (
    LogTruncatedError,
    RollbackError,
    RootMismatchError,
    SplitViewError,
    TreeBrokenError,
)
from chemtrace.core.merkle import hash_node, verify_consistency
from chemtrace.core.note import NoteVerifier, encode_note
from chemtrace.core.tiles import ReadTile, consistency_from_tiles, root_from_tiles


class View(msgspec.Struct, frozen=True):
    """A checkpoint that the log has signed, and its note with the log's lines alone."""

    checkpoint: Checkpoint
    note: bytes


def parse_view(note: bytes, origin: str, verifiers: Iterable[NoteVerifier]) -> View:
    """Return the view of a note that one of the log's keys has signed.

    Raises:
        NoteFormatError, NoteSignatureError, CheckpointError: not a checkpoint of this log.
    """
    checkpoint, signed = verify_checkpoint(note, origin, verifiers)
    return View(checkpoint, encode_note(signed))


def compare_views(before: View, now: View, read_tile: ReadTile, *, read_kept: ReadTile | None = None) -> None:
    """Check that the view `now`, taken later, contains the view `before`.

    `read_tile` reads the log's own tiles; `read_kept` those of the tree of `before`, where they were kept: then a
    smaller tree that is no prefix of the earlier one is told apart from one that is.

    Raises:
        RollbackError: it is smaller, yet signed: the log shows less than it has shown.
        SplitViewError: of one size with another root, or the tiles prove that the earlier tree is no prefix; fields
            `first_note` and `second_note` hold the evidence.
        TreeBrokenError, LogTruncatedError: the tiles are not those of the tree that `now` signs: nothing is proved.
    """
    old, new = before.checkpoint, now.checkpoint
    if new.size == old.size and new.root != old.root:
        raise split_view(before, now)
    if new.size < old.size:
        if read_kept is not None and new.size:
            _check_prefix(now, before, read_kept)
        raise RollbackError(
            "the log shows a smaller tree than it has shown before",
            origin=new.origin,
            expected=old.size,
            found=new.size,
            first_note=before.note,
            second_note=now.note,
        )
    if old.size and new.size > old.size:
        _check_prefix(before, now, read_tile)


def _check_prefix(small: View, large: View, read_tile: ReadTile) -> None:
    """Check by the tiles of the larger tree that the smaller is its prefix; a proved contradiction is a split view."""
    old, new = small.checkpoint, large.checkpoint
    try:
        path = consistency_from_tiles(old.size, new.size, read_tile)
    except TreeBrokenError as error:
        raise LogTruncatedError(
            "the log does not give the tiles that its checkpoint covers", **error.fields
        ) from error
    try:
        verify_consistency(
            old_size=old.size, new_size=new.size, old_root=old.root, new_root=new.root, path=path
        )
    except RootMismatchError as error:
        if _leads_to(old.size, new, path, read_tile):
            raise split_view(small, large) from error
        raise TreeBrokenError(
            "the tiles of the log do not give the root that it has signed",
            origin=new.origin,
            size=new.size,
            expected=new.root,
            found=error.fields.get("computed"),
        ) from error


def _leads_to(old_size: int, new: Checkpoint, path: tuple[bytes, ...], read_tile: ReadTile) -> bool:
    """Whether a consistency path, whatever old root it gives, gives the root of the new tree.

    Then the nodes of the path are those of the new tree, and what they say of its first `old_size` leaves is proved.
    """
    shift = (old_size & -old_size).bit_length() - 1
    # Where the old tree is one perfect node, that node starts the proof and is not in the path.
    start = 0 if old_size == 1 << shift else 1
    node = path[0] if start else root_from_tiles(old_size, read_tile)
    index = old_size - 1
    inner = (index ^ (new.size - 1)).bit_length()
    for at, sibling in enumerate(path[start:], shift):
        left = at >= inner or index >> at & 1
        node = hash_node(sibling, node) if left else hash_node(node, sibling)
    return node == new.root


def split_view(first: View, second: View) -> SplitViewError:
    """Return the error over two views that contradict each other, with both signed notes in its fields."""
    return SplitViewError(
        "the log has signed two histories: these checkpoints cannot both be of one log",
        origin=first.checkpoint.origin,
        size=second.checkpoint.size,
        first=first.checkpoint.root,
        second=second.checkpoint.root,
        first_size=first.checkpoint.size,
        second_size=second.checkpoint.size,
        first_note=first.note,
        second_note=second.note,
    )
