"""The error tree: one home, one stable code each, every code explained to the reader."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator

from chemtrace.core import errors
from chemtrace.core.errors import ChemtraceError, EvidenceError, RefusedError, UnavailableError
from chemtrace.entrypoints.api.problems import status_of
from chemtrace.entrypoints.cli.exit_codes import ExitCode, exit_code
from tests.architecture.sources import ROOT, refuse, source_files, tree_of
from tools.errors_page import PAGE, render

CODE = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)?")


def tree(base: type[ChemtraceError] = ChemtraceError) -> Iterator[type[ChemtraceError]]:
    """Every class of the tree that stands in its home."""
    yield base
    for child in base.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from tree(child)


def test_every_error_has_a_code_of_its_own() -> None:
    """Two errors are never told apart by their text."""
    counts = Counter(error.code for error in tree())
    refuse({code: count for code, count in counts.items() if count > 1})


def test_every_code_has_the_form_that_programs_expect() -> None:
    """`area.defect`, in lowercase."""
    refuse([error.code for error in tree() if not CODE.fullmatch(error.code)])


def test_every_error_is_defined_in_the_one_tree() -> None:
    """A class elsewhere would be missing from the doors' mapping and from the reference."""
    names = {error.__name__ for error in tree()}
    strangers = [
        f"{path.relative_to(ROOT)}: {node.name}"
        for path in source_files()
        if path.name != "errors.py"
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ClassDef)
        and any(getattr(base, "id", getattr(base, "attr", "")) in names for base in node.bases)
    ]
    refuse(strangers)


def test_every_error_is_mapped_at_both_doors() -> None:
    """A refusal is the sender's (4xx, exit 3), a missing part is 503 and exit 4, contradicting records 500 and 5."""
    expected = {RefusedError: (4, ExitCode.REFUSED), UnavailableError: (5, ExitCode.UNAVAILABLE)}
    expected[EvidenceError] = (5, ExitCode.EVIDENCE)
    wrong = [
        error.code
        for branch, wanted in expected.items()
        for error in tree(branch)
        if (status_of(error("")) // 100, exit_code(error(""))) != wanted
    ]
    refuse(wrong)


def test_every_code_stands_in_the_reference() -> None:
    """docs/reference/errors.md is what `make pages` makes from the tree."""
    assert render() == PAGE.read_text(encoding="utf-8"), "run: make pages"
