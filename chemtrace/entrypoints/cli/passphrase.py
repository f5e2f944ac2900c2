"""How a command is given a passphrase: in a file, never on the command line, where others could see it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Passphrase = Annotated[
    Path | None,
    typer.Option(
        "--passphrase-file", metavar="FILE", help="file with the key's passphrase / 口令文件", exists=True
    ),
]


def load_passphrase(path: Path | None) -> str | None:
    """The first line of a passphrase file, None without a file; an empty line is no passphrase."""
    if path is None:
        return None
    lines = path.read_text(encoding="utf-8").splitlines()
    return (lines[0] if lines else "") or None
