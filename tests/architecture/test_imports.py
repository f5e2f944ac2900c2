"""Who may import whom, and what may happen on import."""

from __future__ import annotations

import ast
import os
import subprocess
import sys

import pytest

from tests.architecture.sources import ROOT, module_names, place, refuse, source_files, tree_of

IMPORT_EVERYTHING = """
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
"""


def imported_roots(tree: ast.Module) -> set[str]:
    """The first part of every name that a file imports, wherever in the file it stands."""
    roots: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            roots |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            roots.add("." if node.level else (node.module or "").split(".")[0])
    return roots


def test_the_import_contracts_of_pyproject_are_kept() -> None:
    """The rings point inward; core is pure; doors reach adapters only through bootstrap; no cycles."""
    command = [
        sys.executable,
        "-c",
        "from importlinter.cli import lint_imports_command as c; c()",
        "--no-cache",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_module_imports_in_an_empty_environment() -> None:
    """Importing opens nothing, reads no setting, warns of nothing."""
    environment = {"PATH": os.environ["PATH"]}
    names = [name for name in module_names() if not name.endswith("__main__")]
    command = [sys.executable, "-W", "error", "-c", IMPORT_EVERYTHING, *names]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=100, check=False
    )
    assert (0, "") == (done.returncode, done.stdout), done.stderr


def test_a_migration_imports_nothing_of_ours() -> None:
    """A version file must still run in five years, whatever the packages look like then."""
    paths = source_files("migrations/versions")
    refuse([place(path) for path in paths if {"chemtrace", "scanners", "."} & imported_roots(tree_of(path))])


def test_no_package_imports_the_tests_or_the_benchmarks() -> None:
    """What is shipped does not lean on what is not."""
    paths = source_files()
    refuse(
        [place(path) for path in paths if {"tests", "benchmarks", "tools"} & imported_roots(tree_of(path))]
    )


@pytest.mark.parametrize(
    ("line", "roots"),
    [
        ("import chemtrace.core", {"chemtrace"}),
        ("def f():\n    from chemtrace import core", {"chemtrace"}),
        ("from . import x", {"."}),
    ],
)
def test_the_import_rule_sees(line: str, roots: set[str]) -> None:
    assert imported_roots(ast.parse(line)) == roots
