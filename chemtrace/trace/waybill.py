"""The state of one electronic waybill: who, what, when, by which vehicle, and what was loaded and has arrived.

scheduled -> loaded -> in_transit -> arrived -> closed; void only from scheduled (Order 29 of 2019, article 24).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final, Literal, TypeAlias

import msgspec

from chemtrace.core.errors import EntryCorruptError

WaybillStatus: TypeAlias = Literal["scheduled", "loaded", "in_transit", "arrived", "closed", "void"]
OPEN_STATES: Final = frozenset({"loaded", "in_transit"})
"""States in which the vehicle is under way with it: one open waybill per vehicle and trip (R-14)."""


Carried: TypeAlias = tuple[str, Decimal | None, int]
"""One code on the vehicle: (code, kilograms, index of the event)."""


class WaybillGoods(msgspec.Struct, frozen=True):
    """One line of goods: UN number and hazard class, mass in kilograms (None: stated otherwise), listed codes."""

    un: str | None
    hazard_class: str
    mass: Decimal | None
    codes: tuple[str, ...] = ()


class WaybillState(msgspec.Struct, frozen=True, omit_defaults=True):
    """A waybill after the events folded so far; its parties and goods never change once scheduled.

    Times are microseconds UTC. `scheduled_by` is the party that filed it. `loaded` and `arrived` hold (code, kilograms,
    index of the event); a container weighs what is in it, and None stands where the mass is not known.
    """

    number: str
    state: WaybillStatus
    consignor: str
    consignee: str
    carrier: str
    loader: str | None
    origin: str
    destination: str | None
    vehicle: str
    load_at_us: int
    arrive_by_us: int
    goods: tuple[WaybillGoods, ...]
    scheduled_index: int
    last_index: int
    scheduled_by: str = ""
    loaded: tuple[Carried, ...] = ()
    arrived: tuple[Carried, ...] = ()

    @property
    def parties(self) -> frozenset[str]:
        """Consignor, consignee, carrier, and the loader if one is named."""
        named = (self.consignor, self.consignee, self.carrier, self.loader)
        return frozenset([party for party in named if party is not None])

    @property
    def codes(self) -> frozenset[str]:
        """The codes listed; empty where the waybill lists none (bulk, or not known when it was made)."""
        return frozenset(code for line in self.goods for code in line.codes)

    @property
    def loaded_mass(self) -> Decimal | None:
        """Kilograms on the vehicle; None where the mass of a line is not known."""
        masses = [mass for _, mass, _ in self.loaded if mass is not None]
        return sum(masses, Decimal(0)) if len(masses) == len(self.loaded) else None


_ENCODER: Final = msgspec.json.Encoder(order="sorted")
_DECODER: Final = msgspec.json.Decoder(WaybillState)


def encode_waybill(waybill: WaybillState) -> bytes:
    """Canonical JSON of a waybill state, for storage."""
    return _ENCODER.encode(waybill)


def decode_waybill(data: bytes) -> WaybillState:
    """Read what `encode_waybill` wrote.

    Raises:
        EntryCorruptError: the stored bytes are not a waybill state.
    """
    try:
        return _DECODER.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise EntryCorruptError("a stored waybill is damaged; verify the log", detail=str(error)) from error
