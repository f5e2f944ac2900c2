"""An alert: what a regulator must look at, with its evidence, its reasons and what became of it."""

from __future__ import annotations

import hashlib
from typing import Final, Literal

import msgspec

from chemtrace.core.canonical import encode_canonical
from chemtrace.flow.signal import Evidence

Status = Literal["open", "withdrawn", "acknowledged", "assigned", "explained", "confirmed", "dismissed"]

EVIDENCE_CAP: Final = 50
"""Pieces of evidence kept in one alert; `evidence_count` goes on counting. Fifty fill a page and a file."""

CLOSED: Final = frozenset({"withdrawn", "dismissed"})
"""Statuses that take no more evidence: what comes after them is a new alert."""

DECIDED: Final = CLOSED | {"confirmed"}
"""Statuses that an explanation does not change: the word of the accused is noted beside the decision."""

HANDLED: Final[dict[str, Status]] = {
    "acknowledge": "acknowledged",
    "assign": "assigned",
    "explain": "explained",
    "confirm": "confirmed",
    "dismiss": "dismissed",
}
"""Status after each phase of the event `alert`."""


class Step(msgspec.Struct, frozen=True):
    """What became of an alert: which status, by which event (index -1: by a later fold step), whose, when, why."""

    status: Status
    index: int
    event_id: str
    actor: str
    at_us: int
    note_zh: str = ""
    note_en: str = ""


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One incident. Severity is 1 critical (call now), 2 major, 3 minor, 4 notice.

    `raised_us` is log time, `evidence_us` when the first evidence reached the ledger: their difference is the delay
    of the detector, including its wait for late events. `key` names the incident among those of its detector.
    """

    id: str
    detector: str
    detector_version: str
    name_zh: str
    name_en: str
    key: str
    severity: int
    status: Status
    enterprise: str
    parties: tuple[str, ...]
    chemical: str | None
    codes: tuple[str, ...]
    waybill: str | None
    observed: str
    threshold: str
    basis_zh: str
    basis_en: str
    explanation_zh: str
    explanation_en: str
    evidence: tuple[Evidence, ...]
    evidence_count: int
    raised_us: int
    evidence_us: int
    last_evidence_us: int
    assignee: str | None = None
    steps: tuple[Step, ...] = ()


def alert_id(detector: str, event_id: str) -> str:
    """SHA-256 over the detector's id in ASCII and the first evidence event's id (32 bytes), in hex."""
    return hashlib.sha256(detector.encode("ascii") + bytes.fromhex(event_id)).hexdigest()


def encode_alert(alert: Alert) -> bytes:
    """The alert as canonical JSON, for the alert table and for comparing two computations of it."""
    return encode_canonical(msgspec.to_builtins(alert))


def parse_alert(data: bytes) -> Alert:
    """The inverse of `encode_alert`; raises `msgspec.ValidationError` on rows that this program did not write."""
    return msgspec.json.decode(data, type=Alert)
