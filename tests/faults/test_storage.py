"""Storage that fails before or after a write, a full disk, a second writer: named errors, and nothing half done."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from chemtrace.adapters.lock import WriterLock, running_server
from chemtrace.core.errors import LedgerBusyError, LedgerLockedError, StorageFullError
from chemtrace.ledger.ledger import Ledger
from chemtrace.ledger.outcome import Admitted, Refused
from tests.integration.audit.town import MAKER, Town

pytestmark = pytest.mark.faults

WRITES = ["append", "set_head", "append_epoch", "store_tiles", "store_checkpoint", "commit"]


class FailingStore:
    """A store whose next write of one name fails, before or after it was done."""

    def __init__(self, store: Any) -> None:
        self.store = store
        self.name = ""
        self.after = False
        self.failed = 0

    def arm(self, name: str, *, after: bool) -> None:
        self.name, self.after, self.failed = name, after, 0

    def read(self) -> Any:
        return self.store.read()

    @contextmanager
    def write(self) -> Iterator[Any]:
        armed = self.name == "commit" and not self.failed
        if armed and self.after:
            with self.store.write() as transaction:
                yield _Failing(transaction, self)
            self.failed += 1
            raise LedgerBusyError("the connection broke after the commit")
        with self.store.write() as transaction:
            yield _Failing(transaction, self)
            if armed:
                self.failed += 1
                raise LedgerBusyError("the connection broke before the commit")


class _Failing:
    def __init__(self, transaction: Any, store: FailingStore) -> None:
        self._transaction = transaction
        self._store = store

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._transaction, name)
        if name != self._store.name or self._store.failed:
            return method

        def failing(*arguments: Any) -> None:
            self._store.failed += 1
            if self._store.after:
                method(*arguments)
            raise StorageFullError("no room")

        return failing


@pytest.fixture
def town(sqlite_url: str) -> Iterator[Town]:
    """A founded ledger over a store that can be made to fail."""
    town = Town(sqlite_url)
    town.failing = FailingStore(town.store)  # type: ignore[attr-defined]  # the test's own addition
    parts = town.ledger._parts
    town.ledger.close()
    town.ledger = Ledger(
        type(parts)(**{**{n: getattr(parts, n) for n in parts.__struct_fields__}, "store": town.failing})
    )
    yield town
    town.close()


def audit(town: Town) -> list[Any]:
    """Whatever an audit of the stored rows finds wrong."""
    from chemtrace.adapters.sql.reads.audit import open_snapshot
    from chemtrace.ledger.audit import verify_log
    from tests.integration.audit.town import CATALOGUE, MASTER

    with open_snapshot(town.url) as store:
        return verify_log(store, catalogue=CATALOGUE, master=MASTER).to_json()["faults"]


def make_wire(town: Town, code: str) -> bytes:
    item = {"code": code, "quantity": {"value": "25", "unit": "KGM"}}
    return town.wire(MAKER, "produce", "make", [code], items=[item], site="S-MAKER")


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("name", WRITES)
def test_a_write_that_fails_loses_nothing_and_doubles_nothing(town: Town, name: str, after: bool) -> None:
    """Each write of a commit and of a publication, failing before and after: send again, and all is as it should be."""
    codes = town.issue(3)
    assert isinstance(town.ledger.submit(make_wire(town, codes[0])), Admitted)
    wire = make_wire(town, codes[1])
    town.failing.arm(name, after=after)  # type: ignore[attr-defined]  # as above
    first = town.ledger.submit(wire)
    with_publish = _publish(town)
    assert with_publish or isinstance(first, Refused)
    again = town.ledger.submit(wire)
    assert isinstance(again, Admitted)
    assert isinstance(town.ledger.submit(make_wire(town, codes[2])), Admitted)
    town.clock.us += 1_000_000
    town.ledger.publish(force=True)
    assert [] == audit(town)
    assert again.receipt_bytes == town.ledger.submit(wire).receipt_bytes  # type: ignore[union-attr]  # admitted


def _publish(town: Town) -> bool:
    """Publish; True when that is where the store failed."""
    town.clock.us += 1_000_000
    try:
        town.ledger.publish(force=True)
    except (StorageFullError, LedgerBusyError):
        return True
    return False


def test_a_failed_commit_answers_every_statement_of_its_group(town: Town) -> None:
    codes = town.issue(4)
    town.failing.arm("append", after=True)  # type: ignore[attr-defined]  # as above
    wires = [make_wire(town, code) for code in codes]
    size = town.ledger.size
    outcomes = town.ledger.submit_many(wires)
    assert ["storage.full"] * 4 == [o.error.code for o in outcomes if isinstance(o, Refused)]
    assert size == town.ledger.size
    assert [True] * 4 == [isinstance(outcome, Admitted) for outcome in town.ledger.submit_many(wires)]


def test_a_full_disk_is_named_and_changes_nothing(sqlite_url: str) -> None:
    """SQLite is kept from growing; the statement is refused by name, and admitted once there is room."""
    town = Town(sqlite_url)
    codes = town.issue(400)
    with town.database.write() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 2}")
    size = town.ledger.size
    wires = [make_wire(town, code) for code in codes]
    outcomes = town.ledger.submit_many(wires)
    assert {"storage.full"} == {o.error.code for o in outcomes if isinstance(o, Refused)}
    assert size + sum(isinstance(outcome, Admitted) for outcome in outcomes) == town.ledger.size
    with town.database.write() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1000000")
    assert all(isinstance(outcome, Admitted) for outcome in town.ledger.submit_many(wires))
    town.ledger.publish(force=True)
    assert [] == audit(town)
    town.close()


def test_a_second_writer_is_told_who_is_first(tmp_path: Path) -> None:
    lock = WriterLock(tmp_path, url="http://127.0.0.1:8080")
    code = (
        "import sys; from pathlib import Path; from chemtrace.adapters.lock import WriterLock\n"
        "from chemtrace.core.errors import LedgerLockedError\n"
        "try: WriterLock(Path(sys.argv[1]))\n"
        "except LedgerLockedError as error: print(error.code, error.fields['pid'], error.fields['url'])"
    )
    found = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True,
        cwd=Path(__file__).resolve().parents[2],
    )  # fmt: skip
    import os

    assert f"ledger.locked {os.getpid()} http://127.0.0.1:8080" == found.stdout.strip()
    assert running_server(tmp_path) == "http://127.0.0.1:8080"
    lock.release()
    assert running_server(tmp_path) is None
    WriterLock(tmp_path).release()


def test_a_second_writer_in_the_same_process_is_refused(tmp_path: Path) -> None:
    lock = WriterLock(tmp_path)
    with pytest.raises(LedgerLockedError):
        WriterLock(tmp_path)
    lock.release()


def test_a_program_that_holds_the_database_makes_the_ledger_busy_not_broken(
    sqlite_url: str, monkeypatch: Any
) -> None:
    """Somebody's own transaction on the file: the statement waits, is refused by name, and succeeds later."""
    import sqlite3

    monkeypatch.setattr("chemtrace.adapters.sql.sqlite_files.BUSY_TIMEOUT_MS", 200)
    town = Town(sqlite_url)
    [code] = town.issue(1)
    wire = make_wire(town, code)
    other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    outcome = town.ledger.submit(wire)
    assert isinstance(outcome, Refused)
    assert outcome.error.code == "ledger.busy"
    other.execute("ROLLBACK")
    other.close()
    assert isinstance(town.ledger.submit(wire), Admitted)
    town.close()
