"""All pages as one router, mounted by the server beside the API."""

from __future__ import annotations

from fastapi import APIRouter, Response
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse

from chemtrace.entrypoints.web import assets, label_page, login, verifier_page
from chemtrace.entrypoints.web.pages import alerts, enterprises, home, items, log, sites, waybills
from chemtrace.entrypoints.web.route import PageRoute


def create_web_router() -> APIRouter:
    """Return the router of all pages; `app.state.application` of the app that mounts it is the application."""
    router = APIRouter(include_in_schema=False, route_class=PageRoute)
    for module in (
        assets,
        label_page,
        verifier_page,
        login,
        home,
        items,
        waybills,
        alerts,
        sites,
        enterprises,
        log,
    ):
        router.include_router(module.router)
    # Last, so that it takes only what no page is: a lost reader gets a page, not a JSON document.
    router.add_api_route("/desk/{rest:path}", _no_such_page, methods=["GET"])
    return router


def _no_such_page(rest: str) -> Response:
    if not rest or rest.endswith("/"):
        return RedirectResponse(f"/desk/{rest.strip('/')}".rstrip("/"), 308)
    raise HTTPException(404, "there is no page at this address")
