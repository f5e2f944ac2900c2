"""All 37,177 real consignments: exact, once, verified, and the same again from a kill in the middle."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from chemtrace.bootstrap import open_application
from chemtrace.config import Settings
from tests.e2e.importing import (
    ARCOS_FILE,
    ARCOS_MAPPING,
    arcos_rows,
    assert_exact,
    found_ledger,
    import_file,
    run,
    shape_of,
)
from tests.e2e.test_import import entries_of

pytestmark = pytest.mark.skipif(
    not ARCOS_FILE.exists(), reason="the ARCOS records are not beside the checkout"
)


def test_the_whole_file_is_in_the_log_once_and_to_the_last_digit(tmp_path: Path) -> None:
    data, rows = found_ledger(tmp_path / "data"), arcos_rows()
    report = import_file(ARCOS_FILE, ARCOS_MAPPING, data)
    assert (37_177, 37_176, 1, True) == tuple(report[name] for name in ("rows", "events", "refused", "equal"))
    assert "823635.4488" == report["mass"]["mass_rows"]
    assert 213 == len(report["by_reporter_year"])
    assert report["seconds"] < 180
    assert_exact(data, report, rows)
    before = shape_of(data)
    assert 0 == import_file(ARCOS_FILE, ARCOS_MAPPING, data)["added"]
    assert before == shape_of(data)
    assert run("verify", "log", "--data", data, "--json")["verified"]
    assert_every_buyer_has_its_history(data, rows)


def assert_every_buyer_has_its_history(data: Path, rows: list[dict[str, str]]) -> None:
    """Every buyer's page has its rows, but for the two losses, which name it in the note, and the row refused."""
    application = open_application(Settings(data_dir=data), read_only=True)
    with closing(application):
        assert {} == application.reads.stats()["alerts"]
        for buyer in {row["BUYER_DEA_NO"] for row in rows}:
            expected = sum(
                row["BUYER_DEA_NO"] == buyer
                and row["TRANSACTION_CODE"] != "X"
                and row["CALC_BASE_WT_IN_GM"] != "0.0"
                for row in rows
            )
            found, cursor = 0, None
            while True:
                page = application.reads.party_events(f"ext:arcos:{buyer}", cursor=cursor, limit=1000)
                found += len(page.rows)
                cursor = page.next
                if cursor is None:
                    break
            assert expected == found, buyer


def test_killed_five_times_it_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    data = found_ledger(tmp_path / "data")
    command = [sys.executable, "-m", "chemtrace.entrypoints.cli.main", "import", str(ARCOS_FILE)]
    command += ["--mapping", str(ARCOS_MAPPING), "--data", str(data), "--json"]
    for goal in (3_000, 11_000, 20_001, 33_333, 50_000):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while entries_of(data) < goal and process.poll() is None:
            time.sleep(0.01)
        process.kill()
        process.wait(10)
    report = import_file(ARCOS_FILE, ARCOS_MAPPING, data)
    assert (37_176, 0, True) == (report["events"], report["codes_issued"], report["equal"])
    assert_exact(data, report, arcos_rows())
    assert {"closed": 1, "held": 37_173, "missing": 2} == shape_of(data)[2]
    assert run("verify", "log", "--data", data, "--json")["verified"]
