"""The two languages of the pages: one catalogue of words, and which language a reader gets.

`words.json` holds every text of the pages as `key: [Chinese, English]`; a key that is missing is an error at once,
never an empty place on a page.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import Request

Language: TypeAlias = Literal["zh", "en"]
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)
"""In the order of the catalogue; the first is the one a stranger gets."""
COOKIE: Final = "chemtrace_lang"
WORDS_FILE: Final = Path(__file__).with_name("words.json")


class Words:
    """The texts of one language: call it with a key and the fields of its text."""

    def __init__(self, language: Language) -> None:
        """Take the texts of `language` out of the catalogue."""
        self.language: Language = language
        self._place = LANGUAGES.index(language)

    def __call__(self, key: str, **fields: object) -> str:
        """Return the text of `key`; raises `KeyError` for a key or field that is not there."""
        text = load_words()[key][self._place]
        return text.format_map(fields) if fields else text

    def either(self, key: str, fallback: str) -> str:
        """Return the text of `key`, or `fallback` where data has a value that the catalogue does not know."""
        pair = load_words().get(key)
        return fallback if pair is None else pair[self._place]

    def pick(self, zh: str | None, en: str | None) -> str:
        """Return the text of this language out of data that has both; the other one where this is empty."""
        first, second = (zh, en) if self.language == "zh" else (en, zh)
        return first or second or "—"


@cache
def load_words() -> Mapping[str, tuple[str, str]]:
    """The whole catalogue, read once."""
    pairs: dict[str, list[str]] = json.loads(WORDS_FILE.read_text(encoding="utf-8"))
    return MappingProxyType({key: (pair[0], pair[1]) for key, pair in pairs.items()})


def language_of(request: Request) -> Language:
    """The language that `?lang=` asks for, else the one remembered by cookie, else Chinese."""
    for wish in (request.query_params.get("lang"), request.cookies.get(COOKIE)):
        if wish in LANGUAGES:
            return wish
    return LANGUAGES[0]
