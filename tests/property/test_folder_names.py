"""A ledger lives in a data folder of any name: founded, served, copied, restored and verified there, nowhere else."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chemtrace.adapters.mirror_state import SQLiteMirrorStore
from chemtrace.adapters.witness_state import SQLiteWitnessState
from chemtrace.bootstrap import open_application
from chemtrace.core.statement import encode_wire
from scanners.outbox_store import OutboxStore
from tests.cli.shell import run_ok
from tests.seeded_ledger import MAKER, seed_ledger, serving

MAIN = "chemtrace.entrypoints.cli.main"
ODD = [
    "%20",
    "%2F",
    "%",
    "?",
    "?mode=memory",
    "?uri=true",
    "#",
    "&",
    "+",
    " ",
    "~",
    ":",
    ";",
    "@",
    "=",
    "\\",
    "'",
    '"',
]
NAMES = st.lists(
    st.one_of(st.sampled_from(ODD), st.sampled_from(["a", "账", "\n", "[x]", "{y}", "$Z", "\udcff"])),
    min_size=1,
    max_size=6,
).map("".join)


@given(name=NAMES)
@example(name="a%20b?mode=memory#c d%")
@example(name="no text \udcff%ff")
@settings(max_examples=int(os.environ.get("CHEMTRACE_FOLDERS", "4")))
def test_a_ledger_in_a_folder_of_any_name_is_the_one_that_is_served_copied_and_verified(name: str) -> None:
    with tempfile.TemporaryDirectory() as parent:
        folder, backup, again = (Path(parent) / f"{name}{word}" for word in ("", ".bak", ".new"))
        submit_one(folder)
        run_ok("verify", "log", "--data", str(folder))
        run_ok("db", "backup", "--data", str(folder), "--to", str(backup), "--with-keys")
        run_ok("verify", "backup", str(backup))
        run_ok("db", "restore", "--from", str(backup), "--data", str(again))
        report = run_ok("audit", "--data", str(again), "--json").json
        assert report == report | {"verified": True, "entries": entries_of(folder)}
        assert {folder, backup, again} == set(Path(parent).iterdir())
        assert {"ledger.db"} == {path.name for path in again.glob("ledger.db*")} - {
            "ledger.db-wal",
            "ledger.db-shm",
        }


def submit_one(folder: Path) -> None:
    """Found a ledger, serve it, and hand one statement in over HTTP."""
    seeded = seed_ledger(folder, codes=1)
    code = seeded.take_codes(1)[0]
    wire = encode_wire(seeded.hands.items(MAKER, "produce", "make", (code, "25"), site="S-MAKER"))
    application = open_application(seeded.settings)
    try:
        with serving(application) as url:
            headers = {"Content-Type": "application/json"}
            answer = httpx.post(f"{url}/v1/events", content=wire, headers=headers, timeout=30)
            assert answer.status_code == 201, answer.text
        application.ledger.publish(force=True)
    finally:
        application.close()


def entries_of(folder: Path) -> int:
    return run_ok("verify", "log", "--data", str(folder), "--json").json["entries"]


@given(name=NAMES)
@settings(max_examples=10, deadline=None)
def test_what_others_keep_stands_in_their_folder_of_any_name(name: str) -> None:
    """Witness, mirror and outbox; the monitor opens its file as the mirror does."""
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / name
        files = [folder / f"{one}{name}" for one in ("witness", "mirror", "outbox")]
        for store in (
            SQLiteWitnessState(files[0]),
            SQLiteMirrorStore(files[1], "log.test/x"),
            OutboxStore(files[2]),
        ):
            store.close()
        assert sorted(files) == sorted(folder.iterdir())


def test_a_data_folder_below_the_root_may_be_named_with_two_slashes(tmp_path: Path) -> None:
    seed_ledger(tmp_path / "data", codes=1)
    run_ok("db", "backup", "--data", f"/{tmp_path}/data", "--to", f"/{tmp_path}/copy")
    run_ok("verify", "backup", f"/{tmp_path}/copy")
    run_ok("verify", "log", "--data", f"/{tmp_path}/data")


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "ascii"])
def test_what_a_terminal_cannot_show_ends_no_command(tmp_path: Path, encoding: str) -> None:
    """`init` shows the token once: it must not end before that, over the name of its folder or a Chinese word."""
    seed_ledger(tmp_path / "data", codes=1)
    target = os.fsencode(tmp_path) + b"/copy \xff"
    done = subprocess.run(
        [sys.executable, "-m", MAIN, "db", "backup", "--data", tmp_path / "data", "--to", target],
        env=os.environ | {"PYTHONIOENCODING": f"{encoding}:strict"},
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"copy \\udcff" in done.stdout
