"""The signer vault: holds the log key and the last tree signed, and never signs a tree that does not contain it.

A restored backup, a second server or a changed row then stops instead of forking the log. The vault's own file is kept
apart from the database and must never be restored together with it.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final

from chemtrace.core.algorithms import PublicKey
from chemtrace.core.checkpoint import Checkpoint, sign_checkpoint
from chemtrace.core.errors import (
    CheckpointForkError,
    LedgerLockedError,
    ProofShapeError,
    RootMismatchError,
    VaultMemoryError,
)
from chemtrace.core.keys import PrivateKey
from chemtrace.core.merkle import verify_consistency
from chemtrace.core.types import RootHash

VAULT_FILE: Final = "log.vault"
VAULT_FOLDER: Final = "vault"
"""Beside the keys, not among them: a restored backup must meet the vault as it was left."""


class FileVault:
    """A vault whose memory is one small file, replaced as a whole before every signature."""

    def __init__(self, key: PrivateKey, path: Path) -> None:
        """Sign with `key`; remember in `path`, which may not exist yet."""
        self._key = key
        self._path = path

    @property
    def public(self) -> PublicKey:
        """The key that verifies the checkpoints."""
        return self._key.public

    def last_signed(self) -> tuple[int, bytes] | None:
        """Size and root of the last tree signed, or None.

        Raises:
            CheckpointForkError: the file is damaged; what was signed last is not known.
        """
        return load_last_signed(self._path)

    def sign(self, *, origin: str, size: int, root: bytes, path: Sequence[bytes]) -> bytes:
        """Return the signed checkpoint.

        Raises:
            CheckpointForkError: a smaller tree than the last one, or `path` does not prove the last one a prefix.
            LedgerLockedError: another process is signing with this vault; nothing was signed.
        """
        with self._alone():
            last = self.last_signed()
            if last is not None:
                _check_growth(*last, size, root, path)
            # Remembered before it is signed: a crash in between costs a signature, never the memory of one.
            self._remember(size, root)
            return sign_checkpoint(Checkpoint(origin, size, RootHash(root)), self._key)

    def _alone(self) -> AbstractContextManager[None]:
        return _alone(self._path)

    def _remember(self, size: int, root: bytes) -> None:
        _store_memory(self._path, size, root)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Nobody else may sign between the look at the last tree and the note of this one: it would be forgotten."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        _lock(folder, path.parent)
        yield
    finally:
        os.close(folder)


def _store_memory(path: Path, size: int, root: bytes) -> None:
    beside = path.with_suffix(".new")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(handle, json.dumps({"size": size, "root": root.hex()}).encode())
        os.fsync(handle)
    finally:
        os.close(handle)
    beside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def store_lost_memory(path: Path, size: int, root: bytes) -> None:
    """Give the vault at `path`, which has no memory, one again; the caller answers for it being the last tree signed.

    Raises:
        VaultMemoryError: it has one.  CheckpointForkError: it is damaged.  Nothing was changed.
        LedgerLockedError: another process is signing with this vault.
    """
    with _alone(path):
        last = load_last_signed(path)
        if last is not None:
            raise VaultMemoryError(
                "the vault knows what it signed last, and accepts nothing else in its place; nothing was changed"
                " / 签名库的记忆完好，不接受更改",
                signed_size=last[0],
                signed_root=last[1],
            )
        _store_memory(path, size, root)


def _lock(handle: int, folder: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise LedgerLockedError(
            "another process is signing with this vault: only one may write the log; stop the other one",
            vault=str(folder),
        ) from error


def load_last_signed(path: Path) -> tuple[int, bytes] | None:
    """Size and root of the last tree signed, as the vault's file at `path` says; None without a file.

    Raises:
        CheckpointForkError: the file is damaged; what was signed last is not known.
    """
    try:
        found = json.loads(path.read_bytes())
        return int(found["size"]), bytes.fromhex(found["root"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointForkError("the vault's file is damaged: what was signed last is not known") from error


def _check_growth(old_size: int, old_root: bytes, size: int, root: bytes, path: Sequence[bytes]) -> None:
    if old_size == 0:
        return
    try:
        verify_consistency(old_size=old_size, new_size=size, old_root=old_root, new_root=root, path=path)
    except (ProofShapeError, RootMismatchError) as error:
        raise CheckpointForkError(
            "the vault was asked to sign a tree that does not contain the last one it signed",
            signed_size=old_size,
            signed_root=old_root,
            size=size,
            root=root,
        ) from error
