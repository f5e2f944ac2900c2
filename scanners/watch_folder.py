"""Watching a folder that a camera, a phone or a network share writes pictures into.

A picture is read once it is stable: same size and time at two looks. What was read is remembered by the digest
of its bytes in a file beside, so a restart, a renamed or a copied picture reads nothing twice.
"""

import hashlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from chemtrace.core.errors import ImageInvalidError
from scanners.decode import ScanResult, scan_file
from scanners.pictures import SUFFIXES

DEFAULT_LOOK_S: Final = 1.0
"""Seconds between two looks, and so the time a picture must have stayed as it is."""

_DIGEST_SIGNS: Final = 64
_Stamp = tuple[int, int]


class FolderWatch:
    """The pictures of one folder (not of folders in it), each handed out once."""

    def __init__(self, folder: Path, memory: Path) -> None:
        """Watch `folder`, remembering in the file `memory` what is done.

        Raises:
            ImageInvalidError: there is no such folder.
        """
        if not folder.is_dir():
            raise ImageInvalidError("There is no such folder to watch.", file=str(folder))
        self.folder = folder
        self._memory = memory
        self._done = _load_digests(memory)
        self._stamps: dict[str, _Stamp] = {}
        self._settled: set[tuple[str, _Stamp]] = set()

    def look(self) -> Iterator[ScanResult]:
        """Read what is new and stable since the last look.

        A picture counts as done when the caller asks for the next one: killed before that, it is handed out again.
        """
        stamps = self._list()
        stable = [name for name, stamp in stamps.items() if self._stamps.get(name) == stamp]
        self._stamps = stamps
        for name in sorted(stable):
            mark = (name, stamps[name])
            if mark in self._settled:
                continue
            digest = _digest(self.folder / name)
            if digest is None:
                continue
            if digest not in self._done:
                yield scan_file(self.folder / name)
                self._remember(digest)
            self._settled.add(mark)
        self._settled = {mark for mark in self._settled if mark[0] in stamps}

    def _list(self) -> dict[str, _Stamp]:
        """Size and time of every picture here; links are left out, they may lead anywhere."""
        found: dict[str, _Stamp] = {}
        with os.scandir(self.folder) as entries:
            for entry in entries:
                if Path(entry.name).suffix.lower() in SUFFIXES and entry.is_file(follow_symlinks=False):
                    state = entry.stat(follow_symlinks=False)
                    found[entry.name] = (state.st_size, state.st_mtime_ns)
        return found

    def _remember(self, digest: str) -> None:
        with self._memory.open("ab") as file:
            file.write(digest.encode("ascii") + b"\n")
            file.flush()
            os.fsync(file.fileno())
        self._done.add(digest)


def watch(
    folder_watch: FolderWatch, *, look_s: float = DEFAULT_LOOK_S, sleep: Callable[[float], None] = time.sleep
) -> Iterator[ScanResult]:
    """Look again and again, `look_s` seconds apart, until the caller stops asking."""
    while True:
        yield from folder_watch.look()
        sleep(look_s)


def _digest(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    # Taken away or not readable yet: the next look finds out.
    except OSError:
        return None


def _load_digests(memory: Path) -> set[str]:
    """The digests remembered; a line torn by a crash is closed, so that the next one starts afresh."""
    if not memory.exists():
        memory.parent.mkdir(parents=True, exist_ok=True)
        return set()
    data = memory.read_bytes()
    if data and not data.endswith(b"\n"):
        with memory.open("ab") as file:
            file.write(b"\n")
    lines = data.decode("ascii", errors="replace").split("\n")
    return {line for line in lines if len(line) == _DIGEST_SIGNS}
