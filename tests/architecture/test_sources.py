"""Size, documentation and house rules of every source file."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.architecture.sources import (
    FUNCTION,
    ROOT,
    dotted,
    place,
    public_definitions,
    refuse,
    source_files,
    tree_of,
)

FILE_LINES = 400
FUNCTION_LINES = 60
# One list of declarations without any logic: cutting it in two would only hide half of it.
LISTS = {"chemtrace/core/errors.py"}
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "manager", "managers", "common", "misc", "shared"}
# Millimetres on paper: the one place where a fraction is only drawn.
PAPER = {"chemtrace/core/label.py", "chemtrace/core/label_layout.py"}
WALL_CLOCKS = {
    "datetime.now", "datetime.utcnow", "datetime.today", "date.today", "datetime.datetime.now",
    "datetime.datetime.utcnow", "datetime.date.today", "time.time", "time.time_ns",
}  # fmt: skip
# The offline verifier runs where only the base install is: no adapters, no bootstrap.
CLOCK_HOMES = {"chemtrace/adapters/clock.py", "chemtrace/entrypoints/cli/offline.py"}
UNREASONED = re.compile(
    r"#\s*(type:\s*ignore(?!\[[\w, -]+\]\s+\S)|noqa(?!:\s*[A-Z]+\d+(,\s*[A-Z]+\d+)*\s+\S))"
)


def code_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """The lines of a function without its docstring."""
    lines = (node.end_lineno or node.lineno) - node.lineno + 1
    if ast.get_docstring(node) is not None:
        first = node.body[0]
        lines -= (first.end_lineno or first.lineno) - first.lineno + 1
    return lines


def clock_reads(tree: ast.Module) -> list[ast.Call]:
    """The calls that take the time from the machine."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [call for call in calls if dotted(call.func) in WALL_CLOCKS]


def inexact_numbers(tree: ast.Module) -> list[ast.AST]:
    """The places where a float is made: a call of float, or a literal with a fraction."""
    found: list[ast.AST] = []
    for node in ast.walk(tree):
        is_call = isinstance(node, ast.Call) and dotted(node.func) == "float"
        is_literal = isinstance(node, ast.Constant) and isinstance(node.value, float)
        if is_call or is_literal:
            found.append(node)
    return found


def test_every_file_is_at_most_400_lines() -> None:
    """A reader can hold one file in mind."""
    paths = [path for path in source_files() if str(path.relative_to(ROOT)) not in LISTS]
    sizes = {place(path): len(path.read_text(encoding="utf-8").splitlines()) for path in paths}
    refuse({name: size for name, size in sizes.items() if size > FILE_LINES})


def test_every_function_is_at_most_60_lines() -> None:
    """A function does one thing; its docstring is not counted."""
    long = {
        f"{place(path, node)} {node.name}": code_lines(node)
        for path in source_files()
        for node in ast.walk(tree_of(path))
        if isinstance(node, FUNCTION) and code_lines(node) > FUNCTION_LINES
    }
    refuse(long)


def test_every_public_name_says_what_it_promises() -> None:
    """Modules, classes, functions and methods without an underscore carry a docstring."""
    silent = [
        place(path) for path in source_files() if path.stat().st_size and not ast.get_docstring(tree_of(path))
    ]
    for path in source_files():
        if any(part.startswith("_") and part != "__init__.py" for part in path.relative_to(ROOT).parts):
            continue
        silent += [
            f"{place(path, node)} {node.name}"
            for node in public_definitions(tree_of(path).body)
            if not ast.get_docstring(node)
        ]
    refuse(silent)


def test_no_module_has_a_vague_name() -> None:
    """A room has a reason to stand alone, and its name is the reason."""
    refuse([place(path) for path in source_files() if VAGUE_NAMES & {path.stem, *path.parent.parts}])


def test_no_runtime_check_is_an_assert() -> None:
    """`python -O` removes asserts, so none may decide anything in the packages."""
    found = [
        place(path, node)
        for path in source_files()
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Assert)
    ]
    refuse(found)


def test_only_the_clock_adapter_reads_the_wall_clock() -> None:
    """Everything else is given the time, so any past decision can be recomputed."""
    paths = [path for path in source_files("chemtrace") if str(path.relative_to(ROOT)) not in CLOCK_HOMES]
    refuse([place(path, call) for path in paths for call in clock_reads(tree_of(path))])


@pytest.mark.parametrize("ring", ["core", "trace"])
def test_no_float_in_the_rings_of_quantity_and_time(ring: str) -> None:
    """Quantities are decimals and times are integers."""
    paths = [path for path in source_files(f"chemtrace/{ring}") if str(path.relative_to(ROOT)) not in PAPER]
    refuse([place(path, node) for path in paths for node in inexact_numbers(tree_of(path))])


def test_nothing_is_left_to_do() -> None:
    """No stub and no reminder lands."""
    words = re.compile(r"\b(TODO|FIXME|XXX|NotImplementedError)\b")
    found = []
    for path in source_files():
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if words.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}")
    refuse(found)


def test_every_silenced_rule_is_named_with_its_reason() -> None:
    """`type: ignore[rule] reason` and `noqa: RULE reason`; never bare."""
    found = []
    for path in source_files("chemtrace", "scanners", "migrations", "benchmarks"):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if UNREASONED.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}")
    refuse(found)


def test_no_test_makes_tables_past_the_migrations() -> None:
    """The tests run on what the migrations make."""
    own = Path(__file__)
    paths = [path for path in source_files("chemtrace", "tests") if path != own]
    makes = [path for path in paths if re.search(r"\.create_all\(", path.read_text(encoding="utf-8"))]
    refuse([place(path) for path in makes])


# ------------------------------------------------------------------ the rules themselves, on samples


@pytest.mark.parametrize("line", ["datetime.now(UTC)", "time.time()", "datetime.datetime.utcnow()"])
def test_the_clock_rule_sees(line: str) -> None:
    assert len(clock_reads(ast.parse(line))) == 1


@pytest.mark.parametrize("line", ["clock.now_us()", "time.monotonic()", "datetime.fromtimestamp(0, UTC)"])
def test_the_clock_rule_passes(line: str) -> None:
    assert clock_reads(ast.parse(line)) == []


@pytest.mark.parametrize("line", ["x = 1.5", "float(text)"])
def test_the_float_rule_sees(line: str) -> None:
    assert len(inexact_numbers(ast.parse(line))) == 1


@pytest.mark.parametrize("comment", ["# type: ignore", "# type: ignore[misc]", "# noqa", "# noqa: S101"])
def test_the_silencing_rule_sees(comment: str) -> None:
    assert UNREASONED.search(comment)


@pytest.mark.parametrize("comment", ["# type: ignore[misc] no stubs exist", "# noqa: S101 only in a test"])
def test_the_silencing_rule_passes(comment: str) -> None:
    assert not UNREASONED.search(comment)
