"""A small city: the ledger in memory of the trace ring's tests, with the detectors behind it."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from chemtrace.core.errors import FormError, RuleError
from chemtrace.core.times import format_utc
from chemtrace.flow.alert import Alert, encode_alert, parse_alert
from chemtrace.flow.casebook import Changes
from chemtrace.flow.detectors import DETECTORS
from chemtrace.flow.engine import Engine
from chemtrace.flow.observation import Handling, Observation, RefusalSeen
from chemtrace.flow.state import Watch, parse_state
from chemtrace.trace.event import ItemEvent
from tests.unit.trace.world import (
    BUYER,
    CARRIER,
    DISPOSER,
    HOUR_US,
    MAKER,
    MINUTE_US,
    START_US,
    STRANGER,
    WAYBILL,
    World,
    code,
    kg,
    line,
)

__all__ = [
    "BUYER", "CARRIER", "DISPOSER", "HOUR_US", "MAKER", "MINUTE_US", "START_US", "STRANGER", "WAYBILL", "City",
    "code", "kg", "line", "waybill",
]  # fmt: skip

DAY_US = 24 * HOUR_US
IN_ORDER = {("trade", "sell"), ("transport", "load")}


class City(World):
    """Says things, lets time pass, and keeps the alert and watch tables as the follower would."""

    def __init__(self) -> None:
        super().__init__()
        self.alerts: dict[str, Alert] = {}
        self.watches: dict[str, Watch] = {}
        self.engine = Engine(DETECTORS, lookup=self.entry)
        self.fed: list[Any] = []
        self.refusals = 0
        self.last: Changes = Changes()

    def entry(self, index: int) -> tuple[str, str]:
        """Event id and leaf of an older entry."""
        if index >= len(self.events):
            return "", ""
        return self.events[index].event_id.hex(), leaf_of(index)

    # what happens

    def say(
        self, what: str, actor: str, *, at_us: int | None = None, kid: str | None = None, **fields: Any
    ) -> ItemEvent | None:
        """Something is said now about `at_us` (default: now); None where it is refused, and kept if by a rule."""
        kind, phase = what.split("/")
        at_us = self.now_us if at_us is None else at_us
        event = self.build(what, actor, at_us=at_us, **fields)
        heads = [self.state(one).effective_us for one in event.codes]
        newest = max(heads, default=0)
        late = at_us < newest and (kind, phase) not in IN_ORDER
        effective_us = at_us if late else max(at_us, newest)
        event = msgspec.structs.replace(event, effective_us=effective_us, late=late, received_us=self.now_us)
        signer = f"key-{actor}" if kid is None else kid
        try:
            judgement = self.admit(event)
        except RuleError as error:
            self.feed(self.refusal(event, signer, error))
            return None
        except FormError:
            return None
        obs = Observation(
            event=event,
            before=judgement.before,
            after=judgement.after,
            findings=judgement.findings,
            resolved=judgement.resolved,
            waybills=judgement.waybills,
            older={
                found.index: self.events[found.index]
                for found in judgement.findings
                if found.index != event.index
            },
            log_time_us=self.now_us,
            kid=signer,
            leaf=leaf_of(event.index),
        )
        self.feed(obs)
        return event

    def refusal(self, event: ItemEvent, kid: str, error: RuleError) -> RefusalSeen:
        """What is kept of a refused statement."""
        self.refusals += 1
        fields = error.fields
        sides = {name: str(value) for name, value in dict(fields["sides"]).items()}  # type: ignore[call-overload]  # a mapping
        return RefusalSeen(
            id=self.refusals,
            at_size=len(self.events),
            received_us=self.now_us,
            event_id=hashlib.sha256(f"refused {self.refusals}".encode()).digest(),
            enterprise=event.actor,
            code=str(fields["rule_id"]),
            kind=event.kind,
            phase=event.phase,
            at_us=event.at_us,
            item=str(fields["item"]),
            codes=event.codes,
            sides=sides,
            kid=kid,
            counterparty=event.counterparty,
            waybill=event.waybill,
            vehicle=event.vehicle,
            site=event.site,
            position=event.position,
        )

    def pass_time(self, hours: float = 1) -> Changes:
        """Let time pass and publish an epoch."""
        self.now_us += int(hours * HOUR_US)
        return self.feed(self.now_us)

    def feed(self, step: Any) -> Changes:
        """Hand one step to the engine; a tick is written to the tables."""
        self.fed.append(step)
        changes = hand(self.engine, step)
        if changes is not None:
            write(changes, self.alerts, self.watches)
            self.last = changes
        return self.last

    def decide(self, alert: Alert, phase: str) -> None:
        """A regulator handles an alert."""
        self.feed(
            Handling(
                alert=alert.id,
                phase=phase,
                actor="REGULATOR",
                index=len(self.events),
                event_id="ab" * 32,
                at_us=self.now_us,
            )
        )

    def restart(self) -> None:
        """Take the engine up again from the tables, as after a restart."""
        alerts = [parse_alert(encode_alert(alert)) for alert in self.alerts.values()]
        self.engine = Engine(DETECTORS, parse_state(alerts, self.watches.values()), lookup=self.entry)

    # what is asked

    def open(self) -> list[Alert]:
        """Alerts that stand, by detector and code."""
        standing = [alert for alert in self.alerts.values() if alert.status not in ("withdrawn", "dismissed")]
        return sorted(standing, key=lambda alert: (alert.detector, alert.codes, alert.id))

    def types(self) -> list[str]:
        """Detectors of the alerts that stand."""
        return [alert.detector for alert in self.open()]

    def one(self) -> Alert:
        """The only standing alert."""
        (alert,) = self.open()
        return alert

    # ordinary life

    def made(self, of: str, amount: str | int = 200) -> str:
        """An item of the maker."""
        self.say("produce/make", MAKER, items=[{"code": of, "quantity": kg(amount)}])
        return of

    def delivered(self, of: str, amount: str | int = 40) -> str:
        """An item that came to the buyer lawfully, without a waybill as it is small."""
        self.made(of, amount)
        self.pass_time()
        self.say("trade/sell", MAKER, items=[line(of)], counterparty=BUYER)
        self.say("transport/load", MAKER, items=[line(of, amount)], counterparty=BUYER)
        self.pass_time()
        self.say("transport/arrive", BUYER, items=[line(of, amount)])
        self.say("trade/buy", BUYER, items=[line(of)], counterparty=MAKER)
        self.pass_time()
        return of


def hand(engine: Engine, step: Any) -> Changes | None:
    """Give one step to an engine."""
    match step:
        case Observation():
            engine.observe(step)
        case RefusalSeen():
            engine.refused(step)
        case Handling():
            engine.handled(step)
        case int():
            return engine.tick(step)
        case _:
            engine.broken(step)
    return None


def write(changes: Changes, alerts: dict[str, Alert], watches: dict[str, Watch]) -> None:
    """Write changes as the follower does."""
    alerts.update({alert.id: alert for alert in changes.alerts})
    for key in changes.released:
        watches.pop(key, None)
    watches.update({watch.key: watch for watch in changes.held})


def leaf_of(index: int) -> str:
    """A stand-in for the leaf of an entry."""
    return hashlib.sha256(f"leaf {index}".encode()).hexdigest()


def waybill(city: City, **fields: Any) -> dict[str, Any]:
    """A waybill from the maker to the buyer, loading in 2 h and due in 12."""
    return {
        **WAYBILL,
        "load_at": format_utc(city.now_us + 2 * HOUR_US),
        "arrive_by": format_utc(city.now_us + 12 * HOUR_US),
        **fields,
    }
