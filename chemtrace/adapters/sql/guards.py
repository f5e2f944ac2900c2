"""Append-only, enforced where the rows are: guards in the database, and their inventory.

Facts may be inserted and read, never changed, replaced or removed: no UPDATE, no DELETE, no REPLACE (SQLite
rewrites rows by INSERT OR REPLACE past both), no TRUNCATE (PostgreSQL passes row triggers). Openings may be
deleted, because erasing personal values is their purpose, but not changed. The guards are created by the
migrations, whose text is frozen; this module says which must be there, and a ledger is not opened without.
"""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection

from chemtrace.core.errors import GuardMissingError

APPEND_ONLY: Final = (
    "checkpoint",
    "cosignature",
    "entry",
    "epoch",
    "fork_evidence",
    "ledger",
    "payload",
    "refusal",
)
"""Tables whose rows never change."""

UNCHANGEABLE: Final = ("opening",)
"""Tables whose rows may be deleted but not changed."""

SQLITE_GUARDS: Final = frozenset(
    [f"guard_{table}_{what}" for table in APPEND_ONLY for what in ("update", "delete", "replace")]
    + [f"guard_{table}_{what}" for table in UNCHANGEABLE for what in ("update", "replace")]
)
POSTGRESQL_GUARDS: Final = frozenset(f"guard_{table}" for table in (*APPEND_ONLY, *UNCHANGEABLE))

_SQLITE_INVENTORY: Final = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
_POSTGRESQL_INVENTORY: Final = (
    "SELECT t.tgname, c.relname, t.tgenabled, t.tgtype, t.tgqual IS NULL, p.proname, p.prosrc"
    " FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid"
    " WHERE NOT t.tgisinternal AND pg_table_is_visible(c.oid)"
)

_SAME: Final = {
    "checkpoint": "size = NEW.size",
    "cosignature": "size = NEW.size AND name = NEW.name AND key_hash = NEW.key_hash",
    "entry": "idx = NEW.idx) OR EXISTS (SELECT 1 FROM entry WHERE event_id = NEW.event_id",
    "epoch": "number = NEW.number) OR EXISTS (SELECT 1 FROM epoch WHERE idx = NEW.idx",
    "fork_evidence": "id = NEW.id",
    "ledger": "name = NEW.name",
    "opening": "idx = NEW.idx AND n = NEW.n",
    "payload": "idx = NEW.idx",
    "refusal": "id = NEW.id",
}
"""What a second row of the same identity would collide with, as the migrations say it."""
_STATEMENT_TYPE: Final = {
    **dict.fromkeys(APPEND_ONLY, 2 | 8 | 16 | 32),
    **dict.fromkeys(UNCHANGEABLE, 2 | 16 | 32),
}
"""pg_trigger.tgtype: before (2), delete (8), update (16), truncate (32), for each statement."""
_REFUSING: Final = "BEGIN RAISE EXCEPTION 'append-only: %', TG_TABLE_NAME USING ERRCODE = '23001'; END"


def missing_guards(connection: Connection) -> tuple[str, ...]:
    """The guards that should stand in the database and do not, or do not bite, sorted by name."""
    if connection.dialect.name == "sqlite":
        present = {row[0]: row[1] for row in connection.exec_driver_sql(_SQLITE_INVENTORY)}
        return tuple(sorted(name for name in SQLITE_GUARDS if present.get(name) != _sqlite_text(name)))
    rows = connection.exec_driver_sql(_POSTGRESQL_INVENTORY).all()
    return tuple(sorted(POSTGRESQL_GUARDS - {row[0] for row in rows if _bites(row)}))


def _sqlite_text(name: str) -> str:
    """The statement that made a guard: one of the same name that says anything else does not bite."""
    table, what = name.removeprefix("guard_").rsplit("_", 1)
    before, when = {
        "update": ("UPDATE", ""),
        "delete": ("DELETE", ""),
        "replace": ("INSERT", f" WHEN EXISTS (SELECT 1 FROM {table} WHERE {_SAME[table]})"),  # noqa: S608  # constants
    }[what]
    refuse = f"BEGIN SELECT RAISE(ABORT, 'append-only: {table}'); END"
    return f"CREATE TRIGGER {name} BEFORE {before} ON {table}{when} {refuse}"


def _bites(row: Sequence[Any]) -> bool:
    """Whether a trigger of PostgreSQL stands on its own table, always fires, and refuses."""
    name, table, enabled, kind, unconditional, function, source = row
    return bool(
        name == f"guard_{table}"
        and enabled in ("O", "A", b"O", b"A")
        and kind == _STATEMENT_TYPE.get(table)
        and unconditional
        and function == "refuse_change"
        and source.strip() == _REFUSING
    )


def verify_guards(connection: Connection) -> None:
    """Check that every guard stands.

    Raises:
        GuardMissingError: fields `missing` names them; the runbook "chain break" says what to do.
    """
    missing = missing_guards(connection)
    if missing:
        raise GuardMissingError(
            f"{len(missing)} append-only guard(s) of the database are gone: run a full audit before writing again",
            missing=missing,
        )
