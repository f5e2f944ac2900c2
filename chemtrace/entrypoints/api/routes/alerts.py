"""Alerts: what a regulator must look at, with the evidence; handled by signed events of kind `alert`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from chemtrace.entrypoints.api.answers import READING, answers
from chemtrace.entrypoints.api.auth import Reader
from chemtrace.entrypoints.api.context import App
from chemtrace.entrypoints.api.paging import Cursor, Limit, json_response, page_response
from chemtrace.entrypoints.api.schemas import alerts as forms

router = APIRouter(prefix="/v1", tags=["alerts"])


@router.get("/alerts", responses=answers(forms.AlertPage, *READING), summary="Alerts, newest first")
def get_alerts(
    app: App,
    reader: Reader,
    detector: Annotated[str | None, Query(max_length=8, description="C1, Q3, …")] = None,
    status: Annotated[str | None, Query(max_length=32)] = None,
    severity: Annotated[int | None, Query(ge=1, le=4, description="1 critical to 4 notice")] = None,
    enterprise: Annotated[str | None, Query(max_length=96)] = None,
    chemical: Annotated[
        str | None, Query(max_length=3, description="place in the catalogue, 3 digits")
    ] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Response:
    """A page of alerts."""
    page = app.reads.alerts(
        detector=detector,
        status=status,
        severity=severity,
        enterprise=enterprise,
        chemical=chemical,
        cursor=cursor,
        limit=limit,
    )
    return page_response("alerts", page)


@router.get(
    "/alerts/{alert_id}",
    responses=answers(forms.Alert, 404, *READING),
    summary="One alert with all its evidence",
)
def get_alert(alert_id: str, app: App, reader: Reader) -> Response:
    """Detector, observed, threshold, basis, explanation in Chinese and English, evidence, and how it was handled."""
    return json_response(app.reads.alert(alert_id))


@router.get(
    "/refusals",
    responses=answers(forms.RefusalPage, *READING),
    summary="Validly signed statements that were refused",
)
def get_refusals(
    app: App,
    reader: Reader,
    enterprise: Annotated[str | None, Query(max_length=96)] = None,
    code: Annotated[
        str | None, Query(max_length=64, description="the rule's id, or the problem's code")
    ] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Response:
    """Kept as evidence: statement, code and time."""
    page = app.reads.refusals(enterprise=enterprise, code=code, cursor=cursor, limit=limit)
    return page_response("refusals", page)
