"""Append-only, enforced where the rows are: guards in the database, and their inventory.

Facts may be inserted and read, never changed, replaced or removed: no UPDATE, no DELETE, no REPLACE (SQLite
rewrites rows by INSERT OR REPLACE past both), no TRUNCATE (PostgreSQL passes row triggers). Openings may be
deleted, because erasing personal values is their purpose, but not changed. The guards are created by the
migrations, whose text is frozen; this module says which must be there, and a ledger is not opened without.
"""

from typing import Final

from sqlalchemy import Connection

from chemtrace.core.errors import GuardMissingError

APPEND_ONLY: Final = ("checkpoint", "entry", "epoch", "ledger", "payload", "refusal")
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
    "SELECT t.tgname, t.tgenabled FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
    " WHERE NOT t.tgisinternal AND pg_table_is_visible(c.oid)"
)


def missing_guards(connection: Connection) -> tuple[str, ...]:
    """The guards that should stand in the database and do not, or do not bite, sorted by name."""
    if connection.dialect.name == "sqlite":
        rows = connection.exec_driver_sql(_SQLITE_INVENTORY).all()
        present = {name for name, sql in rows if "RAISE(ABORT" in sql}
        return tuple(sorted(SQLITE_GUARDS - present))
    rows = connection.exec_driver_sql(_POSTGRESQL_INVENTORY).all()
    present = {name for name, enabled in rows if enabled in ("O", "A", b"O", b"A")}
    return tuple(sorted(POSTGRESQL_GUARDS - present))


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
