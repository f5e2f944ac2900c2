"""The bytes of the inspector's page, with or without a trust file in it, for whoever hands it out.

The page is built from `scanners/web/verifier` and committed as `verify.html`, so that nobody needs Node to use it.
A trust file travels in a slot of its own, in base64: nothing else of the page changes, and its script still has the
digest that its own content security policy names.
"""

from __future__ import annotations

import re
from base64 import b64encode
from functools import cache
from pathlib import Path
from typing import Final, Literal

from chemtrace.core.bundle.trust import Trust, encode_trust
from chemtrace.core.errors import DataFilesError

PAGE_FILE: Final = Path(__file__).with_name("verify.html")
Source = Literal["exported", "operator"]
"""Who put a trust file into the page: the person who exported it, or the operator who serves it."""

_EMPTY_SLOT: Final = '<script type="text/plain" id="trust" data-source="none"></script>'
_POLICY: Final = re.compile(r'<meta http-equiv="Content-Security-Policy" content="([^"]+)">')


def render_verifier(trust: Trust | None = None, source: Source = "exported") -> bytes:
    """Return the page as UTF-8; a trust file given is offered by it, marked with where it came from.

    Raises:
        DataFilesError: this installation carries no whole page.
        TrustFormatError: the trust file's members contradict each other.
    """
    page = _load_page()
    if trust is None:
        return page.encode("utf-8")
    text = b64encode(encode_trust(trust)).decode("ascii")
    slot = f'<script type="text/plain" id="trust" data-source="{source}">{text}</script>'
    return page.replace(_EMPTY_SLOT, slot).encode("utf-8")


def page_policy() -> str:
    """The content security policy that the page states in itself, for a server to send as well."""
    found = _POLICY.search(_load_page())
    return found.group(1) if found else "default-src 'none'"


@cache
def _load_page() -> str:
    try:
        page = PAGE_FILE.read_text(encoding="utf-8")
    except OSError as error:
        raise DataFilesError(
            "the inspector's page is missing here: install chemtrace again", name=PAGE_FILE.name
        ) from error
    if page.count(_EMPTY_SLOT) != 1:
        raise DataFilesError("the inspector's page is damaged: install chemtrace again", name=PAGE_FILE.name)
    return page
