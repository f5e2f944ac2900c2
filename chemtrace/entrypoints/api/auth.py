"""Who may read: a bearer token, or the same token in the desk's cookie. Statements authenticate themselves."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from chemtrace.core.errors import TokenError
from chemtrace.entrypoints.api.context import App

COOKIE: Final = "chemtrace_token"
# Documents the scheme in OpenAPI; the token itself is read by `token_of`, which knows the cookie too.
_bearer = HTTPBearer(auto_error=False, description="token made by `chemtrace init` or `chemtrace keys token`")


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

    Raises:
        TokenError: no token, or one that is unknown or revoked.
    """
    token = token_of(request)
    if token is None:
        raise TokenError(
            "reading needs a bearer token: send 'Authorization: Bearer …' (chemtrace init printed one)"
        )
    return app.tokens.verify(token)


# One dependency alone: of several in one annotation the framework would call only the last.
Reader = Annotated[str, Depends(require_token)]
