"""`chemtrace witness`: stand as a witness for logs, so that no operator can show two of them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from chemtrace.entrypoints.cli.contradictions import meaning
from chemtrace.entrypoints.cli.options import AsJSON
from chemtrace.entrypoints.cli.output import print_json, print_line, print_note, print_text, push_out

Folder = Annotated[Path, typer.Option("--data", metavar="DIR", help="folder of the witness / 见证方目录")]
Logs = Annotated[
    list[str] | None,
    typer.Option("--log", metavar="VKEY", help="verifier key of a log to witness; repeat / 所见证日志的公钥"),
]
PolicyFile = Annotated[
    Path | None,
    typer.Option(
        "--policy", metavar="FILE", help="tlog-policy file whose log lines count / 含 log 行的策略文件"
    ),
]


def register(app: typer.Typer) -> None:
    """Add the command group."""
    group = typer.Typer(help="stand as a witness for logs (C2SP) / 为日志作见证", no_args_is_help=True)
    group.command("init")(init)
    group.command("serve")(serve)
    group.command("evidence")(evidence)
    app.add_typer(group, name="witness")


def init(
    data: Folder,
    name: Annotated[
        str, typer.Option(help="name in cosignatures, a URL without scheme / 见证方名称（不带协议的网址）")
    ],
    as_json: AsJSON = False,
) -> None:
    """Make a witness's keys (they stay here, mode 0600) and print what others put into their policies / 建立见证方."""
    from chemtrace.bootstrap.witnessing import create_identity

    identity = create_identity(data.absolute(), name)
    if as_json:
        print_json({"name": identity.name, "vkeys": identity.vkeys})
        return
    print_text(f"见证方 witness: {identity.name}")
    for vkey in identity.vkeys:
        print_text(f"公钥 verifier key: {vkey}")
    print_note("把其中一行写进策略文件 one of these goes into a policy file, as: witness NAME VKEY URL")


def serve(
    data: Folder,
    log: Logs = None,
    policy: PolicyFile = None,
    bind: Annotated[
        str, typer.Option(metavar="ADDRESS", help="address to listen on / 监听地址")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="port, 0 for a free one / 端口")] = 8090,
    as_json: AsJSON = False,
) -> None:
    """Cosign checkpoints that contain all that was cosigned before; Ctrl-C or SIGTERM ends it / 运行见证服务."""
    from chemtrace.bootstrap import configure_logs
    from chemtrace.bootstrap.witnessing import only_server, opened_witness, trusted_logs
    from chemtrace.entrypoints.server import open_socket, url_of
    from chemtrace.entrypoints.witness.app import create_witness_app
    from chemtrace.entrypoints.witness.serving import run_witness

    configure_logs(level="INFO")
    listener = open_socket(bind, port)
    url = url_of(listener)
    with opened_witness(data.absolute(), trusted_logs(log or (), policy)) as witness, only_server(data, url):
        if as_json:
            print_line({"url": url, "pid": os.getpid(), "name": witness.name, "vkeys": witness.vkeys})
        else:
            print_text(f"见证服务已启动 witness {witness.name} at {url}/add-checkpoint")
            print_note(
                f"  日志 logs: {', '.join(witness.origins)} · /evidence 证据 · /metrics 指标 · Ctrl-C 停止 stops"
            )
        push_out()
        run_witness(create_witness_app(witness), listener)


def evidence(data: Folder, as_json: AsJSON = False) -> None:
    """Show checkpoints that contradict each other, both signed by their log / 显示日志分叉证据."""
    from chemtrace.bootstrap.witnessing import load_evidence
    from chemtrace.core.times import format_utc

    rows = load_evidence(data.absolute())
    if as_json:
        print_json({"evidence": [
            {
                "code": one.code,
                "text_zh": meaning(one.code)[0],
                "text_en": meaning(one.code)[1],
                "found": format_utc(one.found_us),
                "origin": one.origin,
                "first": one.first_note.decode("utf-8"),
                "second": one.second_note.decode("utf-8"),
            }
            for one in rows
        ]})  # fmt: skip
        return
    if not rows:
        print_text("没有分叉证据 no contradiction was ever seen")
    for one in rows:
        print_text(
            f"{format_utc(one.found_us)} {one.origin}: 日志分叉 the log has signed both of these [{one.code}]"
        )
        print_text("  " + "\n  ".join(meaning(one.code)))
        print_text(one.first_note.decode("utf-8"))
        print_text(one.second_note.decode("utf-8"))
