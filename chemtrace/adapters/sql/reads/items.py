"""Items now: state, custody and place (through their containers), lists, and what stands at a site."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Connection, bindparam, or_, select, text

from chemtrace.adapters.sql.reads.events import FindingLine, finding_line
from chemtrace.adapters.sql.reads.pages import Page, cut_page, load_json, page_size, parse_text_cursor
from chemtrace.adapters.sql.tables import finding, item, subject_head, waybill
from chemtrace.core.catalogue import Catalogue
from chemtrace.core.errors import ItemUnknownError

IN_STOCK: Final = ("held", "missing")
"""States in which an item counts as being where it was last said to be; a missing one is shown as missing."""


@dataclass(frozen=True, slots=True)
class ItemLine:
    """One item in a list. Quantity is decimal text in `unit`; `parent` is the container it is in."""

    code: str
    chemical: str
    status: str
    holder: str | None
    site: str | None
    quantity: str
    unit: str
    parent: str | None
    offered_to: str | None
    waybill: str | None
    last_index: int


@dataclass(frozen=True, slots=True)
class ItemView:
    """One item now.

    `containers` names what it is in, innermost first; `holder`, `site` and `waybill` are those of the outermost one.
    `state` is the whole folded state as stored; `head` and `events` are what a signer needs to know.
    """

    code: str
    chemical: str
    name_zh: str | None
    name_en: str | None
    status: str
    holder: str | None
    site: str | None
    quantity: str
    unit: str
    offered_to: str | None
    waybill: str | None
    containers: tuple[str, ...]
    contents: tuple[str, ...]
    last_index: int
    head: str
    events: int
    findings: tuple[FindingLine, ...]
    state: dict[str, Any]


@dataclass(frozen=True, slots=True)
class StockLine:
    """What is at a site of one chemical: pieces and exact sum, with what a fire brigade asks first."""

    chemical: str
    name_zh: str | None
    name_en: str | None
    un: str | None
    hazard_class: str | None
    subsidiary: tuple[str, ...]
    ghs: tuple[str, ...]
    pieces: int
    missing: int
    quantity: str
    unit: str
    items: tuple[ItemLine, ...]


def load_item(connection: Connection, code: str, catalogue: Catalogue | None) -> ItemView:
    """Return one item now.

    Raises:
        ItemUnknownError: no event names the code.
    """
    row = connection.execute(select(item).where(item.c.code == code)).first()
    if row is None:
        raise ItemUnknownError("no event of this ledger names this code", code=code)
    containers = _containers(connection, row)
    outermost = containers[-1] if containers else row
    of_code = subject_head.c.subject == code
    head = connection.execute(
        select(subject_head.c.event_id, subject_head.c.count.label("events")).where(of_code)
    ).first()
    broken = connection.execute(
        select(finding).where(finding.c.code == code).order_by(finding.c.idx, finding.c.n)
    )
    inside = select(item.c.code).where(item.c.parent == code).order_by(item.c.code).limit(1000)
    chemical = None if catalogue is None else catalogue.by_slot.get(row.slot)
    return ItemView(
        code=row.code,
        chemical=row.slot,
        name_zh=None if chemical is None else chemical.name_zh,
        name_en=None if chemical is None else chemical.name_en,
        status=row.status,
        holder=outermost.holder,
        site=outermost.site,
        quantity=row.quantity,
        unit=row.unit,
        offered_to=row.offered_to,
        waybill=outermost.waybill,
        containers=tuple(container.code for container in containers),
        contents=tuple(connection.execute(inside).scalars()),
        last_index=row.last_idx,
        head="" if head is None else head.event_id.hex(),
        events=0 if head is None else head.events,
        findings=tuple(finding_line(found) for found in broken),
        state=load_json(row.state, "item", code),
    )


def load_items(
    connection: Connection,
    *,
    holder: str | None,
    site: str | None,
    chemical: str | None,
    status: str | None,
    pending: str | None,
    parent: str | None,
    cursor: str | None,
    limit: int,
) -> Page[ItemLine]:
    """Return items in the order of their codes; `pending` is a party that is to confirm a receipt."""
    limit, after = page_size(limit), parse_text_cursor(cursor, 19)
    query = select(item)
    wanted = (
        (item.c.holder, holder),
        (item.c.site, site),
        (item.c.slot, chemical),
        (item.c.status, status),
        (item.c.parent, parent),
    )
    for column, value in wanted:
        if value is not None:
            query = query.where(column == value)
    if pending is not None:
        on_the_way = select(waybill.c.number).where(waybill.c.consignee == pending)
        arriving = (item.c.status == "in_transit") & item.c.waybill.in_(on_the_way)
        query = query.where(or_(item.c.offered_to == pending, arriving))
    if after is not None:
        query = query.where(item.c.code > after)
    rows = connection.execute(query.order_by(item.c.code).limit(limit + 1)).all()
    return cut_page(rows, limit, _item_line, lambda row: row.code)


_HERE: Final = text(
    "WITH RECURSIVE here(code) AS ("
    " SELECT code FROM item WHERE site = :site AND parent IS NULL AND status IN :states"
    " UNION SELECT item.code FROM item JOIN here ON item.parent = here.code)"
    " SELECT item.* FROM item JOIN here ON here.code = item.code ORDER BY item.slot, item.code"
).bindparams(bindparam("states", expanding=True))


def load_stock(connection: Connection, site: str, catalogue: Catalogue | None) -> tuple[StockLine, ...]:
    """Return what is at a site by chemical, what stands in containers included; one query."""
    given = {"site": site, "states": list(IN_STOCK)}
    groups: dict[tuple[str, str], list[Any]] = {}
    for row in connection.execute(_HERE, given):
        groups.setdefault((row.slot, row.unit), []).append(row)
    return tuple(_stock_line(slot, unit, rows, catalogue) for (slot, unit), rows in sorted(groups.items()))


def _stock_line(slot: str, unit: str, rows: Sequence[Any], catalogue: Catalogue | None) -> StockLine:
    chemical = None if catalogue is None else catalogue.by_slot.get(slot)
    present = [row for row in rows if row.status == "held"]
    return StockLine(
        chemical=slot,
        name_zh=None if chemical is None else chemical.name_zh,
        name_en=None if chemical is None else chemical.name_en,
        un=None if chemical is None else chemical.un,
        hazard_class=None if chemical is None else chemical.tdg_class,
        subsidiary=() if chemical is None else tuple(chemical.subsidiary),
        ghs=() if chemical is None else tuple(chemical.ghs),
        pieces=len(present),
        missing=len(rows) - len(present),
        quantity=format(sum((Decimal(row.quantity) for row in present), Decimal(0)), "f"),
        unit=unit,
        items=tuple(_item_line(row) for row in rows),
    )


def _containers(connection: Connection, row: Any) -> tuple[Any, ...]:
    """What an item is in, innermost first; a ring of containers, which is never admitted, ends where it began."""
    chain: list[Any] = []
    seen: set[str] = {row.code}
    parent = row.parent
    while parent is not None and parent not in seen:
        seen.add(parent)
        outer = connection.execute(select(item).where(item.c.code == parent)).first()
        if outer is None:
            break
        chain.append(outer)
        parent = outer.parent
    return tuple(chain)


def _item_line(row: Any) -> ItemLine:
    return ItemLine(
        code=row.code,
        chemical=row.slot,
        status=row.status,
        holder=row.holder,
        site=row.site,
        quantity=row.quantity,
        unit=row.unit,
        parent=row.parent,
        offered_to=row.offered_to,
        waybill=row.waybill,
        last_index=row.last_idx,
    )
