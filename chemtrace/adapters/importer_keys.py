"""An importer's key and the secret behind its nonces, in the data folder."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from chemtrace.adapters.keys.files import key_path, load_master_key, load_private_key, store_private_key
from chemtrace.core.keys import PrivateKey, generate_key

SECRET_BYTES: Final = 32


def load_importer_key(data_dir: Path, namespace: str) -> PrivateKey:
    """The key that signs what is imported into a namespace; made and stored (mode 0600) where there is none yet.

    Raises:
        KeyFileModeError, KeyFileError: readable by others, or damaged.
    """
    path = key_path(data_dir, f"importer-{namespace}")
    if not path.exists():
        store_private_key(path, generate_key("ed25519"))
    return load_private_key(path)


def derive_import_secret(data_dir: Path) -> bytes:
    """The secret behind the nonces of imported rows: from the master key, so that it outlives importers' keys.

    HKDF-SHA-256 (RFC 5869), info `chemtrace/import/1`. Raises `KeyFileModeError` without a master key.
    """
    hkdf = HKDF(algorithm=hashes.SHA256(), length=SECRET_BYTES, salt=None, info=b"chemtrace/import/1")
    return hkdf.derive(load_master_key(data_dir))
