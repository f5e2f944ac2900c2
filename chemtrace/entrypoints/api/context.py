"""What a route is given: the application that `create_app` was called with."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import Depends, Request

from chemtrace.bootstrap import Application


def application_of(request: Request) -> Application:
    """Return the wired application behind this request."""
    return cast("Application", request.app.state.application)


App = Annotated[Application, Depends(application_of)]
