"""A witness over HTTP: POST /add-checkpoint exactly as C2SP tlog-witness says; evidence and state for everybody.

Refusals are problem documents (RFC 9457), except 409: its body is the size held, `text/x.tlog.size`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from math import nan
from typing import Final

import orjson
import structlog
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, generate_latest
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from chemtrace.core.add_checkpoint import MAX_REQUEST_BYTES, SIZE_MEDIA_TYPE
from chemtrace.core.errors import (
    BodyTooLargeError,
    ChemtraceError,
    EvidenceError,
    RateLimitError,
    SplitViewError,
    WitnessConflictError,
    WitnessProofError,
    WitnessRequestError,
    WitnessUnknownLogError,
    WitnessUntrustedError,
)
from chemtrace.core.note import encode_signature_lines
from chemtrace.core.times import format_utc
from chemtrace.entrypoints.api.problems import problem_of, problem_response
from chemtrace.entrypoints.limits import Shares, caller
from chemtrace.ledger.witness import Witness

REFUSED_BURST: Final = 60
"""Refused requests that one address may send at once, and one more each second: honest logs are refused rarely."""

REQUESTS: Final = Counter(
    "chemtrace_witness_requests_total", "Requests to add-checkpoint by answered status", ["status"]
)
EVIDENCE: Final = Gauge("chemtrace_witness_evidence", "Contradictions of logs that this witness has kept")

_STATUS: Final[tuple[tuple[type[ChemtraceError], int], ...]] = (
    (WitnessRequestError, 400),
    (WitnessUntrustedError, 403),
    (WitnessUnknownLogError, 404),
    (WitnessProofError, 422),
    (EvidenceError, 422),
)

log = structlog.get_logger("chemtrace.witness")


def readable(read: Callable[[], float]) -> Callable[[], float]:
    """A figure that is no number (NaN) while its memory cannot be read: it must not hide all others."""

    def figure() -> float:
        try:
            return read()
        except (ChemtraceError, sqlite3.Error):
            return nan

    return figure


def create_witness_app(witness: Witness, *, shares: Shares | None = None) -> Starlette:
    """Return the door of `witness`; the caller owns and closes it."""
    app = Starlette(
        routes=[
            Route("/add-checkpoint", add_checkpoint, methods=["POST"]),
            Route("/evidence", show_evidence, methods=["GET"]),
            Route("/metrics", metrics, methods=["GET"]),
            Route("/healthz", healthz, methods=["GET"]),
            Route("/", show_state, methods=["GET"]),
        ]
    )
    app.state.witness = witness
    app.state.shares = shares or Shares(burst=REFUSED_BURST, every_s=1)
    EVIDENCE.set_function(readable(lambda: len(witness.evidence())))
    return app


async def add_checkpoint(request: Request) -> Response:
    """Cosign a checkpoint: 200 with signature lines, or 400, 403, 404, 409, 413, 422, 429, 503."""
    witness: Witness = request.app.state.witness
    shares: Shares = request.app.state.shares
    who = caller(request.client.host if request.client else None)
    try:
        wait_s = shares.take(who)
        if wait_s:
            raise RateLimitError("too many refused requests from here; wait", retry_after_s=wait_s)
        lines = await run_in_threadpool(witness.add_checkpoint, await _read(request))
    except ChemtraceError as error:
        response = _refusal(error, witness)
    else:
        shares.give_back(who)
        response = Response(encode_signature_lines(lines), media_type="text/plain; charset=utf-8")
    REQUESTS.labels(response.status_code).inc()
    return response


async def show_evidence(request: Request) -> Response:
    """Every contradiction, oldest first: `{"evidence": [{code, found, origin, first, second}]}`; notes as text."""
    witness: Witness = request.app.state.witness
    rows = [
        {
            "code": one.code,
            "found": format_utc(one.found_us),
            "origin": one.origin,
            "first": one.first_note.decode("utf-8"),
            "second": one.second_note.decode("utf-8"),
        }
        for one in await run_in_threadpool(witness.evidence)
    ]
    return Response(orjson.dumps({"evidence": rows}), media_type="application/json")


async def show_state(request: Request) -> Response:
    """Who this witness is, and the last checkpoint it cosigned of each log it knows."""
    witness: Witness = request.app.state.witness
    logs = {}
    for origin in witness.origins:
        kept = await run_in_threadpool(witness.kept, origin)
        logs[origin] = (
            None
            if kept is None
            else {
                "size": kept.held.checkpoint.size,
                "root": kept.held.checkpoint.root.hex(),
                "time_s": kept.time_s,
                "note": kept.held.note.decode("utf-8"),
            }
        )
    body = {"name": witness.name, "vkeys": witness.vkeys, "logs": logs}
    return Response(orjson.dumps(body), media_type="application/json")


async def healthz(request: Request) -> Response:
    """Always `{"status": "ok"}`."""
    del request
    return Response(orjson.dumps({"status": "ok"}), media_type="application/json")


async def metrics(request: Request) -> Response:
    """The process's counters in Prometheus' text form."""
    del request
    return Response(await run_in_threadpool(generate_latest), media_type=CONTENT_TYPE_LATEST)


async def _read(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_REQUEST_BYTES:
            raise BodyTooLargeError(f"the body exceeds {MAX_REQUEST_BYTES} bytes", limit=MAX_REQUEST_BYTES)
    return bytes(body)


def _refusal(error: ChemtraceError, witness: Witness) -> Response:
    if isinstance(error, EvidenceError):
        log.error("witness.evidence", witness=witness.name, **error.problem())
    if isinstance(error, WitnessConflictError):
        return _size(error.fields.get("expected"))
    if isinstance(error, SplitViewError):
        return _size(error.fields.get("size"))
    status = next((code for branch, code in _STATUS if isinstance(error, branch)), None)
    if status is None:
        return problem_response(error)
    problem = problem_of(error) | {"status": status}
    return Response(orjson.dumps(problem), status, media_type="application/problem+json")


def _size(size: object) -> Response:
    # The standard gives the size also where the roots differ: whoever asked with that very size learns it has forked.
    text = f"{size if isinstance(size, int) else 0}\n"
    return Response(text.encode("ascii"), 409, headers={"Content-Type": SIZE_MEDIA_TYPE})
