"""`chemtrace mirror`: recompute somebody else's log, and cosign only what was recomputed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chemtrace.entrypoints.cli.contradictions import meaning
from chemtrace.entrypoints.cli.counting import counted
from chemtrace.entrypoints.cli.exit_codes import ExitCode
from chemtrace.entrypoints.cli.options import AsJSON
from chemtrace.entrypoints.cli.output import (
    print_json,
    print_line,
    print_note,
    print_text,
    push_out,
    waiting_note,
)

if TYPE_CHECKING:
    from chemtrace.ledger.witness import Evidence
    from chemtrace.mirror.ports import Position

Folder = Annotated[Path, typer.Option("--data", metavar="DIR", help="folder of the mirror / 镜像方目录")]
LogURL = Annotated[
    str,
    typer.Option(
        "--log", metavar="URL", help="address of the log, or a folder of its files / 日志地址或目录"
    ),
]
TrustFile = Annotated[
    Path, typer.Option("--trust", metavar="FILE", help="trust file of the log, pinned / 固定的信任文件")
]
TokenFile = Annotated[
    Path | None,
    typer.Option("--token-file", metavar="FILE", help="file with an auditor's token / 审计方令牌文件"),
]


def register(app: typer.Typer) -> None:
    """Add the command group."""
    group = typer.Typer(help="recompute a log and cosign it / 镜像并复算日志", no_args_is_help=True)
    group.command("init")(init)
    group.command("follow")(follow)
    group.command("serve")(serve)
    group.command("evidence")(evidence)
    app.add_typer(group, name="mirror")


def init(
    data: Folder,
    name: Annotated[
        str, typer.Option(help="name in cosignatures, a URL without scheme / 镜像方名称（不带协议的网址）")
    ],
    as_json: AsJSON = False,
) -> None:
    """Make a mirror's keys (they stay here, mode 0600) and print what others put into their policies / 建立镜像方."""
    from chemtrace.bootstrap.witnessing import create_identity

    identity = create_identity(data.absolute(), name)
    if as_json:
        print_json({"name": identity.name, "vkeys": identity.vkeys})
        return
    print_text(f"镜像方 mirror: {identity.name}")
    for vkey in identity.vkeys:
        print_text(f"公钥 verifier key: {vkey}")
    print_note("把其中一行写进策略文件 one of these goes into a policy file, as: witness NAME VKEY URL")


def follow(
    data: Folder, log: LogURL, trust: TrustFile, token_file: TokenFile = None, as_json: AsJSON = False
) -> None:
    """Recompute the log up to its newest checkpoint, once; exit code 5 when it contradicts / 复算一次.

    Evidence kept before ends it with 5 too, until `mirror evidence --acknowledge` / 证据在确认前一直提示。
    """
    from chemtrace.bootstrap.mirroring import load_token, load_trust, opened_mirror
    from chemtrace.core.errors import ChemtraceError, EvidenceError
    from chemtrace.entrypoints.cli.output import print_error

    with opened_mirror(
        data.absolute(),
        url=log,
        trust=load_trust(trust),
        token=load_token(token_file),
        waiting=waiting_note(shown=not as_json),
    ) as mirror:
        try:
            mirror.follower.follow()
        except ChemtraceError as error:
            standing = mirror.standing()
            if not standing or isinstance(error, EvidenceError):
                raise
            print_error(error, as_json=as_json)
            if not as_json:
                _say_standing(standing)
            raise typer.Exit(ExitCode.EVIDENCE) from error
        standing = mirror.standing()
        result = _state(mirror.follower.position) | {"standing": len(standing)}
    if as_json:
        print_json(result)
    elif standing:
        print_text(f"已复算 read: {counted(result['size'], 'entry')}, log time {result['log_time']}")
        _say_standing(standing)
    else:
        print_text(
            f"复算一致 recomputed: {counted(result['size'], 'entry')}, {counted(result['subjects'], 'subject')}, "
            f"log time {result['log_time']}"
        )
    if standing:
        raise typer.Exit(ExitCode.EVIDENCE)


def serve(
    data: Folder,
    log: LogURL,
    trust: TrustFile,
    token_file: TokenFile = None,
    bind: Annotated[
        str, typer.Option(metavar="ADDRESS", help="address to listen on / 监听地址")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="port, 0 for a free one / 端口")] = 8091,
    interval: Annotated[
        float, typer.Option(min=0.1, max=3600, help="seconds between two looks at the log / 轮询间隔（秒）")
    ] = 5.0,
    as_json: AsJSON = False,
) -> None:
    """Follow the log, and cosign checkpoints recomputed whole; Ctrl-C or SIGTERM ends it / 运行镜像服务."""
    from chemtrace.bootstrap import configure_logs
    from chemtrace.bootstrap.mirroring import FollowingThread, load_token, load_trust, opened_mirror
    from chemtrace.bootstrap.witnessing import only_server
    from chemtrace.entrypoints.mirror.app import create_mirror_app
    from chemtrace.entrypoints.server import open_socket, url_of
    from chemtrace.entrypoints.witness.serving import run_witness

    configure_logs(level="INFO")
    listener = open_socket(bind, port)
    url = url_of(listener)
    with (
        opened_mirror(
            data.absolute(), url=log, trust=load_trust(trust), token=load_token(token_file)
        ) as mirror,
        only_server(data, url),
    ):
        witness = mirror.witness
        if as_json:
            print_line({"url": url, "pid": os.getpid(), "name": witness.name, "vkeys": witness.vkeys})
        else:
            print_text(f"镜像服务已启动 mirror {witness.name} at {url}/add-checkpoint")
            print_note("  /state 进度 progress · /evidence 证据 · /metrics 指标 · Ctrl-C 停止 stops")
            _say_standing(mirror.standing())
        push_out()
        thread = FollowingThread(mirror.follower.follow, interval_s=interval, standing=mirror.standing)
        thread.start()
        try:
            run_witness(create_mirror_app(mirror, thread), listener)
        finally:
            thread.stop()


def evidence(
    data: Folder,
    acknowledge: Annotated[
        bool,
        typer.Option(
            "--acknowledge",
            help="you have dealt with all of it: do not tell it again; it stays kept / 已处理，不再提示；证据仍留存",
        ),
    ] = False,
    as_json: AsJSON = False,
) -> None:
    """Show what contradicted: two signed checkpoints, or a checkpoint and what was found under it / 显示矛盾证据."""
    from chemtrace.bootstrap.witnessing import acknowledge_evidence, load_evidence, load_standing
    from chemtrace.core.times import format_utc

    rows = [
        {
            "code": one.code,
            "text_zh": meaning(one.code)[0],
            "text_en": meaning(one.code)[1],
            "found": format_utc(one.found_us),
            "origin": one.origin,
            "first": one.first_note.decode("utf-8"),
            "second": one.second_note.decode("utf-8"),
        }
        for one in load_evidence(data.absolute())
    ]
    acknowledged = acknowledge_evidence(data.absolute()) if acknowledge else ()
    standing = load_standing(data.absolute())
    if as_json:
        print_json({"evidence": rows, "standing": len(standing), "acknowledged": len(acknowledged)})
        return
    if not rows:
        print_text("没有矛盾 nothing ever contradicted")
    for row in rows:
        print_text(f"{row['found']} {row['origin']}: 矛盾 contradiction [{row['code']}]")
        print_text(f"  {row['text_zh']}\n  {row['text_en']}")
        print_text(row["first"])
        print_text(row["second"])
    for one in acknowledged:
        print_text(f"已确认 acknowledged: {format_utc(one.found_us)} [{one.code}]")
    _say_standing(standing)


def _say_standing(standing: Sequence[Evidence]) -> None:
    """What is kept and not acknowledged; nothing where nothing stands."""
    if not standing:
        return
    count = len(standing)
    print_text(
        f"留存的证据中有 {count} 项未确认，请逐项阅读"
        f" · {counted(count, 'finding')} in the kept evidence, not acknowledged:"
        " read `chemtrace mirror evidence`; once dealt with, --acknowledge / 处理后加 --acknowledge"
    )
    for code in sorted({one.code for one in standing}):
        zh, en = meaning(code)
        print_note(f"  [{code}]\n    {zh}\n    {en}")


def _state(position: Position) -> dict[str, Any]:
    from chemtrace.entrypoints.mirror.app import state_of

    return state_of(position)
