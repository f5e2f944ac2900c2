"""Electronic waybills: transport systems post the signed note, anyone entitled reads where the trip stands."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from chemtrace.core.statement import MAX_WIRE_BYTES
from chemtrace.entrypoints.api.answers import READING, answers
from chemtrace.entrypoints.api.auth import Reader
from chemtrace.entrypoints.api.context import App
from chemtrace.entrypoints.api.outcomes import response_of
from chemtrace.entrypoints.api.paging import Cursor, Limit, json_response, page_response
from chemtrace.entrypoints.api.raw_body import read_body
from chemtrace.entrypoints.api.routes.events import JSON, NDJSON, refuse_other_kind, take_lines
from chemtrace.entrypoints.api.schemas import waybills as forms
from chemtrace.entrypoints.api.wire_forms import NOTES_ANSWERS, NOTES_BODY

router = APIRouter(prefix="/v1/waybills", tags=["waybills"])
Filter = Annotated[str | None, Query(max_length=96)]


@router.post(
    "",
    status_code=201,
    response_class=Response,
    responses=NOTES_ANSWERS,
    openapi_extra=NOTES_BODY,
    summary="Submit one signed waybill statement, or a batch of lines",
)
async def post_waybills(request: Request, app: App) -> Response:
    """One JSON statement of kind `waybill` (201 with receipt), or NDJSON lines (200 with one result a line)."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() in NDJSON:
        return await take_lines(request, app, kind="waybill")
    body = await read_body(request, limit=MAX_WIRE_BYTES, media_types=(*JSON, *NDJSON))
    refuse_other_kind(body, "waybill")
    return response_of(await run_in_threadpool(app.ledger.submit, body))


@router.get(
    "", responses=answers(forms.WaybillPage, *READING), summary="Waybills by state, carrier, vehicle or party"
)
def get_waybills(
    app: App,
    reader: Reader,
    state: Filter = None,
    carrier: Filter = None,
    vehicle: Filter = None,
    party: Annotated[str | None, Query(max_length=96, description="consignor, carrier or consignee")] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Response:
    """A page of waybills in the order of their numbers."""
    page = app.reads.waybills(
        state=state, carrier=carrier, vehicle=vehicle, party=party, cursor=cursor, limit=limit
    )
    return page_response("waybills", page)


@router.get(
    "/{number}",
    responses=answers(forms.Waybill, 404, *READING),
    summary="One waybill: what was planned, loaded and received",
)
def get_waybill(number: str, app: App, reader: Reader) -> Response:
    """The note, its state, and codes and masses as planned, loaded and arrived."""
    return json_response(app.reads.waybill(number))
