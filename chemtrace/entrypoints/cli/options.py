"""Options that mean the same in every command, and how a command gets at its ledger."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chemtrace.entrypoints.cli.output import print_note, print_warning

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


def load_settings(data: Path | None, *, quiet: bool = False) -> Settings:
    """Return the settings from the environment, with the data folder of the command line over them.

    Variables that nothing reads are told on standard error; with `quiet` only beside an error: the caller does it.

    Raises:
        SettingError: a value cannot be taken.
    """
    from chemtrace.config import Settings, unknown_variables
    from chemtrace.core.errors import SettingError

    unknown = unknown_variables(os.environ)
    if not quiet:
        _tell(unknown)
    try:
        return Settings() if data is None else Settings(data_dir=data)
    except SettingError:
        if quiet:
            _tell(unknown)
        raise


def _tell(unknown: Iterable[tuple[str, str | None]]) -> None:
    """One line on standard error for each variable that nothing reads; JSON for programs."""
    for name, nearest in unknown:
        if "--json" in sys.argv:
            print_warning("setting.unknown", setting=name, nearest=nearest)
            continue
        guess = "" if nearest is None else f"; did you mean {nearest}?"
        print_note(
            f"chemtrace: nothing reads {name}, it was ignored{guess} / 未知设置，已忽略 [setting.unknown]"
        )


@contextmanager
def opened(data: Path | None) -> Iterator[Application]:
    """Open the ledger for reading, beside a server or without one, for as long as the block lasts."""
    from chemtrace.bootstrap import open_application

    application = open_application(load_settings(data), read_only=True)
    try:
        yield application
    finally:
        application.close()
