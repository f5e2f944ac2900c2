"""The composition root: settings in, a wired application out. The only place that knows all adapters."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from chemtrace.adapters import labels, maintenance
from chemtrace.adapters.clock import DemoClock, SystemClock
from chemtrace.adapters.data_files import contracts_dir
from chemtrace.adapters.keys.files import (
    MASTER_FILE,
    key_path,
    load_master_key,
    load_private_key,
    make_master_key,
    store_private_key,
    store_secret,
)
from chemtrace.adapters.keys.signers import KeyReceiptSigner
from chemtrace.adapters.keys.vault import VAULT_FILE, FileVault
from chemtrace.adapters.lock import LOCK_FILE, WriterLock, running_server
from chemtrace.adapters.logs import configure_logs
from chemtrace.adapters.publisher import Publisher
from chemtrace.adapters.sql.engine import Database
from chemtrace.adapters.sql.following import FlowFollower
from chemtrace.adapters.sql.guards import verify_guards
from chemtrace.adapters.sql.migrate import upgrade, verify_schema
from chemtrace.adapters.sql.reads import Reads
from chemtrace.adapters.sql.store import SQLStore
from chemtrace.adapters.sql.tokens import Tokens
from chemtrace.config import Settings
from chemtrace.core.catalogue import Catalogue, parse_catalogue
from chemtrace.core.codes import label_url, make_code
from chemtrace.core.credit_code import verify_credit_code
from chemtrace.core.errors import (
    KeyFileModeError,
    LedgerExistsError,
    LedgerMissingError,
    SettingError,
)
from chemtrace.core.keys import PrivateKey, generate_key
from chemtrace.core.note import make_verifier
from chemtrace.core.statement import encode_wire
from chemtrace.ledger.authority import Authority, require_admitted
from chemtrace.ledger.genesis import (
    LABEL_HOST,
    ORIGIN,
    Founding,
    founding_statements,
    prepare_log,
)
from chemtrace.ledger.ledger import Ledger, Parts
from chemtrace.ledger.ports import Clock
from chemtrace.ledger.reading import ReadOnlyLedger
from chemtrace.registry.seals import Seals
from chemtrace.registry.state import Registry

__all__ = [
    "Application",
    "DemoClock",
    "InitResult",
    "configure_logs",
    "init_ledger",
    "labels",
    "load_private_key",
    "maintenance",
    "open_application",
    "opened_tokens",
    "running_server",
    "store_private_key",
    "store_secret",
]

CATALOGUE_FILE: Final = "chemicals/beijing-35.json"
VAULT_FOLDER: Final = "vault"
"""Beside the keys, not among them: a restored backup must meet the vault as it was left."""
SERVICE_KEYS: Final = ("authority", "recovery", "log", "receipt")
NONCE_BYTES: Final = 16


class InitResult(msgspec.Struct, frozen=True, kw_only=True):
    """What `init_ledger` made. The token is shown here and never again; verifiers pin origin, log key and authority."""

    data_dir: str
    origin: str
    authority_kid: str
    log_vkey: str
    receipt_kid: str
    token: str
    recovery_key_file: str


def draw_nonce() -> str:
    """128 random bits as 32 hex digits."""
    return secrets.token_hex(NONCE_BYTES)


class Application:
    """Everything wired. Close it to finish what was handed in and to give the lock back."""

    def __init__(
        self,
        *,
        settings: Settings,
        clock: Clock,
        database: Database,
        store: SQLStore,
        ledger: Ledger | ReadOnlyLedger,
        catalogue: Catalogue,
        master: bytes | None,
        label_host: str,
        lock: WriterLock | None,
    ) -> None:
        """Take the parts; `open_application` makes them."""
        self.settings = settings
        self.clock = clock
        self.ledger = ledger
        self.catalogue = catalogue
        self.label_host = label_host
        self.reads = Reads(database, catalogue=catalogue)
        self.tokens = Tokens(database)
        self.seals = Seals(master, lambda: self.ledger.registry)
        self.labels = labels
        self._database = database
        self._store = store
        self._master = master
        self._lock = lock
        self._publisher: Publisher | None = None

    @property
    def registry(self) -> Registry:
        """The registry as of the newest entry."""
        return self.ledger.registry

    @property
    def log_vkey(self) -> str:
        """The verifier key of the log's checkpoints (C2SP signed note), to be pinned by verifiers."""
        return _log_vkey(self.registry, self.ledger.origin)

    @property
    def authority(self) -> Authority:
        """The authority's desk, where its key lies in the data folder.

        Raises:
            KeyFileModeError: the key is not here (kept offline), or readable by others.
        """
        if self._master is None:
            raise KeyFileModeError("there is no master key on this machine", name=MASTER_FILE)
        record = self.registry.authority
        if record is None:
            raise LedgerMissingError("this log has no authority yet")
        return Authority(
            key=_load_registered(self.settings.data_dir, "authority", self.registry),
            enterprise=record.party,
            ledger=self.ledger,
            store=self._store,
            clock=self.clock,
            master=self._master,
            nonce=draw_nonce,
        )

    def announce(self, url: str) -> None:
        """Write into the lock file where this process can be reached."""
        if self._lock is not None:
            self._lock.announce(url)

    def start_publishing(self) -> None:
        """Publish by timer from now on, as the settings say."""
        if self._publisher is None:
            self._publisher = Publisher(
                self.ledger.publish,
                interval_s=self.settings.publish_interval_s,
                heartbeat_s=self.settings.heartbeat_s,
            )
            self._publisher.start()

    def close(self) -> None:
        """End the threads, close the database, give the lock back."""
        if self._publisher is not None:
            self._publisher.stop()
        self.ledger.close()
        self._database.close()
        if self._lock is not None:
            self._lock.release()


def open_application(
    settings: Settings, *, clock: Clock | None = None, read_only: bool = False, url: str | None = None
) -> Application:
    """Open the ledger of `settings`.

    Read-only works beside a running server and needs no signing keys. Otherwise this process becomes the writer:
    on SQLite it takes the writer's lock and leaves `url` in it.

    Raises:
        LedgerMissingError, LedgerLockedError, SchemaVersionError, KeyFileModeError: it cannot be opened.
        EvidenceError: its records contradict themselves, see the runbooks; `read_only` still opens it.
    """
    _require_ledger(settings)
    is_file = settings.database_url.startswith("sqlite")
    lock = WriterLock(settings.data_dir, url=url) if is_file and not read_only else None
    database = Database(settings.database_url, read_only=read_only)
    try:
        return _wire(settings, clock or SystemClock(), database, lock, read_only=read_only)
    except BaseException:
        database.close()
        if lock is not None:
            lock.release()
        raise


@contextmanager
def opened_tokens(settings: Settings) -> Iterator[tuple[Tokens, Clock]]:
    """The tokens of a ledger, to be made and revoked beside a running server: they are no part of the log.

    Raises:
        LedgerMissingError, SchemaVersionError: there is no ledger, or one of another schema.
    """
    _require_ledger(settings)
    database = Database(settings.database_url)
    try:
        verify_schema(database)
        yield Tokens(database), SystemClock()
    finally:
        database.close()


@contextmanager
def opened_tokens(settings: Settings) -> Iterator[tuple[Tokens, Clock]]:
    """The bearer tokens of a ledger, to be made and revoked also while a server runs; no lock of the log is taken.

    Raises:
        LedgerMissingError, SchemaVersionError: there is no ledger, or one of another version.
    """
    _require_ledger(settings)
    database = Database(settings.database_url)
    try:
        verify_schema(database)
        yield Tokens(database), SystemClock()
    finally:
        database.close()


def _wire(
    settings: Settings, clock: Clock, database: Database, lock: WriterLock | None, *, read_only: bool
) -> Application:
    verify_schema(database)
    store = SQLStore(database)
    catalogue = _load_catalogue(settings)
    with store.read() as transaction:
        origin, host = transaction.fact(ORIGIN), transaction.fact(LABEL_HOST)
        registry = Registry.from_records(transaction.records())
        if not read_only:
            verify_guards(transaction.connection)
    if origin is None:
        raise LedgerMissingError("this database holds no ledger: run `chemtrace init`")
    master: bytes | None
    if read_only:
        master = _master_if_here(settings.data_dir)
        ledger: Ledger | ReadOnlyLedger = ReadOnlyLedger(store, origin, master)
    else:
        master = load_master_key(settings.data_dir)
        receipt = _load_registered(settings.data_dir, "receipt", registry)
        log = _load_registered(settings.data_dir, "log", registry)
        parts = _ledger_parts(
            settings,
            clock=clock,
            database=database,
            origin=origin,
            catalogue=catalogue,
            master=master,
            receipt=receipt,
            log=log,
        )
        ledger = Ledger(parts)
    return Application(
        settings=settings,
        clock=clock,
        database=database,
        store=store,
        ledger=ledger,
        catalogue=catalogue,
        master=master,
        label_host=settings.label_host or host or "",
        lock=lock,
    )


def _ledger_parts(
    settings: Settings,
    *,
    clock: Clock,
    database: Database,
    origin: str,
    catalogue: Catalogue,
    master: bytes,
    receipt: PrivateKey,
    log: PrivateKey,
) -> Parts:
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
        threads=settings.check_threads,
    )


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
        CreditCodeError, NoteFormatError, CodeFormatError: code, origin or host cannot stand.
    """
    verify_credit_code(credit_code)
    make_verifier(origin, bytes(32))
    label_url(label_host, make_code(kind="P", slot="001", issuer="0000", serial="0000000"), None)
    data_dir, clock = settings.data_dir, clock or SystemClock()
    _require_empty(data_dir)
    keys = {
        role: generate_key(algorithm if role in ("authority", "recovery") else "ed25519")
        for role in SERVICE_KEYS
    }
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
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
    parts = _ledger_parts(
        settings,
        clock=clock,
        database=database,
        origin=founding.origin,
        catalogue=_load_catalogue(settings),
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
            log_vkey=_log_vkey(ledger.registry, founding.origin),
            receipt_kid=founding.receipt.kid.hex(),
            token=token,
            recovery_key_file=str(key_path(settings.data_dir, "recovery")),
        )
    finally:
        ledger.close()


def _require_ledger(settings: Settings) -> None:
    url = settings.database_url
    path = Path(url.removeprefix("sqlite:///")) if url.startswith("sqlite") else settings.data_dir
    if not path.exists():
        raise LedgerMissingError(
            f"there is no ledger in {settings.data_dir}: run `chemtrace init --data {settings.data_dir}`",
            data_dir=str(settings.data_dir),
        )


def _require_empty(data_dir: Path) -> None:
    if data_dir.exists() and any(path.name != LOCK_FILE for path in data_dir.iterdir()):
        raise LedgerExistsError(
            f"{data_dir} is not empty: a ledger starts in an empty folder; nothing was touched",
            data_dir=str(data_dir),
        )


def _load_catalogue(settings: Settings) -> Catalogue:
    path = settings.catalogue or contracts_dir() / CATALOGUE_FILE
    return parse_catalogue(path.read_bytes())


def _load_registered(data_dir: Path, role: str, registry: Registry) -> PrivateKey:
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


def _master_if_here(data_dir: Path) -> bytes | None:
    try:
        return load_master_key(data_dir)
    except KeyFileModeError:
        return None


def _log_vkey(registry: Registry, origin: str) -> str:
    record = registry.books.newest_key("log")
    if record is None:
        raise LedgerMissingError("this log has no log key yet")
    return make_verifier(origin, record.public_key.raw).vkey
