"""`chemtrace monitor`: an enterprise watches that nothing is said in its name and nothing it said is hidden."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chemtrace.entrypoints.cli.exit_codes import ExitCode
from chemtrace.entrypoints.cli.options import AsJSON
from chemtrace.entrypoints.cli.output import print_line, print_note, print_text, push_out

if TYPE_CHECKING:
    from chemtrace.mirror.monitor import Monitor, Round


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("monitor")(monitor)


def monitor(
    data: Annotated[Path, typer.Option("--data", metavar="DIR", help="folder of the monitor / 监测目录")],
    enterprise: Annotated[str, typer.Option("--enterprise", help="credit code / 统一社会信用代码")],
    log: Annotated[str, typer.Option("--log", metavar="URL", help="address of the log / 日志地址")],
    trust: Annotated[
        Path,
        typer.Option("--trust", metavar="FILE", help="trust file of the log, pinned / 固定的信任文件"),
    ],
    keys: Annotated[
        list[Path],
        typer.Option("--keys", metavar="FILE", help="key request of each key you hold / 本企业密钥申请文件"),
    ],
    token_file: Annotated[
        Path | None,
        typer.Option("--token-file", metavar="FILE", help="file with an auditor's token / 审计方令牌文件"),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="look once and end / 只查看一次")] = False,
    interval: Annotated[
        float, typer.Option(min=1, max=86_400, help="seconds between two looks / 查看间隔（秒）")
    ] = 60.0,
    as_json: AsJSON = False,
) -> None:
    """Watch a log for one enterprise; with --once exit code 5 when anything contradicts / 企业监测."""
    from chemtrace.bootstrap.monitoring import load_own_keys, load_token, load_trust, opened_monitor

    with opened_monitor(
        data.absolute(),
        url=log,
        trust=load_trust(trust),
        token=load_token(token_file),
        enterprise=enterprise,
        keys=load_own_keys(keys, enterprise),
    ) as watching:
        if once:
            raise typer.Exit(_say(watching.look(), as_json=as_json))
        while True:
            _look(watching, as_json=as_json)
            push_out()
            time.sleep(interval)


def _look(watching: Monitor, *, as_json: bool) -> None:
    """One look of many: a log that is not reached now may be reached later, and what contradicts is said each time."""
    from chemtrace.core.errors import ChemtraceError
    from chemtrace.entrypoints.cli.output import print_error

    try:
        _say(watching.look(), as_json=as_json)
    except ChemtraceError as error:
        print_error(error, as_json=as_json)


def _say(found: Round, *, as_json: bool) -> ExitCode:
    from chemtrace.core.errors import EvidenceError, RefusedError

    if as_json:
        for error in found.findings:
            print_line({"finding": error.problem()})
        print_line({
            "size": found.size,
            "new_events": found.new_events,
            "proved": found.proved,
            "findings": len(found.findings),
        })  # fmt: skip
    else:
        for error in found.findings:
            print_note(f"发现 found: {error.message} [{error.code}]")
        word = "一致 nothing contradicts" if not found.findings else f"矛盾 findings: {len(found.findings)}"
        print_text(
            f"{word}; 日志 log {found.size}, 新事件 new events {found.new_events}, 已证 proved {found.proved}"
        )
    if any(isinstance(error, EvidenceError | RefusedError) for error in found.findings):
        return ExitCode.EVIDENCE
    return ExitCode.UNAVAILABLE if found.findings else ExitCode.OK
