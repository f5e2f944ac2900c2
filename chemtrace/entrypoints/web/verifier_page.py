"""The inspector's page as this server hands it out: for anybody, with the operator's trust file offered in it.

The page asks this server for nothing. Whoever wants not to trust the server takes the page, and the trust file, from
the authority; the page says where its trust file came from.
"""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Response

from chemtrace.bootstrap import Application
from chemtrace.core.bundle.trust import Trust
from chemtrace.core.errors import LedgerMissingError, PolicyFormatError, SettingError, TrustFormatError
from chemtrace.entrypoints.api.context import App
from chemtrace.entrypoints.verifier.page import page_policy, render_verifier
from chemtrace.entrypoints.web.route import PageRoute

router = APIRouter(route_class=PageRoute)

CAMERA: Final = "camera=(self), microphone=(), geolocation=()"


@router.get("/verify")
def get_verifier(app: App) -> Response:
    """The page, the same for everybody; its own policy lets it connect to nothing."""
    return Response(
        render_verifier(_stated(app), "operator"),
        media_type="text/html; charset=utf-8",
        headers={
            "Content-Security-Policy": f"{page_policy()}; frame-ancestors 'none'",
            "Permissions-Policy": CAMERA,
            "Cache-Control": "no-cache",
        },
    )


def _stated(app: Application) -> Trust | None:
    """The operator's trust file; None while this log has none that holds together."""
    try:
        return app.trust
    except (LedgerMissingError, PolicyFormatError, SettingError, TrustFormatError):
        return None
