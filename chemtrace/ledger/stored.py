"""Stored rows back into the values of the rings further in."""

from __future__ import annotations

from typing import Final

from chemtrace.core.entry import parse_entry
from chemtrace.core.errors import EntryCorruptError
from chemtrace.core.events import ITEM_KINDS, parse_payload
from chemtrace.core.header import Header, parse_header
from chemtrace.ledger.ports import ReadTransaction, StoredEvent
from chemtrace.registry.state import Registry
from chemtrace.trace.event import ItemEvent, item_event
from chemtrace.trace.view import Past

TRACED_KINDS: Final = ITEM_KINDS | {"waybill"}
"""Kinds that the trace ring judges."""


def stored_header(stored: StoredEvent) -> Header:
    """The header of a stored event."""
    return parse_header(parse_entry(stored.body).header_bytes)


def stored_item_event(stored: StoredEvent, registry: Registry) -> ItemEvent | None:
    """The event as the trace ring sees it, or None for kinds that move no item and no waybill.

    Raises:
        EntryCorruptError: the payload of an item's event is missing.
    """
    header = stored_header(stored)
    if header.kind not in TRACED_KINDS:
        return None
    if stored.payload is None:
        raise EntryCorruptError("the payload of an event is missing; verify the log", index=stored.index)
    payload = parse_payload(header.kind, header.phase, stored.payload)
    return item_event(
        index=stored.index,
        event_id=stored.event_id,
        header=header,
        payload=payload,
        effective_us=stored.effective_us,
        received_us=stored.received_us,
        late=stored.late,
        site_position=site_position(registry, payload.site),
    )


def load_past(
    transaction: ReadTransaction, registry: Registry, code: str, read: dict[int, ItemEvent | None]
) -> tuple[Past, ...]:
    """All events of an item with their effect, in the order of the log.

    `read` holds the events decoded so far by index, and is added to: one event may be about hundreds of items.
    """
    found = []
    for stored in transaction.history(code):
        if stored.index not in read:
            read[stored.index] = stored_item_event(stored, registry)
        event = read[stored.index]
        if event is not None:
            found.append(Past(event, stored.effect))
    return tuple(found)


def site_position(registry: Registry, site_id: str | None) -> tuple[int, int] | None:
    """The registered place of a site in millionths of a degree, or None where there is none."""
    site = registry.site(site_id) if site_id is not None else None
    return None if site is None else (site.lat_e6, site.lon_e6)
