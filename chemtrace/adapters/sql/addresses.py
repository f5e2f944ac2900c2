"""Where a ledger's SQLite file is: the one reading of a database's URL, and the one address that SQLite itself reads.

Within a URL, `%` and `?` of a file's name are spelled `%25` and `%3F` (RFC 3986 section 2.1); `config.sqlite_url`
writes such URLs. Names are bytes to the system: those that are no text come through as well (PEP 383).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote_to_bytes

from sqlalchemy import URL, make_url

_FILE: Final = "sqlite:///"


def sqlite_file(url: str) -> Path | None:
    """The file that a URL names, None for another database; without a name it is a folder, where no ledger can be."""
    name = _name(url)
    return None if name is None else Path(name)


def engine_url(url: str) -> URL:
    """The parts of a URL for the library; of an SQLite file without its pattern, which a short process would feel."""
    name = _name(url)
    if not name:
        return make_url(url)
    if "?" not in url:
        return URL.create("sqlite", database=name)
    return make_url(url).set(database=name)


def read_only_uri(file: Path, *, immutable: bool = False) -> str:
    """The URI by which SQLite opens a file for reading; `immutable`: nobody writes it, so that no lock is taken.

    The empty authority keeps a path of two leading slashes from being one (sqlite.org/uri.html section 3.1).
    """
    ending = "&immutable=1" if immutable else ""
    return f"file://{quote(os.fsencode(file.absolute()))}?mode=ro{ending}"


def _name(url: str) -> str | None:
    if not url.startswith(_FILE):
        return None
    return os.fsdecode(unquote_to_bytes(os.fsencode(url.removeprefix(_FILE).split("?", 1)[0])))
