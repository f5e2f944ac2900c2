"""No NUL in an address: no id of ours has one, and a text column of PostgreSQL cannot even be asked about it."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from chemtrace.entrypoints.api.problems import plain_problem


class PlainURLs:
    """Answer 422 `request.invalid` to a path or query with a NUL in it, before anything reads it."""

    def __init__(self, app: ASGIApp) -> None:
        """Pass everything else on to `app`."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "http" and ("\0" in scope["path"] or b"%00" in scope["query_string"]):
            detail = "the address holds a NUL: percent-encode what you mean"
            await plain_problem(422, "request.invalid", "malformed", detail, {})(scope, receive, send)
            return
        await self._app(scope, receive, send)
