"""Static files of the pages: a style sheet and an icon, kept by browsers for a year under their digest."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Response
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse

from chemtrace.entrypoints.web.rendering import ASSETS, YEAR_S, asset_url, load_asset
from chemtrace.entrypoints.web.route import PageRoute

router = APIRouter(route_class=PageRoute)
KEPT: Final = f"public, max-age={YEAR_S}, immutable"


@router.get("/assets/{name}")
def get_asset(name: str) -> Response:
    """One static file, by a name of the fixed list."""
    if name not in ASSETS:
        raise HTTPException(404, "there is no such file")
    return Response(load_asset(name), media_type=ASSETS[name], headers={"Cache-Control": KEPT})


@router.get("/favicon.ico")
def get_icon() -> Response:
    """Browsers ask for it beside documents that name no icon."""
    return RedirectResponse(asset_url("icon.svg"), 308)


@router.get("/")
def get_root() -> Response:
    """The desk is what a person who types the bare address wants."""
    return RedirectResponse("/desk", 303)
