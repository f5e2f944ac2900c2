"""Answers that a reader may keep: an entity tag over the answer, and 304 for who has it already (RFC 9110, 13.1.2)."""

from __future__ import annotations

import hashlib
from typing import Annotated, Final

import orjson
from fastapi import Header, Response

from chemtrace.entrypoints.api.answers import Responses

# The tag may be kept, but who may see the answer is asked anew each time: a token can be revoked.
_CACHE: Final = "private, no-cache"

IfNoneMatch = Annotated[
    list[str] | None, Header(description="`ETag` of the answer at hand; 304 while it is still the same")
]
UNCHANGED: Final[Responses] = {304: {"description": "the answer at hand is still the same"}}


def tagged_response(value: object, if_none_match: list[str] | None) -> Response:
    """Return a value of plain JSON types with its entity tag, or 304 when one of the tags offered is that of it.

    The tag is weak: the same answer may travel compressed. An entry never changes, but what stands beside it may: a
    checkpoint grows, a payload's openings are erased, a finding is explained; so the tag is made from the answer.
    """
    body = orjson.dumps(value)
    tag = f'W/"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": _CACHE}
    if _is_known(tag, if_none_match or ()):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type="application/json")


def _is_known(tag: str, offered: list[str] | tuple[()]) -> bool:
    known = {part.strip() for line in offered for part in line.split(",")}
    # Weak comparison: with or without W/ it is the same answer.
    return "*" in known or tag in known or tag.removeprefix("W/") in known
