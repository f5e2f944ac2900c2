"""What a load, an arrival or a sale means for its waybill, and whether they fit each other."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

import msgspec
from msgspec.structs import replace

from chemtrace.trace.event import ItemEvent
from chemtrace.trace.exact import tolerance
from chemtrace.trace.finding import Finding, Refusal, find, find_item
from chemtrace.trace.freight import contents, mass_of, measure_of
from chemtrace.trace.stages.trade import AGGREGATE
from chemtrace.trace.state import ZERO, ItemState
from chemtrace.trace.view import ItemsView
from chemtrace.trace.waybill import OPEN_STATES, Carried, WaybillState

EXEMPT_MASS: Final = Decimal(50)
"""Kilograms (of liquids and gases: litres) that one event may move without a waybill."""


class Match(msgspec.Struct, frozen=True):
    """What matching an event with its waybill gave."""

    waybill: WaybillState | None = None
    findings: tuple[Finding, ...] = ()
    refusal: Refusal | None = None


def match_load(
    event: ItemEvent, waybill: WaybillState | None, before: Mapping[str, ItemState], view: ItemsView
) -> Match:
    """Fit a load to its waybill.

    Refused: waybill.state (neither scheduled nor loaded), waybill.carrier, waybill.code-not-listed,
    waybill.vehicle-busy. Found: waybill.missing, vehicle, consignee, goods, mass.
    """
    if waybill is None:
        return Match(None, _missing(event, before, view))
    vehicle = event.vehicle or waybill.vehicle
    trip = busy(event, waybill, vehicle, view)
    refusal = _refuse_load(event, waybill, view) or trip.refusal
    findings = [*_parties(event, waybill), *_goods(event, waybill, view), *trip.findings]
    carried = _weighed(event, before, view)
    known = {code for code, _, _ in carried}
    kept = tuple([line for line in waybill.loaded if line[0] not in known])
    after = replace(
        waybill, state="loaded", vehicle=vehicle, loaded=(*kept, *carried), last_index=event.index
    )
    return Match(after, (*findings, *_overload(event, after)), refusal)


def match_arrival(
    event: ItemEvent, waybill: WaybillState | None, before: Mapping[str, ItemState], view: ItemsView
) -> Match:
    """Fit an arrival to its waybill; it has happened, so everything is found.

    Found: waybill.missing, not-named, state, code-not-listed, vehicle, consignee. Refused: waybill.party, where a
    stranger names it for goods that are not on it. The waybill has arrived when all that was loaded has, with somebody
    whom it, or the item, concerns: what a stranger says of its goods is found and leaves it open.
    """
    if waybill is None:
        moved = {
            code: state for code, state in before.items() if state.status not in ("in_transit", "unborn")
        }
        return Match(None, (*_not_named(event, before), *_missing(event, moved, view)))
    findings: list[Finding] = []
    if waybill.state not in ("loaded", "in_transit", "arrived"):
        findings.append(_state(event, waybill))
    if event.vehicle is not None and event.vehicle != waybill.vehicle:
        findings.append(_other("waybill.vehicle", event, waybill, waybill.vehicle, event.vehicle))
    findings.extend(_unlisted(event, waybill, {code for code, _, _ in waybill.loaded}, view))
    findings.extend(_consignee(event, waybill, before))
    refusal = refuse_stranger(event, waybill, view)
    return Match(_arrived(event, waybill, before, view), tuple(findings), refusal)


def refuse_stranger(event: ItemEvent, waybill: WaybillState, view: ItemsView) -> Refusal | None:
    """Refuse to lengthen the record of another's waybill: without its number the same may be said of the goods."""
    if event.actor in waybill.parties:
        return None
    carried = waybill.codes | {code for code, _, _ in waybill.loaded}
    if any(not _unlisted_line(code, carried, view) for code, _ in event.lines):
        return None
    told = "、".join(sorted(waybill.parties))
    return Refusal(find("waybill.party", event, waybill.number, expected=told, found=event.actor))


def _unlisted_line(code: str, listed: frozenset[str], view: ItemsView) -> bool:
    return code not in listed and bool(_strange(code, listed, view))


def undo(waybill: WaybillState, *, target: ItemEvent, by: ItemEvent) -> WaybillState:
    """The waybill without what a corrected load or arrival had put on it."""
    loaded = tuple([line for line in waybill.loaded if line[2] != target.index])
    arrived = tuple([line for line in waybill.arrived if line[2] != target.index])
    state = waybill.state
    if state == "loaded" and waybill.loaded and not loaded:
        state = "scheduled"
    elif state == "arrived" and len(arrived) < len(waybill.arrived):
        state = "in_transit"
    return replace(waybill, state=state, loaded=loaded, arrived=arrived, last_index=by.index)


def _arrived(
    event: ItemEvent, waybill: WaybillState, before: Mapping[str, ItemState], view: ItemsView
) -> WaybillState:
    here = [
        line for line in _weighed(event, before, view) if _concerns(event.actor, waybill, before[line[0]])
    ]
    known = {code for code, _, _ in here}
    arrived = (*[line for line in waybill.arrived if line[0] not in known], *here)
    state = waybill.state
    if state in OPEN_STATES and {code for code, _, _ in waybill.loaded} <= {code for code, _, _ in arrived}:
        state = "arrived"
    return replace(waybill, state=state, arrived=arrived, last_index=event.index)


def _concerns(actor: str, waybill: WaybillState, state: ItemState) -> bool:
    """Whether the actor is a party of the waybill, or the item is its own, shipped to it or sold to it."""
    return actor in (*waybill.parties, state.holder, state.shipper, state.consignee, *(state.offer or ()))


def _weighed(event: ItemEvent, before: Mapping[str, ItemState], view: ItemsView) -> tuple[Carried, ...]:
    return tuple([(code, mass_of(before[code], stated, view), event.index) for code, stated in event.lines])


def _refuse_load(event: ItemEvent, waybill: WaybillState, view: ItemsView) -> Refusal | None:
    if waybill.state not in ("scheduled", "loaded"):
        return Refusal(_state(event, waybill))
    if event.actor not in (waybill.carrier, waybill.consignor, waybill.loader):
        return Refusal(
            find(
                "waybill.carrier",
                event,
                waybill.number,
                expected=waybill.carrier,
                found=event.actor,
                holder=waybill.consignor,
            )
        )
    unlisted = _unlisted(event, waybill, waybill.codes, view)
    return Refusal(unlisted[0]) if unlisted else None


def _state(event: ItemEvent, waybill: WaybillState) -> Finding:
    said = f"{event.kind}/{event.phase}"
    return find("waybill.state", event, waybill.number, expected=waybill.state, found=said)


def _unlisted(
    event: ItemEvent, waybill: WaybillState, listed: set[str] | frozenset[str], view: ItemsView
) -> tuple[Finding, ...]:
    """Codes that are not listed; a container is when itself or everything in it is."""
    if not listed:
        return ()
    strange = [
        code for moved, _ in event.lines if moved not in listed for code in _strange(moved, listed, view)
    ]
    return tuple([find("waybill.code-not-listed", event, code, expected=waybill.number) for code in strange])


def _strange(code: str, listed: set[str] | frozenset[str], view: ItemsView) -> list[str]:
    inside = [state.code for state in contents(code, view)] if code[3] == AGGREGATE else []
    return [inner for inner in inside if inner not in listed] if inside else [code]


def busy(event: ItemEvent, waybill: WaybillState, vehicle: str, view: ItemsView) -> Match:
    """Whether the vehicle is under way on another waybill: refused to the carrier of that one, found of any other.

    A plate belongs to nobody here: who writes another's on a waybill of its own must not stop the other's trips.
    """
    if waybill.state in OPEN_STATES and vehicle == waybill.vehicle:
        return Match()
    others = [known for known in map(view.waybill, view.open_waybills_of(vehicle)) if known is not None]
    own = [known for known in others if known.carrier == waybill.carrier and known.number != waybill.number]
    foreign = [known for known in others if known.carrier != waybill.carrier]
    told = [
        _other("waybill.vehicle-busy", event, waybill, known.number, vehicle) for known in (*own, *foreign)
    ]
    return Match(None, tuple(told[len(own) :][:1]), Refusal(told[0]) if own else None)


def _parties(event: ItemEvent, waybill: WaybillState) -> list[Finding]:
    findings = []
    if event.counterparty is not None and event.counterparty != waybill.consignee:
        findings.append(_other("waybill.consignee", event, waybill, waybill.consignee, event.counterparty))
    if event.vehicle is not None and event.vehicle != waybill.vehicle:
        findings.append(_other("waybill.vehicle", event, waybill, waybill.vehicle, event.vehicle))
    return findings


def _other(rule: str, event: ItemEvent, waybill: WaybillState, expected: str, found: str) -> Finding:
    return find(rule, event, waybill.number, expected=expected, found=found)


def _goods(event: ItemEvent, waybill: WaybillState, view: ItemsView) -> list[Finding]:
    """Items whose UN numbers, by the catalogue, are none of the waybill's."""
    catalogue = view.catalogue
    numbers = {line.un for line in waybill.goods}
    if catalogue is None or None in numbers:
        return []
    findings = []
    for code, _ in event.lines:
        chemical = catalogue.by_slot.get(code[4:7])
        if chemical is None or chemical.un is None or code[3] in "WA":
            continue
        if numbers.isdisjoint((chemical.un, *chemical.un_other)):
            said = "/".join(sorted(number for number in numbers if number is not None))
            findings.append(find("waybill.goods", event, code, expected=said, found=chemical.un))
    return findings


def _overload(event: ItemEvent, waybill: WaybillState) -> tuple[Finding, ...]:
    """More loaded than the waybill states; only where every line has a mass, on the waybill and on the vehicle."""
    listed = ZERO
    for line in waybill.goods:
        if line.mass is None:
            return ()
        listed += line.mass
    loaded = waybill.loaded_mass
    if loaded is None or loaded <= listed + tolerance(listed, "KGM"):
        return ()
    told = find("waybill.mass", event, waybill.number, expected=f"{listed:f} KGM", found=f"{loaded:f} KGM")
    return (told,)


def _missing(event: ItemEvent, before: Mapping[str, ItemState], view: ItemsView) -> tuple[Finding, ...]:
    moved = [measure_of(before[code], stated, view) for code, stated in event.lines if code in before]
    total = sum(moved, ZERO)
    if total <= EXEMPT_MASS:
        return ()
    first = event.lines[0][0]
    return (find("waybill.missing", event, first, expected=f"{EXEMPT_MASS} KGM", found=f"{total:f} KGM/LTR"),)


def _not_named(event: ItemEvent, before: Mapping[str, ItemState]) -> tuple[Finding, ...]:
    """Loaded under a waybill that the arrival does not name: the waybill cannot follow its goods."""
    for state in before.values():
        if state.status == "in_transit" and state.waybill is not None:
            return (find_item("waybill.not-named", event, state, expected=state.waybill),)
    return ()


def _consignee(
    event: ItemEvent, waybill: WaybillState, before: Mapping[str, ItemState]
) -> tuple[Finding, ...]:
    """Somebody else receives; the shipper may take its goods back, and strangers to the item are told per item."""
    if event.actor in (waybill.consignee, waybill.consignor):
        return ()
    for state in before.values():
        if state.status == "in_transit":
            return ()  # the item's own step has found it, or the actor is the buyer or the shipper
    told = find("waybill.consignee", event, waybill.number, expected=waybill.consignee, found=event.actor)
    return (told,)
