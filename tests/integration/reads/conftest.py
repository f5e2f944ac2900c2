"""A small real ledger for reading, on both databases."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chemtrace.adapters.sql.reads import Reads
from tests.integration.audit.town import CATALOGUE, Town


class ReadTown(Town):
    """A town, and the reading side of its ledger."""

    @property
    def reads(self) -> Reads:
        return Reads(self.database, catalogue=CATALOGUE)


@pytest.fixture
def town(database_url: str) -> Iterator[ReadTown]:
    """A fresh town."""
    town = ReadTown(database_url)
    yield town
    town.close()
