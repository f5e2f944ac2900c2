"""One writer for each SQLite ledger: an advisory lock on a file that says who holds it and where it can be reached."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from typing import Any, Final

from chemtrace.core.errors import LedgerLockedError, StorageAccessError

LOCK_FILE: Final = "ledger.lock"


class WriterLock:
    """The right to write into one data folder; ends with the process, however that ends."""

    def __init__(self, data_dir: Path, *, url: str | None = None) -> None:
        """Take the lock and leave pid and address of this process in the file.

        Raises:
            LedgerLockedError: another process holds it; fields `pid` and `url` say which, where it serves.
            StorageAccessError: this user cannot write into the folder.
        """
        self._path = data_dir / LOCK_FILE
        try:
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StorageAccessError(
                f"the ledger in {data_dir} cannot be written by this user ({error.strerror}): run as its owner;"
                " nothing was changed / 当前用户无权写入账本数据目录",
                data_dir=str(data_dir),
            ) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._file)
            holder = read_holder(data_dir)
            raise LedgerLockedError(
                f"another process (pid {holder.get('pid')}) works in {data_dir}:"
                f" talk to it at {holder.get('url') or 'its address'}, or stop it first / 另一进程正在使用该目录",
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
    try:
        # Reading is enough to ask: a lock may be asked for through any descriptor.
        handle = os.open(data_dir / LOCK_FILE, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return read_holder(data_dir).get("url")
    finally:
        os.close(handle)
    return None
