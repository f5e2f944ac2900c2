"""The table of attacks is true: every test that it names exists, and every code that it names is one of ours."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chemtrace.core import errors
from chemtrace.core.errors import ChemtraceError

PAGE = "docs/explanation/threat-model.md"
ROW = re.compile(
    r"^\| (.+?) \| (.+?) \| `([a-z0-9.-]+)` \| \[`(\w+)`\]\(\.\./\.\./(tests/[\w/]+\.py)\) \|$", re.MULTILINE
)


def rows(root: Path) -> list[tuple[str, ...]]:
    """(attack, who catches it, code, test, file)."""
    found = ROW.findall((root / PAGE).read_text(encoding="utf-8"))
    return [tuple(row) for row in found]


def test_there_is_a_table(root: Path) -> None:
    assert len(rows(root)) >= 40


def test_every_row_names_a_test_that_exists(root: Path) -> None:
    missing = [
        (name, file)
        for *_, name, file in rows(root)
        if not re.search(
            rf"^\s*(?:async )?def {name}\(|^(?:class )?{name}\b",
            (root / file).read_text("utf-8"),
            re.MULTILINE,
        )
    ]
    assert not missing


def test_every_row_names_a_code_of_ours(root: Path) -> None:
    codes = {
        each.code
        for each in vars(errors).values()
        if isinstance(each, type) and issubclass(each, ChemtraceError)
    }
    assert not [row for row in rows(root) if row[2] not in codes | {"payload.missing"}]


@pytest.mark.parametrize("who", ["verifier", "witness", "mirror", "monitor", "vault", "audit"])
def test_everybody_who_should_catches_something(root: Path, who: str) -> None:
    assert any(row[1].startswith(who) for row in rows(root))
