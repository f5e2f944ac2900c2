"""The request body as the bytes that came, under a cap: what was signed is verified, hashed and stored unchanged."""

from __future__ import annotations

from fastapi import Request

from chemtrace.core.errors import BodyTooLargeError, MediaTypeError


async def read_body(request: Request, *, limit: int, media_types: tuple[str, ...]) -> bytes:
    """Return the whole body of at most `limit` bytes.

    Raises:
        MediaTypeError: the content type is none of `media_types`.
        BodyTooLargeError: more than `limit` bytes; reading stops there.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in media_types:
        raise MediaTypeError(
            f"content type {media_type or 'none'} is not taken here; send {' or '.join(media_types)}",
            found=media_type,
            expected=list(media_types),
        )
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise BodyTooLargeError(f"the body exceeds {limit} bytes; send smaller batches", limit=limit)
    return bytes(body)
