"""`chemtrace export`: events and items as plain files for other programs, streamed."""

from __future__ import annotations

import csv
import json
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import IO, Annotated, Any

import typer

from chemtrace.entrypoints.cli.counting import counted
from chemtrace.entrypoints.cli.options import AsJSON, Data, opened
from chemtrace.entrypoints.cli.outfile import writing_to
from chemtrace.entrypoints.cli.output import print_json, print_line, print_note, progress_bar, push_out

Out = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", help="file to write; default: standard output")
]
PAGE = 1000
"""Rows read at once."""
ITEM_COLUMNS = (
    "code", "chemical", "status", "holder", "site", "quantity", "unit", "parent", "offered_to", "waybill",
    "last_index",
)  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add the command group."""
    group = typer.Typer(help="plain files for other programs / 导出", no_args_is_help=True)
    group.command("events")(export_events)
    group.command("items")(export_items)
    group.command("log")(export_log)
    app.add_typer(group, name="export")


def export_events(
    out: Out = None,
    first: Annotated[int, typer.Option("--first", min=0, help="first index")] = 0,
    last: Annotated[int | None, typer.Option("--last", min=0, help="last index; default: the newest")] = None,
    data: Data = None,
    as_json: AsJSON = False,
) -> None:
    """Write entries with header, payload, signatures and receipt, one JSON object a line / 导出事件."""
    with opened(data) as application, _target(out) as target:
        size = application.reads.stats()["entries"]
        end = size if last is None else min(last + 1, size)
        with progress_bar("导出 exporting", shown=not as_json and out is not None) as progress:
            at = first
            while at < end:
                entries = application.reads.entries(at, limit=min(PAGE, end - at))
                if not entries:
                    break
                _write_lines(target, map(asdict, entries))
                at = entries[-1].index + 1
                progress(at - first, end - first)
    _say(out, max(0, end - first), as_json=as_json)


def export_items(
    out: Out = None,
    table: Annotated[
        bool, typer.Option("--csv", help="comma-separated values with a byte-order mark")
    ] = False,
    holder: Annotated[str | None, typer.Option(help="credit code")] = None,
    site: Annotated[str | None, typer.Option(help="site id")] = None,
    data: Data = None,
    as_json: AsJSON = False,
) -> None:
    """Write the present state of items, one JSON object a line or CSV / 导出单件现状."""
    with opened(data) as application, _target(out) as target:
        rows = _items(application.reads, holder=holder, site=site)
        count = _write_csv(target, rows) if table else _write_lines(target, rows)
    _say(out, count, as_json=as_json)


def export_log(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="folder of the files / 输出目录")],
    follow: Annotated[
        bool, typer.Option("--follow", help="stay and write what is published later / 持续跟随")
    ] = False,
    interval: Annotated[
        float, typer.Option(min=0.1, max=3600, help="seconds between two looks / 查看间隔（秒）")
    ] = 2.0,
    data: Data = None,
    as_json: AsJSON = False,
) -> None:
    """Write the published log as the static files of C2SP tlog-tiles: checkpoint, tiles, entries / 导出静态日志.

    A web server serves the folder above it, and the folder is called log: readers ask for /log/checkpoint.
    网站应提供其上一级目录，且本目录名为 log：读取方访问 /log/checkpoint。
    """
    from chemtrace.bootstrap.exporting import export_static

    with opened(data) as application:
        while True:
            with (
                progress_bar("导出 exporting", shown=not as_json and not follow) as progress,
                writing_to(folder / "checkpoint"),
            ):
                size, files = export_static(application, folder.absolute(), progress)
            if as_json and (files or not follow):
                print_line({"folder": str(folder), "size": size, "files": files})
            elif files or not follow:
                _say_log(folder, size, files)
            if not follow:
                return
            push_out()
            time.sleep(interval)


def _say_log(folder: Path, size: int, files: int) -> None:
    print_note(
        f"已导出 {files} 个新文件，账本共 {size} 条"
        f" · {counted(files, 'new file')}, {counted(size, 'entry')}, in {folder}\n"
        "  用网站提供时：目录名为 log，提供其上一级 · to serve it: call the folder log, and serve the folder above"
    )


def _items(reads: Any, *, holder: str | None, site: str | None) -> Iterator[dict[str, Any]]:
    cursor: str | None = None
    while True:
        page = reads.items(holder=holder, site=site, cursor=cursor, limit=1000)
        yield from (asdict(row) for row in page.rows)
        cursor = page.next
        if cursor is None:
            return


def _write_lines(target: IO[str], rows: Iterable[dict[str, Any]]) -> int:
    count = 0
    for row in rows:
        target.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n")
        count += 1
    return count


def _write_csv(target: IO[str], rows: Iterable[dict[str, Any]]) -> int:
    """CSV that spreadsheets open with Chinese intact: the byte-order mark names UTF-8."""
    target.write("\ufeff")
    writer = csv.DictWriter(target, fieldnames=ITEM_COLUMNS, extrasaction="ignore", lineterminator="\r\n")
    writer.writeheader()
    count = 0
    for row in rows:
        writer.writerow(row)
        count += 1
    return count


@contextmanager
def _target(out: Path | None) -> Iterator[IO[str]]:
    if out is None:
        yield sys.stdout
        return
    with writing_to(out), out.open("x", encoding="utf-8", newline="") as stream:
        yield stream


def _say(out: Path | None, count: int, *, as_json: bool) -> None:
    if out is None:
        return
    if as_json:
        print_json({"file": str(out), "rows": count})
    else:
        print_note(f"已导出 {count} 行至 {out} · {counted(count, 'row')} written")
