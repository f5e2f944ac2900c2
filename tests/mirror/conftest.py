"""A served ledger and a mirror beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from chemtrace.adapters.witness_state import create_identity
from chemtrace.bootstrap import Application, open_application
from chemtrace.bootstrap.mirroring import Mirror, opened_mirror
from chemtrace.core.bundle.trust import Trust
from chemtrace.core.statement import Statement, encode_wire
from chemtrace.ledger.authority import require_admitted
from tests.seeded_ledger import MAKER, Seeded, seed_ledger, serving


@dataclass
class World:
    """A ledger behind real HTTP, what its verifiers pin, and a folder of a mirror."""

    seeded: Seeded
    application: Application
    url: str
    folder: Path
    vkeys: tuple[str, ...]

    @property
    def trust(self) -> Trust:
        return Trust(
            authority=self.seeded.founded.authority_kid,
            log=self.seeded.founded.log_vkey,
            max_age_s=None,
            mirrors=(),
            origin=self.application.ledger.origin,
            policy=None,
        )

    def submit(self, statement: Statement) -> None:
        require_admitted(self.application.ledger.submit(encode_wire(statement)))
        self.seeded.hands.follow(statement)

    def make(self, count: int = 1) -> list[str]:
        codes = self.seeded.take_codes(count)
        for code in codes:
            self.submit(self.seeded.hands.items(MAKER, "produce", "make", (code, "25"), site="S-MAKER"))
        return codes

    def store(self, code: str, phase: str = "in") -> Statement:
        return self.seeded.hands.items(MAKER, "store", phase, (code, None), site="S-MAKER")

    def publish(self) -> None:
        self.application.ledger.publish(force=True)

    def mirror(self, **changes):
        return opened_mirror(
            self.folder, url=self.url, trust=self.trust, token=self.seeded.founded.token, **changes
        )


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    seeded = seed_ledger(tmp_path / "ledger")
    application = open_application(seeded.settings)
    identity = create_identity(tmp_path / "mirror", "mirror.test/one")
    with serving(application) as url:
        yield World(seeded, application, url, tmp_path / "mirror", identity.vkeys)
    application.close()


@pytest.fixture
def mirror(world: World) -> Iterator[Mirror]:
    with world.mirror() as mirror:
        yield mirror
