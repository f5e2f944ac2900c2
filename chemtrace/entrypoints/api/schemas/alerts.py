"""Answers about what a regulator must look at: alerts with their evidence, and refused statements."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field

from chemtrace.entrypoints.api.schemas.fields import Base64Url, Hex32, Index, Micros, Moment, Next, Party

STATUSES = ("open", "withdrawn", "acknowledged", "assigned", "explained", "confirmed", "dismissed")
Status = Annotated[str, Field(json_schema_extra={"enum": list(STATUSES)})]


class Evidence(BaseModel):
    """One piece of evidence: an entry of the log by `index`, or a kept refusal by its number, which has no leaf."""

    role: str
    index: Index | None
    refusal: int | None
    event_id: str
    leaf: str


class Step(BaseModel):
    """What became of an alert, by which event (`index` -1: by the ledger itself), whose, when, why."""

    status: Status
    index: int
    event_id: str
    actor: str
    at_us: Micros
    note_zh: str
    note_en: str


class Alert(BaseModel):
    """One incident; docs/reference/alerts.md says how each detector comes to it."""

    id: Hex32
    detector: str
    detector_version: str
    name_zh: str
    name_en: str
    key: Annotated[str, Field(description="the incident among those of its detector")]
    severity: Annotated[int, Field(ge=1, le=4, description="1 critical to 4 notice")]
    status: Status
    enterprise: Party
    parties: list[Party]
    chemical: str | None
    codes: list[str]
    waybill: str | None
    observed: str
    threshold: str
    basis_zh: str
    basis_en: str
    explanation_zh: str
    explanation_en: str
    evidence: list[Evidence]
    evidence_count: int
    raised: Moment
    raised_us: Micros
    evidence_us: Micros
    last_evidence_us: Micros
    assignee: Party | None
    steps: list[Step]


class AlertPage(BaseModel):
    """Some alerts, newest first."""

    alerts: list[Alert]
    next: Next


class Refusal(BaseModel):
    """A validly signed statement that was refused, kept as evidence; `statement` are the bytes that came."""

    id: int
    at_size: Annotated[int, Field(ge=0, description="size of the log when it was refused")]
    received: Moment
    event_id: Hex32
    enterprise: str
    code: str
    problem: dict[str, Any]
    statement: Base64Url


class RefusalPage(BaseModel):
    """Some refusals, newest first."""

    refusals: list[Refusal]
    next: Next
