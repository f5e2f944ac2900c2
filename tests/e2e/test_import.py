"""`chemtrace import`: every row an event or a refusal, nothing twice, whatever interrupts it."""

from __future__ import annotations

import csv
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from chemtrace.bootstrap import open_application
from chemtrace.config import Settings
from chemtrace.core.errors import MappingError, SpreadsheetError
from tests.e2e.importing import (
    ARCOS_FILE,
    ARCOS_MAPPING,
    arcos_rows,
    assert_exact,
    found_ledger,
    import_file,
    log_sums,
    run,
    shape_of,
)
from tests.imports.sheet import BAD, FUTURE, GOOD, MAPPING, write_csv, write_mapping


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return found_ledger(tmp_path / "data")


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    return write_mapping(tmp_path)


def many(count: int) -> list[tuple[str, ...]]:
    return [
        (str(n), "2020-01-02", "售", f"R{n % 7:03}", f"B{n % 50:03}", "氯", f"{n}.5", "")
        for n in range(count)
    ]


def test_every_row_is_an_event_or_a_refusal_with_its_line(tmp_path, data, mapping):
    sheet = write_csv(tmp_path / "a.csv", [*GOOD, *(cells for _, cells in BAD), FUTURE])
    report = import_file(sheet, mapping, data)
    expected = [(len(GOOD) + 2 + n, reason) for n, (reason, _) in enumerate(BAD)]
    expected.append((len(GOOD) + len(BAD) + 2, "time.future"))
    assert expected == [(row["line"], row["reason"]) for row in report["refusals"]]
    assert (len(GOOD), len(GOOD)) == (report["events"], report["added"])
    assert report["rows"] == report["events"] + report["refused"]
    assert report["equal"]
    assert {"item.unknown": 2} == report["findings"]
    assert run("verify", "log", "--data", data, "--json")["verified"]


def test_a_row_that_the_ledger_refuses_leaves_one_refusal_however_often_it_is_tried(tmp_path, data, mapping):
    sheet = write_csv(tmp_path / "a.csv", [*GOOD, FUTURE])
    for _ in range(2):
        assert 1 == import_file(sheet, mapping, data)["refused"]
    application = open_application(Settings(data_dir=data), read_only=True)
    with closing(application):
        assert {"time.future": 1} == application.reads.stats()["refusals"]
        assert {} == application.reads.stats()["alerts"]


def test_the_log_holds_each_amount_to_the_last_digit(tmp_path, data, mapping):
    import_file(write_csv(tmp_path / "a.csv", GOOD), mapping, data)
    assert {
        ("R001", "2020"): (3, Decimal("3.000000001")),
        ("R001", "2021"): (2, Decimal("3.1")),
        ("R002", "2020"): (1, Decimal("0.25")),
        ("R002", "2021"): (2, Decimal("2.001")),
    } == log_sums(data, "small")


def test_a_second_run_adds_nothing(tmp_path, data, mapping):
    sheet = write_csv(tmp_path / "a.csv", GOOD)
    import_file(sheet, mapping, data)
    before = shape_of(data)
    report = import_file(sheet, mapping, data)
    assert (0, len(GOOD), len(GOOD), True) == (
        report["added"],
        report["known"],
        report["events"],
        report["equal"],
    )
    assert before == shape_of(data)


def test_a_longer_and_sorted_sheet_adds_only_what_is_new(tmp_path, data, mapping):
    import_file(write_csv(tmp_path / "a.csv", GOOD[:5]), mapping, data)
    report = import_file(write_csv(tmp_path / "b.csv", reversed(GOOD)), mapping, data)
    assert (3, 5, 8) == (report["added"], report["known"], report["events"])
    assert 3 == report["codes_issued"]


def test_a_dry_run_refuses_a_day_that_has_not_come_as_the_import_does(tmp_path, data, mapping):
    sheet = write_csv(tmp_path / "a.csv", [*GOOD, FUTURE])
    rehearsed, done = import_file(sheet, mapping, data, "--dry-run"), import_file(sheet, mapping, data)
    assert ["time.future"] == [row["reason"] for row in rehearsed["refusals"]]
    assert (rehearsed["events"], rehearsed["refused"]) == (done["events"], done["refused"])


def test_a_dry_run_writes_nothing_and_says_what_would_happen(tmp_path, data, mapping):
    sheet = write_csv(tmp_path / "a.csv", [*GOOD, BAD[0][1]])
    before, files = shape_of(data), sorted(path.name for path in data.rglob("*.pem"))
    report = import_file(sheet, mapping, data, "--dry-run")
    assert (9, 8, 1, 8, 0) == tuple(report[name] for name in ("rows", "events", "refused", "added", "known"))
    assert (before, files) == (shape_of(data), sorted(path.name for path in data.rglob("*.pem")))
    assert report["equal"]


def test_a_dry_run_needs_no_ledger(tmp_path, mapping):
    report = import_file(write_csv(tmp_path / "a.csv", GOOD), mapping, tmp_path / "nowhere", "--dry-run")
    assert 8 == report["added"]


def test_only_one_key_is_registered_and_it_speaks_for_its_namespace_alone(tmp_path, data, mapping):
    import_file(write_csv(tmp_path / "a.csv", GOOD), mapping, data)
    application = open_application(Settings(data_dir=data), read_only=True)
    with closing(application):
        keys = [key for key in application.registry.books.keys.values() if key.namespaces]
        assert [("91110000MA0000000H", ("small",))] == [(key.party, key.namespaces) for key in keys]
        assert ["91110000MA0000000H"] == list(application.registry.books.enterprises)
        page = application.reads.party_events("ext:small:B001")
        assert ["sell", "sell", "buy"] == [row.phase for row in page.rows]
        assert {} == application.reads.stats()["alerts"]


def test_the_histories_say_what_the_rows_said(tmp_path, data, mapping):
    import_file(write_csv(tmp_path / "a.csv", GOOD), mapping, data)
    application = open_application(Settings(data_dir=data), read_only=True)
    with closing(application):
        states = {}
        for reporter in ("ext:small:R001", "ext:small:R002"):
            for row in application.reads.events(actor=reporter).rows:
                if row.phase != "opening" and row.payload is not None:
                    item = application.reads.item(row.payload["items"][0]["code"])
                    states[row.kind, row.phase] = (item.status, item.offered_to)
    assert ("held", "ext:small:B001") == states["trade", "sell"]
    assert ("missing", None) == states["report", "loss"]
    assert ("closed", None) == states["dispose", "done"]
    assert ("held", "ext:small:B003") == states["dispose", "hand_over"]


def test_what_an_interruption_left_opened_is_taken_up(tmp_path, data, mapping, monkeypatch):
    from chemtrace.intake import campaign

    monkeypatch.setattr(campaign.Campaign, "_submit_chunk", _open_only)
    sheet = write_csv(tmp_path / "a.csv", GOOD[:3])
    with pytest.raises(ConnectionResetError):
        import_file(sheet, mapping, data)
    monkeypatch.undo()
    report = import_file(sheet, mapping, data)
    assert (3, 0, 0) == (report["added"], report["openings"], report["codes_issued"])
    assert shape_of(data)[2] == {"held": 3}


def _open_only(self, chunk, lots, submit):
    from chemtrace.core.statement import encode_wire
    from chemtrace.intake.statements import opening_statement

    submit(
        [
            encode_wire(opening_statement(self._signer, movement, lot.code, lot.iat))
            for movement, lot in zip(chunk, lots, strict=True)
        ]
    )
    raise ConnectionResetError


@pytest.mark.faults
def test_killed_at_any_moment_it_goes_on_where_it_was(tmp_path, data, mapping):
    sheet = write_csv(tmp_path / "a.csv", many(3000))
    command = [sys.executable, "-m", "chemtrace.entrypoints.cli.main", "import", str(sheet)]
    command += ["--mapping", str(mapping), "--data", str(data), "--json"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while entries_of(data) < 2100 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    done = entries_of(data)
    report = import_file(sheet, mapping, data)
    assert 2100 <= done < 6000
    assert (3000, 3000, 0, True) == tuple(
        report[name] for name in ("rows", "events", "codes_issued", "equal")
    )
    assert 3000 == report["added"] + report["known"]
    assert 0 < report["known"] < 3000
    assert {"held": 3000} == shape_of(data)[2]
    assert run("verify", "log", "--data", data, "--json")["verified"]


def entries_of(data: Path) -> int:
    with closing(sqlite3.connect(f"file:{data / 'ledger.db'}?mode=ro", uri=True, timeout=10)) as connection:
        return int(connection.execute("select size from log_head").fetchone()[0])


@pytest.mark.slow
def test_beside_a_running_server_it_goes_through_its_door(tmp_path, data, mapping):
    serve = [
        sys.executable,
        "-m",
        "chemtrace.entrypoints.cli.main",
        "serve",
        "--data",
        str(data),
        "--port",
        "0",
    ]
    environment = {**os.environ, "CHEMTRACE_PUBLISH_INTERVAL_S": "0.2"}
    server = subprocess.Popen(serve, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    try:
        await_server(data)
        sheet = write_csv(tmp_path / "a.csv", [*GOOD, FUTURE, *many(600)])
        first, second = (import_file(sheet, mapping, data) for _ in range(2))
    finally:
        server.terminate()
        server.wait(20)
    assert (608, 1, True) == (first["added"], first["refused"], first["equal"])
    assert ["time.future"] == [row["reason"] for row in first["refusals"]]
    assert (0, 608, True) == (second["added"], second["known"], second["equal"])
    assert run("verify", "log", "--data", data, "--json")["verified"]


def await_server(data: Path) -> None:
    from chemtrace.bootstrap import running_server

    deadline = time.monotonic() + 30
    while running_server(data) is None:
        assert time.monotonic() < deadline, "the server does not come up"
        time.sleep(0.05)


def test_a_file_or_mapping_that_cannot_be_used_changes_nothing(tmp_path, data, mapping):
    before = shape_of(data)
    with pytest.raises(SpreadsheetError):
        import_file(write_csv(tmp_path / "a.csv", [], ("单号", "日期")), mapping, data)
    with pytest.raises(MappingError):
        import_file(write_csv(tmp_path / "b.csv", GOOD), tmp_path / "none.json", data)
    taken = json.loads(json.dumps(MAPPING["substance"]))
    taken["values"]["氯"] = {"slot": "005"}
    with pytest.raises(MappingError, match="005"):
        import_file(tmp_path / "b.csv", write_mapping(tmp_path, substance=taken), data)
    assert before == shape_of(data)


# --- real records ---------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.skipif(not ARCOS_FILE.exists(), reason="the ARCOS records are not beside the checkout")
def test_real_records_are_exact_by_reporter_and_year(tmp_path, data):
    """A slice with all that is odd in the file: the soak imports it whole."""
    everything = arcos_rows()
    odd = [
        row
        for row in everything
        if row["TRANSACTION_CODE"] not in "SP"
        or row["ACTION_INDICATOR"]
        or row["CORRECTION_NO"]
        or Decimal(row["CALC_BASE_WT_IN_GM"]) == 0
    ]
    repeated = [row for row in everything if row["TRANSACTION_ID"] in {"2", "202"}]
    rows = [*everything[::40], *(row for row in [*odd, *repeated] if row not in everything[::40])]
    rows = list({tuple(row.values()): row for row in rows}.values())
    sheet = tmp_path / "slice.csv"
    with sheet.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    report = import_file(sheet, ARCOS_MAPPING, data)
    assert ["quantity.zero"] == [refused["reason"] for refused in report["refusals"]]
    assert (len(rows), len(rows) - 1, True) == (report["rows"], report["added"], report["equal"])
    assert_exact(data, report, rows)
    before = shape_of(data)
    assert 0 == import_file(sheet, ARCOS_MAPPING, data)["added"]
    assert before == shape_of(data)
    assert run("verify", "log", "--data", data, "--json")["verified"]
