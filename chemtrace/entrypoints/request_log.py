"""One line and one count for each request, and the headers that every answer carries.

A line says which route, how it ended and how long it took. What could hold a seal or a person never reaches it: no
query, no header, no body; of a code in the path only its 19 signs.
"""

from __future__ import annotations

import re
import time
import unicodedata
from typing import Final

import structlog
from prometheus_client import Counter, Histogram
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chemtrace.core.codes import CODE_SIGNS

HIDDEN: Final = "[hidden]"
REQUESTS: Final = Counter("chemtrace_http_requests_total", "Requests answered", ("method", "route", "status"))
SECONDS: Final = Histogram(
    "chemtrace_http_request_seconds",
    "Time from a request's first byte to its answer's last",
    ("route",),
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)

NO_ROUTE: Final = "(none)"
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
MAX_SHOWN: Final = 80
"""Signs of a path parameter that a line shows; an event id has 64."""

SECURITY_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "Cache-Control": "no-store",
}
"""Set where an answer does not say otherwise; pages bring their own policy."""

_SEPARATORS: Final = re.compile(r"[\s\-\u00ad\u2010-\u2015\u2212\u200b-\u200d\ufeff]+")
_CODE_PARAMETERS: Final = frozenset({"code", "label", "text"})


class RequestLog:
    """ASGI middleware: logs and counts every HTTP request after its answer has left."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap `app`; must stand outside of everything that answers."""
        self._app = app
        self._log = structlog.get_logger("chemtrace.http")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and note how it ended; an exception counts as 500."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status, size = time.perf_counter(), 500, 0

        async def noting(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
            elif message["type"] == "http.response.body":
                size += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            self._note(scope, status, size, time.perf_counter() - started)

    def _note(self, scope: Scope, status: int, size: int, seconds: float) -> None:
        route = route_of(scope)
        # An invented method must not make a new time series for each request.
        method = scope["method"] if scope["method"] in METHODS else "OTHER"
        REQUESTS.labels(method, route, status).inc()
        SECONDS.labels(route).observe(seconds)
        self._log.log(
            40 if status >= 500 else 20,
            "request",
            method=method,
            route=route,
            **shown_parameters(scope),
            status=status,
            bytes=size,
            ms=round(seconds * 1000, 2),
            client=(scope.get("client") or ("", 0))[0],
        )


class SecurityHeaders:
    """ASGI middleware: adds the headers that keep browsers from doing more with an answer than they should."""

    def __init__(self, app: ASGIApp, *, behind_tls: bool = False) -> None:
        """Wrap `app`; `behind_tls` also tells browsers to come by TLS only, for a year."""
        self._app = app
        self._headers = dict(SECURITY_HEADERS)
        if behind_tls:
            self._headers["Strict-Transport-Security"] = "max-age=31536000"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; headers that the answer has already stay as they are."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def adding(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, adding)


def route_of(scope: Scope) -> str:
    """The template of the route that took the request (`/v1/items/{code}`), or `(none)`: bounded in number."""
    return str(getattr(scope.get("route"), "path", NO_ROUTE))


def shown_parameters(scope: Scope) -> dict[str, str]:
    """The path parameters of a request as a log line may show them, prefixed `path_`."""
    found = scope.get("path_params") or {}
    return {f"path_{name}": _shown(name, str(value)) for name, value in found.items()}


def _shown(name: str, value: str) -> str:
    """Cut a label to its code: behind the 19 signs stands the seal, however it was typed."""
    bare = _SEPARATORS.sub("", unicodedata.normalize("NFKC", value[:MAX_SHOWN])).upper()
    start = bare.find("BJ1")
    if start < 0 and name not in _CODE_PARAMETERS:
        return value[:MAX_SHOWN]
    kept = bare[max(start, 0) :][:CODE_SIGNS]
    return kept if len(bare) <= max(start, 0) + CODE_SIGNS else kept + HIDDEN
