"""`chemtrace serve`: API, pages and publishing in one process, until it is told to stop."""

from __future__ import annotations

import ipaddress
import os
from typing import Annotated

import typer

from chemtrace.entrypoints.cli.options import AsJSON, Data, load_settings
from chemtrace.entrypoints.cli.output import print_line, print_note, print_text, push_out


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("serve")(serve)


def serve(
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="port, 0 for a free one (CHEMTRACE_PORT) / 端口")
    ] = None,
    bind: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="address to listen on (CHEMTRACE_BIND) / 监听地址")
    ] = None,
    behind_tls: Annotated[
        bool, typer.Option("--behind-tls", help="a TLS proxy of ours stands in front / 前置 TLS 代理")
    ] = False,
    i_know: Annotated[
        bool,
        typer.Option("--i-know", help="listen to the network without TLS all the same / 明知无加密仍监听"),
    ] = False,
    data: Data = None,
    as_json: AsJSON = False,
) -> None:
    """Serve the ledger; Ctrl-C or SIGTERM ends it after the last answer / 运行服务."""
    from chemtrace.bootstrap import configure_logs, open_application
    from chemtrace.entrypoints.server import open_socket, run_server, url_of

    settings = load_settings(data, quiet=True)
    address = settings.bind if bind is None else bind
    if not (is_loopback(address) or behind_tls or i_know):
        raise typer.BadParameter(
            f"{address} is not this machine alone, and tokens would travel in the clear: put a TLS proxy in front"
            " and say --behind-tls, or say --i-know",
            param_hint="--bind",
        )
    configure_logs(level=settings.log_level)
    _log_unknown()
    listener = open_socket(address, settings.port if port is None else port)
    url = url_of(listener)
    try:
        application = open_application(settings, url=url)
    except BaseException:
        listener.close()
        raise
    try:
        if as_json:
            print_line({"url": url, "pid": os.getpid(), "origin": application.ledger.origin})
        else:
            print_text(f"服务已启动 serving {application.ledger.origin} at {url}")
            print_note("  /desk 管理端 desk · /docs 接口 API · /metrics 指标 metrics · Ctrl-C 停止 stops")
        push_out()
        run_server(application, listener, behind_tls=behind_tls)
    finally:
        application.close()


def _log_unknown() -> None:
    """One log line for each variable that looks like a setting and is none."""
    import structlog

    from chemtrace.config import unknown_variables

    for name, nearest in unknown_variables(os.environ):
        structlog.get_logger("chemtrace.settings").warning("setting.unknown", setting=name, nearest=nearest)


def is_loopback(address: str) -> bool:
    """Whether only this machine can reach what listens there."""
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
