"""A week of drums told to a real server, every word of it by HTTP: what the tests of the routes then ask about."""

from __future__ import annotations

import contextlib
import itertools
import json
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from chemtrace.bootstrap import Application, open_application
from chemtrace.core.credit_code import make_credit_code
from chemtrace.core.keys import generate_key, make_key_request
from chemtrace.core.merkle import hash_leaf, tree_root
from chemtrace.core.statement import Statement, encode_wire
from chemtrace.core.times import format_utc
from chemtrace.registry import office
from tests.seeded_ledger import (
    CARRIER,
    DEALER,
    HOUR_US,
    ISSUER,
    MAKER,
    SLOT,
    USER,
    Seeded,
    item_lines,
    now_us,
    seed_ledger,
    serving,
)

JSON = {"Content-Type": "application/json"}
NDJSON = {"Content-Type": "application/x-ndjson"}
DISPOSER = make_credit_code("91110000MA0000066")
REGULATOR = make_credit_code("11110000MB0000077")
TRUCK = "京A10001"
NUMBER = "WB-LIFE-1"


@dataclass
class Life:
    """The server's address and clients, who signs, the codes by name, and each statement with its first answer."""

    seeded: Seeded
    application: Application
    http: httpx.Client
    stranger: httpx.Client
    codes: dict[str, str] = field(default_factory=dict)
    told: dict[str, tuple[Statement, httpx.Response]] = field(default_factory=dict)
    refused: dict[str, httpx.Response] = field(default_factory=dict)

    def post(self, statement: Statement, path: str = "/v1/events") -> httpx.Response:
        """Without a token: a statement authenticates itself."""
        return self.stranger.post(path, content=encode_wire(statement), headers=JSON)

    def tell(self, name: str, statement: Statement, path: str = "/v1/events") -> Statement:
        """Send what must be admitted."""
        answer = self.post(statement, path)
        assert 201 == answer.status_code, (name, answer.text)
        self.seeded.hands.follow(statement)
        self.told[name] = statement, answer
        return statement

    def say(self, name: str, who: str, what: str, *items: str | tuple[str, str], **payload: Any) -> Statement:
        """Send an event about items by name, each alone or with its kilograms."""
        return self.tell(name, self.event(who, what, *items, **payload))

    def event(self, who: str, what: str, *items: str | tuple[str, str], **payload: Any) -> Statement:
        """An event about items by name, signed on the current heads."""
        kind, phase = what.split("/")
        return self.seeded.hands.statement(who, kind, phase, {"items": self.lines(*items), **payload})

    def refuse(self, name: str, statement: Statement) -> httpx.Response:
        """Send what must be refused by a rule."""
        answer = self.refused[name] = self.post(statement)
        assert 409 == answer.status_code, (name, answer.text)
        return answer

    def lines(self, *items: str | tuple[str, str]) -> list[dict[str, Any]]:
        pairs = [(item, None) if isinstance(item, str) else item for item in items]
        return item_lines(*((self.codes.get(name, name), mass) for name, mass in pairs))

    def get(self, path: str, **query: str | int) -> Any:
        """The body of what must be answered."""
        answer = self.http.get(path, params=query)
        assert 200 == answer.status_code, (path, answer.text)
        return answer.json()

    def item(self, name: str) -> Any:
        return self.get(f"/v1/items/{self.codes[name]}")

    def history(self, name: str) -> list[str]:
        """kind/phase of every event of an item."""
        events = self.get(f"/v1/items/{self.codes[name]}/history")["events"]
        return [f"{event['kind']}/{event['phase']}" for event in events]

    def pages(
        self, path: str, name: str, *, between: Callable[[], object] = lambda: None, **query: str | int
    ) -> list[Any]:
        """All rows of a list, page by page."""
        rows: list[Any] = []
        cursor: dict[str, str] = {}
        for _ in range(500):
            page = self.get(path, **query, **cursor)
            rows += page[name]
            if page["next"] is None:
                return rows
            cursor = {"cursor": page["next"]}
            between()
        raise AssertionError("the pages do not end")


@contextlib.contextmanager
def living(folder: Path, database_url: str) -> Iterator[Life]:
    """A founded ledger behind a real server on the loopback, before anything has happened to a drum."""
    seeded = seed_ledger(folder, codes=60, database_url=database_url)
    application = open_application(seeded.settings)
    token = {"Authorization": f"Bearer {seeded.founded.token}"}
    try:
        with (
            serving(application) as url,
            httpx.Client(base_url=url, timeout=30, headers=token) as http,
            httpx.Client(base_url=url, timeout=30) as stranger,
        ):
            yield Life(seeded, application, http, stranger)
    finally:
        application.close()


def live(life: Life) -> None:
    """Everything that can happen to a drum, and what a regulator does about two alerts."""
    _register(life)
    _issue(life)
    _make_and_send(life)
    _use_up(life)
    _mix(life)
    _report(life)
    _raise_alerts(life)


def _register(life: Life) -> None:
    """Two parties more, by the authority's statements through the same door as everybody's."""
    parties = {DISPOSER: ("DISPOSER", "disposer"), REGULATOR: ("REGULATOR", "regulator")}
    for party, (name, role) in parties.items():
        key = life.seeded.hands.keys[party] = generate_key("ed25519", f"key of {name:<32}".encode())
        words = {"name_zh": f"测试{name}", "name_en": f"Test {name}"}
        by = life.application.authority.signing
        life.tell(
            f"enterprise {name}",
            office.register_enterprise(by(), enterprise=party, roles=(role,), **words),
        )
        request = make_key_request(key, party, "enterprise")
        life.tell(f"key {name}", office.register_key(by(), request=request))
        place = (39_905_000, 116_400_000)
        life.tell(
            f"site {name}",
            office.register_site(by(), site=f"S-{name}", enterprise=party, place=place, **words),
        )


def _issue(life: Life) -> None:
    authority = life.application.authority
    for kind, batch, count in (("P", "B-LIFE", 60), ("A", "B-PALLETS", 1)):
        start = life.application.registry.books.issued((kind, SLOT, ISSUER))
        series: dict[str, Any] = {
            "kind": kind,
            "slot": SLOT,
            "issuer": ISSUER,
            "start": start,
            "count": count,
        }
        codes = list(authority.codes(**series))
        issued = office.issue_batch(
            authority.signing(),
            batch=batch,
            enterprise=MAKER,
            root=tree_root(hash_leaf(code.encode("ascii")) for code in codes),
            seal_year=2026,
            **series,
        )
        life.tell(f"issue {batch}", issued)
        names = ["pallet"] if kind == "A" else [f"d{number}" for number in range(count)]
        life.codes |= dict(zip(names, codes, strict=True))


def _make_and_send(life: Life) -> None:
    drums = [f"d{number}" for number in range(6)]
    life.say("make", MAKER, "produce/make", *((drum, "25") for drum in drums), site="S-MAKER")
    for what in ("pack", "unpack"):
        inside = {"container": life.codes["pallet"], "items": life.lines("d0", "d1"), "site": "S-MAKER"}
        life.tell(what, life.seeded.hands.statement(MAKER, what, "done", inside))
    life.say("sell", MAKER, "trade/sell", *drums, counterparty=DEALER)
    note = life.seeded.hands.statement(MAKER, "waybill", "scheduled", note_of(life, NUMBER, TRUCK, drums))
    life.tell("waybill", note, "/v1/waybills")
    trip = {"waybill": NUMBER, "vehicle": TRUCK}
    life.say("load", MAKER, "transport/load", *drums, counterparty=DEALER, site="S-MAKER", **trip)
    under_way = life.seeded.hands.statement(CARRIER, "waybill", "in_transit", {"number": NUMBER})
    life.tell("in transit", under_way, "/v1/waybills")
    weighed = [(drum, "25") for drum in drums]
    life.say("arrive", DEALER, "transport/arrive", *weighed, counterparty=MAKER, site="S-DEALER", **trip)
    life.say("buy", DEALER, "trade/buy", *drums, counterparty=MAKER, site="S-DEALER")
    life.say("store", DEALER, "store/in", *drums, site="S-DEALER", unit="A-1")


def note_of(life: Life, number: str, plate: str, drums: list[str]) -> dict[str, Any]:
    """A waybill of these drums of 25 kg from the maker to the dealer."""
    goods = {
        "un": "1017",
        "name": "氯 chlorine",
        "class": "2.3",
        "package": "cylinder",
        "count": len(drums),
        "mass": {"unit": "KGM", "value": str(25 * len(drums))},
        "codes": [life.codes[drum] for drum in drums],
    }
    return {
        "number": number,
        "consignor": MAKER,
        "consignee": DEALER,
        "carrier": CARRIER,
        "origin": "S-MAKER",
        "destination": "S-DEALER",
        "load_at": format_utc(now_us()),
        "arrive_by": format_utc(now_us() + 24 * HOUR_US),
        "goods": [goods],
        "vehicle": {"plate": plate},
    }


def _use_up(life: Life) -> None:
    life.say("sell on", DEALER, "trade/sell", "d0", "d1", counterparty=USER)
    life.say("buy on", USER, "trade/buy", "d0", "d1", counterparty=DEALER, site="S-USER")
    life.say("draw", USER, "use/consume", ("d0", "10"), site="S-USER")
    life.say("draw the rest", USER, "use/consume", ("d0", "15"), site="S-USER")
    life.say("hand over", USER, "dispose/hand_over", "d0", counterparty=DISPOSER, site="S-USER")
    life.say("dispose", DISPOSER, "dispose/done", "d0", site="S-DISPOSER")
    wrong = life.say("wrong draw", USER, "use/consume", ("d1", "20"), site="S-USER")
    correction = {"event": wrong.event_id.hex(), "reason": "read the scale of another drum"}
    life.tell(
        "correct",
        life.seeded.hands.statement(USER, "correct", "done", correction, subjects=[life.codes["d1"]]),
    )


def _mix(life: Life) -> None:
    life.say("make more", MAKER, "produce/make", ("d10", "25"), ("d11", "25"), site="S-MAKER")
    for what, name, outputs in (
        ("produce/repack", "d10", (("d12", "12"), ("d13", "13"))),
        ("transform/done", "d11", (("d14", "25"),)),
    ):
        inputs = life.lines((name, "25"))
        life.say(what, MAKER, what, *outputs, inputs=inputs, site="S-MAKER")


def _report(life: Life) -> None:
    life.say("reprint", DEALER, "report/reprint", "d2", remark="label torn", site="S-DEALER")
    life.say("lose", DEALER, "report/loss", "d5", site="S-DEALER")
    life.say("find", DEALER, "report/found", "d5", site="S-DEALER")
    life.say("void", MAKER, "report/void", "d20", remark="misprint")
    life.refuse("make voided", life.event(MAKER, "produce/make", ("d20", "25"), site="S-MAKER"))


def _raise_alerts(life: Life) -> None:
    """C4 by a refused second sale, C3 by life after the end; the regulator closes one and confirms the other."""
    life.say("first sale", DEALER, "trade/sell", "d3", counterparty=USER)
    life.refuse("second sale", life.event(DEALER, "trade/sell", "d3", counterparty=CARRIER))
    life.say("revive", DEALER, "use/consume", ("d0", "1"), site="S-DEALER")
    life.application.ledger.publish(force=True)
    raised = {alert["detector"]: alert["id"] for alert in life.get("/v1/alerts")["alerts"]}
    for detector, phases in (("C4", ("acknowledge", "dismiss")), ("C3", ("acknowledge", "confirm"))):
        for phase in phases:
            facts = {"alert": raised[detector], "remark": f"{phase} {detector}"}
            statement = life.seeded.hands.statement(REGULATOR, "alert", phase, facts)
            life.tell(f"{phase} {detector}", statement)
    life.application.ledger.publish(force=True)


def lines_of(answer: httpx.Response) -> list[dict[str, Any]]:
    """The result lines of a batch."""
    return [json.loads(line) for line in answer.content.splitlines()]


def fresh_drums(life: Life) -> Iterator[Statement]:
    """Productions of the drums that nothing has happened to yet, one at a time."""
    for number in itertools.count(30):
        yield life.event(MAKER, "produce/make", (f"d{number}", "25"), site="S-MAKER")


def random_hex() -> str:
    return secrets.token_hex(32)
