"""Processes beside an audit: they spare it work, change no report, may die; what they found can be taken up again."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from chemtrace.adapters import audit_processes, frames, maintenance
from chemtrace.adapters.audit_processes import AuditProcesses, begin_state, read_state
from chemtrace.adapters.frames import Child, ForkedChild
from chemtrace.adapters.sql.reads.audit import open_snapshot
from chemtrace.config import sqlite_url
from chemtrace.core.errors import AuditStateError, SchemaVersionError
from chemtrace.ledger.audit import log, verify_log
from chemtrace.ledger.outcome import Admitted
from tests.integration.audit.conftest import Played
from tests.integration.audit.test_tampering import audit as audit_both_ways
from tests.integration.audit.test_tampering import flipped, insider
from tests.integration.audit.town import CATALOGUE, MAKER, MASTER, Town


@pytest.fixture(autouse=True)
def small_runs(monkeypatch):
    """Several runs in a small ledger."""
    monkeypatch.setattr(log, "CHUNK", 10)


@pytest.fixture
def folder(copy: Played, tmp_path: Path) -> Path:
    """A data folder with the ledger and its master key."""
    (tmp_path / "master.key").write_bytes(MASTER)
    return tmp_path


def audit(folder: Path, **options):
    return maintenance.audit_ledger(
        database_url=f"sqlite:///{folder / 'ledger.db'}", data_dir=folder, **options
    )


def test_the_report_is_the_same_with_processes(folder, monkeypatch):
    alone = audit(folder)
    monkeypatch.setattr(maintenance, "PROCESSES_FROM", 0)
    assert alone == audit(folder)
    assert alone.verified


def test_a_fault_is_told_the_same_with_processes(folder, monkeypatch):
    with insider(folder / "ledger.db") as connection:
        body = connection.execute("SELECT body FROM entry WHERE idx = 25").fetchone()[0]
        connection.execute("UPDATE entry SET body = ? WHERE idx = 25", (flipped(body, len(body) * 8 - 9),))
    alone = audit(folder)
    monkeypatch.setattr(maintenance, "PROCESSES_FROM", 0)
    assert alone == audit(folder)
    assert 25 == alone.first_bad_index


def test_a_process_that_dies_costs_only_time(folder, monkeypatch):
    class Dying(Child):
        def ask(self, message: bytes, *, limit_s: float) -> bytes:
            raise EOFError

    monkeypatch.setattr(audit_processes, "Child", Dying)
    monkeypatch.setattr(maintenance, "PROCESSES_FROM", 0)
    assert audit(folder).verified


def test_a_process_that_hangs_costs_only_time(folder, monkeypatch):
    stopped = []

    class Stopping(Child):
        def ask(self, message: bytes, *, limit_s: float) -> bytes:
            if len(stopped) < 3:
                self._process.send_signal(signal.SIGSTOP)
                stopped.append(self._process)
            return super().ask(message, limit_s=limit_s)

    alone = audit(folder)
    monkeypatch.setattr(audit_processes, "Child", Stopping)
    monkeypatch.setattr(audit_processes, "ANSWER_WITHIN_S", 0.5)
    monkeypatch.setattr(maintenance, "PROCESSES_FROM", 0)
    assert alone == audit(folder)
    assert [-signal.SIGKILL] * 3 == [process.returncode for process in stopped]


def test_a_process_that_answers_what_nobody_understands_costs_only_time(folder, monkeypatch):
    class Odd(Child):
        def ask(self, message: bytes, *, limit_s: float) -> bytes:
            super().ask(message, limit_s=limit_s)
            return b"\xc1"

    monkeypatch.setattr(audit_processes, "Child", Odd)
    monkeypatch.setattr(maintenance, "PROCESSES_FROM", 0)
    assert audit(folder).verified


def test_an_audit_goes_on_where_it_was_broken_off(folder, monkeypatch):
    state, seen = folder / "state", []

    def stop(done, _total):
        if done >= 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        audit(folder, state=state, progress=stop)
    assert 2 <= len(state.read_bytes().splitlines()) - 1
    ask = AuditProcesses._ask
    monkeypatch.setattr(AuditProcesses, "_ask", lambda self, one: seen.append(one) or ask(self, one))
    assert audit(folder, state=state, resume=True).verified
    assert [0, 10] == [question.first for question in seen if question.known is not None][:2]
    kept = state.read_bytes()
    assert audit(folder, state=state, resume=True).verified
    assert kept + b"\n" == state.read_bytes()


@pytest.mark.parametrize("column", ["body", "receipt", "receipt_signature", "leaf", "chain", "event_id"])
def test_what_changed_since_is_found_in_spite_of_the_state(folder, column):
    state = folder / "state"
    assert audit(folder, state=state).verified
    with insider(folder / "ledger.db") as connection:
        value = connection.execute(f"SELECT {column} FROM entry WHERE idx = 25").fetchone()[0]
        connection.execute(f"UPDATE entry SET {column} = ? WHERE idx = 25", (flipped(value, 9),))
    assert 25 == audit(folder, state=state, resume=True).first_bad_index


def test_what_depends_on_the_log_before_is_recomputed_in_any_case(folder):
    state = folder / "state"
    assert audit(folder, state=state).verified
    with insider(folder / "ledger.db") as connection:
        connection.execute("UPDATE item SET quantity = '1'")
        connection.execute("DELETE FROM subject_tree")
    codes = {fault.code for fault in audit(folder, state=state, resume=True).faults}
    assert {"evidence.item", "evidence.map"} == codes


@pytest.mark.parametrize("content", [b"", b"{}", b'{"typ":"x","ledger":"y","program":"z"}\n'])
def test_the_state_of_something_else_is_refused(folder, content):
    state = folder / "state"
    state.write_bytes(content)
    with pytest.raises(AuditStateError):
        audit(folder, state=state, resume=True)


def test_the_state_of_another_version_is_refused_and_half_a_line_is_left_out(tmp_path):
    state = tmp_path / "state"
    with begin_state(state, ledger="a", program="1") as file:
        file.write(b'{"first":0,"last":9,"clean":"AQ==","told":{},"digest":""}\n{"first":10,"la')
    assert {0} == set(read_state(state, ledger="a", program="1"))
    assert 0o600 == state.stat().st_mode & 0o777
    with pytest.raises(AuditStateError):
        read_state(state, ledger="a", program="2")


def test_a_key_whose_id_is_not_its_digest_counts_for_nothing(folder, tmp_path):
    """Another key under a registered id: the processes do not take it, and the pass finds the record changed."""
    path = tmp_path / "exchanged" / "ledger.db"
    path.parent.mkdir()
    shutil.copyfile(folder / "ledger.db", path)
    with closing(sqlite3.connect(path)) as connection:
        (one, _), (other, second) = connection.execute(
            "SELECT id, doc FROM key ORDER BY id LIMIT 2"
        ).fetchall()
        connection.execute(
            "UPDATE key SET doc = ? WHERE id = ?", (second.replace(other.encode(), one.encode()), one)
        )
        connection.commit()
    with open_snapshot(f"sqlite:///{path}") as store:
        processes = AuditProcesses(f"sqlite:///{path}", count=1)
        report = verify_log(store, catalogue=CATALOGUE, master=MASTER, beside=processes.results)
        processes.close()
    assert {"evidence.record"} == {fault.code for fault in report.faults}


def test_processes_read_either_database(database_url):
    town = Town(database_url)
    town.live()
    with open_snapshot(database_url) as store:
        processes = AuditProcesses(database_url, count=1)
        results = list(processes.results([(0, 9), (10, 19), (20, 29)]))
        processes.close()
        assert store.last_index() == town.ledger.size - 1
    town.close()
    assert [10, 10, 10] == [len(result.clean) for result in results]
    assert all(result.clean.count(0) <= 1 for result in results)


def test_a_ledger_of_before_the_map_is_named_as_such(folder):
    with insider(folder / "ledger.db") as connection:
        connection.execute("DROP TABLE map_page")
    with pytest.raises(SchemaVersionError):
        audit(folder)


@pytest.fixture(scope="module")
def batch(sqlite_databases) -> Path:
    """A ledger whose last entries came as one batch: their receipts share signatures, by sixteens."""
    url = sqlite_databases.create()
    town = Town(url)
    codes = town.issue(40)
    town.clock.us += 60_000_000
    wires = [
        town.wire(MAKER, "produce", "make", [code], items=[line(code)], site="S-MAKER") for code in codes
    ]
    assert all(isinstance(outcome, Admitted) for outcome in town.ledger.submit_many(wires))
    town.publish()
    town.close()
    return Path(url.removeprefix("sqlite:///"))


def line(code: str) -> dict[str, object]:
    return {"code": code, "quantity": {"value": "25", "unit": "KGM"}}


def test_receipts_of_a_batch_are_checked_by_the_group(batch):
    with closing(sqlite3.connect(batch)) as connection:
        sizes = [len(row[0] or b"") for row in connection.execute("SELECT receipt_signature FROM entry")]
    assert 30 < sum(size > 64 for size in sizes)
    assert audit_both_ways(batch).verified


@pytest.mark.parametrize("bit", [3, 64 * 8 + 3, 66 * 8 + 3, 68 * 8 + 5, 68 * 8 + 300])
@pytest.mark.parametrize("back", [2, 9, 30])
def test_a_changed_signature_within_a_group_is_found_at_its_entry(batch, tmp_path, back, bit):
    path = tmp_path / "ledger.db"
    shutil.copyfile(batch, path)
    with insider(path) as connection:
        index, data = connection.execute(
            "SELECT idx, receipt_signature FROM entry ORDER BY idx DESC LIMIT 1 OFFSET ?", (back,)
        ).fetchone()
        connection.execute(
            "UPDATE entry SET receipt_signature = ? WHERE idx = ?", (flipped(data, bit), index)
        )
    report = audit_both_ways(path)
    assert (index, {"signature.invalid"}) == (report.first_bad_index, {fault.code for fault in report.faults})


def test_a_changed_receipt_within_a_group_is_found_at_its_entry(batch, tmp_path):
    path = tmp_path / "ledger.db"
    shutil.copyfile(batch, path)
    with insider(path) as connection:
        connection.execute(
            "UPDATE entry SET receipt = CAST(replace(CAST(receipt AS TEXT), '\"late\":false', '\"late\":true ')"
            " AS BLOB) WHERE idx = 40"
        )
    assert 40 == audit_both_ways(path).first_bad_index


@pytest.fixture
def copies(monkeypatch) -> list[ForkedChild]:
    """Copies of this process are made for small ledgers too; the list of them."""
    made: list[ForkedChild] = []
    begin = ForkedChild.__init__

    def note(self, *arguments):
        begin(self, *arguments)
        made.append(self)

    monkeypatch.setattr(ForkedChild, "__init__", note)
    monkeypatch.setattr(audit_processes, "FORK_FROM_BYTES", 0)
    monkeypatch.setattr(audit_processes.threading, "active_count", lambda: 1)
    monkeypatch.setattr(maintenance, "PROCESSES_FROM", 0)
    return made


@pytest.mark.skipif(sys.platform != "linux", reason="copies of a process are made on Linux only")
def test_copies_of_the_process_say_the_same_and_end(folder, copies):
    assert audit(folder).verified
    assert len(copies) == os.cpu_count()
    for copy in copies:
        with pytest.raises((EOFError, ValueError, OSError)):
            copy.ask(b"", limit_s=1)
    with insider(folder / "ledger.db") as connection:
        body = connection.execute("SELECT body FROM entry WHERE idx = 25").fetchone()[0]
        connection.execute("UPDATE entry SET body = ? WHERE idx = 25", (flipped(body, len(body) * 8 - 9),))
    assert 25 == audit(folder).first_bad_index


@pytest.mark.skipif(sys.platform != "linux", reason="copies of a process are made on Linux only")
def test_copies_are_made_for_a_folder_of_any_name(folder, copies):
    odd = folder / "a%20b?c#d"
    odd.mkdir()
    shutil.move(folder / "ledger.db", odd / "ledger.db")
    assert maintenance.audit_ledger(database_url=sqlite_url(odd / "ledger.db"), data_dir=folder).verified
    assert copies


@pytest.mark.skipif(sys.platform != "linux", reason="copies of a process are made on Linux only")
def test_a_copy_that_dies_costs_only_time(folder, copies, monkeypatch):
    monkeypatch.setattr(maintenance, "serve", lambda _questions, _answers: None)
    assert audit(folder).verified
    assert copies


@pytest.mark.skipif(sys.platform != "linux", reason="copies of a process are made on Linux only")
def test_a_copy_that_hangs_costs_only_time(folder, copies, monkeypatch):
    def hang(_questions, _answers):
        os.kill(os.getpid(), signal.SIGSTOP)

    monkeypatch.setattr(maintenance, "serve", hang)
    monkeypatch.setattr(audit_processes, "ANSWER_WITHIN_S", 0.5)
    monkeypatch.setattr(frames, "END_TIMEOUT_S", 0.5)
    assert audit(folder).verified
    assert copies


def test_no_copy_is_made_of_a_process_that_has_the_database_open(folder, copies):
    with closing(sqlite3.connect(folder / "ledger.db")) as connection:
        connection.execute("SELECT count(*) FROM entry").fetchone()
        assert audit(folder).verified
    assert copies == []
