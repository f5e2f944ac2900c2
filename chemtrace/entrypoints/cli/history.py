"""`chemtrace history`: everything that was said about one item, and where it came from or went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from chemtrace.core.codes import parse_code
from chemtrace.entrypoints.cli.counting import counted
from chemtrace.entrypoints.cli.options import AsJSON, Data, opened
from chemtrace.entrypoints.cli.output import print_json, print_table, print_text

_COLUMNS = ("index", "at", "event", "amount", "site", "actor", "with", "late", "via", "findings")


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
    columns, rows = _without_empty(_COLUMNS, [_row(line, subject) for line in lines])
    print_table(f"{len(lines)} 个事件 / {counted(len(lines), 'event')}", columns, rows)


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


def _without_empty(
    columns: Sequence[str], rows: Sequence[tuple[object, ...]]
) -> tuple[list[str], list[list[object]]]:
    """Leave out columns in which no row says anything: a terminal is narrow."""
    kept = [at for at in range(len(columns)) if not rows or any(row[at] not in (None, "") for row in rows)]
    return [columns[at] for at in kept], [[row[at] for at in kept] for row in rows]


def _said_of(payload: Mapping[str, Any], code: str) -> tuple[str, str]:
    """The amount that an event states for this item, and the site where it was."""
    rows = [*(payload.get("inputs") or ()), *(payload.get("items") or ())]
    amounts = [row.get("quantity") for row in rows if isinstance(row, dict) and row.get("code") == code]
    amount = next((one for one in amounts if one), None)
    return "" if amount is None else f"{amount['value']} {amount['unit']}", str(payload.get("site") or "")


def _row(line: Any, code: str) -> tuple[object, ...]:
    marks = ", ".join(
        f"{found.rule}{' (resolved)' if found.resolved_by is not None else ''}" for found in line.findings
    )
    effect = "" if line.effect else " (no effect)"
    amount, site = _said_of(line.payload or {}, code)
    return (
        line.index,
        line.at or line.effective,
        f"{line.kind}/{line.phase}{effect}",
        amount,
        site,
        line.actor,
        line.counterparty,
        "late 迟到" if line.late else "",
        line.via,
        marks,
    )
