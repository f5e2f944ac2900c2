"""Who may read: a bearer token, or the same token in the desk's cookie. Statements authenticate themselves."""

from __future__ import annotations

from typing import Annotated, Final, cast

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from chemtrace.core.errors import RateLimitError, TokenError
from chemtrace.entrypoints.api.context import App
from chemtrace.entrypoints.limits import Shares, caller

COOKIE: Final = "chemtrace_token"
WRONG_AT_ONCE: Final = 20
"""Wrong tokens that one caller may send at once before it is told to wait."""
WRONG_EVERY_S: Final = 3
"""Seconds after which it may send one more."""
# Documents the scheme in OpenAPI; the token itself is read by `token_of`, which knows the cookie too.
_bearer = HTTPBearer(auto_error=False, description="token made by `chemtrace init` or `chemtrace keys token`")


def wrong_tokens() -> Shares:
    """Every caller's share of wrong tokens, full."""
    return Shares(burst=WRONG_AT_ONCE, every_s=WRONG_EVERY_S)


def token_of(request: Request) -> str | None:
    """Return the bearer token of a request, from its header or from the desk's cookie."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and value:
        return value.strip()
    return request.cookies.get(COOKIE)


def require_token(
    request: Request, app: App, scheme: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> str:
    """Return the name of the token's owner.

    A right token is never limited, whoever else sends wrong ones from the same address: one has 256 bits, so what
    the limit keeps small is the load and the log that guessing makes, not the chance of a hit.

    Raises:
        TokenError: no token, or one that is unknown or revoked.
        RateLimitError: a wrong token from an address that has sent too many.
    """
    token = token_of(request)
    if token is None:
        raise TokenError(
            "reading needs a bearer token: send 'Authorization: Bearer …' (chemtrace init printed one)"
        )
    try:
        return app.tokens.verify(token)
    except TokenError as error:
        shares = cast("Shares", request.app.state.wrong_tokens)
        wait_s = shares.take(caller(request.client.host if request.client else None))
        if wait_s:
            raise RateLimitError(
                "too many wrong tokens came from this address: wait, or send one that is valid",
                retry_after_s=wait_s,
            ) from error
        raise


# One dependency alone: of several in one annotation the framework would call only the last.
Reader = Annotated[str, Depends(require_token)]
