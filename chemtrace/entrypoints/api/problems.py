"""Errors become RFC 9457 problem documents here and nowhere else."""

from __future__ import annotations

from typing import Any, Final

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from chemtrace.core.errors import (
    AccessError,
    ChemtraceError,
    ConflictError,
    EvidenceError,
    FormError,
    IdentityError,
    MediaTypeError,
    NotFoundError,
    RateLimitedError,
    RefusedError,
    RuleError,
    SignatureError,
    TooLargeError,
    UnavailableError,
)

MEDIA_TYPE: Final = "application/problem+json"

_STATUS: Final[tuple[tuple[type[ChemtraceError], int, str], ...]] = (
    (TooLargeError, 413, "too large"),
    (MediaTypeError, 415, "of a type not taken here"),
    (AccessError, 401, "not allowed"),
    (IdentityError, 403, "the key may not speak here"),
    (SignatureError, 403, "a signature does not verify"),
    (ConflictError, 409, "it contradicts what the ledger holds"),
    (RuleError, 409, "a rule refuses it"),
    (NotFoundError, 404, "there is no such thing"),
    (RateLimitedError, 429, "too much at once"),
    (FormError, 422, "malformed"),
    (RefusedError, 422, "refused"),
    (UnavailableError, 503, "not now"),
    (EvidenceError, 500, "the records contradict themselves"),
)


def status_of(error: ChemtraceError) -> int:
    """HTTP status of an error, by its branch of the tree."""
    return next((status for branch, status, _ in _STATUS if isinstance(error, branch)), 500)


def problem_of(error: ChemtraceError) -> dict[str, Any]:
    """Return the problem document of an error: type, title, status, code, detail and its fields."""
    title = next((text for branch, _, text in _STATUS if isinstance(error, branch)), "error")
    body = error.problem()
    return {
        "type": f"urn:chemtrace:problem:{body['code']}",
        "title": title,
        "status": status_of(error),
        "code": body["code"],
        "detail": body["detail"],
        "fields": body["fields"],
    }


def problem_response(error: ChemtraceError) -> Response:
    """Return the problem as a response, with `Retry-After` where trying again makes sense."""
    problem = problem_of(error)
    headers = {}
    if problem["status"] in (429, 503):
        headers["Retry-After"] = str(error.fields.get("retry_after_s", 1))
    if problem["status"] == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(orjson.dumps(problem), problem["status"], headers, media_type=MEDIA_TYPE)


def install_problems(app: FastAPI) -> None:
    """Let every error of `app` leave as a problem document."""
    app.add_exception_handler(ChemtraceError, _on_chemtrace_error)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(Exception, _on_defect)


def _on_chemtrace_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, ChemtraceError):
        raise error
    return problem_response(error)


def _on_validation_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    faults = [
        {"where": ".".join(str(part) for part in fault["loc"]), "what": fault["msg"]}
        for fault in error.errors()
    ]
    named = "; ".join(f"{fault['where']}: {fault['what']}" for fault in faults)
    return plain_problem(
        422, "request.invalid", "malformed", f"the request is not valid: {named}", {"faults": faults}
    )


def _on_http_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    code = {404: "request.no-such-path", 405: "request.method"}.get(error.status_code, "request.invalid")
    detail = f"{request.method} {request.url.path}: {error.detail}"
    return plain_problem(error.status_code, code, str(error.detail), detail, {}, dict(error.headers or {}))


def _on_defect(request: Request, error: Exception) -> Response:
    """A defect of the program: the caller learns that and nothing else; the server's log gets the trace."""
    detail = "a defect of the program stopped this request; send it again later, and tell the operator when it happened"
    return plain_problem(500, "internal", "a defect", detail, {})


def plain_problem(
    status: int,
    code: str,
    title: str,
    detail: str,
    fields: dict[str, Any],
    headers: dict[str, str] | None = None,
) -> Response:
    """Return a problem that is the door's own, outside the error tree."""
    body = {
        "type": f"urn:chemtrace:problem:{code}",
        "title": title,
        "status": status,
        "code": code,
        "detail": detail,
        "fields": fields,
    }
    return Response(orjson.dumps(body), status, headers, media_type=MEDIA_TYPE)
