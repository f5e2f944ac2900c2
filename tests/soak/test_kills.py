"""The soak: a server under load is killed fifty times, the log audited now and then, and everything at the end."""

import os
import random
import time

from tests.faults.killed_server import Acknowledged, check_survival, run_and_kill
from tests.seeded_ledger import seed_ledger

KILLS = int(os.environ.get("CHEMTRACE_SOAK_KILLS", "50"))
AUDIT_EVERY = 10


def test_fifty_kills_under_load_lose_nothing(tmp_path):
    """CHEMTRACE_SOAK_KILLS says how often; each life lasts up to two seconds."""
    seeded = seed_ledger(tmp_path / "ledger", codes=1_000_000)
    known, chance = Acknowledged(), random.Random(time.time_ns())
    with (tmp_path / "server.log").open("ab") as log:
        for number in range(1, KILLS + 1):
            run_and_kill(seeded, known, chance.uniform(0.05, 2.0), log, chance)
            if number % AUDIT_EVERY == 0 or number == KILLS:
                check_survival(seeded, known)
                print(  # noqa: T201  # the soak tells how far it is
                    f"{number} kills: {len(known.receipts)} receipts, {len(known.checkpoints)} checkpoints held"
                )
