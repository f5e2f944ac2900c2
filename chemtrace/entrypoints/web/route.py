"""A route whose answers carry the security headers, and whose errors are pages that a person can read."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import urlencode

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse

from chemtrace.core.errors import ChemtraceError, TokenError
from chemtrace.entrypoints.api.context import application_of
from chemtrace.entrypoints.api.problems import status_of
from chemtrace.entrypoints.web.rendering import Page, add_headers
from chemtrace.entrypoints.web.session import here

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class PageRoute(APIRoute):
    """A route whose answers carry the security headers, and whose errors are pages that a person can read."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        """Answer HEAD wherever GET is answered: what previews links asks that way."""
        super().__init__(path, endpoint, **options)
        if self.methods is not None and "GET" in self.methods:
            self.methods.add("HEAD")

    def get_route_handler(self) -> Handler:
        """Wrap the handler that the framework makes."""
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                response = await handler(request)
            except (ChemtraceError, RequestValidationError, HTTPException) as error:
                response = error_response(request, error)
            return add_headers(response)

        return handle


def error_response(request: Request, error: Exception) -> Response:
    """The page for an error: the login form where a login is missing, else what was wrong and its code."""
    if isinstance(error, TokenError) and request.method == "GET":
        return RedirectResponse(f"/desk/login?{urlencode({'next': here(request)})}", 303)
    status, code, detail, headers = _problem(request, error)
    page = Page(request, application_of(request))
    response = page.render("error.html", status, code=code, detail=detail, status_code=status)
    response.headers.update(headers)
    return response


def _problem(request: Request, error: Exception) -> tuple[int, str, str, dict[str, str]]:
    if isinstance(error, ChemtraceError):
        status = status_of(error)
        retry = {"Retry-After": str(error.fields.get("retry_after_s", 1))} if status in {429, 503} else {}
        return status, error.code, error.message, retry
    if isinstance(error, HTTPException):
        return error.status_code, "request.no-such-path", str(error.detail), dict(error.headers or {})
    if isinstance(error, RequestValidationError):
        named = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        return 422, "request.invalid", named, {}
    raise error
