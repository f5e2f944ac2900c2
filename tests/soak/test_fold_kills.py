"""The soak of the fold: a thousand kills at random moments through admission, integration, publishing and the vault."""

from __future__ import annotations

import os
import random
import statistics
import time
from pathlib import Path

from tests.faults.fold_kills import Told, check_rebuild, check_survival, found, kill_often

KILLS = int(os.environ.get("CHEMTRACE_SOAK_KILLS", "1000"))
CHECK_EVERY = 100
RECOVERY_MS = 2_000


def test_a_thousand_kills_lose_nothing_and_fork_nothing(tmp_path: Path) -> None:
    """CHEMTRACE_SOAK_KILLS says how often."""
    settings, told = found(tmp_path / "data"), Told()
    chance = random.Random(time.time_ns())
    done = 0
    while done < KILLS:
        kills = min(CHECK_EVERY, KILLS - done)
        kill_often(settings, told, kills, chance)
        done += kills
        check_survival(settings, told)
        ready = sorted(told.ready_ms)
        print(  # noqa: T201  # the soak tells how far it is
            f"{done} kills {dict(told.deaths)}: {len(told.receipts)} receipts and {len(told.checkpoints)} checkpoints"
            f" held; ready after {statistics.median(ready):.0f} ms, at most {ready[-1]:.0f} ms"
        )
    check_rebuild(settings)
    assert max(told.ready_ms) <= RECOVERY_MS
