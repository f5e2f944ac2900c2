"""kill -9 inside admission, integration, publishing and the vault: nothing acknowledged is lost, nothing forks."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.faults.fold_kills import Told, check_rebuild, check_survival, found, kill_often

KILLS = 36

pytestmark = [pytest.mark.faults, pytest.mark.slow]


def test_a_writer_killed_in_every_phase_leaves_a_log_that_goes_on(tmp_path: Path, database_url: str) -> None:
    settings, told = found(tmp_path / "data", database_url), Told()
    kill_often(settings, told, KILLS, random.Random(20261122))
    check_survival(settings, told)
    check_rebuild(settings)
    assert set(told.deaths) == {"admit", "integrate", "publish", "vault", "from outside"}
    assert len(told.receipts) > KILLS
    assert len(told.checkpoints) > 3
