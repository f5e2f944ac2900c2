"""`chemtrace alerts`: what a regulator must look at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from chemtrace.entrypoints.cli.options import AsJSON, Data, Limit, opened
from chemtrace.entrypoints.cli.output import print_json, print_page, print_text


def register(app: typer.Typer) -> None:
    """Add the command group."""
    group = typer.Typer(help="flow anomalies and kept refusals / 流向异常与拒收", no_args_is_help=True)
    group.command("list")(list_alerts)
    group.command("show")(show_alert)
    group.command("refusals")(list_refusals)
    app.add_typer(group, name="alerts")


def list_alerts(
    status: Annotated[str | None, typer.Option(help="open, withdrawn, acknowledged, …")] = None,
    detector: Annotated[str | None, typer.Option(help="C1, Q3, …")] = None,
    enterprise: Annotated[str | None, typer.Option(help="credit code")] = None,
    limit: Limit = 100,
    cursor: Annotated[str | None, typer.Option(help="`next` of the page before")] = None,
    data: Data = None,
    as_json: AsJSON = False,
) -> None:
    """List alerts, newest first / 预警列表."""
    with opened(data) as application:
        page = application.reads.alerts(
            status=status, detector=detector, enterprise=enterprise, limit=limit, cursor=cursor
        )
    columns = ("raised", "detector", "severity", "status", "enterprise", "id")
    print_page("alerts", "alerts / 预警", columns, page, as_json=as_json)


def show_alert(
    alert_id: Annotated[
        str, typer.Argument(help="id of the alert, or its first 8 or more digits / 预警编号或其前 8 位以上")
    ],
    data: Data = None,
    as_json: AsJSON = False,
) -> None:
    """Show one alert with explanation and evidence / 预警详情."""
    with opened(data) as application:
        alert = application.reads.alert(alert_id)
    if as_json:
        print_json(alert)
        return
    for name, value in alert.items():
        if name != "evidence":
            print_text(f"{name}: {value}")
    for number, evidence in enumerate(alert.get("evidence") or (), start=1):
        print_text(f"evidence 证据 {number}: {evidence}")


def list_refusals(
    code: Annotated[str | None, typer.Option(help="rule or error code")] = None,
    enterprise: Annotated[str | None, typer.Option(help="credit code")] = None,
    limit: Limit = 100,
    cursor: Annotated[str | None, typer.Option(help="`next` of the page before")] = None,
    data: Data = None,
    as_json: AsJSON = False,
) -> None:
    """List validly signed statements that were refused, newest first, by whom they claim to come from / 拒收记录."""
    with opened(data) as application:
        page = application.reads.refusals(code=code, enterprise=enterprise, limit=limit, cursor=cursor)
    columns = ("id", "received", "enterprise", "code", "detail")
    print_page("refusals", "refusals / 拒收", columns, page, as_json=as_json, cells=_refusal_cells)


def _refusal_cells(row: Mapping[str, Any]) -> tuple[object, ...]:
    problem = row["problem"]
    owner = (problem.get("fields") or {}).get("owner")
    signed = f" (签名密钥属于 signed with a key of {owner})" if owner not in (None, row["enterprise"]) else ""
    return row["id"], row["received"], row["enterprise"], row["code"], f"{problem.get('detail')}{signed}"
