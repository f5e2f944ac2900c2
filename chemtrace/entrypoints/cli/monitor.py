"""`chemtrace monitor`: an enterprise watches that nothing is said in its name and nothing it said is hidden."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from chemtrace.entrypoints.cli.contradictions import finding_lines, meaning
from chemtrace.entrypoints.cli.counting import counted
from chemtrace.entrypoints.cli.exit_codes import ExitCode, exit_code
from chemtrace.entrypoints.cli.options import AsJSON
from chemtrace.entrypoints.cli.output import print_line, print_note, print_text, push_out, waiting_note

if TYPE_CHECKING:
    from chemtrace.mirror.monitor import Monitor, Round
    from chemtrace.mirror.promises import Promised

SilentAfter = Annotated[
    float,
    typer.Option(
        "--silent-after",
        min=0,
        max=604_800,
        help="seconds without a newer checkpoint that are a finding, 0: none / 无新检查点的时限（秒），0 为不限",
    ),
]
Receipts = Annotated[
    list[Path] | None,
    typer.Option(
        "--receipts",
        metavar="FILE",
        help="receipts you hold, as submit --json printed them: are they kept? repeat / 所持回执文件",
    ),
]
Acknowledge = Annotated[
    bool,
    typer.Option(
        "--acknowledge",
        help="you have read what was found before: do not tell it again / 已阅此前的发现，不再提示",
    ),
]
SHOWN_FILES: Final = 10
"""Files of evidence named in each look; the folder has all of them."""


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
    silent_after: SilentAfter = 600.0,
    receipts: Receipts = None,
    acknowledge: Acknowledge = False,
    as_json: AsJSON = False,
) -> None:
    """Watch a log for one enterprise; with --once exit code 5 when anything contradicts / 企业监测.

    What was found before is told again, with exit code 5, until somebody acknowledges it or moves the files away.
    此前的发现每次都会提示并以 5 结束，直至确认或移走证据文件。
    """
    from chemtrace.bootstrap.monitoring import (
        load_own_keys,
        load_receipts,
        load_token,
        load_trust,
        opened_monitor,
    )

    with opened_monitor(
        data.absolute(),
        url=log,
        trust=load_trust(trust),
        token=load_token(token_file),
        enterprise=enterprise,
        keys=load_own_keys(keys, enterprise),
        silent_after_s=silent_after,
        receipts=(lambda: load_receipts(receipts)) if receipts else None,
        waiting=waiting_note(shown=not as_json),
    ) as watching:
        if acknowledge:
            _tell_acknowledged(watching.acknowledge(), as_json=as_json)
        code = _look(watching, as_json=as_json)
        push_out()
        if once:
            raise typer.Exit(code)
        if not as_json:
            print_note(
                f"每 {interval:g} 秒查看一次，Ctrl-C 停止；只看一次用 --once"
                f" · looks every {interval:g} s, Ctrl-C stops it; --once looks once"
            )
        while True:
            time.sleep(interval)
            _look(watching, as_json=as_json)
            push_out()


def _look(watching: Monitor, *, as_json: bool) -> ExitCode:
    """One look; a log that is not reached now may be reached later, and what stands is said each time."""
    from chemtrace.core.errors import ChemtraceError
    from chemtrace.entrypoints.cli.output import print_error

    try:
        found = watching.look()
    except ChemtraceError as error:
        print_error(error, as_json=as_json)
        standing = watching.standing()
        if standing:
            _say_standing(standing, as_json=as_json)
        return ExitCode.EVIDENCE if standing else exit_code(error)
    return _say(found, watching.standing(), as_json=as_json)


def _say(found: Round, standing: Sequence[str], *, as_json: bool) -> ExitCode:
    import msgspec

    from chemtrace.core.errors import EvidenceError, RefusedError
    from chemtrace.core.times import format_utc

    if as_json:
        for error in found.findings:
            zh, en = meaning(error.code)
            print_line({"finding": error.problem(), "text_zh": zh, "text_en": en})
        print_line({
            "size": found.size,
            "new_events": found.new_events,
            "proved": found.proved,
            "log_time": format_utc(found.log_time_us),
            "age_s": found.age_s,
            "findings": len(found.findings),
            "standing": len(standing),
            "receipts": None if found.promises is None else msgspec.structs.asdict(found.promises),
        })  # fmt: skip
    else:
        _say_round(found, standing)
    if standing or any(isinstance(error, EvidenceError | RefusedError) for error in found.findings):
        return ExitCode.EVIDENCE
    return ExitCode.UNAVAILABLE if found.findings else ExitCode.OK


def _say_round(found: Round, standing: Sequence[str]) -> None:
    for error in found.findings:
        for line in finding_lines(error):
            print_note(line)
    word = f"矛盾 findings: {len(found.findings)}"
    if not found.findings:
        word = "本次无新矛盾 nothing new" if standing else "一致 nothing contradicts"
    print_text(
        f"{word}; 日志 log {found.size}, 新事件 new events {found.new_events}, 已证 proved {found.proved},"
        f" 检查点距今 checkpoint {found.age_s} s ago"
        + ("" if found.promises is None else _receipts_in_words(found.promises))
    )
    if standing:
        _say_standing(standing, as_json=False)


def _receipts_in_words(promises: Promised) -> str:
    return f", 回执 receipts {promises.kept} 已兑现 kept, {promises.open} 未到期 open"


def _say_standing(standing: Sequence[str], *, as_json: bool) -> None:
    """What is kept and not acknowledged: the number on standard output, the files beside it."""
    if as_json:
        print_line({"standing": len(standing)})
        return
    count = len(standing)
    print_text(
        f"证据目录中有 {count} 项发现未确认，请逐项阅读"
        f" · {counted(count, 'finding')} in the folder evidence, not acknowledged:"
        " read each; then --acknowledge / 阅后加 --acknowledge"
    )
    for name in standing[:SHOWN_FILES]:
        zh, en = meaning(name.rsplit("-", 1)[0])
        print_note(f"  evidence/{name}\n    {zh}\n    {en}")
    if count > SHOWN_FILES:
        print_note(f"  … {count - SHOWN_FILES}")


def _tell_acknowledged(names: Sequence[str], *, as_json: bool) -> None:
    if as_json:
        print_line({"acknowledged": names})
        return
    for name in names:
        print_text(f"已确认 acknowledged: evidence/{name}")
