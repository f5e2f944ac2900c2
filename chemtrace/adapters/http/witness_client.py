"""The HTTP client of witnesses: one POST, bounded in time and size, no redirects."""

from __future__ import annotations

import re
from typing import Final

import httpx

from chemtrace.adapters.http.body import read_capped
from chemtrace.core.errors import WitnessUnavailableError
from chemtrace.ledger.witnessing import MAX_ANSWER_BYTES, WitnessAnswer

TIMEOUT: Final = httpx.Timeout(5.0, connect=3.0)
ANSWER_S: Final = 10.0
"""Seconds for the body of one answer as a whole: a server that stops waits for the request in hand."""
LIMITS: Final = httpx.Limits(max_connections=64, max_keepalive_connections=32)
_SECONDS: Final = re.compile(r"[0-9]{1,4}", re.ASCII)


class HTTPWitnessCaller:
    """The port `ledger.witnessing.WitnessCaller`; safe for many threads, connections are kept alive."""

    def __init__(
        self, *, transport: httpx.BaseTransport | None = None, timeout: httpx.Timeout = TIMEOUT
    ) -> None:
        """Prepare; nothing is sent."""
        self._client = httpx.Client(
            timeout=timeout, limits=LIMITS, follow_redirects=False, transport=transport
        )

    def send(self, url: str, body: bytes) -> WitnessAnswer:
        """POST `body` to `url`/add-checkpoint.

        Raises:
            WitnessUnavailableError: not reached, too slow, or more than 256 KiB in answer.
        """
        try:
            address = f"{url.rstrip('/')}/add-checkpoint"
            headers = {"Content-Type": "text/plain; charset=utf-8"}
            with self._client.stream("POST", address, content=body, headers=headers) as response:
                return WitnessAnswer(response.status_code, _read(response, url), _retry_after(response))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise WitnessUnavailableError(
                f"the witness does not answer: {type(error).__name__}", url=url
            ) from error

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def _read(response: httpx.Response, url: str) -> bytes:
    data = read_capped(response, MAX_ANSWER_BYTES, ANSWER_S)
    if data is None:
        raise WitnessUnavailableError(
            "the witness answers more than a witness has to say", url=url, limit=MAX_ANSWER_BYTES
        )
    return data


def _retry_after(response: httpx.Response) -> int | None:
    text = response.headers.get("Retry-After", "")
    return int(text) if _SECONDS.fullmatch(text) else None
