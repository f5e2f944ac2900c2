"""The command line run in this process: the real `main` with its own arguments, output caught, exit code kept."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any
from unittest.mock import patch

from chemtrace.entrypoints.cli.main import main

BLOCK = re.compile(r"^```sh(?: exit=(\d+))?\n(.*?)^```", re.MULTILINE | re.DOTALL)
ASSIGNMENT = re.compile(r"(?:export )?([A-Z_]+)=(.*)")


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its output as one JSON document."""
        return json.loads(self.out)

    @property
    def problem(self) -> Any:
        """The error that it ended with, as JSON."""
        return json.loads(self.err.strip().splitlines()[-1])


def run(*arguments: str) -> Done:
    """Run `chemtrace ARGUMENTS`."""
    out, err = io.StringIO(), io.StringIO()
    code: object = 0
    with (
        patch.object(sys, "argv", ["chemtrace", *arguments]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as ended:
            code = ended.code
    return Done(int(code or 0) if not isinstance(code, str) else 1, out.getvalue(), err.getvalue())


def run_ok(*arguments: str) -> Done:
    """Run a command that must succeed."""
    done = run(*arguments)
    assert done.code == 0, f"{arguments}: {done.code}\n{done.out}\n{done.err}"
    return done


def run_page(page: Path, folder: Path) -> Iterator[tuple[str, Done]]:
    """Run every `sh` block of a page in `folder`, which must be the current one; `exit=N` names another exit code.

    Understood is what the pages use: commands of ours, and assignments whose value any shell may work out.
    """
    variables = dict(os.environ)
    for expected, block in BLOCK.findall(page.read_text(encoding="utf-8")):
        for line in block.replace("\\\n", " ").splitlines():
            text = Template(line).safe_substitute(variables).strip()
            if assigned := ASSIGNMENT.fullmatch(text):
                value = subprocess.run(
                    ["bash", "-c", f"printf %s {assigned[2]}"],
                    cwd=folder,
                    capture_output=True,
                    text=True,
                    check=True,
                ).stdout
                variables[assigned[1]] = value
                if line.startswith("export "):
                    os.environ[assigned[1]] = value
                continue
            words = shlex.split(text)
            assert words[0] == "chemtrace", line
            done = run(*words[1:])
            assert done.code == int(expected or 0), f"{line}: exit code {done.code}\n{done.out}\n{done.err}"
            yield line, done
