"""What detectors are shown of a log read back, as after a crash, is what they were shown while it was written."""

from __future__ import annotations

import random
from typing import Any

import msgspec
import pytest

from chemtrace.adapters.sql.questions import Questions
from chemtrace.ledger.followers import Observed
from chemtrace.ledger.ledger import Ledger
from chemtrace.ledger.replay import replay
from tests.integration.audit.quarrel import Quarrel
from tests.integration.audit.town import AUTHORITY


class Noted:
    """A follower that only keeps what it is shown."""

    def __init__(self) -> None:
        self.shown: dict[int, Observed] = {}

    def follow(self, epoch: Any, seen: Any, registry: Any) -> None:
        self.shown.update({one.event.index: one for one in seen or () if isinstance(one, Observed)})

    def record_fault(self, error: Any, found_us: int) -> None:
        raise AssertionError(error)


@pytest.mark.parametrize("seed", range(6))
def test_a_log_read_back_shows_what_was_seen_live(sqlite_url: str, seed: int) -> None:
    town, noted = Quarrel(sqlite_url), Noted()
    parts = town.ledger._parts
    town.ledger.close()
    fields = {name: getattr(parts, name) for name in parts.__struct_fields__}
    town.ledger = Ledger(type(parts)(**{**fields, "followers": (noted,)}))
    town.quarrel(random.Random(seed), 160)
    town.ledger.wait_for_detectors()
    with town.database.read() as connection:
        again = replay(Questions(connection), town.ledger.registry, 0, town.ledger.size - 1, log_time_us=0)
        told = {one.event.index: comparable(one) for one in again if isinstance(one, Observed)}
    town.close()
    assert len(town.said) > 40
    assert AUTHORITY not in {author for author, _, _ in town.said}
    live = {index: comparable(one) for index, one in noted.shown.items()}
    assert {index: told[index] for index in live} == live


def comparable(seen: Observed) -> dict[str, Any]:
    """What both must say: not the time of the epoch, nor how often outsiders spoke, which no fold tells."""
    parts = msgspec.structs.asdict(seen) | {"log_time_us": 0, "waybills": None}
    for side in ("before", "after"):
        parts[side] = {
            code: msgspec.structs.replace(state, outside=()) for code, state in parts[side].items()
        }
    known = {(found.index, found.code, found.rule) for found in parts["findings"]}
    return parts | {"findings": known, "resolved": set(parts["resolved"])}
