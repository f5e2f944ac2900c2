"""A small real ledger behind a real server, once on SQLite and once on PostgreSQL, and what a verifier pins of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.life import living
from tests.proofs.town import Town


@pytest.fixture(scope="session", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def town(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """Shared by the tests of this folder: each makes its own drums, and none ends a key that others use."""
    url = request.getfixturevalue(f"{request.param}_databases").create()
    folder: Path = tmp_path_factory.mktemp("proofs") / "ledger"
    with living(folder, url) as life:
        town = Town(life)
        town.found()
        yield town
