"""Electronic waybills: transport systems post the signed note, anyone entitled reads where the trip stands."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from chemtrace.core.errors import PayloadError
from chemtrace.core.statement import MAX_WIRE_BYTES, parse_wire
from chemtrace.entrypoints.api.auth import Reader
from chemtrace.entrypoints.api.context import App
from chemtrace.entrypoints.api.outcomes import response_of
from chemtrace.entrypoints.api.paging import Cursor, Limit, json_response, page_response
from chemtrace.entrypoints.api.raw_body import read_body
from chemtrace.entrypoints.api.routes.events import JSON, NDJSON, take_lines

router = APIRouter(prefix="/v1/waybills", tags=["waybills"])


@router.post("", status_code=201, summary="Submit one signed waybill statement, or a batch of lines")
async def post_waybills(request: Request, app: App) -> Response:
    """One JSON statement of kind `waybill` (201 with receipt), or NDJSON lines (200 with one result a line)."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() in NDJSON:
        return await take_lines(request, app)
    body = await read_body(request, limit=MAX_WIRE_BYTES, media_types=(*JSON, *NDJSON))
    kind = parse_wire(body).header.kind
    if kind != "waybill":
        raise PayloadError(f"a waybill is expected here, this is {kind}; send it to /v1/events", kind=kind)
    return response_of(await run_in_threadpool(app.ledger.submit, body))


@router.get("", summary="Waybills by state, carrier or vehicle")
def get_waybills(
    app: App,
    reader: Reader,
    state: str | None = None,
    carrier: str | None = None,
    vehicle: str | None = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Response:
    """A page of waybills in the order of their numbers."""
    page = app.reads.waybills(state=state, carrier=carrier, vehicle=vehicle, cursor=cursor, limit=limit)
    return page_response("waybills", page)


@router.get("/{number}", summary="One waybill: what was planned, loaded and received")
def get_waybill(number: str, app: App, reader: Reader) -> Response:
    """The note, its state, and codes and masses as planned, loaded and arrived."""
    return json_response(app.reads.waybill(number))
