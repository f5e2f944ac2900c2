"""The first page of the desk, and the search that takes whatever a person or a scanner types."""

from __future__ import annotations

import re
from typing import Annotated, Final
from urllib.parse import quote

from fastapi import APIRouter, Query, Response
from starlette.responses import RedirectResponse

from chemtrace.core.codes import CODE_SIGNS, parse_code
from chemtrace.core.errors import NotFoundError
from chemtrace.entrypoints.web.code_words import CODE_ERRORS, explain_unknown
from chemtrace.entrypoints.web.context import DeskPage
from chemtrace.entrypoints.web.rendering import Page
from chemtrace.entrypoints.web.route import PageRoute
from chemtrace.entrypoints.web.timeline import list_rows

router = APIRouter(route_class=PageRoute)

RECENT: Final = 8
LOOKED_AT: Final = 80
"""Entries looked through for the latest events: a quiet log has many epochs between two of them."""
_DIGEST: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_INDEX: Final = re.compile(r"[0-9]{1,12}", re.ASCII)


@router.get("/desk")
def get_home(page: DeskPage) -> Response:
    """Search, what needs a look, and what came in last."""
    reads = page.app.reads
    return page.render(
        "home.html",
        stats=reads.stats(),
        alerts=reads.alerts(status="open", limit=RECENT).rows,
        rows=list_rows(line for line in reads.events(limit=LOOKED_AT).rows if line.kind != "epoch")[:RECENT],
    )


@router.get("/desk/find")
def get_find(page: DeskPage, q: Annotated[str, Query(max_length=600)] = "") -> Response:
    """Go to what was meant: a code in any spelling, a waybill, an enterprise, a site, an alert, an event."""
    text = q.strip()
    if not text:
        return RedirectResponse("/desk", 303)
    try:
        code = parse_code(text).text
    except CODE_ERRORS as error:
        target = _named(page, text)
        if target is None:
            return page.render("find.html", 422, fault=explain_unknown(error, page.words), typed=_shown(text))
        return RedirectResponse(target, 303)
    return RedirectResponse(f"/desk/items/{code}", 303)


def _shown(text: str) -> str:
    """What may stand in the field again: never more than a code has signs, for a seal may follow."""
    return text if len(text) <= CODE_SIGNS else ""


def _named(page: Page, text: str) -> str | None:
    """The page of something other than a code, tried by its form first, then by asking the ledger."""
    reads, upper, lower = page.app.reads, text.upper(), text.lower()
    if _INDEX.fullmatch(text):
        return f"/desk/entries/{int(text)}"
    if _DIGEST.fullmatch(lower):
        return _first_known(
            (f"/desk/alerts/{lower}", lambda: reads.alert(lower)),
            (f"/desk/events/{lower}", lambda: reads.event(bytes.fromhex(lower))),
        )
    return _first_known(
        (f"/desk/waybills/{quote(upper, safe='')}", lambda: reads.waybill(upper)),
        (f"/desk/sites/{quote(upper, safe='')}", lambda: reads.site(upper)),
        (f"/desk/enterprises/{quote(upper, safe='')}", lambda: reads.enterprise(upper)),
        (f"/desk/enterprises/{quote(text, safe='')}", lambda: reads.enterprise(text)),
    )


def _first_known(*candidates: tuple[str, object]) -> str | None:
    for address, ask in candidates:
        try:
            if callable(ask):
                ask()
                return address
        except NotFoundError:
            continue
    return None
