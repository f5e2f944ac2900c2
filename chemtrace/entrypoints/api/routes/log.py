"""The log itself: the signed checkpoint for everybody, entries with proof for readers."""

from __future__ import annotations

from typing import Annotated

import orjson
from fastapi import APIRouter, Path, Response

from chemtrace.core.errors import CheckpointMissingError
from chemtrace.entrypoints.api.auth import Reader
from chemtrace.entrypoints.api.context import App

router = APIRouter(tags=["log"])
Index = Annotated[int, Path(ge=0, lt=2**63, description="place in the log, from 0")]


@router.get("/log/checkpoint", summary="The newest signed checkpoint (C2SP note)", response_class=Response)
@router.get("/v1/log/checkpoint", summary="The newest signed checkpoint (C2SP note)", response_class=Response)
def get_checkpoint(app: App) -> Response:
    """Origin, size, root and the log key's signature, as text; public."""
    note = app.ledger.checkpoint()
    if note is None:
        raise CheckpointMissingError("no checkpoint is published yet; one follows the first event")
    return Response(note, media_type="text/plain; charset=utf-8", headers={"Cache-Control": "no-store"})


@router.get("/v1/entries/{index}", summary="One entry with its inclusion proof")
def get_entry(index: Index, app: App, reader: Reader) -> Response:
    """The entry's bytes, its path and the checkpoint that the path leads to, all of one moment."""
    return Response(orjson.dumps(app.reads.prove(index)), media_type="application/json")
