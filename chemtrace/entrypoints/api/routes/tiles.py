"""The log as static files of C2SP tlog-tiles: hashes for everybody, entries and the registry for auditors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Response

from chemtrace.core.tiles import parse_number_path
from chemtrace.entrypoints.api.answers import READING, Responses, problems
from chemtrace.entrypoints.api.auth import Reader
from chemtrace.entrypoints.api.context import App
from chemtrace.ledger.static import MAX_REGISTRY_RANGE

router = APIRouter(prefix="/log", tags=["log"])

_PUBLIC: Final = "public, max-age=31536000, immutable"
_PRIVATE: Final = "private, max-age=31536000, immutable"
_BYTES: Final = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
_LINES: Final = {"application/x-ndjson": {"schema": {"type": "string"}}}

Files = Annotated[str, Path(max_length=80, description="`<N>[.p/<W>]` of C2SP tlog-tiles")]
Level = Annotated[
    str, Path(pattern=r"^([0-9]|[1-5][0-9]|6[0-3])$", max_length=2, description="level of the tile, 0 to 63")
]


def _answer(description: str, *statuses: int, content: Mapping[str, object] = _BYTES) -> Responses:
    return {200: {"description": description, "content": content}, **problems(*statuses)}


@router.get(
    "/tile/entries/{path:path}",
    response_class=Response,
    responses=_answer("entries, each behind its length as u16be", 404, *READING),
    summary="An entry bundle (C2SP tlog-tiles)",
)
def get_entries(path: Files, app: App, reader: Reader) -> Response:
    """Up to 256 entries; they name codes and parties, so they are for auditors. Never changes."""
    number, width = parse_number_path(path)
    return _file(app.reads.entry_bundle(number, width), _PRIVATE)


@router.get(
    "/tile/{level}/{path:path}",
    response_class=Response,
    responses=_answer("hashes, 32 bytes each", 404, 422, 500, 503),
    summary="A tile of hashes (C2SP tlog-tiles)",
)
def get_tile(level: Level, path: Files, app: App) -> Response:
    """Up to 256 hashes of the log's tree; public, and never changes."""
    number, width = parse_number_path(path)
    return _file(app.reads.hash_tile(int(level), number, width), _PUBLIC)


@router.get(
    "/registry",
    response_class=Response,
    responses=_answer("one JSON object a line", *READING, content=_LINES),
    summary="Payloads of the authority's entries",
)
def get_registry(
    app: App,
    reader: Reader,
    first: Annotated[int, Query(ge=0, lt=2**63, description="first index of the range")],
    count: Annotated[
        int, Query(ge=1, le=MAX_REGISTRY_RANGE, description="number of entries in the range")
    ] = 1024,
) -> Response:
    """`{"index", "payload" (base64url)}` a line, for the published entries of the range that are the authority's.

    An answer ends after 8 MiB; then its last line is `{"next": index}`: ask again from there.
    """
    lines = app.reads.registry_lines(first, count)
    return Response(lines, media_type="application/x-ndjson", headers={"Cache-Control": "private, no-cache"})


def _file(data: bytes, cache: str) -> Response:
    return Response(data, media_type="application/octet-stream", headers={"Cache-Control": cache})
