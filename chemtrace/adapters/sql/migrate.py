"""Bring a database to the newest schema: forward only, one transaction a migration, guards counted afterwards."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, event

from chemtrace.adapters.data_files import migrations_dir
from chemtrace.adapters.sql.addresses import engine_url
from chemtrace.adapters.sql.engine import Database, named_errors
from chemtrace.adapters.sql.guards import verify_guards
from chemtrace.core.errors import SchemaVersionError

LOCK_NUMBER: Final = 0x63686D74
"""Key of the advisory lock that keeps two servers from migrating one PostgreSQL database at once."""


def upgrade(url: str) -> None:
    """Bring the database at `url` to the newest schema, creating a SQLite file where there is none.

    Raises:
        GuardMissingError: a migration left a table without its append-only guards.
        LedgerBusyError, StorageFullError: nothing was changed.
    """
    engine = create_engine(engine_url(url))
    if engine.dialect.name == "sqlite":
        _make_private(engine.url.database)
        _prepare_sqlite(engine)
    try:
        with named_errors(), engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK_NUMBER})")
            configuration = _configuration()
            configuration.attributes["connection"] = connection
            command.upgrade(configuration, "head")
            verify_guards(connection)
    finally:
        engine.dispose()


def current_revision(connection: Connection) -> str | None:
    """The newest migration that the database has seen, or None for an empty one."""
    return MigrationContext.configure(connection).get_current_revision()


def newest_revision() -> str | None:
    """The newest migration that this program knows."""
    return ScriptDirectory.from_config(_configuration()).get_current_head()


def verify_schema(database: Database) -> None:
    """Check that the database has exactly the schema of this program.

    Raises:
        SchemaVersionError: older or newer; fields `found`, `expected`.
    """
    with database.read() as connection:
        found, expected = current_revision(connection), newest_revision()
    if found != expected:
        raise SchemaVersionError(
            f"the database has schema {found}, this program needs {expected}: run `chemtrace db upgrade`,"
            " or start the version of the program that fits",
            found=found,
            expected=expected,
        )


def _configuration() -> Config:
    configuration = Config()
    # Alembic expands % in option values; a path may hold one.
    configuration.set_main_option("script_location", str(migrations_dir()).replace("%", "%%"))
    configuration.set_main_option("path_separator", "os")
    return configuration


def _make_private(database: str | None) -> None:
    """Make a new file that its owner alone may read: it holds openings. Its log takes over the mode."""
    if database and database != ":memory:" and not Path(database).exists():
        with suppress(OSError):  # where no file can be made, the driver says so in its own words
            Path(database).touch(mode=0o600)


def _prepare_sqlite(engine: object) -> None:
    @event.listens_for(engine, "connect")
    def _connect(connection: object, _record: object) -> None:
        connection.isolation_level = None  # type: ignore[attr-defined]  # the driver's class is not named by the API
        connection.execute("PRAGMA journal_mode = WAL")  # type: ignore[attr-defined]  # as above

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
