"""Options that mean the same in every command, and how a command gets at its ledger."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from chemtrace.bootstrap import Application
    from chemtrace.config import Settings

Data = Annotated[
    Path | None,
    typer.Option(
        "--data", metavar="DIR", help="data folder of the ledger (CHEMTRACE_DATA_DIR) / 账本数据目录"
    ),
]
AsJSON = Annotated[bool, typer.Option("--json", help="print JSON for programs / 输出 JSON")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=1000, help="most rows / 最多行数")]


def load_settings(data: Path | None) -> Settings:
    """Return the settings from the environment, with the data folder of the command line over them."""
    from chemtrace.config import Settings

    return Settings() if data is None else Settings(data_dir=data)


@contextmanager
def opened(data: Path | None) -> Iterator[Application]:
    """Open the ledger for reading, beside a server or without one, for as long as the block lasts."""
    from chemtrace.bootstrap import open_application

    application = open_application(load_settings(data), read_only=True)
    try:
        yield application
    finally:
        application.close()
