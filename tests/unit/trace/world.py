"""A small ledger in memory for the tests of the trace ring: events without signatures, judged one after another."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import msgspec

from chemtrace.core.check_sign import check_sign_of
from chemtrace.core.events import PAYLOADS
from chemtrace.core.header import Header, PayloadRef, Subject
from chemtrace.core.times import format_utc
from chemtrace.trace.event import ItemEvent, item_event
from chemtrace.trace.judge import Judgement, judge
from chemtrace.trace.state import ItemState, decode_state, encode_state, unborn
from chemtrace.trace.view import Past
from chemtrace.trace.waybill import WaybillState, decode_waybill, encode_waybill

START_US = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z
MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US

MAKER, BUYER, CARRIER, STRANGER, AUTHORITY, DISPOSER = (letter * 18 for letter in "ABCDEF")
SITES = {"M1": MAKER, "B1": BUYER, "C1": CARRIER, "X1": STRANGER, "D1": DISPOSER}


def code(number: int = 0, *, kind: str = "P", slot: str = "005", issuer: str = "7K2M") -> str:
    """A valid trace code."""
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    serial = ""
    for _ in range(7):
        number, digit = divmod(number, 31)
        serial = alphabet[digit] + serial
    body = f"BJ1{kind}{slot}{issuer}{serial}"
    return body + check_sign_of(body)


def kg(value: str | int) -> dict[str, str]:
    """An amount in kilograms."""
    return {"value": str(value), "unit": "KGM"}


def line(of: str, amount: str | int | None = None) -> dict[str, Any]:
    """One line of items."""
    return {"code": of} if amount is None else {"code": of, "quantity": kg(amount)}


class World:
    """A ledger without log: implements the port that judging reads, and stores what judging answers."""

    def __init__(self) -> None:
        self.events: list[ItemEvent] = []
        self.states: dict[str, bytes] = {}
        self.waybills: dict[str, bytes] = {}
        self.effects: dict[tuple[int, str], bool] = {}
        self.now_us = START_US
        self.issued: dict[str, str] = {}
        self.owners: dict[str, str] = {}
        self.inspectors: tuple[str, ...] = ()
        self.positions: dict[str, tuple[int, int]] = {}
        self.catalogue: Any = None

    # what judging reads

    def state(self, code: str) -> ItemState:
        data = self.states.get(code)
        return unborn(code) if data is None else decode_state(data)

    def history(self, code: str) -> tuple[Past, ...]:
        return tuple(
            Past(e, self.effects[e.index, code]) for e in self.events if (e.index, code) in self.effects
        )

    def waybill(self, number: str) -> WaybillState | None:
        data = self.waybills.get(number)
        return None if data is None else decode_waybill(data)

    def open_waybills_of(self, vehicle: str) -> tuple[str, ...]:
        known = [decode_waybill(data) for data in self.waybills.values()]
        return tuple(
            waybill.number
            for waybill in known
            if waybill.vehicle == vehicle and waybill.state in ("loaded", "in_transit")
        )

    def issue_status(self, code: str, actor: str) -> Any:
        if self.owners.get(code, actor) != actor:
            return "foreign-issuer"
        return self.issued.get(code, "issued")

    def is_issuer(self, code: str, actor: str) -> bool:
        return self.owners.get(code, actor) == actor and self.issued.get(code, "issued") == "issued"

    def site_owner(self, site: str) -> str | None:
        return SITES.get(site)

    def is_authority(self, party: str) -> bool:
        return party == AUTHORITY

    def may_inspect(self, party: str) -> bool:
        return party in (AUTHORITY, *self.inspectors)

    def event(self, event_id: bytes) -> ItemEvent | None:
        return next((e for e in self.events if e.event_id == event_id), None)

    # what tests do

    def build(
        self,
        what: str,
        actor: str,
        *,
        at_us: int | None = None,
        effective_us: int | None = None,
        late: bool = False,
        exception: bool = False,
        **fields: Any,
    ) -> ItemEvent:
        """An event that is not judged yet; `what` is kind/phase, fields are those of its payload."""
        kind, phase = what.split("/")
        index = len(self.events)
        at_us = self.now_us if at_us is None else at_us
        body = {"at": format_utc(at_us), "nonce": f"{index:032x}", **fields}
        payload = msgspec.convert(body, PAYLOADS[kind, phase], strict=True)
        named = ()
        if kind == "correct":
            target = self.event(bytes.fromhex(fields["event"]))
            named = () if target is None else target.codes
            if target is not None and target.waybill is not None:
                named = (*named, f"waybill:{target.waybill}")
        header = Header(
            enterprise=actor,
            iat=format_utc(self.now_us),
            kind=kind,
            payload=PayloadRef("0" * 64, 2, "application/vnd.chemtrace.event+json"),
            phase=phase,
            rules="0" * 64,
            signers=("0" * 64,),
            stance="exception" if exception else "normal",
            subjects=tuple(Subject(subject, None) for subject in named),
            typ="chemtrace/event/1",
        )
        return item_event(
            index=index,
            event_id=hashlib.sha256(index.to_bytes(8, "big")).digest(),
            header=header,
            payload=payload,
            effective_us=at_us if effective_us is None else effective_us,
            received_us=max(self.now_us, at_us),
            late=late,
            site_position=self.positions.get(fields.get("site", "")),
        )

    def admit(self, event: ItemEvent) -> Judgement:
        """Judge an event and store what comes of it."""
        judgement = judge(event, self)
        self.events.append(event)
        for code, state in judgement.after.items():
            self.states[code] = encode_state(state)
            self.effects[event.index, code] = judgement.effect[code]
        for number, waybill in judgement.waybills.items():
            self.waybills[number] = encode_waybill(waybill)
        return judgement

    def do(self, what: str, actor: str, *, after_us: int = HOUR_US, **fields: Any) -> Judgement:
        """Something happens an hour after the last thing, and is admitted."""
        if "at_us" not in fields:
            self.now_us += after_us
        return self.admit(self.build(what, actor, **fields))

    def make(self, of: str, amount: str | int = 200, *, actor: str = MAKER) -> Judgement:
        """The maker produces one item."""
        return self.do("produce/make", actor, items=[{"code": of, "quantity": kg(amount)}])

    def all(self, whats: Iterable[tuple[str, str, dict[str, Any]]]) -> list[Judgement]:
        """Several events one after another."""
        return [self.do(what, actor, **fields) for what, actor, fields in whats]


def rules(judgement: Judgement) -> list[str]:
    """The rule ids of the findings, in order."""
    return [found.rule for found in judgement.findings]


WAYBILL: dict[str, Any] = {
    "number": "W-1001",
    "consignor": MAKER,
    "consignee": BUYER,
    "carrier": CARRIER,
    "origin": "M1",
    "destination": "B1",
    "load_at": "2026-01-01T08:00:00Z",
    "arrive_by": "2026-01-01T18:00:00Z",
    "goods": [
        {
            "un": "1791",
            "name": "hypochlorite solution",
            "class": "8",
            "package": "drum",
            "count": 1,
            "mass": kg(200),
        }
    ],
    "vehicle": {"plate": "JA12345"},
}
