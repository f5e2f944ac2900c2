"""The waybill's own events: scheduled, loaded, in transit, arrived, closed, void."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from msgspec.structs import replace

from chemtrace.core.events.waybills import Goods, WaybillScheduled
from chemtrace.core.quantity import UNITS, parse_quantity
from chemtrace.core.times import parse_rfc3339
from chemtrace.trace.consignment import Match, busy
from chemtrace.trace.event import ItemEvent
from chemtrace.trace.exact import base_value, tolerance
from chemtrace.trace.finding import Finding, Refusal, find
from chemtrace.trace.state import ZERO
from chemtrace.trace.view import ItemsView
from chemtrace.trace.waybill import OPEN_STATES, WaybillGoods, WaybillState, WaybillStatus

ALLOWED_FROM: Final[dict[str, frozenset[str]]] = {
    "loaded": frozenset({"scheduled", "loaded"}),
    "in_transit": frozenset({"loaded", "in_transit"}),
    "arrived": frozenset({"loaded", "in_transit", "arrived"}),
    "closed": frozenset({"arrived"}),
    "void": frozenset({"scheduled"}),
}
"""From which states a waybill may go to which; a party may repeat what a load or arrival has brought about."""

_PLATFORM: Final = "ext:"
"""Parties in a foreign namespace: a transport platform speaks for the parties that are named in its own one."""


def advance_waybill(waybill: WaybillState | None, event: ItemEvent, view: ItemsView) -> Match:
    """Fold one waybill event.

    Refused: waybill.state, waybill.unknown, waybill.party, waybill.vehicle-busy. Found: waybill.mass, when the
    vehicle leaves with less than stated or the waybill is closed with goods not arrived; waybill.vehicle-busy, when
    another carrier has a trip with this plate.

    Raises:
        FormError: a time or quantity of the payload is malformed.
    """
    payload = event.payload
    number = event.waybill or ""
    if isinstance(payload, WaybillScheduled):
        return _schedule(waybill, event, payload)
    if waybill is None:
        return Match(None, (), Refusal(find("waybill.unknown", event, number, found=number)))
    trip = _trip(waybill, event, view)
    refusal = _wrong_party(waybill, event) or _wrong_state(waybill, event) or trip.refusal
    findings = (*_shortfall(waybill, event), *trip.findings)
    state: WaybillStatus = event.phase  # type: ignore[assignment]  # the phases of WaybillState payloads are states
    return Match(replace(waybill, state=state, last_index=event.index), findings, refusal)


def _schedule(waybill: WaybillState | None, event: ItemEvent, payload: WaybillScheduled) -> Match:
    fresh = WaybillState(
        number=payload.number,
        state="scheduled",
        consignor=payload.consignor,
        consignee=payload.consignee,
        carrier=payload.carrier,
        loader=payload.loader,
        origin=payload.origin,
        destination=payload.destination,
        vehicle=payload.vehicle.plate,
        load_at_us=parse_rfc3339(payload.load_at),
        arrive_by_us=parse_rfc3339(payload.arrive_by),
        goods=tuple([_goods(line) for line in payload.goods]),
        scheduled_index=event.index,
        scheduled_by=event.actor,
        last_index=event.index,
    )
    if waybill is not None:
        told = find("waybill.state", event, payload.number, expected=waybill.state, found="waybill/scheduled")
        return Match(waybill, (), Refusal(told))
    return Match(fresh, (), _wrong_party(fresh, event))


def _goods(line: Goods) -> WaybillGoods:
    mass = parse_quantity(line.mass.value, line.mass.unit)
    value = base_value(mass.value, mass.unit) if UNITS[mass.unit].base == "KGM" else None
    return WaybillGoods(line.un, line.hazard_class, value, line.codes)


def _wrong_party(waybill: WaybillState, event: ItemEvent) -> Refusal | None:
    """Consignor, loader and carrier send it off; consignee and carrier end it."""
    sending: tuple[str | None, ...] = (waybill.consignor, waybill.loader, waybill.carrier)
    parties = (waybill.consignee, waybill.carrier) if event.phase in ("arrived", "closed") else sending
    if event.actor in parties or _is_platform_of(parties, event.actor):
        return None
    told = "、".join(sorted({party for party in parties if party is not None}))
    return Refusal(find("waybill.party", event, waybill.number, expected=told, found=event.actor))


def _is_platform_of(parties: tuple[str | None, ...], actor: str) -> bool:
    """Tell whether a party has its name in the namespace of `actor`; no registered enterprise has."""
    scheme, _, rest = actor.partition(":")
    space = f"{scheme}:{rest.partition(':')[0]}:"
    return space.startswith(_PLATFORM) and any(
        party.startswith(space) for party in parties if party is not None
    )


def _wrong_state(waybill: WaybillState, event: ItemEvent) -> Refusal | None:
    if waybill.state in ALLOWED_FROM[event.phase]:
        return None
    said = f"waybill/{event.phase}"
    return Refusal(find("waybill.state", event, waybill.number, expected=waybill.state, found=said))


def _trip(waybill: WaybillState, event: ItemEvent, view: ItemsView) -> Match:
    if event.phase not in OPEN_STATES or waybill.state in OPEN_STATES:
        return Match()
    return busy(event, waybill, waybill.vehicle, view)


def _shortfall(waybill: WaybillState, event: ItemEvent) -> tuple[Finding, ...]:
    """Leaving with less than stated, or closing with goods that never arrived (waybill.mass)."""
    loaded = waybill.loaded_mass
    if event.phase == "in_transit" and waybill.loaded and loaded is not None:
        listed = _total([line.mass or ZERO for line in waybill.goods])
        if any(line.mass is None for line in waybill.goods) or loaded >= listed - tolerance(listed, "KGM"):
            return ()
        return (_mass(waybill, event, f"{listed:f} KGM", f"{loaded:f} KGM"),)
    if event.phase == "closed":
        here = {code for code, _, _ in waybill.arrived}
        left = [code for code, _, _ in waybill.loaded if code not in here]
        if left:
            counted = f"{len(waybill.loaded) - len(left)} H87 (- {', '.join(left[:5])})"
            return (_mass(waybill, event, f"{len(waybill.loaded)} H87", counted),)
    return ()


def _mass(waybill: WaybillState, event: ItemEvent, expected: str, found: str) -> Finding:
    return find("waybill.mass", event, waybill.number, expected=expected, found=found)


def _total(amounts: list[Decimal]) -> Decimal:
    return sum(amounts, ZERO)
