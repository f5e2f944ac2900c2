"""The small example of the page about imports says what really happens."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.shell import run_ok

PAGE = Path("docs/howto/import-a-spreadsheet.md")


def block(page: str, language: str) -> str:
    """The first block of this language on the page."""
    (first, *_) = re.findall(rf"^```{language}\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    return str(first)


@pytest.fixture
def example(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The page, with its two files written into the current folder and a ledger founded there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CHEMTRACE_DATA_DIR", str(tmp_path / "ledger"))
    page = (root / PAGE).read_text(encoding="utf-8")
    Path("movements.csv").write_text(block(page, "csv"), encoding="utf-8")
    Path("mapping.json").write_text(block(page, "json"), encoding="utf-8")
    run_ok(
        "init", "--authority-zh", "示范市应急管理局", "--authority-en", "Example City Authority",
        "--credit-code", "11110000MB01234562", "--origin", "x.example/1", "--label-host", "x.example",
    )  # fmt: skip
    return page


def test_the_small_example_prints_what_the_page_shows(example: str) -> None:
    shown = [line.strip() for line in block(example, "text").splitlines()]
    told = [
        line.strip()
        for line in run_ok("import", "movements.csv", "--mapping", "mapping.json").out.splitlines()
    ]
    assert [line for line in shown if line not in told] == []
    again = run_ok("import", "movements.csv", "--mapping", "mapping.json", "--json").json
    assert (again["added"], again["known"]) == (0, 3)


def test_a_substance_added_to_the_mapping_adds_its_row_alone(example: str) -> None:
    run_ok("import", "movements.csv", "--mapping", "mapping.json")
    mapping = Path("mapping.json").read_text(encoding="utf-8")
    nitric = '"HNO3": {"slot": "029", "cas": "7697-37-2"}'
    assert nitric in mapping
    Path("mapping.json").write_text(
        mapping.replace(nitric, nitric + ', "CH3OH": {"slot": "019", "cas": "67-56-1"}'), encoding="utf-8"
    )
    told = run_ok("import", "movements.csv", "--mapping", "mapping.json", "--json").json
    assert (told["added"], told["known"], told["refused"]) == (1, 3, 1)
