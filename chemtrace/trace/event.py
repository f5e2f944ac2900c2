"""One admitted event as the folds of this ring see it: decoded, with exact quantities and integer times."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from chemtrace.core.errors import PayloadError
from chemtrace.core.events.fields import Amount, ItemAmount, ItemLine, Payload
from chemtrace.core.events.items import Correct, Pack, Repack, Trade, Transform, Transport
from chemtrace.core.events.waybills import WaybillScheduled, WaybillState
from chemtrace.core.header import Header
from chemtrace.core.quantity import Quantity, parse_quantity
from chemtrace.core.times import parse_rfc3339

Position: TypeAlias = tuple[int, int]
"""Latitude and longitude, WGS-84, in millionths of a degree."""


class ItemEvent(msgspec.Struct, frozen=True, gc=False):
    """An event about items or a waybill, at its index of the log.

    `actor` is the party that speaks: `on_behalf_of` of an importer, else the header's enterprise. Times are
    microseconds UTC: `at_us` as claimed, `effective_us` as it counts (DESIGN section 4), `received_us` at the door.
    `position` is that of the event or else the registered one of its site. `inputs` are drawn from, `lines` are
    moved, looked at or born; `container` takes or gives `lines`. `late` says that `prev` was not the head.
    """

    index: int
    event_id: bytes
    kind: str
    phase: str
    actor: str
    counterparty: str | None
    at_us: int
    effective_us: int
    received_us: int
    site: str | None
    position: Position | None
    waybill: str | None
    vehicle: str | None
    inputs: tuple[tuple[str, Quantity], ...]
    lines: tuple[tuple[str, Quantity | None], ...]
    container: str | None
    exception: bool
    late: bool
    payload: Payload

    @property
    def codes(self) -> tuple[str, ...]:
        """Every item code the event names, each once: inputs, then the container, then the lines."""
        moved = tuple([code for code, _ in self.lines])
        if self.container is not None:
            moved = (self.container, *moved)
        return (*[code for code, _ in self.inputs], *moved) if self.inputs else moved


def item_event(
    *,
    index: int,
    event_id: bytes,
    header: Header,
    payload: Payload,
    effective_us: int,
    received_us: int,
    late: bool,
    site_position: Position | None,
    at_us: int | None = None,
) -> ItemEvent:
    """Build the event from its statement; `site_position` is the registered place of `payload.site`, if any.

    `at_us` is the time of the payload where it was read before.

    For a correction the codes are those of the header's subjects, which admission has compared with the event named.

    Raises:
        FormError: `TimeFormatError`, `QuantityError`, or `PayloadError` where one code is named twice.
    """
    place = payload.position
    event = ItemEvent(
        index=index,
        event_id=event_id,
        kind=header.kind,
        phase=header.phase,
        actor=payload.on_behalf_of or header.enterprise,
        counterparty=getattr(payload, "counterparty", None),
        at_us=parse_rfc3339(payload.at) if at_us is None else at_us,
        effective_us=effective_us,
        received_us=received_us,
        site=payload.site,
        position=site_position if place is None else (place.lat_e6, place.lon_e6),
        waybill=_waybill_of(payload, header),
        vehicle=payload.vehicle if isinstance(payload, Transport) else None,
        inputs=_inputs_of(payload),
        lines=_lines_of(payload, header),
        container=payload.container if isinstance(payload, Pack) else None,
        exception=header.stance == "exception",
        late=late,
        payload=payload,
    )
    _refuse_doubles(event)
    return event


def _waybill_of(payload: Payload, header: Header) -> str | None:
    if isinstance(payload, Trade | Transport):
        return payload.waybill
    if isinstance(payload, WaybillScheduled | WaybillState):
        return payload.number
    if isinstance(payload, Correct):
        return next((s.id[8:] for s in header.subjects if s.id.startswith("waybill:")), None)
    return None


def _inputs_of(payload: Payload) -> tuple[tuple[str, Quantity], ...]:
    if isinstance(payload, Repack | Transform):
        return tuple([(line.code, _quantity(line.quantity)) for line in payload.inputs])
    return ()


def _lines_of(payload: Payload, header: Header) -> tuple[tuple[str, Quantity | None], ...]:
    items: tuple[ItemAmount | ItemLine, ...] = getattr(payload, "items", ())
    if isinstance(payload, Correct):
        return tuple([(s.id, None) for s in header.subjects if ":" not in s.id])
    return tuple([(i.code, None if i.quantity is None else _quantity(i.quantity)) for i in items])


def _quantity(amount: Amount) -> Quantity:
    return parse_quantity(amount.value, amount.unit)


def _refuse_doubles(event: ItemEvent) -> None:
    """Refuse an event that names one code twice: it would move one item in two ways at once."""
    if len(event.lines) == 1 and not event.inputs and event.container is None:
        return
    seen: set[str] = set()
    for code in event.codes:
        if code in seen:
            raise PayloadError(
                "one code is named twice in the event; name each once", field="items", found=code
            )
        seen.add(code)
