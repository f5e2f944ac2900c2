"""What the demonstration prints when it is over: whole addresses at a terminal, and where else the pages are to be had.

The week itself is played in tests/e2e; here it is over at once.
"""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from fcntl import ioctl
from pathlib import Path
from struct import pack
from termios import TIOCSWINSZ

import pytest

SHORT = """
import sys
from contextlib import contextmanager
from types import SimpleNamespace
from chemtrace.entrypoints.cli.main import main
from chemtrace.entrypoints.demo import run

REPORT = {
    "seed": 35, "seconds": 1.0, "enterprises": 66, "items": 2, "events": 3, "waybills": 1, "labels_decoded": 2,
    "late_events": 1, "duplicates_answered": 1, "refusals": {"signature.invalid": 2}, "verified": True, "epochs": 4,
    "checkpoint": {"size": 7, "root": "ab" * 32, "origin": "demo.chemtrace.example/beijing"},
}
STORY = SimpleNamespace(detector="C1", zh="从未登记生产", en="a user stores a drum that nobody ever reported as made")

@contextmanager
def demonstrate(folder, *, seed, port, progress):
    for step in ("labels", "events"):
        progress(step, 100, 100)
    judged = SimpleNamespace(
        found=[(STORY, "BJ1-P-000", {"id": "cd" * 32})], unexpected=[], complete=True
    )
    yield SimpleNamespace(
        report=REPORT, judged=judged, url="http://127.0.0.1:40123", token="ctr_0", longest="BJ1P000"
    )

run.demonstrate = demonstrate
sys.argv = ["chemtrace", "demo", *sys.argv[1:]]
main()
"""
ALERT = f"http://127.0.0.1:40123/desk/alerts/{'cd' * 32}"


def test_at_a_terminal_addresses_are_whole_and_nothing_is_drawn_below_them() -> None:
    shown, rest, code = at_a_terminal()
    assert ALERT in shown
    assert "http://127.0.0.1:40123/desk/items/BJ1P000" in shown
    assert "events" in shown
    last_bar = max(found.start() for found in re.finditer("100/100", shown))
    assert last_bar < shown.index("a week in the demo city")
    assert rest == ""
    assert code == 0


@pytest.mark.parametrize("options", [(), ("--once",)])
def test_without_a_terminal_it_says_how_to_see_the_pages(options: tuple[str, ...]) -> None:
    last = without_a_terminal(*options).splitlines()[-1]
    assert "at a terminal" in last
    assert "--data DIR" in last


def test_a_kept_ledger_is_said_to_be_served_from_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "my city"
    last = without_a_terminal("--data", str(folder)).splitlines()[-1]
    assert f"chemtrace serve --data '{folder}'" in last
    assert f"chemtrace keys token new NAME --data '{folder}'" in last


def test_programs_get_the_report_alone() -> None:
    assert without_a_terminal("--json").rstrip().endswith("}")


def without_a_terminal(*options: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", SHORT, *options], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout


def at_a_terminal() -> tuple[str, str, int]:
    """What a terminal of 80 columns shows until the pages are served, and in a second of that; the exit code."""
    ours, theirs = pty.openpty()
    ioctl(theirs, TIOCSWINSZ, pack("HHHH", 40, 80, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-c", SHORT],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "80"},
    )
    os.close(theirs)
    try:
        shown = read_until(ours, "Ctrl-C to end\r\n", 60)
        rest = read_until(ours, None, 1)
        process.send_signal(signal.SIGTERM)
        return shown, rest, process.wait(20)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        os.close(ours)


def read_until(terminal: int, mark: str | None, seconds: float) -> str:
    """All that is shown until the mark, or until the time is over."""
    shown, end = b"", time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0 and (
        mark is None or mark not in shown.decode(errors="replace")
    ):
        if select.select([terminal], [], [], left)[0]:
            shown += os.read(terminal, 65536)
    return shown.decode(errors="replace")
