"""Secrets in files: private keys as PKCS#8 PEM and the master key, readable by their owner alone."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Final

from chemtrace.core.errors import KeyFileError, KeyFileMissingError, KeyFileModeError, LedgerExistsError
from chemtrace.core.key_files import encode_private_pem, parse_private_pem
from chemtrace.core.keys import PrivateKey

KEYS_FOLDER: Final = "keys"
MASTER_FILE: Final = "master.key"
MASTER_BYTES: Final = 32
_OTHERS: Final = 0o077
_PEM: Final = b"PRIVATE KEY-----"


def key_path(data_dir: Path, name: str) -> Path:
    """Where the key of a role is kept: `DATA/keys/NAME.pem`."""
    return data_dir / KEYS_FOLDER / f"{name}.pem"


def store_private_key(path: Path, key: PrivateKey, passphrase: str | None = None) -> None:
    """Write a private key to a new file of mode 0600, on disk when this returns.

    Raises:
        LedgerExistsError: the file is there already; nothing is overwritten.
    """
    store_secret(path, encode_private_pem(key, passphrase))


def load_private_key(path: Path, passphrase: str | None = None, sm2_id: str = "") -> PrivateKey:
    """Read a private key.

    Raises:
        KeyFileMissingError: it is not here.  KeyFileModeError: it cannot be read, or others can read it.
        KeyFileError: not a private key, or a wrong passphrase.
    """
    data, mode = _read(path)
    if _PEM not in data:
        # Said before the mode: any other file may be read by all, and no key has leaked.
        raise KeyFileError(f"{path.name} holds no private key in PEM / 此文件不是私钥", name=path.name)
    _require_private(path, mode)
    return parse_private_pem(data, passphrase, sm2_id)


def make_master_key(data_dir: Path) -> bytes:
    """Draw the master key of serials and seals and write it to a new file."""
    key = secrets.token_bytes(MASTER_BYTES)
    store_secret(data_dir / MASTER_FILE, key)
    return key


def load_master_key(data_dir: Path) -> bytes:
    """Read the master key; raises `KeyFileMissingError`, `KeyFileModeError`."""
    key = load_secret(data_dir / MASTER_FILE)
    if len(key) != MASTER_BYTES:
        raise KeyFileModeError(f"{MASTER_FILE} has {len(key)} bytes, not {MASTER_BYTES}", size=len(key))
    return key


def store_secret(path: Path, data: bytes) -> None:
    """Write bytes to a new file of mode 0600 in a folder of mode 0700; raises `LedgerExistsError`."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise LedgerExistsError(
            f"{path.name} is there already: nothing was overwritten", name=path.name
        ) from error
    try:
        os.write(handle, data)
        os.fsync(handle)
    finally:
        os.close(handle)


def load_secret(path: Path) -> bytes:
    """Read a file that only its owner may read; raises `KeyFileMissingError`, `KeyFileModeError`."""
    data, mode = _read(path)
    _require_private(path, mode)
    return data


def _read(path: Path) -> tuple[bytes, int]:
    try:
        mode = path.stat().st_mode
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise KeyFileMissingError(
            f"there is no key file {path}: name the file where it is; lost keys: docs/runbooks/key-lost.md"
            " / 找不到密钥文件；遗失处理见手册",
            name=path.name,
        ) from error
    except OSError as error:
        raise KeyFileModeError(f"{path.name} cannot be read: {error.strerror}", name=path.name) from error
    return data, mode


def _require_private(path: Path, mode: int) -> None:
    if mode & _OTHERS:
        raise KeyFileModeError(
            f"{path.name} can be read by others: run chmod 600 on it, and replace the key if anybody could have",
            name=path.name,
            mode=oct(mode & 0o777),
        )
