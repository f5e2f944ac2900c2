"""`chemtrace waybill`: electronic waybills as the ledger knows them. Posting one is `chemtrace submit`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from chemtrace.entrypoints.cli.options import AsJSON, Data, Limit, opened
from chemtrace.entrypoints.cli.output import in_words, print_json, print_page, print_table, print_text


def register(app: typer.Typer) -> None:
    """Add the command group."""
    group = typer.Typer(help="electronic waybills / 电子运单", no_args_is_help=True)
    group.command("show")(show_waybill)
    group.command("list")(list_waybills)
    app.add_typer(group, name="waybill")


def show_waybill(
    number: Annotated[str, typer.Argument(help="waybill number")], data: Data = None, as_json: AsJSON = False
) -> None:
    """Show one waybill: planned, loaded, received, and its events / 运单详情."""
    with opened(data) as application:
        waybill = application.reads.waybill(number)
    if as_json:
        from dataclasses import asdict

        print_json({**waybill, "events": [asdict(line) for line in waybill["events"]]})
        return
    for name, value in waybill.items():
        if name != "events":
            print_text(_line(name, value))
    print_table(
        "events / 事件",
        ("index", "event", "actor", "at"),
        [(line.index, f"{line.kind}/{line.phase}", line.actor, line.at) for line in waybill["events"]],
    )


def _line(name: str, value: Any) -> str:
    """A fact for people: times RFC 3339, what was loaded or has arrived as code, mass and entry."""
    from chemtrace.core.times import format_utc

    if name.endswith("_us") and isinstance(value, int):
        return f"{name.removesuffix('_us')}: {format_utc(value)}"
    if name in ("loaded", "arrived") and value:
        carried = [
            f"{code} {'?' if mass is None else mass} kg (entry {index})" for code, mass, index in value
        ]
        return f"{name}: {', '.join(carried)}"
    if name == "goods":
        return f"{name}: {' | '.join(in_words(line) for line in value)}"
    return f"{name}: {in_words(value)}"


def list_waybills(
    state: Annotated[
        str | None, typer.Option(help="scheduled, loaded, in_transit, arrived, closed, void")
    ] = None,
    carrier: Annotated[str | None, typer.Option(help="credit code")] = None,
    vehicle: Annotated[str | None, typer.Option(help="plate")] = None,
    limit: Limit = 100,
    cursor: Annotated[str | None, typer.Option(help="`next` of the page before")] = None,
    data: Data = None,
    as_json: AsJSON = False,
) -> None:
    """List waybills by number / 运单列表."""
    with opened(data) as application:
        page = application.reads.waybills(
            state=state, carrier=carrier, vehicle=vehicle, limit=limit, cursor=cursor
        )
    columns = ("number", "state", "consignor", "consignee", "carrier", "vehicle")
    print_page("waybills", "waybills / 运单", columns, page, as_json=as_json)
