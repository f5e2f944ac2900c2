"""A founded town for the tests of the command line, copied fresh for each test that writes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.town import Town, found


@pytest.fixture(scope="session")
def first_town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    """The town as founded; not to be written."""
    return found(tmp_path_factory.mktemp("town"))


@pytest.fixture
def town(first_town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Town:
    """A copy of the town; its folder is the current one and its ledger the one meant without --data."""
    folder = tmp_path / "town"
    shutil.copytree(first_town.folder, folder)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("CHEMTRACE_DATA_DIR", str(folder / "ledger"))
    return Town(folder, first_town.token)
