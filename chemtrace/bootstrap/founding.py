"""Founding a ledger: keys, master key, database, first entries, first checkpoint, one token."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from chemtrace.adapters.clock import SystemClock
from chemtrace.adapters.keys.files import key_path, make_master_key, store_private_key
from chemtrace.adapters.lock import LOCK_FILE, WriterLock
from chemtrace.adapters.sql.engine import Database
from chemtrace.adapters.sql.migrate import upgrade
from chemtrace.adapters.sql.store import SQLStore
from chemtrace.adapters.sql.tokens import Tokens
from chemtrace.bootstrap.parts import draw_nonce, ledger_parts, load_catalogue, log_vkey_of
from chemtrace.config import Settings
from chemtrace.core.codes import is_label_host
from chemtrace.core.credit_code import verify_credit_code
from chemtrace.core.errors import CodeFormatError, LedgerExistsError, StorageAccessError
from chemtrace.core.keys import generate_key
from chemtrace.core.note import make_verifier
from chemtrace.core.statement import encode_wire
from chemtrace.ledger.authority import require_admitted
from chemtrace.ledger.genesis import Founding, founding_statements, prepare_log
from chemtrace.ledger.ledger import Ledger
from chemtrace.ledger.ports import Clock

SERVICE_KEYS: Final = ("authority", "recovery", "log", "receipt")


class InitResult(msgspec.Struct, frozen=True, kw_only=True):
    """What `init_ledger` made. The token is shown here and never again; verifiers pin origin, log key and authority."""

    data_dir: str
    origin: str
    authority_kid: str
    log_vkey: str
    receipt_kid: str
    token: str
    recovery_key_file: str


def init_ledger(
    settings: Settings,
    *,
    authority_name_zh: str,
    authority_name_en: str,
    credit_code: str,
    origin: str,
    label_host: str,
    clock: Clock | None = None,
    algorithm: str = "ed25519",
) -> InitResult:
    """Found a ledger in an empty data folder: keys, master key, database, first entries, first checkpoint, one token.

    Args:
        credit_code: the authority's, 18 signs, check sign right.
        origin: the log's name in checkpoints: a URL without scheme, as C2SP asks.
        label_host: public host that labels point to.
        algorithm: of the authority's two keys; log and receipt keys are Ed25519.

    Raises:
        LedgerExistsError: the folder or the database is not empty; nothing was touched.
        StorageAccessError: the folder cannot be made or looked into.
        CreditCodeError, NoteFormatError, CodeFormatError: code, origin or host cannot stand.
    """
    verify_credit_code(credit_code)
    make_verifier(origin, bytes(32))
    if not is_label_host(label_host):
        raise CodeFormatError(
            "a label's host is letters, digits, dots and hyphens, with an optional port, without https://",
            got=label_host[:80],
            expected="HOST or HOST:PORT",
        )
    data_dir, clock = settings.data_dir, clock or SystemClock()
    _require_empty(data_dir)
    keys = {
        role: generate_key(algorithm if role in ("authority", "recovery") else "ed25519")
        for role in SERVICE_KEYS
    }
    _make_folder(data_dir)
    upgrade(settings.database_url)
    database = Database(settings.database_url)
    lock = WriterLock(data_dir)
    try:
        founding = Founding(
            origin=origin,
            label_host=label_host,
            credit_code=credit_code,
            name_zh=authority_name_zh,
            name_en=authority_name_en,
            **keys,
        )
        prepare_log(SQLStore(database), founding)
        for role, key in keys.items():
            store_private_key(key_path(data_dir, role), key)
        master = make_master_key(data_dir)
        return _found(settings, founding, clock=clock, database=database, master=master)
    finally:
        database.close()
        lock.release()


def _found(
    settings: Settings, founding: Founding, *, clock: Clock, database: Database, master: bytes
) -> InitResult:
    parts = ledger_parts(
        settings,
        clock=clock,
        database=database,
        origin=founding.origin,
        catalogue=load_catalogue(settings),
        master=master,
        receipt=founding.receipt,
        log=founding.log,
    )
    ledger = Ledger(parts)
    try:
        for statement in founding_statements(founding, now_us=clock.now_us(), nonce=draw_nonce):
            require_admitted(ledger.submit(encode_wire(statement)))
        ledger.publish(force=True)
        token, _ = Tokens(database).create("init", now_us=clock.now_us())
        return InitResult(
            data_dir=str(settings.data_dir),
            origin=founding.origin,
            authority_kid=founding.authority.kid.hex(),
            log_vkey=log_vkey_of(ledger.registry, founding.origin),
            receipt_kid=founding.receipt.kid.hex(),
            token=token,
            recovery_key_file=str(key_path(settings.data_dir, "recovery")),
        )
    finally:
        ledger.close()


def _make_folder(data_dir: Path) -> None:
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StorageAccessError(
            f"{data_dir} cannot be made: {error.strerror}; name another data folder / 无法创建数据目录",
            data_dir=str(data_dir),
        ) from error


def _require_empty(data_dir: Path) -> None:
    try:
        filled = data_dir.exists() and any(path.name != LOCK_FILE for path in data_dir.iterdir())
    except OSError as error:
        raise StorageAccessError(
            f"{data_dir} is no folder that this user can look into: {error.strerror} / 不是可访问的目录",
            data_dir=str(data_dir),
        ) from error
    if filled:
        raise LedgerExistsError(
            f"{data_dir} is not empty: a ledger starts in an empty folder; nothing was touched",
            data_dir=str(data_dir),
        )
