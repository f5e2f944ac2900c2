"""Enterprises: who they are, where they are, what they hold, what they did last."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final

from fastapi import APIRouter, Response

from chemtrace.entrypoints.web.context import PAGE_ROWS, Cursor, DeskPage
from chemtrace.entrypoints.web.route import PageRoute
from chemtrace.entrypoints.web.timeline import list_rows

router = APIRouter(prefix="/desk/enterprises", route_class=PageRoute)

RECENT: Final = 15
MOST_ITEMS: Final = 1_000
"""Items summed on the page; beyond that it says that there are more, and the list of items pages on."""


@router.get("")
def get_enterprises(page: DeskPage, cursor: Cursor = "") -> Response:
    """All registered enterprises."""
    found = page.app.reads.enterprises(cursor=cursor or None, limit=PAGE_ROWS)
    return page.render("enterprises.html", found=found)


@router.get("/{party}")
def get_enterprise(party: str, page: DeskPage) -> Response:
    """One enterprise: record, sites, keys, what it holds, alerts that name it, recent events."""
    reads = page.app.reads
    enterprise = reads.enterprise(party)
    held = reads.items(holder=party, limit=MOST_ITEMS)
    return page.render(
        "enterprise.html",
        enterprise=enterprise,
        record=enterprise.record or {},
        stock=sum_by_substance(held.rows),
        has_more=held.next is not None,
        alerts=reads.alerts(enterprise=party, limit=RECENT).rows,
        done=list_rows(reads.events(actor=party, limit=RECENT).rows),
        received=list_rows(reads.events(counterparty=party, limit=RECENT).rows),
    )


def sum_by_substance(items: Iterable[Any]) -> tuple[dict[str, Any], ...]:
    """Pieces and exact sums by substance and unit, of what is in hand, under way or missing."""
    sums: dict[tuple[str, str], dict[str, Any]] = {}
    for item in items:
        if item.status not in {"held", "in_transit", "missing"}:
            continue
        empty = {"slot": item.chemical, "unit": item.unit, "pieces": 0, "missing": 0, "total": Decimal(0)}
        line = sums.setdefault((item.chemical, item.unit), empty)
        if item.status == "missing":
            line["missing"] += 1
        else:
            line["pieces"] += 1
            line["total"] += Decimal(item.quantity)
    return tuple({**line, "quantity": format(line["total"], "f")} for _, line in sorted(sums.items()))
