"""What a route says about its answers in the OpenAPI document: the form of the good one, and each problem it has."""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel

Responses = dict[int | str, dict[str, Any]]

PROBLEM: Final = {"$ref": "#/components/schemas/Problem"}
READING: Final = (401, 422, 429, 500, 503)
"""Problems of every route that reads with a token."""
WRITING: Final = (403, 404, 409, 413, 415, 422, 500, 503)
"""Problems of a statement."""

_MEANING: Final = {
    401: "no token, or one that is not valid",
    403: "the key may not speak here, or a signature does not verify",
    404: "there is no such thing",
    409: "it contradicts what the ledger holds, or a rule refuses it",
    413: "beyond a stated limit",
    415: "a content type that is not taken here",
    422: "malformed",
    429: "too many wrong tokens from this address; `Retry-After` says when to come back",
    500: "the records contradict themselves, or a defect",
    503: "not now; `Retry-After` says when to come back",
}


def problems(*statuses: int) -> Responses:
    """The problems of a route by status."""
    return {
        status: {
            "description": _MEANING[status],
            "content": {"application/problem+json": {"schema": PROBLEM}},
        }
        for status in sorted(statuses)
    }


def answers(model: type[BaseModel], *statuses: int, description: str = "as asked") -> Responses:
    """200 with a JSON object of the form `model`, and the problems of these statuses."""
    return {200: {"model": model, "description": description}, **problems(*statuses)}


def text_answers(media_type: str, description: str, *statuses: int) -> Responses:
    """200 with text of a media type, and the problems of these statuses."""
    content = {media_type: {"schema": {"type": "string"}}}
    return {200: {"description": description, "content": content}, **problems(*statuses)}
