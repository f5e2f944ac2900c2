"""`chemtrace history`: everything that was said about one item, and where it came from or went."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from chemtrace.core.codes import parse_code
from chemtrace.entrypoints.cli.counting import counted
from chemtrace.entrypoints.cli.options import AsJSON, Data, opened
from chemtrace.entrypoints.cli.output import print_json, print_table, print_text


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("history")(history)
    app.command("trace")(trace)


def history(
    code: Annotated[
        str, typer.Argument(help="trace code, in any spelling; or a subject such as waybill:NUMBER")
    ],
    data: Data = None,
    as_json: AsJSON = False,
) -> None:
    """Show the history of an item, through its containers, with findings and late marks / 单件履历."""
    from chemtrace.core.subjects import parse_subject

    subject = parse_subject(code) if ":" in code and "/" not in code else parse_code(code).text
    with opened(data) as application:
        lines = application.reads.history(subject)
        item = application.reads.item(subject) if ":" not in subject else None
    if as_json:
        from dataclasses import asdict

        print_json({"subject": subject, "events": [asdict(line) for line in lines]})
        return
    if item is not None:
        where = f"{item.holder or '—'} @ {item.site or '—'}"
        name = f"{item.name_zh or ''} {item.name_en or ''}".strip()
        print_text(f"{item.code}  {name}  {item.status}  {item.quantity} {item.unit}  {where}")
    print_table(
        f"{len(lines)} 个事件 / {counted(len(lines), 'event')}",
        ("index", "at", "event", "actor", "with", "late", "via", "findings"),
        [_row(line) for line in lines],
    )


def trace(
    code: Annotated[str, typer.Argument(help="trace code, in any spelling")],
    down: Annotated[
        bool, typer.Option("--down", help="where it went, instead of where it came from")
    ] = False,
    data: Data = None,
    as_json: AsJSON = False,
) -> None:
    """Show what an item was made from (up) or what became of it (down) / 溯源与去向."""
    from dataclasses import asdict

    with opened(data) as application:
        lineage = application.reads.trace(parse_code(code).text, "down" if down else "up")
    if as_json:
        print_json(asdict(lineage))
        return
    print_table(
        f"{lineage.code} {lineage.direction}",
        ("depth", "from", "to", "relation", "quantity", "index"),
        [
            (
                edge.depth,
                edge.source,
                edge.target,
                edge.relation,
                f"{edge.quantity or ''} {edge.unit or ''}",
                edge.index,
            )
            for edge in lineage.edges
        ],
    )


def _row(line: Any) -> tuple[object, ...]:
    marks = ", ".join(
        f"{found.rule}{' (resolved)' if found.resolved_by is not None else ''}" for found in line.findings
    )
    effect = "" if line.effect else " (no effect)"
    return (
        line.index,
        line.at or line.effective,
        f"{line.kind}/{line.phase}{effect}",
        line.actor,
        line.counterparty,
        "late 迟到" if line.late else "",
        line.via,
        marks,
    )
