"""`chemtrace verify anchor`: whether the timestamps in the log are over this log's trees, and from when."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from chemtrace.entrypoints.cli.exit_codes import ExitCode
from chemtrace.entrypoints.cli.options import AsJSON, Data, opened
from chemtrace.entrypoints.cli.output import print_json, print_note, print_text

Roots = Annotated[
    Path,
    typer.Option(
        "--tsa-root",
        metavar="FILE",
        help="PEM root certificates that vouch for timestamp services, pinned / 时间戳服务根证书",
    ),
]


def verify_anchor(roots: Roots, data: Data = None, as_json: AsJSON = False) -> None:
    """Check every timestamp in the log: over this log's own tree, by a trusted service / 核验时间戳.

    Exit code 1 when one does not verify. A valid one says: this tree existed at that time; nothing about other trees.
    """
    from chemtrace.bootstrap.anchoring import check_anchors

    with opened(data) as application:
        reports = check_anchors(application, roots)
    if as_json:
        print_json({"anchors": [msgspec.to_builtins(report) for report in reports]})
    elif not reports:
        print_text("日志中没有时间戳 no anchor is in this log")
    else:
        for report in reports:
            if report.verified:
                print_text(
                    f"[{report.index}] 核验通过 verified: {report.size} entries existed at {report.time}"
                    f" ({report.signer}, {report.service})"
                )
            else:
                print_note(f"[{report.index}] 核验不通过 NOT verified [{report.code}]: {report.detail}")
    raise typer.Exit(ExitCode.OK if all(report.verified for report in reports) else ExitCode.NEGATIVE)
