"""The signers of the demo city: their keys, the heads they know, and how an act becomes a signed statement."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any, Final

from chemtrace.core.keys import PrivateKey, generate_key
from chemtrace.core.statement import Opening, Statement
from chemtrace.entrypoints.demo.city import City
from chemtrace.entrypoints.demo.week import Act
from scanners.events import build_event, subjects_of

CITY_TIME: Final = timezone(timedelta(hours=8))
UNKNOWN_EVENT: Final = "5e" * 32


@dataclass(slots=True)
class Cast:
    """All signers, the codes that their labels turned out to carry, and the heads of every subject."""

    keys: dict[str, PrivateKey]
    codes: Mapping[str, str] = field(default_factory=dict)
    heads: dict[str, str] = field(default_factory=dict)
    named: dict[str, Statement] = field(default_factory=dict)
    stale: dict[str, str] = field(default_factory=dict)
    moves: Counter[str] = field(default_factory=Counter)

    def sign(self, act: Act) -> Statement:
        """Build and sign the statement of an act as its signer would at that moment."""
        payload = self._real(act.payload)
        payload["at"] = local_time(act.at_us)
        payload["nonce"] = secrets.token_hex(16)
        openings = _describe_people(act, payload)
        subjects = self._subjects(act, payload)
        key = self.keys[act.payload_key or act.firm]
        statement = build_event(
            kind=act.kind,
            phase=act.phase,
            enterprise=act.firm,
            signers=[key],
            payload=payload,
            prevs=self._prevs(act, subjects),
            subjects=subjects,
            openings=openings,
            iat_us=act.at_us,
        )
        if act.name is not None:
            self.named[act.name] = statement
        return spoil(statement) if act.twist == "bad-signature" else statement

    def sent(self, act: Act, statement: Statement) -> None:
        """Remember the heads after a statement that will be admitted."""
        if act.expected is None:
            event = statement.event_id.hex()
            for subject in statement.header.subjects:
                self.stale[subject.id] = self.heads.get(subject.id, event)
                self.heads[subject.id] = event
                self.moves[subject.id] += 1

    def _real(self, value: Any) -> Any:
        """The payload with the codes of the labels in place of the plan's names."""
        if isinstance(value, str):
            return self.codes.get(value, value)
        if isinstance(value, dict):
            return {name: self._real(inner) for name, inner in value.items() if not name.endswith("_us")} | {
                name[:-3]: local_time(inner) for name, inner in value.items() if name.endswith("_us")
            }
        if isinstance(value, list):
            return [self._real(inner) for inner in value]
        return value

    def _subjects(self, act: Act, payload: dict[str, Any]) -> tuple[str, ...]:
        if act.corrects is None:
            return subjects_of(act.kind, act.phase, payload)
        wrong = self.named[act.corrects]
        payload["event"] = wrong.event_id.hex()
        return tuple(subject.id for subject in wrong.header.subjects)

    def _prevs(self, act: Act, subjects: tuple[str, ...]) -> dict[str, str | None]:
        if act.twist == "unknown-prev":
            return dict.fromkeys(subjects, UNKNOWN_EVENT)
        known = self.stale if act.twist == "stale-prev" else self.heads
        return {subject: known.get(subject) for subject in subjects}


def make_cast(city: City) -> Cast:
    """Fresh keys for every firm."""
    return Cast({firm.credit_code: generate_key(firm.algorithm) for firm in city.firms})


def local_time(at_us: int) -> str:
    """RFC 3339 with the city's offset, as a phone there writes it."""
    moment = datetime.fromtimestamp(at_us // 1_000_000, CITY_TIME)
    return moment.isoformat(timespec="seconds")


def spoil(statement: Statement) -> Statement:
    """The same statement with one bit of its signature turned."""
    first = statement.signatures[0]
    return Statement(
        statement.header_bytes,
        statement.payload_bytes,
        statement.openings,
        (bytes([first[0] ^ 1]) + first[1:], *statement.signatures[1:]),
        statement.header,
        statement.event_id,
    )


def _describe_people(act: Act, payload: dict[str, Any]) -> tuple[Opening, ...]:
    """Put drivers and escorts into the payload as salted digests; give the openings to send beside it."""
    if not act.people:
        return ()
    openings: list[Opening] = []
    people = []
    for name, role in act.people:
        pair = [Opening(secrets.token_bytes(16), text) for text in (name, f"certificate of the {name}")]
        people.append({"role": role, "name_digest": pair[0].digest, "certificate_digest": pair[1].digest})
        openings += pair
    payload["people"] = people
    return tuple(openings)
