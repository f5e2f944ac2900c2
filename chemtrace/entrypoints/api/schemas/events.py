"""Answers about statements: receipts, heads, events, lists of events."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field

from chemtrace.entrypoints.api.schemas.fields import (
    Base64Url,
    Finding,
    Hex32,
    Index,
    Moment,
    Next,
    Party,
    Payload,
)


class SignedReceipt(BaseModel):
    """The receipt's bytes, the signature over them, and the receipt key's id; verify before trusting it."""

    kid: Hex32
    receipt: Base64Url
    signature: Base64Url
    checkpoint: Annotated[
        str | None, Field(description="only after `Prefer: wait`: the C2SP signed note that covers the entry")
    ] = None


class Head(BaseModel):
    """A subject's last event, its index, and how many events the subject has."""

    event: Hex32
    index: Index
    count: Annotated[int, Field(ge=1)]


class Heads(BaseModel):
    """The head of each subject asked for; null: it has no event yet."""

    heads: dict[str, Head | None]


class Signature(BaseModel):
    """Which key signed, and its signature."""

    kid: Hex32
    signature: Base64Url


class Event(BaseModel):
    """One entry of the log. `log_time` is the time of the next epoch, null until there is one.

    `entry` are the bytes whose leaf hash stands in the tree; `receipt` is null for the operator's own records.
    """

    index: Index
    event_id: Hex32
    kind: str
    phase: str
    actor: Party
    counterparty: Party | None
    late: bool
    received: Moment
    effective: Moment
    log_time: Moment | None
    leaf: Hex32
    header: Annotated[dict[str, Any], Field(description="the signed header")]
    signatures: list[Signature]
    payload: Payload
    findings: list[Finding]
    receipt: Base64Url | None
    receipt_signature: Base64Url | None
    entry: Base64Url


class EventLine(BaseModel):
    """One event in a list; `at` is the time claimed."""

    index: Index
    event_id: Hex32
    kind: str
    phase: str
    actor: Party
    counterparty: Party | None
    late: bool
    at: str | None
    received: Moment
    effective: Moment
    payload: Payload


class EventPage(BaseModel):
    """Some events of a party, oldest first."""

    events: list[EventLine]
    next: Next


class HistoryLine(BaseModel):
    """One event of an item. `effect`: it changes the item's state; `via`: the container through which it reached it."""

    index: Index
    event_id: Hex32
    kind: str
    phase: str
    actor: Party
    counterparty: Party | None
    at: str | None
    received: Moment
    effective: Moment
    late: bool
    effect: bool
    via: str | None
    findings: list[Finding]
    payload: Payload
    receipt: Base64Url | None
    receipt_signature: Base64Url | None


class History(BaseModel):
    """Everything that was said about one item, in the order of the log."""

    code: str
    events: list[HistoryLine]
