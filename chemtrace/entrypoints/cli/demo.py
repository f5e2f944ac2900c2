"""`chemtrace demo`: a believable week of an invented city, played through the real doors and verified."""

from __future__ import annotations

import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from chemtrace.entrypoints.cli.exit_codes import ExitCode
from chemtrace.entrypoints.cli.options import AsJSON
from chemtrace.entrypoints.cli.output import print_json, print_note, print_text, push_out

DEFAULT_SEED = 35


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("demo")(demo)


def demo(
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="DIR", help="keep the ledger in this new folder / 保留账本的新目录"),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="end when done, do not serve / 完成即结束")] = False,
    seed: Annotated[int, typer.Option("--seed", help="same seed, same week / 随机种子")] = DEFAULT_SEED,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0: a free port / 端口")] = 0,
    as_json: AsJSON = False,
) -> None:
    """Play a week of a city from nothing: print labels, sign events, detect anomalies, verify the whole log."""
    from chemtrace.bootstrap import configure_logs
    from chemtrace.entrypoints.demo.run import demonstrate
    from chemtrace.entrypoints.demo.summary import summary_lines

    configure_logs(level="WARNING")  # a line for each of some five hundred requests would bury the story
    serving = not once and not as_json and sys.stdout.isatty()
    with _folder(data) as folder, ExitStack() as stack:
        with _progress(shown=not as_json) as progress:
            outcome = stack.enter_context(demonstrate(folder, seed=seed, port=port, progress=progress))
        # The bars are gone from here on: they would be drawn again over the addresses, and fold them.
        if as_json:
            print_json(outcome.report)
        else:
            for text in summary_lines(outcome, serving=serving, kept=data):
                print_text(text)
        push_out()
        if serving:
            _serve_until_interrupted()
        good = bool(outcome.report["verified"]) and outcome.judged.complete
    raise typer.Exit(ExitCode.OK if good else ExitCode.NEGATIVE)


@contextmanager
def _folder(data: Path | None) -> Iterator[Path]:
    """The folder asked for, which stays, or a new one that goes with the demonstration."""
    if data is not None:
        yield data
        return
    parent = Path(tempfile.mkdtemp(prefix="chemtrace-demo-"))
    try:
        yield parent / "ledger"
    finally:
        shutil.rmtree(parent, ignore_errors=True)


@contextmanager
def _progress(*, shown: bool) -> Iterator[Any]:
    """Progress bars on stderr, one a step; hidden without a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    names = {"labels": "打印并读回标签 labels", "events": "一周的事件 events"}
    with Progress(
        *columns, console=console, disable=not shown or not console.is_terminal, transient=True
    ) as bar:
        tasks: dict[str, Any] = {}

        def advance(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bar.add_task(names.get(step, step), total=total)
            bar.update(tasks[step], completed=done)

        yield advance


def _serve_until_interrupted() -> None:
    """Wait for Ctrl-C or a polite kill; the server runs on a thread of its own."""
    stop = threading.Event()
    before = signal.signal(signal.SIGTERM, lambda *_: stop.set())
    print_note("Ctrl-C 结束 · Ctrl-C to end")
    try:
        stop.wait()
    except KeyboardInterrupt:
        print_note("")
    finally:
        signal.signal(signal.SIGTERM, before)
