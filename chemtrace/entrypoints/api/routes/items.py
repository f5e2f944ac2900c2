"""Items: where each one is, its whole history, where it came from and where it went."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from chemtrace.core.codes import parse_code
from chemtrace.entrypoints.api.answers import READING, answers
from chemtrace.entrypoints.api.auth import Reader
from chemtrace.entrypoints.api.context import App
from chemtrace.entrypoints.api.paging import Cursor, Limit, json_response, page_response
from chemtrace.entrypoints.api.schemas import items as forms
from chemtrace.entrypoints.api.schemas.events import History

router = APIRouter(prefix="/v1/items", tags=["items"])
Filter = Annotated[str | None, Query(max_length=64)]


@router.get(
    "",
    responses=answers(forms.ItemPage, *READING),
    summary="Items by holder, site, chemical, state or pending receipt",
)
def get_items(
    app: App,
    reader: Reader,
    holder: Filter = None,
    site: Filter = None,
    chemical: Filter = None,
    state: Filter = None,
    pending: Annotated[
        str | None, Query(max_length=96, description="party that is to confirm a receipt")
    ] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Response:
    """A page of item states in the order of their codes."""
    page = app.reads.items(
        holder=holder, site=site, chemical=chemical, status=state, pending=pending, cursor=cursor, limit=limit
    )
    return page_response("items", page)


@router.get("/{code}", responses=answers(forms.Item, 404, *READING), summary="One item now")
def get_item(code: str, app: App, reader: Reader) -> Response:
    """State, custody, place, quantity, containment and open findings of one item."""
    return json_response(app.reads.item(parse_code(code).text))


@router.get(
    "/{code}/history",
    responses=answers(History, *READING),
    summary="Everything that was said about one item",
)
def get_history(code: str, app: App, reader: Reader) -> Response:
    """All events of the item in the order of the log, with findings, effect and receipts."""
    return json_response({"code": parse_code(code).text, "events": app.reads.history(parse_code(code).text)})


@router.get(
    "/{code}/trace",
    responses=answers(forms.Lineage, *READING),
    summary="Where it came from, or where it went",
)
def get_trace(
    code: str, app: App, reader: Reader, direction: Annotated[Literal["up", "down"], Query()] = "up"
) -> Response:
    """The tree of inputs (up) or outputs (down) through repacking, transforming and packing."""
    return json_response(app.reads.trace(parse_code(code).text, direction))
