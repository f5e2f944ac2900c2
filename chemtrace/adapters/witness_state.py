"""A witness's folder: its name and keys, and a small SQLite file with the last checkpoint of each log.

Compare and swap is one immediate transaction with `synchronous = FULL`: on disk before the answer, and the same for
every process that has the file open. Guards in the file refuse a smaller size and any change of evidence.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from chemtrace.adapters.keys.files import load_private_key, load_secret, store_private_key, store_secret
from chemtrace.adapters.sql.engine import named_errors
from chemtrace.adapters.sql.sqlite_files import BUSY_TIMEOUT_MS
from chemtrace.core.add_checkpoint import Held
from chemtrace.core.checkpoint import Checkpoint
from chemtrace.core.cosignature import CosigningKey, cosigner
from chemtrace.core.errors import (
    KeyFileMissingError,
    LedgerExistsError,
    LibraryMissingError,
    NoteFormatError,
    SettingError,
)
from chemtrace.core.keys import generate_key
from chemtrace.core.ml_dsa import encode_ml_dsa_pem, generate_ml_dsa_key, parse_ml_dsa_pem
from chemtrace.core.types import RootHash
from chemtrace.ledger.witness import Evidence, Kept

STATE_FILE: Final = "witness.db"
NAME_FILE: Final = "witness.json"
ED25519_FILE: Final = "witness-ed25519.pem"
ML_DSA_FILE: Final = "witness-ml-dsa-44.pem"
TYP: Final = "chemtrace/witness/1"
MAX_EVIDENCE: Final = 100
"""Contradictions of one code kept of each log: one is proof, a hundred a flood; no code takes the room of another."""

_SCHEMA: Final = """
PRAGMA journal_mode = WAL;
CREATE TABLE IF NOT EXISTS kept (
    origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL, note BLOB NOT NULL, time_s INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS evidence (
    id INTEGER PRIMARY KEY, found_us INTEGER NOT NULL, origin TEXT NOT NULL, code TEXT NOT NULL,
    first_note BLOB NOT NULL, second_note BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS acknowledged (id INTEGER PRIMARY KEY, at_us INTEGER NOT NULL);
CREATE TRIGGER IF NOT EXISTS guard_kept_shrink BEFORE UPDATE ON kept
    WHEN NEW.size < OLD.size OR (NEW.size = OLD.size AND NEW.root <> OLD.root)
    BEGIN SELECT RAISE(ABORT, 'a witness never goes back'); END;
CREATE TRIGGER IF NOT EXISTS guard_kept_delete BEFORE DELETE ON kept
    BEGIN SELECT RAISE(ABORT, 'a witness never forgets'); END;
CREATE TRIGGER IF NOT EXISTS guard_evidence_update BEFORE UPDATE ON evidence
    BEGIN SELECT RAISE(ABORT, 'append-only: evidence'); END;
CREATE TRIGGER IF NOT EXISTS guard_evidence_delete BEFORE DELETE ON evidence
    BEGIN SELECT RAISE(ABORT, 'append-only: evidence'); END;
"""

_STANDING: Final = (
    "SELECT found_us, origin, code, first_note, second_note FROM evidence"
    " WHERE id NOT IN (SELECT id FROM acknowledged) ORDER BY id"
)


class WitnessIdentity(msgspec.Struct, frozen=True):
    """A witness's name, its secrets, and the verifier key texts that others put into their policies."""

    name: str
    keys: tuple[CosigningKey, ...]
    vkeys: tuple[str, ...]


def create_identity(folder: Path, name: str) -> WitnessIdentity:
    """Make the keys of a new witness in an empty folder (mode 0600): Ed25519, and ML-DSA-44 where the library has it.

    Raises:
        NoteFormatError: a name that cannot stand in a checkpoint.
        LedgerExistsError: the folder holds something already; nothing was touched.
    """
    if "://" in name:
        raise NoteFormatError(
            "a name in cosignatures is a URL without scheme: leave out what stands before and with ://"
            " / 名称为不带协议的网址，请去掉 :// 及其之前部分",
            found=name,
            expected=name.split("://", 1)[1],
        )
    if folder.exists() and any(folder.iterdir()):
        raise LedgerExistsError(
            f"{folder} is not empty: a witness starts in an empty folder; nothing was touched",
            folder=str(folder),
        )
    first = generate_key("ed25519")
    cosigner(name, first)
    store_private_key(folder / ED25519_FILE, first)
    try:
        store_secret(folder / ML_DSA_FILE, encode_ml_dsa_pem(generate_ml_dsa_key()))
    except LibraryMissingError:
        # Without the library there is no post-quantum line; the classic one is what policies need today.
        (folder / ML_DSA_FILE).unlink(missing_ok=True)
    store_secret(folder / NAME_FILE, json.dumps({"name": name, "typ": TYP}).encode("utf-8"))
    return load_identity(folder)


def load_identity(folder: Path) -> WitnessIdentity:
    """Read a witness's name and keys.

    Raises:
        KeyFileMissingError, KeyFileModeError, KeyFileError: a file is missing, readable by others, or damaged.
        SettingError: the folder is no witness's.
    """
    if not (folder / NAME_FILE).exists():
        raise KeyFileMissingError(
            f"there are no keys in {folder}: run `chemtrace witness init` first, for a mirror `chemtrace mirror init`"
            " / 目录中没有密钥：请先运行 init",
            name=NAME_FILE,
        )
    try:
        found = json.loads(load_secret(folder / NAME_FILE))
        name = found["name"] if found["typ"] == TYP else None
    except (ValueError, KeyError, TypeError) as error:
        raise SettingError(
            "the folder is no witness's: run `chemtrace witness init`", setting="data"
        ) from error
    if not isinstance(name, str):
        raise SettingError("the folder is of another kind of witness", setting="data", expected=TYP)
    keys: list[CosigningKey] = [load_private_key(folder / ED25519_FILE)]
    if (folder / ML_DSA_FILE).exists():
        keys.append(parse_ml_dsa_pem(load_secret(folder / ML_DSA_FILE)))
    return WitnessIdentity(name, tuple(keys), tuple([cosigner(name, key).vkey for key in keys]))


class SQLiteWitnessState:
    """The port `ledger.witness.WitnessState` over one file; many threads and processes may share it."""

    def __init__(self, path: Path) -> None:
        """Open the file, or make it; raises `UnavailableError` where the disk does not let it."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = threading.Lock()
        with named_errors():
            self._connection = sqlite3.connect(
                path, timeout=BUSY_TIMEOUT_MS / 1000, isolation_level=None, check_same_thread=False
            )
            self._connection.executescript(_SCHEMA)
            self._connection.execute("PRAGMA synchronous = FULL")
        path.chmod(0o600)

    def kept(self, origin: str) -> Kept | None:
        """What is kept of a log, None before its first checkpoint."""
        with self._lock, named_errors():
            return self._kept(origin)

    def swap(self, origin: str, before: Kept | None, after: Kept) -> bool:
        """Put `after` in place of `before`, durable on return; False when something else stood there: unchanged."""
        with self._writing():
            if self._kept(origin) != before:
                return False
            checkpoint = after.held.checkpoint
            row = (checkpoint.size, checkpoint.root, after.held.note, after.time_s, origin)
            sql = (
                "INSERT INTO kept (size, root, note, time_s, origin) VALUES (?, ?, ?, ?, ?)"
                if before is None
                else "UPDATE kept SET size = ?, root = ?, note = ?, time_s = ? WHERE origin = ?"
            )
            self._connection.execute(sql, row)
            return True

    def keep_evidence(self, evidence: Evidence) -> None:
        """Keep a contradiction, durable on return; the same one once, a hundred of each log and code."""
        notes = (evidence.origin, evidence.first_note, evidence.second_note)
        with self._writing():
            known = (
                "SELECT count(*), total(first_note = ? AND second_note = ?) FROM evidence"
                " WHERE origin = ? AND code = ?"
            )
            values = (notes[1], notes[2], notes[0], evidence.code)
            count, same = self._connection.execute(known, values).fetchone()
            if count < MAX_EVIDENCE and not same:
                self._connection.execute(
                    "INSERT INTO evidence (found_us, origin, code, first_note, second_note) VALUES (?, ?, ?, ?, ?)",
                    (evidence.found_us, evidence.origin, evidence.code, *notes[1:]),
                )

    def evidence(self) -> tuple[Evidence, ...]:
        """All contradictions, oldest first."""
        sql = "SELECT found_us, origin, code, first_note, second_note FROM evidence ORDER BY id"
        with self._lock, named_errors():
            return tuple([Evidence(*row) for row in self._connection.execute(sql)])

    def standing(self) -> tuple[Evidence, ...]:
        """The contradictions that nobody has acknowledged, oldest first."""
        with self._lock, named_errors():
            return tuple([Evidence(*row) for row in self._connection.execute(_STANDING)])

    def acknowledge(self, now_us: int) -> tuple[Evidence, ...]:
        """Take note that a person has dealt with what stands, durable on return; all of it stays kept."""
        with self._writing():
            found = tuple([Evidence(*row) for row in self._connection.execute(_STANDING)])
            self._connection.execute(
                "INSERT OR IGNORE INTO acknowledged (id, at_us) SELECT id, ? FROM evidence", (now_us,)
            )
        return found

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def _kept(self, origin: str) -> Kept | None:
        sql = "SELECT size, root, note, time_s FROM kept WHERE origin = ?"
        row = self._connection.execute(sql, (origin,)).fetchone()
        if row is None:
            return None
        size, root, note, time_s = row
        return Kept(Held(Checkpoint(origin, size, RootHash(root)), note), time_s)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._lock, named_errors():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")
