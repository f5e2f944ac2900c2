"""Payloads of the electronic dangerous-goods waybill (Order 29 of 2019, article 24; content after JT/T 617.5)."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from chemtrace.core.events.fields import (
    Amount,
    Code,
    Hex32,
    Line,
    Moment,
    Party,
    Payload,
    Plate,
    SiteId,
    WaybillNumber,
)


class Goods(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One line of goods: what it is, how much, and the codes that carry it."""

    un: Annotated[str, Meta(pattern=r"^[0-9]{4}\Z")] | None = None
    name: Line
    hazard_class: Annotated[str, Meta(pattern=r"^[1-9](?:\.[1-6])?[A-Z]?\Z")] = field(name="class")
    packing_group: Literal["I", "II", "III"] | None = None
    package: Line
    count: Annotated[int, Meta(ge=0, le=100_000)]
    mass: Amount
    exempt: Literal["none", "limited", "excepted"] = "none"
    codes: Annotated[tuple[Code, ...], Meta(max_length=255)] = ()


class Vehicle(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The vehicle of the trip."""

    plate: Plate
    certificate: Line | None = None
    trailer: Plate | None = None
    tank: Line | None = None
    rated_mass: Amount | None = None


class Person(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A driver or escort, as salted digests; the openings travel beside and are erasable."""

    role: Literal["driver", "escort"]
    name_digest: Hex32
    certificate_digest: Hex32


class WaybillScheduled(Payload, frozen=True, kw_only=True):
    """waybill/scheduled: the whole consignment note."""

    number: WaybillNumber
    consignor: Party
    loader: Party | None = None
    consignee: Party
    carrier: Party
    origin: SiteId
    destination: SiteId | None = None
    load_at: Moment
    arrive_by: Moment
    goods: Annotated[tuple[Goods, ...], Meta(min_length=1, max_length=50)]
    vehicle: Vehicle
    people: Annotated[tuple[Person, ...], Meta(max_length=8)] = ()
    emergency_phone: Line | None = None
    province: Annotated[str, Meta(pattern=r"^[0-9]{6}\Z")] | None = None
    return_of: WaybillNumber | None = None


class WaybillState(Payload, frozen=True, kw_only=True):
    """waybill/loaded, in_transit, arrived, closed, void: the note moves on."""

    number: WaybillNumber
    reason: Line | None = None
