"""The address of a database: read as the library does, and every file name comes back from it as it went in."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import make_url

from chemtrace.adapters.sql.addresses import engine_url, read_only_uri, sqlite_file
from chemtrace.config import Settings, sqlite_url

NAMES = st.binary(min_size=1, max_size=20).map(
    lambda name: name.replace(b"\0", b"%").replace(b"/", b"?").replace(b".", b"#")
)
"""Names that a file may have in a folder: any bytes, with those that are odd in a URL more often than by chance."""


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:////data/ledger.db",
        "sqlite:///ledger.db",
        "sqlite:////data/账本 1/ledger.db",
        "sqlite:////data/a%20b/ledger.db",
        "sqlite:////data/ledger.db?timeout=3",
        "sqlite:///C:/data/x@y:z.db",
        "sqlite:///:memory:",
        "sqlite:///",
        "sqlite://",
        "sqlite+pysqlite:////data/ledger.db",
        "postgresql+psycopg://user:secret@host:5432/ledger",
    ],
)
def test_an_address_says_what_the_library_reads_in_it(url: str) -> None:
    assert engine_url(url) == make_url(url)


@given(name=NAMES)
@example(name=b"a%20b?c=d#e f+g")
@example(name=b"%2525")
@example(name="账本".encode())
@example(name=b"no text \xff")
def test_a_file_of_any_name_is_found_again_behind_its_url(name: bytes) -> None:
    path = Path("/data") / os.fsdecode(name)
    assert sqlite_file(sqlite_url(path)) == path
    assert engine_url(sqlite_url(path)).database == str(path)
    assert sqlite_file(sqlite_url(path) + "?timeout=3") == path


@given(name=NAMES)
@example(name=b"a%20b?mode=memory#e f+g")
@example(name=b"no text \xff")
def test_sqlite_itself_opens_the_file_of_that_name_and_no_other(name: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / os.fsdecode(name)
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE here (x)")
        for one in (path, Path(f"/{path}")):
            with closing(sqlite3.connect(read_only_uri(one), uri=True)) as connection:
                connection.execute("SELECT x FROM here")
        assert [path] == list(Path(folder).iterdir())


def test_a_name_after_a_tilde_that_nobody_has_is_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert tmp_path / "~no such user" == Settings(data_dir=Path("~no such user")).data_dir
