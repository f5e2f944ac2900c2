"""HTTP towards a ledger: time limits, a cap on every answer, retries only where they are safe, named errors.

Every request of this interface is safe to repeat: reading changes nothing, and a statement sent twice is admitted once
(its event id decides) and answered with the first receipt. So a request is repeated after a lost connection, a
time-out, and the answers 408, 429, 502, 503 and 504; any other answer is final.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn

import httpx
import orjson
import tenacity

from chemtrace.core.errors import ServerAnswerError, ServerRefusedError, ServerUnavailableError

MAX_ANSWER_BYTES: Final = 16 * 1024 * 1024
"""Largest answer taken: a batch's 1,000 receipts are under 2 MiB, a page of history under 8."""

TIMEOUT: Final = httpx.Timeout(30.0, connect=5.0)
"""Seconds; a batch of 1,000 statements is committed in far less."""

MAX_ATTEMPTS: Final = 5
MAX_WAIT_S: Final = 30.0
PROBLEM_TYPE: Final = "application/problem+json"
ENCODINGS: Final = frozenset({"", "identity", "gzip", "deflate"})
"""One packing at most: what is packed twice unpacks a few thousand bytes into gigabytes before anybody can count."""
_AGAIN: Final = frozenset({408, 429, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer: status and whole body."""

    status: int
    body: bytes

    def as_object(self) -> dict[str, Any]:
        """Give the JSON object of the body; raises `ServerAnswerError` for anything else."""
        try:
            value = orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise ServerAnswerError("The ledger's answer is not JSON.", status=self.status) from error
        if not isinstance(value, dict):
            raise ServerAnswerError("The ledger's answer is not a JSON object.", status=self.status)
        return value


class LedgerHTTP:
    """Requests to one ledger. Not following redirects: a token must not travel to another host."""

    def __init__(
        self,
        base_url: str,
        token: str | None,
        *,
        transport: httpx.BaseTransport | None = None,
        max_attempts: int = MAX_ATTEMPTS,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Prepare the connection; nothing is sent. `transport` and `sleep` are for tests."""
        headers = {"Accept": "application/json", "User-Agent": "chemtrace-scanners"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        self._client = httpx.Client(
            base_url=base_url.rstrip("/"),
            headers=headers,
            timeout=TIMEOUT,
            transport=transport,
            trust_env=False,
        )
        self._retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(max_attempts),
            wait=_wait,
            retry=tenacity.retry_if_exception_type(ServerUnavailableError),
            sleep=sleep,
            reraise=True,
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def get(self, path: str, query: Mapping[str, str | int] | None = None) -> Answer:
        """Read; raises `ServerRefusedError`, `ServerUnavailableError`, `ServerAnswerError`."""
        return self._retrying(self._once, "GET", path, None, None, query)

    def post(self, path: str, body: bytes, media_type: str = "application/json") -> Answer:
        """Send; raises as `get`. What is sent must be safe to send twice."""
        return self._retrying(self._once, "POST", path, body, media_type, None)

    def _once(
        self,
        method: str,
        path: str,
        body: bytes | None,
        media_type: str | None,
        query: Mapping[str, str | int] | None,
    ) -> Answer:
        headers = {} if media_type is None else {"Content-Type": media_type}
        try:
            with self._client.stream(method, path, content=body, headers=headers, params=query) as response:
                answer = Answer(response.status_code, _load_capped(response))
                media = response.headers.get("Content-Type", "").partition(";")[0].strip()
                after = response.headers.get("Retry-After", "")
        except (httpx.TransportError, httpx.InvalidURL, httpx.DecodingError) as error:
            message = f"The ledger could not be reached ({type(error).__name__}); the same can be sent again."
            raise ServerUnavailableError(message, path=path, cause=str(error)) from error
        if not 200 <= answer.status < 300:
            _refuse(answer, media, path, after)
        return answer


def refusal_of(status: int, problem: Mapping[str, Any]) -> ServerRefusedError:
    """The error of a problem document: its own words, code and fields."""
    code, detail = str(problem.get("code", "unknown")), str(problem.get("detail", "no detail"))
    return ServerRefusedError(
        f"The ledger refused this ({code}): {detail}", status=status, remote_code=code, remote=dict(problem)
    )


def _refuse(answer: Answer, media: str, path: str, after: str) -> NoReturn:
    wait_s = min(float(after), MAX_WAIT_S) if after.isdecimal() else None
    if answer.status in _AGAIN:
        message = f"The ledger cannot take this now (HTTP {answer.status}); the same can be sent again."
        raise ServerUnavailableError(message, status=answer.status, path=path, retry_after_s=wait_s)
    if media == PROBLEM_TYPE and answer.status >= 500:
        message = f"The ledger reports a fault of its own (HTTP {answer.status}); nothing was changed."
        raise ServerUnavailableError(message, status=answer.status, path=path, remote=answer.as_object())
    if media == PROBLEM_TYPE and 400 <= answer.status < 500:
        raise refusal_of(answer.status, answer.as_object())
    # A proxy, a captive portal or a broken ledger: no word about what was sent, so nothing may be concluded from it.
    message = (
        f"The answer (HTTP {answer.status}) is not the ledger's: check the address and what stands between."
    )
    raise ServerAnswerError(message, status=answer.status, path=path, media_type=media)


def _load_capped(response: httpx.Response) -> bytes:
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in ENCODINGS:
        raise ServerAnswerError("The ledger's answer is packed in an unknown way.", found=encoding[:40])
    parts: list[bytes] = []
    size = 0
    for part in response.iter_bytes():
        size += len(part)
        if size > MAX_ANSWER_BYTES:
            raise ServerAnswerError("The ledger's answer is too large.", limit=MAX_ANSWER_BYTES)
        parts.append(part)
    return b"".join(parts)


_BACKOFF: Final = tenacity.wait_exponential(multiplier=0.5, max=MAX_WAIT_S) + tenacity.wait_random(0, 0.5)


def _wait(state: tenacity.RetryCallState) -> float:
    """Seconds until the next try: what the ledger asked for, else growing with jitter."""
    error = state.outcome.exception() if state.outcome is not None else None
    asked = error.fields.get("retry_after_s") if isinstance(error, ServerUnavailableError) else None
    return asked if isinstance(asked, float) else _BACKOFF(state)
