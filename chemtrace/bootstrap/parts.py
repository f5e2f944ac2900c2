"""The parts that opening and founding have in common: keys as registered, catalogue, what a ledger is wired from."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Final

from chemtrace.adapters.check_processes import CheckProcesses
from chemtrace.adapters.data_files import contracts_dir
from chemtrace.adapters.fold_process import FoldProcess
from chemtrace.adapters.keys.files import key_path, load_private_key
from chemtrace.adapters.keys.signers import KeyReceiptSigner
from chemtrace.adapters.keys.vault import VAULT_FILE, VAULT_FOLDER, FileVault
from chemtrace.adapters.sql.engine import Database
from chemtrace.adapters.sql.following import FlowFollower
from chemtrace.adapters.sql.store import SQLStore
from chemtrace.config import Settings, variable_of
from chemtrace.core.catalogue import Catalogue, parse_catalogue
from chemtrace.core.errors import LedgerMissingError, SettingError
from chemtrace.core.keys import PrivateKey
from chemtrace.core.note import make_verifier
from chemtrace.ledger.ledger import Parts
from chemtrace.ledger.ports import Clock
from chemtrace.ledger.witnessing import Serving
from chemtrace.registry.state import Registry

CATALOGUE_FILE: Final = "chemicals/beijing-35.json"
NONCE_BYTES: Final = 16


def draw_nonce() -> str:
    """128 random bits as 32 hex digits."""
    return secrets.token_hex(NONCE_BYTES)


def ledger_parts(
    settings: Settings,
    *,
    clock: Clock,
    database: Database,
    origin: str,
    catalogue: Catalogue,
    master: bytes,
    receipt: PrivateKey,
    log: PrivateKey,
    serving: Serving | None = None,
) -> Parts:
    """Return what a ledger is wired from: store, keys, vault, detectors, limits."""
    processes = settings.check_processes or os.cpu_count() or 1
    serving = serving or Serving()
    return Parts(
        store=SQLStore(database),
        clock=clock,
        origin=origin,
        catalogue=catalogue,
        master=master,
        receipt_signer=KeyReceiptSigner(receipt),
        vault=FileVault(log, settings.data_dir / VAULT_FOLDER / VAULT_FILE),
        followers=(FlowFollower(database),),
        group_size=settings.group_size,
        group_window_s=settings.group_window_ms / 1000,
        threads=processes,
        publish_delay_us=settings.max_publish_delay_s * 1_000_000,
        serving=serving,
        bulk_checker=(lambda registry: CheckProcesses(processes, registry)) if processes > 1 else None,
        fold=FoldProcess(database.url, serving.policy) if processes > 1 else None,
    )


def load_catalogue(settings: Settings) -> Catalogue:
    """Read the catalogue of chemicals that the settings name.

    Raises:
        SettingError: the file cannot be read. CatalogueError: it is no catalogue.
    """
    path = settings.catalogue or contracts_dir() / CATALOGUE_FILE
    try:
        text = path.read_bytes()
    except OSError as error:
        raise SettingError(
            f"{variable_of('catalogue')} names a file that cannot be read: {path}: {error.strerror}",
            setting="catalogue",
            found=str(path),
        ) from error
    return parse_catalogue(text)


def load_registered_key(data_dir: Path, role: str, registry: Registry) -> PrivateKey:
    """The private key of a role, which must be the one in force in the log."""
    record = registry.books.newest_key(role)
    sm2_id = record.public_key.sm2_id if record is not None else ""
    key = load_private_key(key_path(data_dir, role), sm2_id=sm2_id)
    if record is None or record.kid != key.kid.hex():
        raise SettingError(
            f"the {role} key in the data folder is not the one that the log has registered",
            setting="data_dir",
            found=key.kid,
            expected=record.kid if record is not None else None,
        )
    return key


def log_vkey_of(registry: Registry, origin: str) -> str:
    """Return the verifier key text of the log key in force; raises `LedgerMissingError` before there is one."""
    record = registry.books.newest_key("log")
    if record is None:
        raise LedgerMissingError("this log has no log key yet")
    return make_verifier(origin, record.public_key.raw).vkey
