"""The address of a database is read the same with the short way for plain files as by the library."""

from __future__ import annotations

import pytest
from sqlalchemy import make_url

from chemtrace.adapters.sql.engine import _address


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
    assert _address(url) == make_url(url)
