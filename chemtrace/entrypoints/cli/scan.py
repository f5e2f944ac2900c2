"""`chemtrace scan`: read labels from picture files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from chemtrace.entrypoints.cli.exit_codes import ExitCode
from chemtrace.entrypoints.cli.options import AsJSON
from chemtrace.entrypoints.cli.output import print_line, print_note, print_text


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("scan")(scan)


def scan(
    files: Annotated[list[Path], typer.Argument(help="pictures (PNG, JPEG, …) / 图片文件")],
    as_json: AsJSON = False,
) -> None:
    """Read every QR code in pictures; --json gives one object a file, texts with their seals / 识读标签."""
    from scanners.decode import scan_files, trace_code
    from scanners.engines import missing_engine

    failed = False
    for result in scan_files(files):
        failed = failed or result.error is not None
        if as_json:
            print_line(result.as_json())
        elif result.error is not None:
            print_note(f"{result.file}: {result.error.message} [{result.error.code}]")
        else:
            # For people the code alone: a terminal's scroll-back is no place for a seal.
            found = [trace_code(code.text) or "非本账本 not of this ledger" for code in result.codes]
            print_text(f"{result.file}: {', '.join(found) or '无码 no code'}")
        if result.warning is not None and not as_json:
            print_note(missing_engine() or result.warning)
    if failed:
        raise typer.Exit(ExitCode.NEGATIVE)
