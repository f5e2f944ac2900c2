"""What the command line prints: results on stdout (JSON or tables), progress and errors on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from chemtrace.core.errors import ChemtraceError
from chemtrace.entrypoints.cli.spans import readable

Cells = Callable[[Any], Sequence[object]]
"""A row of a page to the cells of a table."""


def print_json(value: Any) -> None:
    """Print one JSON document with readable Chinese."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, default=_plain) + "\n")


def print_line(value: Any) -> None:
    """Print one JSON document on one line (NDJSON)."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_plain) + "\n")


def push_out() -> None:
    """Send what was printed on its way now: whoever started us through a pipe waits for it while we go on."""
    sys.stdout.flush()


def print_text(text: str) -> None:
    """Print one line for people."""
    sys.stdout.write(text + "\n")


def print_note(text: str) -> None:
    """Print one line for people beside the result, on stderr."""
    sys.stderr.write(text + "\n")


def print_error(error: ChemtraceError, *, as_json: bool) -> None:
    """Print an error on stderr: one JSON object on one line, or message, code and both sides."""
    if as_json:
        sys.stderr.write(json.dumps(error.problem(), ensure_ascii=False, default=_plain) + "\n")
        return
    said = spoken(error)
    fields = dict(said["fields"])
    in_chinese = fields.pop("text_zh", None)
    # A rule's refusal says these three once more, for programs.
    for name, told in (("text_en", said["detail"]), ("rule_id", said["code"]), ("item", "")):
        if fields.get(name) == told:
            del fields[name]
    print_note(f"chemtrace: {said['detail']} [{said['code']}]")
    if in_chinese is not None:
        print_note(f"  {in_chinese}")
    for name, value in readable(fields).items():
        print_note(f"  {name}: {in_words(value)}")


def print_warning(code: str, **fields: object) -> None:
    """Print a warning for programs on stderr: one JSON object on one line, told from errors by `warning`."""
    sys.stderr.write(json.dumps({"warning": code, **fields}, ensure_ascii=False) + "\n")


def spoken(error: ChemtraceError) -> dict[str, Any]:
    """`code`, `detail` and `fields` for people: of a refusal by a server, what the server said, as if it were here."""
    problem: dict[str, Any] = error.problem()
    remote = problem["fields"].get("remote")
    if isinstance(remote, dict) and isinstance(remote.get("detail"), str):
        fields = remote.get("fields")
        return {
            "code": str(remote.get("code", problem["code"])),
            "detail": remote["detail"],
            "fields": fields if isinstance(fields, dict) else {},
        }
    return problem


def in_words(value: Any) -> str:
    """A value for people: lists by commas, members as `name: value`, nothing as `none`."""
    if value is None:
        return "无 none"
    if isinstance(value, dict):
        return "; ".join(f"{name}: {in_words(inner)}" for name, inner in value.items()) or "无 none"
    if isinstance(value, list | tuple):
        return ", ".join(in_words(inner) for inner in value) or "无 none"
    return str(value)


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table as wide as the terminal; without a terminal, 160 signs; of nothing, that there is nothing."""
    if not rows:
        print_text(f"{title}: 无 none")
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(*columns, title=title, title_justify="left")
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    console = Console() if sys.stdout.isatty() else Console(width=160)
    console.print(table)


def print_page(
    name: str, title: str, columns: Sequence[str], page: Any, *, as_json: bool, cells: Cells | None = None
) -> None:
    """Print one page of a list: `{name: rows, "next": cursor}`, or a table and how to ask for the next page.

    Rows are mappings; `cells` gives a row's cells where they are not the values of the columns.
    """
    if as_json:
        print_json({name: page.rows, "next": page.next})
        return
    rows = [cells(row) if cells else [row.get(column) for column in columns] for row in page.rows]
    print_table(title, columns, rows)
    if page.next is not None:
        print_text(f"more / 更多: --cursor {page.next}")


def waiting_note(*, shown: bool) -> Callable[[str], None] | None:
    """What tells a person at a terminal which answer is being waited for; None where nobody looks."""
    if not shown or not sys.stderr.isatty():
        return None
    return lambda what: print_note(f"等待应答 waiting for an answer: {what}")


@contextmanager
def progress_bar(label: str, *, shown: bool) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on stderr; gives a function to call with (done, total). Hidden without a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(
        *columns, console=console, disable=not shown or not console.is_terminal, transient=True
    ) as bar:
        task = bar.add_task(label, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _plain(value: object) -> object:
    return bytes(value).hex() if isinstance(value, bytes | bytearray | memoryview) else str(value)
