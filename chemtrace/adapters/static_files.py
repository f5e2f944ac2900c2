"""A log as plain files in a folder (C2SP tlog-tiles): any web server can show it, and any verifier can read it.

Every file appears whole or not at all: written beside, synced, renamed, and the folder synced. The checkpoint comes
last, so whatever it covers is there. A file once written is never written again; partial ones go when the full one is
there. Entries name codes and parties: their files are readable by their owner alone.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from chemtrace.core.checkpoint import Checkpoint, parse_checkpoint
from chemtrace.core.errors import (
    BackupTargetError,
    CheckpointForkError,
    EntryFormatError,
    FormError,
    LogTruncatedError,
    ServerUnavailableError,
    StorageFullError,
    WireError,
)
from chemtrace.core.note import parse_note
from chemtrace.core.tiles import WIDTH, bundle_path, parse_bundle, root_from_tiles, tile_path
from chemtrace.core.types import HASH_SIZE
from chemtrace.ledger.static import (
    AuditedSource,
    parse_registry_line,
    read_entry_bundle,
    read_hash_tile,
    registry_line,
    static_paths,
)

CHECKPOINT_FILE: Final = "checkpoint"
MAX_FILE_BYTES: Final = 256 * (512 * 1024)
"""Largest file that is read: 256 payloads of the largest size."""
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
            if self._folder.exists() and any(
                name.name not in ("tile", "registry") for name in self._folder.iterdir()
            ):
                raise BackupTargetError(
                    f"{self._folder} holds something else: give an empty folder", path=str(self._folder)
                ) from None
            return None
        except (OSError, FormError) as error:
            raise BackupTargetError(
                f"{path} is no checkpoint: give another folder", path=str(path)
            ) from error

    def write(self, source: AuditedSource, note: bytes, progress: Progress | None = None) -> int:
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

    def _check_prefix(self, source: AuditedSource, new: Checkpoint) -> int:
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
        self, source: AuditedSource, note: bytes, before: int, size: int, progress: Progress | None
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
            if level is None:
                count += self._store(
                    self._folder / registry_path(number, width), _registry(source, number, width), mode
                )
            if width == WIDTH:
                self._drop_partial(level, number)
            if progress is not None and level is None:
                progress(number * WIDTH + width - before, size - before)
        # From here on the new tree is the one that the folder shows.
        return count + self._store(self._folder / CHECKPOINT_FILE, note, _PUBLIC)

    def _drop_partial(self, level: int | None, number: int) -> None:
        """The full file is there: every narrower one is its beginning."""
        paths = (
            [tile_path(level, number)] if level is not None else [bundle_path(number), registry_path(number)]
        )
        for path in paths:
            shutil.rmtree(self._folder / f"{path}.p", ignore_errors=True)

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


class FileLog:
    """The ports `mirror.ports.PublicLog` and `AuditedLog` over such a folder: an audit with no network."""

    def __init__(self, folder: Path) -> None:
        """Read from `folder`; nothing in it is believed."""
        self._folder = folder

    def checkpoint(self) -> bytes:
        """The signed note; raises `ServerUnavailableError` where there is none."""
        found = self._read(self._folder / CHECKPOINT_FILE)
        if found is None:
            raise ServerUnavailableError("this folder holds no log", path=str(self._folder))
        return found

    def hash_tile(self, level: int, number: int, width: int) -> bytes:
        """The first `width` hashes of a tile; raises `LogTruncatedError` where the folder does not have it."""
        path = tile_path(level, number)
        return self._widest(path, width, lambda data: len(data) // HASH_SIZE)[: width * HASH_SIZE]

    def entry_bundle(self, number: int, width: int) -> tuple[bytes, ...]:
        """The first `width` entries of a bundle; raises `LogTruncatedError`."""
        path = bundle_path(number)
        try:
            return parse_bundle(self._widest(path, width, lambda data: len(parse_bundle(data))))[:width]
        except EntryFormatError as error:
            raise LogTruncatedError(f"a file holds no entry bundle: {error.message}", tile=path) from error

    def registry_payloads(self, first: int, count: int) -> dict[int, bytes]:
        """Payloads of the authority's entries among `first` to `first + count - 1`, by index."""
        found: dict[int, bytes] = {}
        for number in range(first // WIDTH, (first + count - 1) // WIDTH + 1):
            width = min(WIDTH, first + count - number * WIDTH)
            data = self._widest(registry_path(number), width, lambda _: WIDTH)
            try:
                found.update(parse_registry_line(line) for line in data.splitlines())
            except WireError as error:
                raise LogTruncatedError("a file holds no registry", tile=registry_path(number)) from error
        return {index: payload for index, payload in found.items() if first <= index < first + count}

    def forget(self) -> None:
        """Nothing is kept."""

    def close(self) -> None:
        """Nothing is open."""

    def _widest(self, path: str, width: int, count: Callable[[bytes], int]) -> bytes:
        """The full file, or the partial one that is just wide enough."""
        names = [self._folder / path]
        with suppress(OSError):
            partial = [name for name in (self._folder / f"{path}.p").iterdir() if name.name.isdecimal()]
            names += sorted(
                [name for name in partial if int(name.name) >= width], key=lambda name: int(name.name)
            )
        for name in names:
            data = self._read(name)
            if data is not None and count(data) >= width:
                return data
        raise LogTruncatedError("the folder does not hold what its checkpoint covers", tile=path, width=width)

    def _read(self, path: Path) -> bytes | None:
        try:
            with path.open("rb") as stream:
                data = stream.read(MAX_FILE_BYTES + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ServerUnavailableError(
                f"{path} cannot be read: {error.strerror}", path=str(path)
            ) from error
        return data if len(data) <= MAX_FILE_BYTES else None


def registry_path(number: int, width: int = WIDTH) -> str:
    """Where the authority's payloads of an entry bundle stand in a folder."""
    return bundle_path(number, width).replace("tile/entries/", "registry/", 1)


def _registry(source: AuditedSource, number: int, width: int) -> bytes:
    first = number * WIDTH
    return b"".join([registry_line(*each) for each in source.registry_payloads(first, first + width)])


def _sync(folder: Path) -> None:
    """Make names in a folder durable: a file's own sync does not."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
