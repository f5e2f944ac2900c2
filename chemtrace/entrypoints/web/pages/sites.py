"""Places: what stands in a building now, for a fire crew at the gate and an inspector at the desk."""

from __future__ import annotations

from fastapi import APIRouter, Response

from chemtrace.entrypoints.web.advice import advice_for
from chemtrace.entrypoints.web.context import PAGE_ROWS, Cursor, DeskPage
from chemtrace.entrypoints.web.route import PageRoute

router = APIRouter(prefix="/desk/sites", route_class=PageRoute)


@router.get("")
def get_sites(page: DeskPage, cursor: Cursor = "") -> Response:
    """All registered places."""
    return page.render("sites.html", found=page.app.reads.sites(cursor=cursor or None, limit=PAGE_ROWS))


@router.get("/{site_id}")
def get_site(site_id: str, page: DeskPage) -> Response:
    """Substances with UN numbers, hazards and exact sums, then every item; what to do is beside it."""
    stock = page.app.reads.site_stock(site_id)
    hazards = tuple(
        hazard
        for line in stock.chemicals
        for hazard in (line.hazard_class, *line.subsidiary)
        if hazard is not None
    )
    advice = advice_for(hazards) if stock.chemicals else ()
    return page.render(
        "site.html",
        site=stock.site,
        # What is dangerous comes first; mixed containers hold what is listed by substance already.
        lines=sorted(stock.chemicals, key=lambda line: (line.hazard_class is None, line.chemical)),
        advice=advice,
        metres=max((each.metres for each in advice), default=0),
    )
