"""A log as plain files in a folder (C2SP tlog-tiles): any web server can show it, and any verifier can read it.

Every file appears whole or not at all: written beside, synced, renamed, and the folder synced. The checkpoint comes
last, so whatever it covers is there. A file once written is never written again; partial ones go when the full one is
there. Entries name codes and parties: their files are readable by their owner alone.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

from chemtrace.core.checkpoint import Checkpoint, parse_checkpoint
from chemtrace.core.errors import BackupTargetError, CheckpointForkError, FormError, StorageFullError
from chemtrace.core.note import parse_note
from chemtrace.core.tiles import WIDTH, bundle_path, root_from_tiles, tile_path
from chemtrace.ledger.static import StaticSource, read_entry_bundle, read_hash_tile, static_paths

CHECKPOINT_FILE: Final = "checkpoint"
_PUBLIC: Final = 0o644
_PRIVATE: Final = 0o600

Progress = Callable[[int, int], None]
"""Called with (done, total), both in entries."""


class StaticFolder:
    """One folder of files of one log; one writer."""

    def __init__(self, folder: Path) -> None:
        """Write into `folder`, which may not exist yet."""
        self._folder = folder

    def checkpoint(self) -> Checkpoint | None:
        """The checkpoint that stands in the folder; raises `BackupTargetError` for a folder of something else."""
        path = self._folder / CHECKPOINT_FILE
        try:
            return parse_checkpoint(parse_note(path.read_bytes()).text)
        except FileNotFoundError:
            if self._folder.exists() and any(name.name != "tile" for name in self._folder.iterdir()):
                raise BackupTargetError(
                    f"{self._folder} holds something else: give an empty folder", path=str(self._folder)
                ) from None
            return None
        except (OSError, FormError) as error:
            raise BackupTargetError(
                f"{path} is no checkpoint: give another folder", path=str(path)
            ) from error

    def write(self, source: StaticSource, note: bytes, progress: Progress | None = None) -> int:
        """Write what the tree of `note` has more than the folder, then the note; returns the number of new files.

        Raises:
            BackupTargetError: the folder is another log's.
            CheckpointForkError: the tree in the folder is not a prefix of this one; nothing was written.
            StorageFullError: no room; the folder is as good as before, and writing can go on.
        """
        new = parse_checkpoint(parse_note(note).text)
        before = self._check_prefix(source, new)
        try:
            return self._write(source, note, before, new.size, progress)
        except OSError as error:
            raise StorageFullError(
                f"the files could not be written: {error}", path=str(self._folder)
            ) from error

    def _check_prefix(self, source: StaticSource, new: Checkpoint) -> int:
        old = self.checkpoint()
        if old is None:
            return 0
        if old.origin != new.origin:
            raise BackupTargetError(
                f"{self._folder} holds another log", expected=new.origin, found=old.origin
            )
        found = root_from_tiles(old.size, source.tile) if 0 < old.size <= new.size else None
        if found != old.root and old.size:
            raise CheckpointForkError(
                "the files in the folder are of a tree that this ledger does not contain",
                expected=old.root,
                found=found,
                size=old.size,
                new_size=new.size,
            )
        return old.size

    def _write(
        self, source: StaticSource, note: bytes, before: int, size: int, progress: Progress | None
    ) -> int:
        count = 0
        for level, number, width in static_paths(before, size):
            if level is None:
                path, mode = bundle_path(number, width), _PRIVATE
                data = read_entry_bundle(source, number, width)
            else:
                path, mode = tile_path(level, number, width), _PUBLIC
                data = read_hash_tile(source, level, number, width)
            count += self._store(self._folder / path, data, mode)
            if width == WIDTH:
                shutil.rmtree(self._folder / f"{path}.p", ignore_errors=True)
            if progress is not None and level is None:
                progress(number * WIDTH + width - before, size - before)
        # From here on the new tree is the one that the folder shows.
        return count + self._store(self._folder / CHECKPOINT_FILE, note, _PUBLIC)

    def _store(self, path: Path, data: bytes, mode: int) -> bool:
        """Write one file durably; True when it is new. What stands there whole already is left alone."""
        if path.exists() and path.read_bytes() == data:
            return False
        made = [folder for folder in path.parents if not folder.exists()]
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.partial")
        partial.unlink(missing_ok=True)
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        partial.rename(path)
        for folder in (path.parent, *[folder.parent for folder in made]):
            _sync(folder)
        return True


def _sync(folder: Path) -> None:
    """Make names in a folder durable: a file's own sync does not."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
