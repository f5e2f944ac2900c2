"""The HTTP interface as others build on it: a change of it shows in the change itself."""

from __future__ import annotations

from tools.api_pages import DOCUMENT, PAGE, document, render


def test_the_openapi_document_is_what_the_routes_say() -> None:
    """contracts/openapi.json travels in the wheel and is diffed in review."""
    assert document() == DOCUMENT.read_text(encoding="utf-8"), "run: make pages"


def test_the_page_names_every_route() -> None:
    """docs/reference/http-api.md is what `make pages` makes from the routes."""
    assert render() == PAGE.read_text(encoding="utf-8"), "run: make pages"
