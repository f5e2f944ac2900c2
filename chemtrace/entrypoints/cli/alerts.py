"""`chemtrace alerts`: what a regulator must look at."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from chemtrace.entrypoints.cli.options import AsJSON, Data, Limit, opened
from chemtrace.entrypoints.cli.output import print_json, print_table, print_text


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
    """List alerts, newest first / 报警列表."""
    with opened(data) as application:
        page = application.reads.alerts(
            status=status, detector=detector, enterprise=enterprise, limit=limit, cursor=cursor
        )
    if as_json:
        print_json({"alerts": page.rows, "next": page.next})
        return
    columns = ("raised", "detector", "severity", "status", "enterprise", "id")
    print_table("alerts / 报警", columns, [tuple(row.get(name) for name in columns) for row in page.rows])
    if page.next is not None:
        print_text(f"more / 更多: --cursor {page.next}")


def show_alert(
    alert_id: Annotated[str, typer.Argument(help="id of the alert")],
    data: Data = None,
    as_json: AsJSON = False,
) -> None:
    """Show one alert with explanation and evidence / 报警详情."""
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
    """List validly signed statements that were refused, newest first / 拒收记录."""
    with opened(data) as application:
        page = application.reads.refusals(code=code, enterprise=enterprise, limit=limit, cursor=cursor)
    if as_json:
        print_json({"refusals": page.rows, "next": page.next})
        return
    rows: list[tuple[Any, ...]] = [
        (row["id"], row["received"], row["enterprise"], row["code"], row["problem"].get("detail"))
        for row in page.rows
    ]
    print_table("refusals / 拒收", ("id", "received", "enterprise", "code", "detail"), rows)
