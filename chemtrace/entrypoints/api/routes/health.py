"""What an operator's monitor asks: alive, ready, and how much of what."""

from __future__ import annotations

from typing import Final

import orjson
from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from chemtrace.entrypoints.api.answers import answers, text_answers
from chemtrace.entrypoints.api.context import App
from chemtrace.entrypoints.api.schemas.log import Alive, Readiness

router = APIRouter(tags=["health"])

_READY: Final = {
    **answers(Readiness, 422, 500, description="statements are taken"),
    503: {"model": Readiness, "description": "reading is possible, writing is not"},
}


@router.get("/healthz", responses=answers(Alive, 422), summary="The process is alive")
def healthz() -> Response:
    """Always `{"status": "ok"}`: says nothing about the ledger."""
    return Response(orjson.dumps({"status": "ok"}), media_type="application/json")


@router.get("/readyz", responses=_READY, summary="The ledger answers and may be written")
def readyz(app: App) -> Response:
    """200 with size, log time and witnesses; 503 while the ledger cannot be written."""
    state = app.health()
    status = 200 if state["writable"] else 503
    return Response(orjson.dumps(state), status, media_type="application/json")


@router.get(
    "/metrics",
    response_class=Response,
    responses=text_answers("text/plain", "Prometheus' text form", 422),
    summary="Counters for Prometheus",
)
def metrics() -> Response:
    """The process's counters in Prometheus' text form."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
