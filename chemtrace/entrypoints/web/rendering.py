"""A page made from a template: escaped by default, in one language, with the headers that keep strangers out.

Nothing on a page is fetched from elsewhere, nothing is inline, no script runs at all: the content security policy
says so to the browser, and the tests look.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode

import jinja2
from fastapi import Request, Response

import chemtrace
from chemtrace.bootstrap import Application
from chemtrace.core.label import hazard_names
from chemtrace.entrypoints.web import wording
from chemtrace.entrypoints.web.language import COOKIE as LANGUAGE_COOKIE
from chemtrace.entrypoints.web.language import LANGUAGES, Language, Words, language_of
from chemtrace.entrypoints.web.parties import Names
from chemtrace.trace.rules import RULES

FOLDER: Final = Path(__file__).parent
ASSETS: Final[Mapping[str, str]] = {"desk.css": "text/css", "icon.svg": "image/svg+xml"}
"""Static files by name, with their types; all are small and travel in the package."""

THEME_COOKIE: Final = "chemtrace_theme"
THEMES: Final = ("auto", "light", "dark")
YEAR_S: Final = 365 * 86_400

HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none';"
        " frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # A label's address may hold a seal: it must not reach another site. The desk needs its own origin on forms.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""On every answer of this door that does not set its own."""


class Page:
    """One page in the making: the request, the application, the reader's language, and who is logged in."""

    def __init__(self, request: Request, app: Application, user: str | None = None) -> None:
        """Prepare a page for a request; `user` is None on public pages."""
        self.request = request
        self.app = app
        self.user = user
        self.words = Words(language_of(request))
        self.names = Names(app.registry, self.words)

    def render(self, template: str, status: int = 200, **values: Any) -> Response:
        """Return the page of a template with these values, and remember a language or theme that was asked for."""
        text = _environment().get_template(template).render(self._values() | values)
        response = Response(text, status, media_type="text/html; charset=utf-8")
        if self.request.query_params.get("lang") in LANGUAGES:
            _remember_choice(response, LANGUAGE_COOKIE, self.words.language)
        if self.request.query_params.get("theme") in THEMES:
            _remember_choice(response, THEME_COOKIE, self._theme())
        return response

    def _values(self) -> dict[str, Any]:
        words, names, catalogue = self.words, self.names, self.app.catalogue
        return {
            "w": words,
            "lang": words.language,
            "html_lang": "zh-CN" if words.language == "zh" else "en",
            "theme": self._theme(),
            "themes": THEMES,
            "user": self.user,
            "path": self.request.url.path,
            "choose": self._choose,
            "version": chemtrace.__version__,
            "asset": asset_url,
            "party": names.party,
            "site_name": names.site,
            "named": self._named,
            "qty": lambda value, unit: wording.quantity(value, unit, words),
            "amount": lambda document: wording.amount(document, words),
            "substance": lambda slot: wording.substance(slot, catalogue, words),
            "chemical": catalogue.by_slot.get,
            "hazard_name": lambda hazard: words.pick(*hazard_names(hazard)),
            "rule_name": lambda rule: words.pick(RULES[rule].zh, RULES[rule].en) if rule in RULES else "",
            "now_us": self.app.clock.now_us(),
        }

    def _named(self, zh: str | None, en: str | None, *, other: bool = False) -> str:
        """A sentence of the ledger in this language (or the other one), with names in place of credit codes."""
        language: Language = self.words.language
        if other:
            language = "en" if language == "zh" else "zh"
        words = Words(language)
        return Names(self.app.registry, words).named(words.pick(zh, en))

    def _theme(self) -> str:
        for wish in (self.request.query_params.get("theme"), self.request.cookies.get(THEME_COOKIE)):
            if wish in THEMES:
                return str(wish)
        return THEMES[0]

    def _choose(self, **changes: str | None) -> str:
        """A link to this page with other query parameters; None takes one away.

        Never holds the path, nor what was typed into the search field: either may hold a seal.
        """
        kept = {
            name: value
            for name, value in self.request.query_params.multi_items()
            if name not in changes and value and (name == "next" or (name != "q" and self.user is not None))
        }
        wanted = kept | {name: value for name, value in changes.items() if value is not None}
        return f"?{urlencode(wanted)}"


def asset_url(name: str) -> str:
    """The address of a static file, with its digest, so that it may be kept for ever."""
    return f"/assets/{name}?v={hashlib.sha256(load_asset(name)).hexdigest()[:12]}"


@cache
def load_asset(name: str) -> bytes:
    """The bytes of a static file named in `ASSETS`."""
    return (FOLDER / "static" / name).read_bytes()


def add_headers(response: Response) -> Response:
    """Put the security headers on an answer that does not set its own."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response


def _remember_choice(response: Response, name: str, value: str) -> None:
    response.set_cookie(name, value, max_age=YEAR_S, path="/", httponly=True, samesite="lax")


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "when": wording.local_time,
        "when_us": wording.local_moment,
        "utc": wording.utc_text,
        "pretty": wording.pretty_code,
        "short": wording.short,
        "segment": lambda text: quote(str(text), safe=""),
        "degrees": lambda place: wording.position(*place),
    }
    environment.tests["code"] = wording.is_code
    environment.globals |= {"stage_of": wording.stage_of, "stages": wording.STAGES}
    return environment
