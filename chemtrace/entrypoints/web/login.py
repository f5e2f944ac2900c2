"""Log in with a token, and out again."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response
from starlette.responses import RedirectResponse

from chemtrace.core.errors import TokenError
from chemtrace.entrypoints.limits import Shares, caller
from chemtrace.entrypoints.web.context import PublicPage
from chemtrace.entrypoints.web.route import PageRoute
from chemtrace.entrypoints.web.session import forget, local_target, refuse_cross_site, remember

router = APIRouter(route_class=PageRoute)

MAX_TOKEN = 200
TRIES = Shares(burst=10, every_s=6)
"""Ten wrong tries at once and one more every six seconds by caller: a token has 256 bits, this keeps logs readable."""


@router.get("/desk/login")
def get_login(page: PublicPage, target: Annotated[str, Query(alias="next", max_length=500)] = "") -> Response:
    """The form that asks for a token."""
    return page.render("login.html", target=local_target(target), failed=False, wait_s=0)


@router.post("/desk/login")
def post_login(
    request: Request,
    page: PublicPage,
    token: Annotated[str, Form(max_length=MAX_TOKEN)] = "",
    target: Annotated[str, Form(alias="next", max_length=500)] = "",
) -> Response:
    """Remember a token that is valid and go on; 401 with the form again for any other."""
    refuse_cross_site(request)
    where = local_target(target)
    address = caller(request.client.host if request.client else None)
    wait_s = TRIES.take(address)
    if wait_s:
        response = page.render("login.html", 429, target=where, failed=False, wait_s=wait_s)
        response.headers["Retry-After"] = str(wait_s)
        return response
    try:
        page.app.tokens.verify(token.strip())
    except TokenError:
        return page.render("login.html", 401, target=where, failed=True, wait_s=0)
    TRIES.give_back(address)
    response = RedirectResponse(where, 303)
    remember(response, request, token.strip())
    return response


@router.post("/desk/logout")
def post_logout(request: Request) -> Response:
    """Forget the token."""
    refuse_cross_site(request)
    response = RedirectResponse("/desk/login", 303)
    forget(response)
    return response
