"""A small real ledger for attackers: played once, and a fresh copy of its file for every attack."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from chemtrace.core.statement import Opening
from chemtrace.ledger.outcome import Admitted
from tests.databases import SQLiteDatabases
from tests.integration.audit.town import AUTHORITY, DEALER, Town
from tests.security.attacker import lines, say


class Played(NamedTuple):
    """A closed ledger; an older copy of its file; the index of an event whose openings were erased, and of one kept."""

    path: Path
    older: Path
    signed: tuple[int, bytes]
    erased: int
    kept: int
    opening: Opening


@pytest.fixture(scope="session")
def played(sqlite_databases: SQLiteDatabases, tmp_path_factory: pytest.TempPathFactory) -> Played:
    """The ledger that attacks copy; nobody writes to this one."""
    town = Town(sqlite_databases.create())
    codes = town.live()
    path = Path(town.url.removeprefix("sqlite:///"))
    opening = Opening(b"sixteen bytes ok", "某人")
    looked = []
    for code in codes[2:4]:
        seen = say(
            town, DEALER, "inspect", "done", [code], openings=(opening,),
            items=lines(code), site="S-DEALER", result="note", note=opening.digest,
        )  # fmt: skip
        assert isinstance(seen, Admitted)
        looked.append(seen.index)
    town.do(AUTHORITY, "erase", "openings", [codes[2]], event=town.heads[codes[2]], reason="asked for")
    town.publish()
    older = tmp_path_factory.mktemp("older") / "ledger.db"
    with closing(sqlite3.connect(path)) as connection, closing(sqlite3.connect(older)) as target:
        connection.backup(target)
    for code in codes[:4]:
        town.do_items(DEALER, "inspect", "done", [(code, None)], site="S-DEALER", result="pass")
    town.publish()
    signed = town.vault.last
    assert signed is not None
    town.close()
    return Played(path, older, signed, looked[0], looked[1], opening)


@pytest.fixture
def town(sqlite_url: str) -> Iterator[Town]:
    """A living ledger to talk to."""
    made = Town(sqlite_url)
    yield made
    made.close()


@pytest.fixture
def copy(played: Played, tmp_path: Path) -> Played:
    """A copy of the played ledger to tamper with."""
    target = tmp_path / "ledger.db"
    shutil.copyfile(played.path, target)
    return played._replace(path=target)
