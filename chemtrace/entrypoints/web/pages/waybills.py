"""Electronic waybills: a list to filter, and one trip from plan to receipt."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, Response

from chemtrace.entrypoints.web.context import PAGE_ROWS, Cursor, DeskPage, Filter
from chemtrace.entrypoints.web.route import PageRoute
from chemtrace.entrypoints.web.timeline import Row, history_rows

router = APIRouter(prefix="/desk/waybills", route_class=PageRoute)

STATES: Final = ("scheduled", "loaded", "in_transit", "arrived", "closed", "void")
COURSE: Final = STATES[:-1]


@router.get("")
def get_waybills(
    page: DeskPage, state: Filter = "", party: Filter = "", vehicle: Filter = "", cursor: Cursor = ""
) -> Response:
    """Waybills by state, party and vehicle."""
    found = page.app.reads.waybills(
        state=state or None,
        party=party or None,
        vehicle=vehicle or None,
        cursor=cursor or None,
        limit=PAGE_ROWS,
    )
    wanted = {"state": state, "party": party, "vehicle": vehicle}
    return page.render("waybills.html", found=found, wanted=wanted, states=STATES)


@router.get("/{number}")
def get_waybill(number: str, page: DeskPage) -> Response:
    """Who, what, when and by which vehicle: as planned, as loaded, as arrived."""
    waybill = page.app.reads.waybill(number)
    rows = history_rows(waybill["events"], f"waybill:{number}")
    plan = next(
        (row.facts for row in rows if row.line.kind == "waybill" and row.line.phase == "scheduled"), {}
    )
    return page.render(
        "waybill.html", waybill=waybill, rows=rows, plan=plan, course=COURSE, codes=code_rows(waybill, rows)
    )


def code_rows(waybill: dict[str, Any], rows: tuple[Row, ...]) -> tuple[dict[str, Any], ...]:
    """Each code of a trip once: whether it was listed, and what was loaded and received of it."""
    listed = [code for line in waybill.get("goods") or () for code in line.get("codes") or ()]
    loaded = {entry[0]: entry[1] for entry in waybill.get("loaded") or ()}
    arrived = {entry[0]: entry[1] for entry in waybill.get("arrived") or ()}
    units = _units(rows)
    return tuple(
        {
            "code": code,
            "listed": code in listed,
            "loaded": loaded.get(code),
            "arrived": arrived.get(code),
            "unit": units.get(code, "KGM"),
        }
        for code in dict.fromkeys([*listed, *loaded, *arrived])
    )


def _units(rows: tuple[Row, ...]) -> dict[str, str]:
    """Loaded and arrived amounts are kept in the base unit; litres are told by what the events say."""
    volumes = {"LTR", "MLT", "MTQ"}
    found: dict[str, str] = {}
    for row in rows:
        for line in row.facts.get("items") or ():
            unit = (line.get("quantity") or {}).get("unit")
            if unit in volumes:
                found[line["code"]] = "LTR"
    return found
