"""The log itself: the signed checkpoint for everybody, entries with proof for readers."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Path, Response

from chemtrace.core.errors import CheckpointMissingError
from chemtrace.entrypoints.api.answers import READING, answers, text_answers
from chemtrace.entrypoints.api.auth import Reader
from chemtrace.entrypoints.api.conditional import UNCHANGED, IfNoneMatch, tagged_response
from chemtrace.entrypoints.api.context import App
from chemtrace.entrypoints.api.schemas.log import EntryProof

router = APIRouter(tags=["log"])
Index = Annotated[int, Path(ge=0, lt=2**63, description="place in the log, from 0")]

_NEWEST: Final = "The newest signed checkpoint (C2SP note)"
_NOTE: Final = text_answers("text/plain", "a C2SP signed note", 404, 422, 500, 503)


@router.get("/log/checkpoint", response_class=Response, responses=_NOTE, summary=_NEWEST)
@router.get("/v1/log/checkpoint", response_class=Response, responses=_NOTE, summary=_NEWEST)
def get_checkpoint(app: App) -> Response:
    """Origin, size, root and the log key's signature, as text; public."""
    note = app.ledger.checkpoint()
    if note is None:
        raise CheckpointMissingError("no checkpoint is published yet; one follows the first event")
    return Response(note, media_type="text/plain; charset=utf-8", headers={"Cache-Control": "no-store"})


@router.get(
    "/v1/entries/{index}",
    responses=answers(EntryProof, 404, *READING) | UNCHANGED,
    summary="One entry with its inclusion proof",
)
def get_entry(index: Index, app: App, reader: Reader, if_none_match: IfNoneMatch = None) -> Response:
    """The entry's bytes, its path and the checkpoint that the path leads to, all of one moment."""
    return tagged_response(app.reads.prove(index), if_none_match)
