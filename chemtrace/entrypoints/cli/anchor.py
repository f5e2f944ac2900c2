"""`chemtrace anchor`: have the newest checkpoint stamped by an outside service, and keep the token in the log."""

from __future__ import annotations

from typing import Annotated

import typer

from chemtrace.entrypoints.cli.desk import opened_desk
from chemtrace.entrypoints.cli.options import AsJSON, Data
from chemtrace.entrypoints.cli.output import print_json, print_text
from chemtrace.entrypoints.cli.verify_anchors import Roots


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("anchor")(anchor)


def anchor(
    tsa: Annotated[
        str, typer.Option("--tsa", metavar="URL", help="timestamp service, RFC 3161 / 时间戳服务地址")
    ],
    roots: Roots,
    data: Data = None,
    as_json: AsJSON = False,
) -> None:
    """Have the newest checkpoint stamped (RFC 3161), verify the token, record it in the log / 请求可信时间戳并入账."""
    from chemtrace.bootstrap.anchoring import stamp_newest
    from chemtrace.core.times import format_utc
    from chemtrace.registry import office

    with opened_desk(data) as desk:
        anchored = stamp_newest(desk.application, tsa, roots)
        subject = f"enterprise:{desk.authority.enterprise}"
        answer = desk.file(office.publish_anchor, subject=subject, **anchored.facts())
        receipt = answer.require()
    stamp = anchored.timestamp
    if as_json:
        told = {
            "size": anchored.checkpoint.size,
            "root": anchored.checkpoint.root.hex(),
            "service": anchored.service,
            "time": format_utc(stamp.time_us),
            "signer": stamp.signer,
        }
        print_json({**told, **answer.as_json()})
        return
    print_text(f"时间戳 stamped {format_utc(stamp.time_us)} by {stamp.signer}")
    print_text(f"  checkpoint of {anchored.checkpoint.size} entries, root {anchored.checkpoint.root.hex()}")
    print_text(f"已记录 recorded as entry {receipt.index}")
