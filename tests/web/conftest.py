"""A seeded ledger, served for real, once for all tests of the pages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.web.seed import Seeded, seed
from tests.web.serving import chromium, serving


@pytest.fixture(scope="session")
def seeded_ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seeded]:
    """The small city; the pages only read it."""
    seeded = seed(tmp_path_factory.mktemp("city"))
    yield seeded
    seeded.application.close()


@pytest.fixture(scope="session")
def server_url(seeded_ledger: Seeded) -> Iterator[str]:
    """The address of the served city."""
    with serving(seeded_ledger.application) as url:
        yield url


@pytest.fixture
def stranger(server_url: str) -> Iterator[httpx.Client]:
    """A client without a login."""
    with httpx.Client(base_url=server_url) as client:
        yield client


@pytest.fixture
def desk(server_url: str, seeded_ledger: Seeded) -> Iterator[httpx.Client]:
    """A client that has logged in through the form."""
    with httpx.Client(base_url=server_url) as client:
        answer = client.post("/desk/login", data={"token": seeded_ledger.token})
        assert answer.status_code == 303
        yield client


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """One Chromium for all tests; each takes a context of its own."""
    with chromium() as running:
        yield running
