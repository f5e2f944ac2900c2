"""The FastAPI application of `/v1`, made from a wired `Application`; opens and closes nothing itself."""

from __future__ import annotations

from typing import Any, Final

from fastapi import FastAPI
from starlette.middleware.gzip import GZipMiddleware

import chemtrace
from chemtrace.bootstrap import Application
from chemtrace.entrypoints.api.auth import wrong_tokens
from chemtrace.entrypoints.api.openapi import DESCRIPTION, describe
from chemtrace.entrypoints.api.plain_urls import PlainURLs
from chemtrace.entrypoints.api.problems import install_problems
from chemtrace.entrypoints.api.routes import (
    alerts,
    bundles,
    events,
    health,
    items,
    log,
    parties,
    tiles,
    waybills,
)
from chemtrace.entrypoints.api.waiting import Publications

MIN_GZIP_BYTES: Final = 1024


def create_app(application: Application) -> FastAPI:
    """Return the API over `application`; the caller owns both and closes the application."""
    app = FastAPI(
        title="chemtrace",
        version=chemtrace.__version__,
        description=DESCRIPTION,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        # Such a redirect would lead to whatever host the request names.
        redirect_slashes=False,
    )
    app.state.application = application
    app.state.wrong_tokens = wrong_tokens()
    app.state.publications = Publications(application)
    for module in (events, items, bundles, parties, waybills, alerts, log, tiles, health):
        app.include_router(module.router)
    install_problems(app)
    app.add_middleware(PlainURLs)
    app.add_middleware(GZipMiddleware, minimum_size=MIN_GZIP_BYTES)
    plain = app.openapi

    def documented() -> dict[str, Any]:
        return describe(plain())

    app.openapi = documented  # type: ignore[method-assign]  # FastAPI's documented way to extend the schema
    return app
