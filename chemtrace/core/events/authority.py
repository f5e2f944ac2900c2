"""Payloads of the authority and the operator: who takes part, with which keys, codes, licences and rules."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from chemtrace.core.events.fields import (
    Base64Url,
    CreditCode,
    Hex32,
    Line,
    Moment,
    Party,
    Payload,
    Position,
    SiteId,
    Text,
)

Role = Literal["producer", "trader", "warehouse", "carrier", "user", "disposer", "regulator", "importer"]
KeyRole = Literal["authority", "recovery", "enterprise", "device", "log", "receipt"]
IssuerNumber = Annotated[str, Meta(pattern=r"^[0-9A-HJ-NP-RTUWXY]{4}\Z")]
Slot = Annotated[str, Meta(pattern=r"^[0-9]{3}\Z")]


class Enterprise(Payload, frozen=True, kw_only=True):
    """enterprise/register, update, close: a legal entity; `issuer` is its number inside trace codes."""

    enterprise: CreditCode
    name_zh: Line
    name_en: Line
    roles: Annotated[tuple[Role, ...], Meta(min_length=1, max_length=8)]
    issuer: IssuerNumber | None = None
    district: Line | None = None


class Site(Payload, frozen=True, kw_only=True):
    """site/register, update, close: a place of an enterprise."""

    id: SiteId
    enterprise: CreditCode
    name_zh: Line
    name_en: Line
    place: Position
    district: Line | None = None
    address: Line | None = None


class Licence(Payload, frozen=True, kw_only=True):
    """licence/grant, revoke: a permission by type, scope and dates."""

    id: Annotated[str, Meta(pattern=r"^[A-Z0-9][A-Z0-9.-]{0,31}\Z")]
    enterprise: CreditCode
    type: Line
    scope: Annotated[tuple[Line, ...], Meta(max_length=200)] = ()
    valid_from: Moment
    valid_to: Moment


class Key(Payload, frozen=True, kw_only=True):
    """key/register, retire, compromised: who may sign with which key; its record fixes the algorithm."""

    kid: Hex32
    party: CreditCode
    role: KeyRole
    algorithm: Literal["ed25519", "p256", "sm2"]
    spki: Base64Url
    request: Base64Url | None = None
    sm2_id: Line | None = None
    namespaces: Annotated[
        tuple[Annotated[str, Meta(pattern=r"^[a-z0-9-]{1,32}\Z")], ...], Meta(max_length=16)
    ] = ()
    grace_end: Moment | None = None
    replaces: Hex32 | None = None


class Device(Payload, frozen=True, kw_only=True):
    """device/register, revoke: a phone or gateway of an enterprise and its key."""

    id: Annotated[str, Meta(pattern=r"^[A-Z0-9][A-Z0-9.-]{0,31}\Z")]
    enterprise: CreditCode
    kind: Line
    kid: Hex32 | None = None


class Issue(Payload, frozen=True, kw_only=True):
    """issue/batch: `count` codes from counter `start` on, with the Merkle root over them in counter order."""

    batch: Annotated[str, Meta(pattern=r"^[A-Z0-9][A-Z0-9.-]{0,63}\Z")]
    enterprise: CreditCode
    issuer: IssuerNumber
    kind: Literal["P", "C", "T", "W", "A"]
    slot: Slot
    start: Annotated[int, Meta(ge=0, lt=31**7)]
    count: Annotated[int, Meta(ge=1, le=10_000_000)]
    root: Hex32
    seal_year: Annotated[int, Meta(ge=2020, le=2200)]


class Rules(Payload, frozen=True, kw_only=True):
    """rules/publish: the digest of a dated rule set."""

    digest: Hex32
    valid_from: Moment
    title: Line


class Erase(Payload, frozen=True, kw_only=True):
    """erase/openings: the personal openings beside an event are gone; its digests stay."""

    event: Hex32
    reason: Text


class Anchor(Payload, frozen=True, kw_only=True):
    """anchor/timestamp: a checkpoint was stamped by an outside service."""

    size: Annotated[int, Meta(ge=1)]
    root: Hex32
    service: Line
    token: Base64Url


class Alert(Payload, frozen=True, kw_only=True):
    """alert/acknowledge, assign, explain, confirm, dismiss: what a person did about an alert."""

    alert: Hex32
    remark: Text | None = None
    assignee: Party | None = None
