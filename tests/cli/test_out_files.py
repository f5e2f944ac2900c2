"""Files that commands write: their folders are made, and what cannot be written is named without a trace."""

from __future__ import annotations

from pathlib import Path

import pytest

from chemtrace.entrypoints.cli.exit_codes import ExitCode
from tests.cli.shell import run, run_ok
from tests.cli.town import MAKER, Town

ORIGIN = ("--enterprise", MAKER)


@pytest.fixture
def drum(town: Town) -> str:
    """A drum that was made and published."""
    code = town.codes[0]
    words = ("--kind", "produce", "--phase", "make", "--item", f"{code}=25KGM", "--set", "site=WORKS-1")
    run_ok("submit", *words, "--key", town.key(MAKER))
    return code


def commands(drum: str, folder: str) -> dict[str, tuple[str, ...]]:
    """The commands that write a file, each into `folder`."""
    Path("some.txt").write_text(drum)
    return {
        f"{folder}/a.png": ("label", drum, "--png", f"{folder}/a.png"),
        f"{folder}/a.svg": ("label", drum, "--svg", f"{folder}/a.svg"),
        f"{folder}/a.zpl": ("label", drum, "--zpl", f"{folder}/a.zpl"),
        f"{folder}/a.pdf": ("label", "sheet", "--codes", "some.txt", "--pdf", f"{folder}/a.pdf"),
        f"{folder}/b.json": ("bundle", drum, "-o", f"{folder}/b.json"),
        f"{folder}/s.json": ("status", drum, "-o", f"{folder}/s.json"),
        f"{folder}/s.png": ("status", drum, "--qr", f"{folder}/s.png"),
        f"{folder}/t.json": ("trust", "export", "-o", f"{folder}/t.json"),
        f"{folder}/i.csv": ("export", "items", "--csv", "--out", f"{folder}/i.csv"),
        f"{folder}/e.ndjson": ("export", "events", "--out", f"{folder}/e.ndjson"),
        f"{folder}/log/checkpoint": ("export", "log", f"{folder}/log"),
        f"{folder}/v.html": ("verifier", "export", f"{folder}/v.html"),
        f"{folder}/k.pem": ("keys", "new", *ORIGIN, "--out", f"{folder}/k.pem"),
    }


def test_a_folder_that_is_missing_is_made(drum: str) -> None:
    for number, (file, command) in enumerate(commands(drum, "new/deep").items()):
        run_ok(*[word.replace("deep", str(number)) for word in command])
        assert Path(file.replace("deep", str(number))).is_file(), command


def test_a_place_that_takes_no_file_is_named(drum: str) -> None:
    Path("a-file").write_text("no folder")
    for command in commands(drum, "a-file").values():
        done = run(*command, "--json") if command[0] != "trust" else run(*command)
        assert done.code == ExitCode.UNAVAILABLE, (command, done)
        assert "a-file" in done.err
        assert "output.file" in done.err


def test_a_statement_is_saved_in_a_folder_that_is_made(town: Town) -> None:
    words = (
        "--kind",
        "produce",
        "--phase",
        "make",
        "--item",
        f"{town.codes[1]}=25KGM",
        "--set",
        "site=WORKS-1",
    )
    run_ok("submit", *words, "--key", town.key(MAKER), "--save", "later/out.ndjson")
    assert Path("later/out.ndjson").read_text().count("\n") == 1


def test_codes_are_issued_into_a_folder_that_is_made(town: Town) -> None:
    run_ok("codes", "issue", *ORIGIN, "--chemical", "7697-37-2", "--count", "3", "--out", "more/c.txt")
    assert len(Path("more/c.txt").read_text().split()) == 3
