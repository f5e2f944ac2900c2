"""The body of an answer from a machine that nobody trusts: bounded in size, also unpacked, and in time as a whole."""

from __future__ import annotations

import time
from typing import Final

import httpx

ENCODINGS: Final = frozenset({"", "identity", "gzip", "deflate"})
"""One packing at most: what is packed twice unpacks a few thousand bytes into gigabytes before anybody can count."""


def read_capped(response: httpx.Response, limit: int, seconds: float) -> bytes | None:
    """Return the body of a streamed answer, None when it has more than `limit` bytes.

    Raises:
        httpx.DecodingError: packed in another way than once with gzip or deflate, or damaged.
        httpx.ReadTimeout: it has not ended after `seconds`, however steadily it drips.
        httpx.TransportError: the connection broke.
    """
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in ENCODINGS:
        raise httpx.DecodingError(f"the answer is packed as {encoding[:40]}")
    end = time.monotonic() + seconds
    data = bytearray()
    for chunk in response.iter_bytes():
        data += chunk
        if len(data) > limit:
            return None
        if time.monotonic() > end:
            raise httpx.ReadTimeout("the answer does not end")
    return bytes(data)
