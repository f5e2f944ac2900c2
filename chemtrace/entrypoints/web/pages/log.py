"""The log itself: checkpoint, epochs, what was found and refused, and every single entry."""

from __future__ import annotations

from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Path, Response
from starlette.responses import RedirectResponse

from chemtrace.core.errors import EntryUnknownError, EventNotFoundError
from chemtrace.entrypoints.web.context import PAGE_ROWS, Cursor, DeskPage, Filter
from chemtrace.entrypoints.web.route import PageRoute
from chemtrace.entrypoints.web.timeline import codes_of, list_rows

router = APIRouter(prefix="/desk", route_class=PageRoute)

RECENT: Final = 12
Index = Annotated[int, Path(ge=0, lt=2**63)]


@router.get("/log")
def get_log(page: DeskPage) -> Response:
    """Checkpoint with its witnesses, counts, epochs, findings and refusals by code."""
    note = page.app.ledger.checkpoint()
    return page.render(
        "log.html",
        stats=page.app.reads.stats(),
        note=None if note is None else note.decode("utf-8", "replace"),
        witnesses=page.app.witness_sheet(note),
        epochs=page.app.reads.epochs(limit=RECENT).rows,
    )


@router.get("/refusals")
def get_refusals(page: DeskPage, enterprise: Filter = "", code: Filter = "", cursor: Cursor = "") -> Response:
    """Validly signed statements that were refused and kept."""
    found = page.app.reads.refusals(
        enterprise=enterprise or None, code=code or None, cursor=cursor or None, limit=PAGE_ROWS
    )
    codes = tuple(page.app.reads.stats()["refusals"])
    wanted = {"enterprise": enterprise, "code": code}
    return page.render("refusals.html", found=found, wanted=wanted, codes=codes)


@router.get("/events")
def get_events(page: DeskPage, actor: Filter = "", kind: Filter = "", cursor: Cursor = "") -> Response:
    """Events, newest first."""
    found = page.app.reads.events(
        actor=actor or None, kind=kind or None, cursor=cursor or None, limit=PAGE_ROWS
    )
    wanted = {"actor": actor, "kind": kind}
    return page.render("events.html", found=found, rows=list_rows(found.rows), wanted=wanted)


@router.get("/events/{event_id}")
def get_event(event_id: str, page: DeskPage) -> Response:
    """Go to the entry of an event."""
    try:
        digest = bytes.fromhex(event_id)
    except ValueError as error:
        raise EventNotFoundError("an event id is 64 hex digits", event=event_id[:80]) from error
    return RedirectResponse(f"/desk/entries/{page.app.reads.event(digest).index}", 303)


@router.get("/entries/{index}")
def get_entry(index: Index, page: DeskPage) -> Response:
    """One entry: what was said, by whom, signed how, and its place under the checkpoint."""
    event = page.app.reads.entry(index)
    (row,) = list_rows([_Line(event)])
    return page.render(
        "entry.html",
        event=event,
        row=row,
        codes=codes_of(event.payload),
        header_text=_indented(event.header),
        payload_text=None if event.payload is None else _indented(event.payload),
        is_proved=_is_proved(page, index),
    )


class _Line:
    """An entry as a line of a list: its claimed time stands in the payload."""

    def __init__(self, event: Any) -> None:
        self._event = event

    def __getattr__(self, name: str) -> Any:
        return getattr(self._event, name)

    @property
    def at(self) -> str | None:
        return None if self._event.payload is None else self._event.payload.get("at")


def _is_proved(page: DeskPage, index: int) -> bool:
    try:
        page.app.reads.prove(index)
    except EntryUnknownError:
        return False
    return True


def _indented(document: Any) -> str:
    return orjson.dumps(document, option=orjson.OPT_INDENT_2).decode("utf-8")
