"""One small real ledger, played once, and a fresh copy of its file for every test."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.databases import SQLiteDatabases
from tests.integration.audit.town import Town


class Played(NamedTuple):
    """A ledger that was closed, and the codes that lived in it."""

    path: Path
    codes: list[str]


@pytest.fixture(scope="session")
def played(sqlite_databases: SQLiteDatabases) -> Played:
    """The ledger that tests copy; nobody writes to this one."""
    url = sqlite_databases.create()
    town = Town(url)
    codes = town.live()
    town.close()
    return Played(Path(url.removeprefix("sqlite:///")), codes)


@pytest.fixture
def copy(played: Played, tmp_path: Path) -> Played:
    """A copy of the played ledger to tamper with."""
    target = tmp_path / "ledger.db"
    shutil.copyfile(played.path, target)
    return Played(target, played.codes)
