"""Writes docs/reference/cli.md from the command line itself: `python -m tools.cli_page`."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from chemtrace.entrypoints.cli.exit_codes import ExitCode
from chemtrace.entrypoints.cli.main import create_app

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "cli.md"

_HEAD = """\
# Command line · 命令行

Made from the program's own `--help` by `make pages`; a test keeps the two equal.

`--data DIR` (or `CHEMTRACE_DATA_DIR`) names the ledger. `--json` gives every answer as JSON, and an error as one
JSON object on standard error. Results go to standard output; progress bars, notes and errors to standard error.
What writes into the log goes to the server by HTTP while one serves the folder, else into the ledger itself. New to
it? Walk the [first drum](../tutorial/first-drum.md).

`--data` 指定账本目录；`--json` 以 JSON 输出结果与错误。结果写到标准输出，进度、提示与错误写到标准错误。
服务运行时，写入类命令经 HTTP 提交给服务；否则直接写入账本。

## Exit codes · 退出码

| Code | Name | Meaning |
|---|---|---|
"""


def render() -> str:
    """The whole page."""
    parts = [_HEAD, *_exit_codes(), "\n## Commands · 命令\n\n| Command | What it does |\n|---|---|\n"]
    found = list(commands())
    parts += [
        f"| [`{path}`](#{path.replace(' ', '-')}) | {_cell(command.help)} |\n" for path, command in found
    ]
    for path, command in found:
        parts.append(_section(path, command))
    return "".join(parts)


def commands() -> Iterator[tuple[str, Any]]:
    """Every command with its path, groups resolved, in the order of their names."""
    yield from _walk("chemtrace", typer.main.get_command(create_app()))


def _walk(path: str, command: Any) -> Iterator[tuple[str, Any]]:
    children = getattr(command, "commands", None)
    if children is None:
        yield path, command
        return
    for name in sorted(children):
        yield from _walk(f"{path} {name}", children[name])


def _exit_codes() -> Iterator[str]:
    source = inspect.getsource(ExitCode).splitlines()
    for code in ExitCode:
        line = next(at for at, text in enumerate(source) if text.strip().startswith(f"{code.name} ="))
        yield f"| {code.value} | {code.name} | {_cell(source[line + 1].strip().strip(chr(34)))} |\n"


def _section(path: str, command: Any) -> str:
    context = command.make_context(path, [], resilient_parsing=True)
    usage = " ".join(command.get_usage(context).split()).removeprefix("Usage: ")
    records = (param.get_help_record(context) for param in command.params)
    rows = [f"| `{name}` | {_cell(text)} |\n" for name, text in filter(None, records)]
    head = f"\n### `{path}`\n\n{_cell(command.help)}\n\n```text\n{usage}\n```\n\n"
    return head + "| Parameter | Meaning |\n|---|---|\n" + "".join(rows)


def _cell(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
