"""The reference of the command line is the program's own help."""

from __future__ import annotations

import pytest

from tests.cli.shell import run_ok
from tools.cli_page import PAGE, commands, render

PATHS = [path for path, _ in commands()]


def test_the_page_is_what_the_program_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == render(), "run `make pages`"


@pytest.mark.parametrize("path", PATHS)
def test_help_shows_every_parameter_of_the_page(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    told = run_ok(*path.split()[1:], "--help").out
    section = render().split(f"\n### `{path}`\n", 1)[1].split("\n### ", 1)[0]
    named = [
        row.split("`")[1].split()[0].rstrip(",") for row in section.splitlines() if row.startswith("| `")
    ]
    assert [name for name in named if name not in told] == []


@pytest.mark.parametrize("path", PATHS)
def test_every_command_explains_itself(path: str) -> None:
    command = dict(commands())[path]
    assert command.help
    assert [param.name for param in command.params if not param.help] == []
