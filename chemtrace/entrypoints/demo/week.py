"""The week as a list of acts: every lot's journey from the maker to the last drop, planned before it is played."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from math import cos, hypot, radians
from random import Random
from typing import Any, Final

from chemtrace.entrypoints.demo.city import City, Firm
from chemtrace.entrypoints.demo.lots import Lot

MINUTE: Final = 60_000_000
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
SPEED_KM_H: Final = 35


@dataclass(slots=True)
class Act:
    """One statement to be made: who says what, when it happens, and what becomes of it.

    `held_us`: signed when it happened, sent that much later (a phone without signal). `resend`: sent twice.
    `expected`: code of the refusal that must come. `twist`: how the sender spoils it. `people`: drivers and escorts
    whose salted digests go into the payload. `payload_key`: whose key signs, if not the firm's own.
    """

    at_us: int
    firm: str
    kind: str
    phase: str
    payload: dict[str, Any]
    held_us: int = 0
    resend: bool = False
    expected: str | None = None
    twist: str | None = None
    people: tuple[tuple[str, str], ...] = ()
    name: str | None = None
    corrects: str | None = None
    payload_key: str | None = None


@dataclass(frozen=True, slots=True)
class Idle:
    """An item that stands unopened in a user's store from `since_us` on: at hand for what else a week brings."""

    lot: Lot
    user: Firm
    code: str
    amount: Decimal
    since_us: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """A code that somebody will need: its name in the plan, who prints it, and what it stands for."""

    name: str
    firm: Firm
    kind: str
    slot: str


@dataclass(slots=True)
class Planner:
    """Collects the acts of the week and the codes they need; knows when each vehicle is free.

    In payloads a code is a name (`~12`) until the labels are printed and read.
    """

    random: Random
    city: City
    start_us: int
    acts: list[Act] = field(default_factory=list)
    trips: int = 0
    free_at: dict[str, int] = field(default_factory=dict)
    idle: list[Idle] = field(default_factory=list)
    wanted: list[Wanted] = field(default_factory=list)

    @property
    def end_us(self) -> int:
        """The last moment of the week."""
        return self.start_us + 7 * DAY - HOUR

    def act(self, at_us: int, firm: Firm, kind: str, phase: str, payload: dict[str, Any], **rest: Any) -> Act:
        """Add one act; acts after the end of the week are dropped by `within`, never here."""
        made = Act(at_us, firm.credit_code, kind, phase, payload, **rest)
        self.acts.append(made)
        return made

    def new_codes(self, firm: Firm, kind: str, slot: str, count: int) -> list[str]:
        """Names of `count` new codes of one printer, kind and chemical slot."""
        first = len(self.wanted)
        self.wanted += [Wanted(f"~{first + n}", firm, kind, slot) for n in range(count)]
        return [wanted.name for wanted in self.wanted[first:]]

    def trip(
        self, at_us: int, sender: Firm, receiver: Firm, cargo: Cargo, *, return_of: str | None = None
    ) -> Trip:
        """Plan a waybill from `sender` to `receiver`: scheduled, loaded, under way, arrived, closed."""
        minutes = 25 + int(60 * distance_km(sender, receiver) / SPEED_KM_H)
        carrier, plate, load_us = self._vehicle(at_us, minutes)
        self.trips += 1
        trip = Trip(
            f"BJ-2026-{self.trips:06d}", carrier, plate, sender, receiver, load_us, load_us + minutes * MINUTE
        )
        scheduled = {
            "number": trip.number,
            "consignor": sender.credit_code,
            "consignee": receiver.credit_code,
            "carrier": carrier.credit_code,
            "origin": sender.site.id,
            "destination": receiver.site.id,
            "load_at_us": load_us,
            "arrive_by_us": trip.arrive_us + 2 * HOUR,
            "goods": [cargo.goods()],
            "vehicle": {"plate": plate},
            "emergency_phone": "12350",
            "province": "110000",
            "site": sender.site.id,
        }
        if return_of is not None:
            scheduled["return_of"] = return_of
        people = ((f"driver of {plate}", "driver"), (f"escort of {plate}", "escort"))
        self.act(load_us - 40 * MINUTE, carrier, "waybill", "scheduled", scheduled, people=people)
        for phase, moment in (
            ("loaded", load_us + 10 * MINUTE),
            ("in_transit", load_us + 12 * MINUTE),
            ("arrived", trip.arrive_us + 12 * MINUTE),
            ("closed", trip.arrive_us + 14 * MINUTE),
        ):
            self.act(moment, carrier, "waybill", phase, {"number": trip.number})
        return trip

    def _vehicle(self, at_us: int, minutes: int) -> tuple[Firm, str, int]:
        """The vehicle that is free first at or after `at_us`, and the moment it loads."""
        plates = [(firm, plate) for firm in self.city.of_role("carrier") for plate in firm.vehicles]
        self.random.shuffle(plates)
        firm, plate = min(plates, key=lambda pair: max(at_us, self.free_at.get(pair[1], 0)))
        load_us = max(at_us, self.free_at.get(plate, 0))
        self.free_at[plate] = load_us + (2 * minutes + 60) * MINUTE
        return firm, plate, load_us


@dataclass(frozen=True, slots=True)
class Cargo:
    """What goes onto a vehicle: codes with their kilograms, of one chemical."""

    lot: Lot
    lines: tuple[tuple[str, Decimal], ...]
    listed: tuple[str, ...] = ()

    def goods(self) -> dict[str, Any]:
        """The line of goods on the waybill."""
        chemical = self.lot.chemical
        total = sum((amount for _, amount in self.lines), Decimal(0))
        goods: dict[str, Any] = {
            "un": chemical.un,
            "name": chemical.name_zh,
            "class": chemical.tdg_class,
            "package": {"C": "cylinder", "T": "tank"}.get(self.lot.kind, "drum"),
            "count": len(self.lines),
            "mass": kilograms(total),
            "codes": list(self.listed or (code for code, _ in self.lines)),
        }
        if chemical.packing_group:
            goods["packing_group"] = chemical.packing_group
        return goods


@dataclass(frozen=True, slots=True)
class Trip:
    """One planned journey: the waybill's number, who drives, and when it loads and arrives."""

    number: str
    carrier: Firm
    plate: str
    sender: Firm
    receiver: Firm
    load_us: int
    arrive_us: int


def kilograms(amount: Decimal) -> dict[str, str]:
    """A mass on the wire, canonical: no trailing zeros, no exponent."""
    text = format(amount.normalize(), "f")
    return {"value": text, "unit": "KGM"}


def line(code: str, amount: Decimal | None = None) -> dict[str, Any]:
    """One item of a payload, with its mass if it was weighed."""
    return {"code": code} if amount is None else {"code": code, "quantity": kilograms(amount)}


def distance_km(one: Firm, other: Firm) -> float:
    """Distance of two sites as the crow flies; plenty for a timetable."""
    lat = (one.site.lat_e6 - other.site.lat_e6) / 1e6
    lon = (one.site.lon_e6 - other.site.lon_e6) / 1e6 * cos(radians(39.9))
    return 111.2 * hypot(lat, lon)
