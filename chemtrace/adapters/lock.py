"""One writer for each SQLite ledger: an advisory lock on a file that says who holds it and where it can be reached."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from typing import Any, Final

from chemtrace.core.errors import LedgerLockedError

LOCK_FILE: Final = "ledger.lock"


class WriterLock:
    """The right to write into one data folder; ends with the process, however that ends."""

    def __init__(self, data_dir: Path, *, url: str | None = None) -> None:
        """Take the lock and leave pid and address of this process in the file.

        Raises:
            LedgerLockedError: another process holds it; fields `pid` and `url` say which, where it serves.
        """
        self._path = data_dir / LOCK_FILE
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._file)
            holder = read_holder(data_dir)
            raise LedgerLockedError(
                f"another process (pid {holder.get('pid')}) writes the ledger in {data_dir}:"
                f" talk to it at {holder.get('url') or 'its address'}, or stop it first",
                **holder,
            ) from error
        self.announce(url)

    def announce(self, url: str | None) -> None:
        """Write down where this process can be reached."""
        text = json.dumps({"pid": os.getpid(), "url": url}).encode()
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, text, 0)

    def release(self) -> None:
        """Give the lock back; the file stays, as removing it would let two processes lock two files."""
        if self._file >= 0:
            os.ftruncate(self._file, 0)
            os.close(self._file)
            self._file = -1


def read_holder(data_dir: Path) -> dict[str, Any]:
    """`{pid, url}` of whoever holds, or last held, the lock; empty when nobody ever did."""
    try:
        found = json.loads((data_dir / LOCK_FILE).read_bytes())
    except (OSError, ValueError):
        return {}
    return {name: found.get(name) for name in ("pid", "url")} if isinstance(found, dict) else {}


def running_server(data_dir: Path) -> str | None:
    """The address of the process that holds the lock now, or None: nobody, or nobody that serves."""
    path = data_dir / LOCK_FILE
    if not path.exists():
        return None
    handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return read_holder(data_dir).get("url")
    finally:
        os.close(handle)
    return None
