"""Statements come in here: one, a batch of lines, or the question for the heads to sign upon."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Final, TypeAlias

import msgspec
import orjson
from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from chemtrace.core.errors import EventNotFoundError, PayloadError, RefusedError, WireError
from chemtrace.core.statement import MAX_WIRE_BYTES, parse_wire
from chemtrace.core.subjects import parse_subject
from chemtrace.entrypoints.api.answers import READING, answers
from chemtrace.entrypoints.api.auth import Reader
from chemtrace.entrypoints.api.conditional import UNCHANGED, IfNoneMatch, tagged_response
from chemtrace.entrypoints.api.context import App
from chemtrace.entrypoints.api.outcomes import line_of, published_response, response_of
from chemtrace.entrypoints.api.raw_body import read_body
from chemtrace.entrypoints.api.schemas.events import Event, Heads
from chemtrace.entrypoints.api.waiting import APPLIED_HEADER, Prefer, wait_published, wished_wait_s
from chemtrace.entrypoints.api.wire_forms import (
    HEADS_BODY,
    LINES_ANSWERS,
    LINES_BODY,
    MAX_SUBJECTS,
    ONE_ANSWERS,
    ONE_BODY,
)
from chemtrace.ledger.outcome import Outcome, Refused

JSON: Final = ("application/json",)
NDJSON: Final = ("application/x-ndjson", "application/ndjson")

router = APIRouter(prefix="/v1", tags=["events"])
SubmitMany: TypeAlias = Callable[[Sequence[bytes]], list[Outcome]]


class HeadsQuestion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`{"subjects": [...]}`, 1 to 1,000 canonical subject ids."""

    subjects: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=MAX_SUBJECTS)]


@router.post(
    "/events",
    status_code=201,
    responses=ONE_ANSWERS,
    openapi_extra=ONE_BODY,
    summary="Submit one signed statement",
)
async def post_event(request: Request, app: App, prefer: Prefer = None) -> Response:
    """201 with the receipt once the entry is durable; 200 with the first receipt when it was there already."""
    body = await read_body(request, limit=MAX_WIRE_BYTES, media_types=JSON)
    outcome = await run_in_threadpool(app.ledger.submit, body)
    wait_s = wished_wait_s(prefer)
    note = await wait_published(request, [outcome], wait_s) if wait_s else None
    return response_of(outcome) if note is None else published_response(outcome, note, wait_s)


@router.post(
    "/events/batch",
    response_class=Response,
    responses=LINES_ANSWERS,
    openapi_extra=LINES_BODY,
    summary="Submit up to 1,000 statements, one a line",
)
async def post_batch(request: Request, app: App, prefer: Prefer = None) -> Response:
    """200 with one JSON result a line, in the order of the lines sent: the receipt, or the problem."""
    return await take_lines(request, app, wait_s=wished_wait_s(prefer))


async def take_lines(request: Request, app: App, *, kind: str | None = None, wait_s: int = 0) -> Response:
    """Submit an NDJSON body and answer line by line; with a `kind`, lines of any other are refused.

    With `wait_s`, a last line `{"checkpoint"}` follows once all that was admitted is published, if it is by then.
    """
    settings = app.settings
    body = await read_body(request, limit=settings.batch_bytes, media_types=NDJSON)
    lines = [line for line in body.split(b"\n") if line.strip()]
    if not lines or len(lines) > settings.batch_lines:
        raise WireError(
            f"a batch has 1 to {settings.batch_lines} lines, this one {len(lines)}",
            lines=len(lines),
            limit=settings.batch_lines,
        )
    outcomes = await run_in_threadpool(_submit_lines, app.ledger.submit_many, lines, kind)
    answer = b"".join(line_of(number, outcome) for number, outcome in enumerate(outcomes, start=1))
    note = await wait_published(request, outcomes, wait_s) if wait_s else None
    if note is None:
        return Response(answer, media_type="application/x-ndjson")
    answer += orjson.dumps({"checkpoint": note}, option=orjson.OPT_APPEND_NEWLINE)
    return Response(answer, media_type="application/x-ndjson", headers={APPLIED_HEADER: f"wait={wait_s}"})


def refuse_other_kind(wire: bytes, kind: str) -> None:
    """Let only statements of one kind through; bytes that are no statement are left to admission to name.

    Raises:
        PayloadError: a statement of another kind.
    """
    try:
        found = parse_wire(wire).header.kind
    except RefusedError:
        return
    if found != kind:
        raise PayloadError(f"a {kind} is expected here, this is {found}; send it to /v1/events", kind=found)


def _submit_lines(submit_many: SubmitMany, lines: Sequence[bytes], kind: str | None) -> list[Outcome]:
    outcomes: dict[int, Outcome] = {}
    for number, line in enumerate(lines) if kind is not None else ():
        try:
            refuse_other_kind(line, str(kind))
        except RefusedError as error:
            outcomes[number] = Refused(error)
    wanted = [number for number in range(len(lines)) if number not in outcomes]
    outcomes |= zip(wanted, submit_many([lines[number] for number in wanted]), strict=True)
    return [outcomes[number] for number in range(len(lines))]


@router.post(
    "/heads",
    responses=answers(Heads, 413, 415, *READING),
    openapi_extra=HEADS_BODY,
    summary="Current heads of subjects, to sign upon",
)
async def post_heads(request: Request, app: App, reader: Reader) -> Response:
    """`{"heads": {subject: {"event", "index", "count"} | null}}`; null: the subject has no event yet."""
    body = await read_body(request, limit=256 * 1024, media_types=JSON)
    try:
        question = msgspec.json.decode(body, type=HeadsQuestion)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise WireError(f'heads are asked as {{"subjects": [ids]}}: {error}') from error
    # Only what can be a subject reaches the database: it has one spelling each, and no NUL or stray sign in it.
    subjects = [parse_subject(subject) for subject in question.subjects]
    heads = await run_in_threadpool(app.reads.heads, subjects)
    return Response(orjson.dumps({"heads": heads}), media_type="application/json")


@router.get(
    "/events/{event_id}",
    responses=answers(Event, 404, *READING) | UNCHANGED,
    summary="One event by its id",
)
def get_event(event_id: str, app: App, reader: Reader, if_none_match: IfNoneMatch = None) -> Response:
    """Header, payload (null once erased), signatures, receipt, findings and place in the log."""
    return tagged_response(app.reads.event(_event_digest(event_id)), if_none_match)


def _event_digest(text: str) -> bytes:
    try:
        digest = bytes.fromhex(text)
    except ValueError:
        digest = b""
    if len(digest) != 32:
        raise EventNotFoundError("an event id is 64 hex digits", event=text[:80])
    return digest
