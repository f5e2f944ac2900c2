"""Paging by cursor: a page is asked for after a place, never by number, so a growing log does not shift it."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from fastapi import Query, Response

MAX_PAGE = 500

Limit = Annotated[int, Query(ge=1, le=MAX_PAGE, description="rows a page")]
Cursor = Annotated[str | None, Query(max_length=128, description="`next` of the page before")]


def page_response(name: str, page: Any) -> Response:
    """`{name: rows, "next": cursor or null}`."""
    return Response(orjson.dumps({name: page.rows, "next": page.next}), media_type="application/json")


def json_response(value: object) -> Response:
    """A value of plain JSON types as the answer."""
    return Response(orjson.dumps(value), media_type="application/json")
