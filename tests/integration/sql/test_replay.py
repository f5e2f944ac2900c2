"""What detectors are shown of a log read back, as after a crash, is what they were shown while it was written."""

from __future__ import annotations

import random
import secrets
from typing import Any

import msgspec
import pytest

from chemtrace.adapters.sql.questions import Questions
from chemtrace.core.canonical import encode_canonical
from chemtrace.core.events import moved_subjects, parse_payload
from chemtrace.core.statement import build_statement, encode_wire
from chemtrace.core.times import format_utc
from chemtrace.ledger.followers import Observed
from chemtrace.ledger.ledger import Ledger
from chemtrace.ledger.outcome import Admitted
from chemtrace.ledger.replay import replay
from tests.integration.audit.town import AUTHORITY, DEALER, MAKER, MINUTE_US, USER, Town

PARTIES = (MAKER, DEALER, USER)
SITES = {MAKER: "S-MAKER", DEALER: "S-DEALER", USER: "S-USER"}
KINDS = (
    *["produce/make"] * 4, "store/opening", *["trade/sell"] * 4, *["trade/buy"] * 4, "store/in",
    *["transport/load"] * 3, *["transport/arrive"] * 3, *["use/consume"] * 3, "use/return", "dispose/done",
    *["pack/done"] * 3, *["unpack/done"] * 2, "inspect/done", "count/done", "report/loss", "report/found",
    "report/void", *["correct/done"] * 4,
)  # fmt: skip
NAMES_COUNTERPARTY = ("trade/sell", "trade/buy", "transport/load", "use/return")
WEIGHED = ("produce/make", "store/opening", "use/consume")


class Noted:
    """A follower that only keeps what it is shown."""

    def __init__(self) -> None:
        self.shown: dict[int, Observed] = {}

    def follow(self, epoch: Any, seen: Any, registry: Any) -> None:
        self.shown.update({one.event.index: one for one in seen or () if isinstance(one, Observed)})

    def record_fault(self, error: Any, found_us: int) -> None:
        raise AssertionError(error)


class Quarrel(Town):
    """A town in which much that is said contradicts the rest, comes late, or is corrected."""

    def quarrel(self, chance: random.Random, events: int) -> None:
        codes, pallets = self.issue(5), self.issue(2, kind="A")
        self.said: list[tuple[str, str, tuple[str, ...]]] = []
        for number in range(events):
            what, who = chance.choice(KINDS), chance.choice(PARTIES)
            payload = self._payload(chance, what, who, codes, pallets)
            if payload is None:
                continue
            if what == "correct/done" and chance.random() < 0.8:
                who = next(author for author, event, _ in self.said if event == payload["event"])
            self._say(chance, what, who, payload)
            if number % 12 == 0:
                self.publish()
        self.publish()

    def _payload(
        self, chance: random.Random, what: str, who: str, codes: list[str], pallets: list[str]
    ) -> dict[str, Any] | None:
        if what == "correct/done":
            return {"event": chance.choice(self.said)[1], "reason": "mistake"} if self.said else None
        line: dict[str, Any] = {"code": chance.choice(codes)}
        if what in WEIGHED or chance.random() < 0.2:
            unit = chance.choice(["KGM", "KGM", "KGM", "TNE", "LTR"])
            line["quantity"] = {"value": chance.choice(["25", "5", "30"]), "unit": unit}
        payload: dict[str, Any] = {"items": [line]}
        if what in NAMES_COUNTERPARTY:
            payload["counterparty"] = chance.choice(PARTIES)
        if what in ("pack/done", "unpack/done"):
            payload = {"items": [{"code": line["code"]}], "container": chance.choice(pallets)}
        if what == "inspect/done":
            payload["result"] = "note"
        if chance.random() < 0.5:
            payload["site"] = SITES[who]
        return payload

    def _say(self, chance: random.Random, what: str, who: str, payload: dict[str, Any]) -> None:
        kind, phase = what.split("/")
        self.clock.us += chance.choice([1, 1, 60, 1440]) * MINUTE_US
        late = chance.random() < 0.3
        at_us = self.clock.us - (chance.choice([5, 600, 6000]) * MINUTE_US if late else 0)
        payload = {"at": format_utc(at_us), "nonce": secrets.token_hex(16), **payload}
        if kind == "correct":
            codes = next(codes for _, event, codes in self.said if event == payload["event"])
        else:
            codes = moved_subjects(parse_payload(kind, phase, encode_canonical(payload)))
        statement = build_statement(
            kind=kind,
            phase=phase,
            enterprise=who,
            signers=[self.keys[who]],
            iat=format_utc(self.clock.us),
            subjects=[(code, None if late else self.heads.get(code)) for code in codes],
            payload=payload,
            stance="exception" if chance.random() < 0.15 else "normal",
        )
        if isinstance(self.ledger.submit(encode_wire(statement)), Admitted):
            self.heads.update(dict.fromkeys(codes, statement.event_id.hex()))
            self.said.append((who, statement.event_id.hex(), tuple(codes)))


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
