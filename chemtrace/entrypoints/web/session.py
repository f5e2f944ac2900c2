"""Who sits at the desk: a token in a cookie that no script can read and no other site can send.

All pages are GET and change nothing; login and logout are POST and refuse a form that came from another site.
"""

from __future__ import annotations

from typing import Annotated, Final
from urllib.parse import quote, urlencode, urlsplit

from fastapi import Depends, Request, Response

from chemtrace.core.errors import CrossSiteError, TokenError
from chemtrace.entrypoints.api.auth import COOKIE, token_of
from chemtrace.entrypoints.api.context import App

SHIFT_S: Final = 12 * 3600
"""A login lasts one long shift."""


def require_login(request: Request, app: App) -> str:
    """Return the name of the token's owner.

    Raises:
        TokenError: no token, or one that is unknown or revoked; a page answers with the login form.
    """
    token = token_of(request)
    if token is None:
        raise TokenError("this page is for holders of a token: log in first")
    return app.tokens.verify(token)


User = Annotated[str, Depends(require_login)]
"""The name of the token's owner; a page that has it is not public."""


def here(request: Request) -> str:
    """Path and query of a request, without what was typed into the search field: that may hold a seal."""
    kept = [(name, value) for name, value in request.query_params.multi_items() if name != "q"]
    path = quote(request.url.path)
    return f"{path}?{urlencode(kept)}" if kept else path


def local_target(wish: str) -> str:
    """A path of the desk to go on to, or the desk itself for anything that could lead elsewhere."""
    parts = urlsplit(wish)
    is_local = (
        not parts.scheme and not parts.netloc and (parts.path == "/desk" or parts.path.startswith("/desk/"))
    )
    is_plain = not any(sign in wish for sign in "\\\r\n\t\0")
    return wish if is_local and is_plain and not parts.path.startswith("/desk/login") else "/desk"


def refuse_cross_site(request: Request) -> None:
    """Let only forms of this site through: by `Sec-Fetch-Site`, in older browsers by `Origin`.

    Raises:
        CrossSiteError: the browser says that another site sent it.
    """
    fetch_site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    if fetch_site is not None:
        is_own = fetch_site in {"same-origin", "none"}
    else:
        is_own = origin is None or urlsplit(origin).netloc == request.headers.get("host")
    if not is_own:
        raise CrossSiteError(
            "this form was sent from another site: open the desk and log in there",
            found=(fetch_site or origin or "")[:80],
            expected="same-origin",
        )


def remember(response: Response, request: Request, token: str) -> None:
    """Put the token into the browser's cookie."""
    response.set_cookie(
        COOKIE,
        token,
        max_age=SHIFT_S,
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )


def forget(response: Response) -> None:
    """Take the token out of the browser."""
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
