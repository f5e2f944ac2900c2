"""A town in which much that is said contradicts the rest: random, the same for the same seed."""

from __future__ import annotations

import random
import secrets
from typing import Any

from chemtrace.core.canonical import encode_canonical
from chemtrace.core.events import moved_subjects, parse_payload
from chemtrace.core.serials import issue_codes
from chemtrace.core.statement import build_statement, encode_wire
from chemtrace.core.times import format_utc
from chemtrace.ledger.outcome import Admitted
from tests.integration.audit.town import DEALER, MAKER, MASTER, MINUTE_US, USER, Town

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


class Quarrel(Town):
    """What is said contradicts, comes late, is corrected, or is about codes that nobody gave out."""

    def quarrel(self, chance: random.Random, events: int) -> None:
        """Say so many things, publishing now and then; what is refused is left out."""
        codes, pallets = self.issue(5), self.issue(2, kind="A")
        codes += issue_codes(
            master=MASTER, kind="P", slot="005", issuer="7K2M", start=5, count=1
        )  # never given out
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
