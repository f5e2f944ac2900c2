"""kill -9 of the server under load: what was acknowledged is there, the log verifies, nobody was shown a fork."""

import random

import pytest

from tests.faults.killed_server import Acknowledged, Server, check_survival, run_and_kill
from tests.seeded_ledger import seed_ledger

KILLS = 5

pytestmark = [pytest.mark.faults, pytest.mark.slow]


def test_a_server_killed_under_load_keeps_every_acknowledged_receipt(tmp_path):
    seeded = seed_ledger(tmp_path / "ledger", codes=100_000)
    known, chance = Acknowledged(), random.Random(20261122)
    with (tmp_path / "server.log").open("ab") as log:
        for _ in range(KILLS):
            run_and_kill(seeded, known, chance.uniform(0.05, 0.8), log, chance)
        check_survival(seeded, known)
        # The last life ends in order, and what was in doubt has got its receipt.
        run_and_kill(seeded, known, 0.0, log, chance)
        server = Server(seeded.folder, log)
        assert server.stop() == 0
    check_survival(seeded, known)
    assert len(known.receipts) > 50
    assert len(known.checkpoints) > 1
