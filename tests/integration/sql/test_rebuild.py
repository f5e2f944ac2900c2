"""Everything behind admission is dropped and made again: the same bytes, held against what was published."""

import shutil
from pathlib import Path

import pytest

from chemtrace.adapters import maintenance
from chemtrace.adapters.lock import WriterLock
from chemtrace.core.errors import (
    EntryCorruptError,
    LedgerLockedError,
    LedgerMissingError,
    MapBrokenError,
    TreeBrokenError,
)
from chemtrace.ledger import integrate
from chemtrace.ledger.integrate import subjects_of
from chemtrace.ledger.ledger import Ledger
from chemtrace.ledger.rebuild import rebuild_folds
from tests.integration.audit.town import MAKER, Town

FOLDS = {"tile": "level, n", "subject_tree": "subject", "map_page": "path, version"}


@pytest.fixture
def town(database_url):
    """A ledger with several epochs."""
    town = Town(database_url)
    town.live()
    yield town
    town.close()


def folds(town):
    with town.database.read() as connection:
        return {
            table: [
                tuple(row) for row in connection.exec_driver_sql(f"SELECT * FROM {table} ORDER BY {order}")
            ]
            for table, order in FOLDS.items()
        }


def spoil(town, sql):
    with town.database.write() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        else:
            triggers = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            for name in triggers.scalars().all():
                connection.exec_driver_sql(f"DROP TRIGGER {name}")
        connection.exec_driver_sql(sql)


def test_the_same_bytes_come_back(town):
    before = folds(town)
    assert all(before.values())
    spoil(town, "UPDATE tile SET hashes = leaf FROM (SELECT leaf FROM entry WHERE idx = 3) AS one")
    spoil(town, "DELETE FROM subject_tree")
    spoil(town, "DELETE FROM map_page")
    with pytest.raises(TreeBrokenError):
        Ledger(town.ledger._parts)
    assert town.ledger.size == rebuild_folds(town.store)
    assert before == folds(town)


def test_entries_behind_the_newest_epoch_wait_for_the_next_one(town):
    before = folds(town)
    town.do_items(MAKER, "produce", "make", [(town.issue(1, start=6)[0], "25")], site="S-MAKER")
    assert town.ledger.size - 2 == rebuild_folds(town.store)
    assert before == folds(town)
    town.ledger._integration.forget()
    town.ledger.publish()
    Ledger(town.ledger._parts).close()


def test_a_rebuild_that_is_broken_off_changes_nothing(town):
    before, told = folds(town), []

    def interrupt(done, total):
        told.append(done)
        if len(told) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rebuild_folds(town.store, progress=interrupt)
    assert before == folds(town)
    Ledger(town.ledger._parts).close()


def assert_refused(town, error):
    """Rebuilding raises this error and leaves the folds that are there, which may still give good proofs."""
    before = folds(town)
    with pytest.raises(error) as raised:
        rebuild_folds(town.store)
    assert before == folds(town)
    return raised.value.fields


def test_an_entry_that_was_changed_is_named(town):
    spoil(town, "UPDATE entry SET body = receipt WHERE idx = 20")
    assert 20 == assert_refused(town, EntryCorruptError)["index"]


def test_an_entry_that_is_missing_is_named(town):
    spoil(town, "DELETE FROM entry WHERE idx = 20")
    assert 20 == assert_refused(town, EntryCorruptError)["index"]


def test_another_tree_than_was_signed_is_refused_with_both_roots(town):
    spoil(town, "UPDATE checkpoint SET note = (SELECT note FROM checkpoint ORDER BY size LIMIT 1)")
    fields = assert_refused(town, TreeBrokenError)
    assert fields["expected"] != fields["found"]


def test_another_map_than_was_committed_is_refused_with_both_roots(town, monkeypatch):
    """A subject of an entry is left out: the record of the epoch tells."""
    monkeypatch.setattr(integrate, "subjects_of", lambda body: set(subjects_of(body)) - {"site:S-USER"})
    fields = assert_refused(town, MapBrokenError)
    assert fields["expected"] != fields["found"]


# ------------------------------------------------------------------------------ the whole command


@pytest.fixture
def here(sqlite_url, tmp_path):
    """A closed ledger in a folder of its own."""
    town = Town(sqlite_url)
    town.live()
    town.close()
    path = tmp_path / "ledger.db"
    shutil.copyfile(sqlite_url.removeprefix("sqlite:///"), path)
    return path


def rebuilt(path: Path) -> int:
    return maintenance.rebuild_ledger(database_url=f"sqlite:///{path}", data_dir=path.parent)


def test_refuses_while_another_process_writes_and_changes_nothing(here):
    lock, before = WriterLock(here.parent), here.read_bytes()
    with pytest.raises(LedgerLockedError):
        rebuilt(here)
    lock.release()
    assert before == here.read_bytes()
    assert rebuilt(here) > 30


def test_refuses_where_there_is_no_ledger(tmp_path):
    with pytest.raises(LedgerMissingError):
        rebuilt(tmp_path / "none.db")
    assert not (tmp_path / "none.db").exists()
