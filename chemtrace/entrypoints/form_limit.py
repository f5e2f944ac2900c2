"""A cap on what a form may bring: forms are read whole, before anybody has said who sends them."""

from __future__ import annotations

from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from chemtrace.core.errors import BodyTooLargeError
from chemtrace.entrypoints.api.problems import problem_response

MAX_FORM_BYTES: Final = 16 * 1024
"""A token and an address to go on to, with room to spare."""
FORMS: Final = "/desk"
"""Where forms are sent to; statements have caps of their own (`api.raw_body`)."""


class FormLimit:
    """Answer 413 to a form that says it is larger than any of ours, or does not say how large it is."""

    def __init__(self, app: ASGIApp) -> None:
        """Pass everything else on to `app`; the server holds a sender to the length it gave."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if (
            scope["type"] == "http"
            and scope["method"] not in ("GET", "HEAD")
            and scope["path"].startswith(FORMS)
        ):
            headers = dict(scope["headers"])
            length = b"" if b"transfer-encoding" in headers else headers.get(b"content-length", b"0")
            if not length.isdigit() or int(length) > MAX_FORM_BYTES:
                error = BodyTooLargeError(f"a form has at most {MAX_FORM_BYTES} bytes", limit=MAX_FORM_BYTES)
                await problem_response(error)(scope, receive, send)
                return
        await self._app(scope, receive, send)
