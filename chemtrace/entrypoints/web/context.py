"""What a page's function is given: a public page, or one of the desk that needs a login."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query, Request

from chemtrace.entrypoints.api.context import App
from chemtrace.entrypoints.web.rendering import Page
from chemtrace.entrypoints.web.session import User


def public_page(request: Request, app: App) -> Page:
    """A page for everybody."""
    return Page(request, app)


def desk_page(request: Request, app: App, user: User) -> Page:
    """A page for holders of a token."""
    return Page(request, app, user)


PublicPage = Annotated[Page, Depends(public_page)]
DeskPage = Annotated[Page, Depends(desk_page)]

Filter = Annotated[str, Query(max_length=96)]
"""A filter of a list; empty means all, as forms send it."""
Cursor = Annotated[str, Query(max_length=128)]
"""`next` of the page before; empty means the beginning."""

PAGE_ROWS = 50
"""Rows a page: what a person looks through before refining the filter."""
