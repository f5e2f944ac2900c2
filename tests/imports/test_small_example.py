"""The small example of the page about imports says what really happens."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.cli.shell import run, run_ok

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


def add_row(amount: str) -> None:
    """Put the last row of the sheet in again, one line further, with another amount."""
    lines = Path("movements.csv").read_text(encoding="utf-8").splitlines()
    names, cells = lines[0].split(","), lines[1].split(",")
    cells[names.index(json.loads(Path("mapping.json").read_text(encoding="utf-8"))["quantity"]["column"])] = (
        amount
    )
    Path("movements.csv").write_text("\n".join([*lines, ",".join(cells)]) + "\n", encoding="utf-8")


def test_full_width_amounts_are_read_as_plain_ones(example: str) -> None:
    before = run_ok("import", "movements.csv", "--mapping", "mapping.json", "--json").json
    add_row("１２．５")
    after = run_ok("import", "movements.csv", "--mapping", "mapping.json", "--json").json
    assert (after["added"], after["refused"]) == (1, before["refused"])


def test_rows_without_a_readable_amount_are_said_not_to_be_in_the_sum(example: str) -> None:
    assert "readable amount" not in run_ok("import", "movements.csv", "--mapping", "mapping.json").out
    add_row("twelve")
    told = run_ok("import", "movements.csv", "--mapping", "mapping.json").out
    assert "1 rows without a readable amount are not in the sum" in told


def test_what_is_no_file_is_named_as_it_was_typed(example: str) -> None:
    done = run("import", ".", "--mapping", "mapping.json")
    assert (done.code, done.err.startswith("chemtrace: . cannot be read")) == (3, True)


def test_an_import_that_is_broken_off_says_what_is_in_and_goes_on_when_run_again(
    example: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("chemtrace.intake.campaign.Campaign.run", interrupted)
        done = run("import", "movements.csv", "--mapping", "mapping.json")
    assert done.code == 130
    assert "run the same command again" in done.err
    assert run_ok("import", "movements.csv", "--mapping", "mapping.json", "--json").json["added"] == 3
