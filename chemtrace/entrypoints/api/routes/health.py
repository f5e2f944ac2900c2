"""What an operator's monitor asks: alive, ready, and how much of what."""

from __future__ import annotations

import orjson
from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from chemtrace.entrypoints.api.context import App

router = APIRouter(tags=["health"])


@router.get("/healthz", summary="The process is alive")
def healthz() -> dict[str, str]:
    """Always `{"status": "ok"}`: says nothing about the ledger."""
    return {"status": "ok"}


@router.get("/readyz", summary="The ledger answers and may be written")
def readyz(app: App) -> Response:
    """200 with size and log time; 503 while the ledger cannot be written."""
    state = app.ledger.health()
    status = 200 if state["writable"] else 503
    return Response(orjson.dumps(state), status, media_type="application/json")


@router.get("/metrics", summary="Counters for Prometheus")
def metrics() -> Response:
    """The process's counters in Prometheus' text form."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
