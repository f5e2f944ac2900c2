"""A data folder that cannot be written, or a database file that is damaged: named, with its own exit code."""

from __future__ import annotations

import importlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from chemtrace.entrypoints.cli.exit_codes import ExitCode
from tests.cli.shell import run, run_ok
from tests.cli.town import Town

NOBODY = 65534
PAGE = 4096


def _load_all() -> None:
    """Import what commands import: the user whom modes bind may not see where Python's own modules are."""
    for name in ("logging.config", "uvicorn", "chemtrace.bootstrap", "chemtrace.entrypoints.server"):
        importlib.import_module(name)


@contextmanager
def unprivileged() -> Iterator[None]:
    """Run as a user whom modes bind; root is bound by none."""
    before = os.geteuid()
    _load_all()
    if before == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(before)


@pytest.fixture
def sealed(first_town: Town) -> Iterator[Path]:
    """A copy of the ledger that may be read by its user, not written."""
    place = Path(tempfile.mkdtemp())
    data = place / "ledger"
    shutil.copytree(first_town.data, data)
    for path in (place, *place.rglob("*")):
        if os.geteuid() == 0:
            os.chown(path, NOBODY, NOBODY)
        path.chmod(0o500 if path.is_dir() else 0o400)
    yield data
    for path in (place, *place.rglob("*")):
        path.chmod(0o700)
    shutil.rmtree(place)


@pytest.mark.parametrize(
    "command", [("db", "status"), ("audit",), ("verify", "log"), ("alerts", "list"), ("keys", "list")]
)
def test_what_only_reads_works_in_a_folder_that_cannot_be_written(
    sealed: Path, command: tuple[str, ...]
) -> None:
    with unprivileged():
        run_ok(*command, "--data", str(sealed))


@pytest.mark.parametrize(
    "command",
    [
        ("keys", "token", "new", "reader"),
        (
            "register",
            "enterprise",
            "91110108MA01ABCD2H",
            "--name-zh",
            "甲",
            "--name-en",
            "A",
            "--role",
            "user",
        ),
        ("serve", "--port", "0"),
        ("db", "rebuild"),
        ("db", "upgrade"),
    ],
)
def test_what_writes_names_a_folder_that_cannot_be_written(sealed: Path, command: tuple[str, ...]) -> None:
    with unprivileged():
        done = run(*command, "--data", str(sealed), "--json")
    assert (done.code, done.problem["code"]) == (ExitCode.UNAVAILABLE, "storage.access")


def test_a_state_file_that_cannot_be_kept_is_named(sealed: Path) -> None:
    with unprivileged():
        done = run("audit", "--resume", "--data", str(sealed), "--json")
    assert (done.code, done.problem["code"]) == (ExitCode.UNAVAILABLE, "output.file")


def test_a_backup_is_taken_of_a_folder_that_cannot_be_written(sealed: Path) -> None:
    place = Path(tempfile.mkdtemp())
    place.chmod(0o777)
    try:
        with unprivileged():
            run_ok("db", "backup", "--data", str(sealed), "--to", str(place / "copy"))
    finally:
        shutil.rmtree(place)


def overwritten(file: Path) -> None:
    """No database any more."""
    file.write_bytes(b"this was a ledger" * 1000)


def torn(file: Path) -> None:
    """Every page behind the first is garbage."""
    size = file.stat().st_size
    with file.open("r+b") as stream:
        stream.seek(PAGE)
        stream.write(b"\xa5" * (size - PAGE))


@pytest.mark.parametrize("damage", [overwritten, torn])
@pytest.mark.parametrize(
    "command",
    [
        ("db", "status"),
        ("db", "upgrade"),
        ("audit",),
        ("alerts", "list"),
        ("keys", "token", "new", "reader"),
        (
            "register",
            "enterprise",
            "91110108MA01ABCD2H",
            "--name-zh",
            "甲",
            "--name-en",
            "A",
            "--role",
            "user",
        ),
        ("serve", "--port", "0"),
        ("trust", "export"),
    ],
)
def test_a_damaged_database_is_evidence(
    town: Town, damage: Callable[[Path], None], command: tuple[str, ...]
) -> None:
    damage(town.data / "ledger.db")
    done = run(*command)
    assert (done.code, "evidence.database" in done.err) == (ExitCode.EVIDENCE, True), done
    assert "docs/runbooks/chain-break.md" in done.err


def test_no_database_is_made_where_there_is_none(tmp_path: Path) -> None:
    for command in (("db", "status"), ("db", "upgrade"), ("audit",), ("alerts", "list")):
        done = run(*command, "--data", str(tmp_path), "--json")
        assert (done.code, done.problem["code"]) == (ExitCode.UNAVAILABLE, "ledger.missing")
    assert list(tmp_path.iterdir()) == []


def test_a_ledger_is_not_founded_where_no_folder_can_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    words = ("--authority-zh", "局", "--authority-en", "Authority", "--credit-code", "11110000MB01234562")
    words += ("--origin", "trace.example.cn/1", "--label-host", "cx.example.cn", "--json")
    for place in ("file", "file/ledger"):
        done = run("init", *words, "--data", str(tmp_path / place))
        assert (done.code, done.problem["code"]) == (ExitCode.UNAVAILABLE, "storage.access"), place


def test_a_folder_that_is_no_backup_is_a_slip(tmp_path: Path) -> None:
    for command in (("verify", "backup", str(tmp_path)), ("db", "restore", "--from", str(tmp_path))):
        done = run(*command, "--json")
        assert (done.code, done.problem["code"]) == (ExitCode.REFUSED, "backup.not-found")
