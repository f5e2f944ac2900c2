"""Changes by an insider that leave every entry as it was: the audit finds them all the same, at the right index."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from chemtrace.adapters.maintenance import audit_ledger
from chemtrace.adapters.sql.engine import Database
from chemtrace.adapters.sql.guards import missing_guards
from chemtrace.adapters.sql.reads.audit import open_snapshot
from chemtrace.core.errors import CheckpointForkError
from chemtrace.ledger.audit import AuditReport, verify_log
from tests.integration.audit.test_tampering import codes_of, insider
from tests.integration.audit.town import CATALOGUE, MASTER
from tests.security.conftest import Played

ANEW = (
    "DROP TRIGGER guard_entry ON entry;"
    " CREATE TRIGGER guard_entry {} FOR EACH STATEMENT {} EXECUTE FUNCTION refuse_change()"
)


def audit(path: Path, signed: tuple[int, bytes] | None = None) -> AuditReport:
    with open_snapshot(f"sqlite:///{path}") as store:
        return verify_log(store, catalogue=CATALOGUE, master=MASTER, signed=signed)


def test_an_untouched_ledger_with_openings_and_an_erasure_verifies(copy: Played) -> None:
    assert audit(copy.path, copy.signed).faults == ()


def test_a_changed_opening_is_found_at_its_event(copy: Played) -> None:
    with insider(copy.path) as connection:
        connection.execute("UPDATE opening SET value = 'somebody else'")
    report = audit(copy.path)
    assert (report.first_bad_index, codes_of(report)) == (copy.kept, {"opening.mismatch"})


def test_an_opening_of_another_event_is_found(copy: Played) -> None:
    with insider(copy.path) as connection:
        connection.execute("UPDATE opening SET idx = ?", (copy.kept - 1,))
    report = audit(copy.path)
    assert (report.first_bad_index, codes_of(report)) == (copy.kept - 1, {"opening.mismatch"})


def test_an_erased_opening_that_is_put_back_is_found(copy: Played) -> None:
    with insider(copy.path) as connection:
        connection.execute("UPDATE opening SET idx = ?", (copy.erased,))
    report = audit(copy.path)
    assert (report.first_bad_index, codes_of(report)) == (copy.erased, {"opening.mismatch"})


def test_an_erasure_of_openings_is_no_leave_to_take_the_payload(copy: Played) -> None:
    with insider(copy.path) as connection:
        connection.execute("DELETE FROM payload WHERE idx = ?", (copy.erased,))
    report = audit(copy.path)
    assert (report.first_bad_index, codes_of(report)) == (copy.erased, {"payload.missing"})


def test_an_older_copy_of_the_whole_database_is_found_by_what_the_vault_signed(copy: Played) -> None:
    assert audit(copy.older).verified, "it agrees with itself in everything"
    report = audit(copy.older, copy.signed)
    assert report.first_bad_index == report.entries
    assert codes_of(report) == {"evidence.checkpoint"}
    assert "docs/runbooks/restore.md" in report.faults[0].detail


def test_entries_rewritten_under_the_vaults_last_tree_are_found(copy: Played) -> None:
    size, root = copy.signed
    report = audit(copy.path, (size, bytes(32)))
    assert (report.first_bad_index, codes_of(report)) == (size - 1, {"evidence.checkpoint"})
    assert audit(copy.path, (size, root)).verified


def test_the_audit_of_a_folder_asks_its_vault(copy: Played, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    (tmp_path / "vault").mkdir()
    memory = tmp_path / "vault" / "log.vault"
    memory.write_text('{"size": %d, "root": "%s"}' % (copy.signed[0], copy.signed[1].hex()))  # noqa: UP031
    assert audit_ledger(database_url=url, data_dir=tmp_path).verified
    shutil.copyfile(copy.older, tmp_path / "ledger.db")
    assert not audit_ledger(database_url=url, data_dir=tmp_path).verified
    memory.write_text("nothing of use")
    with pytest.raises(CheckpointForkError):
        audit_ledger(database_url=url, data_dir=tmp_path)


@pytest.mark.parametrize(
    ("word", "instead"),
    [(" BEGIN ", " WHEN 0 BEGIN "), ("SELECT RAISE", "SELECT 1 -- RAISE"), ("ON entry", "ON item")],
)
def test_a_guard_that_stands_but_does_not_bite_counts_as_gone(copy: Played, word: str, instead: str) -> None:
    with closing(sqlite3.connect(copy.path, isolation_level=None)) as connection:
        found = "SELECT sql FROM sqlite_master WHERE name = 'guard_entry_update'"
        (text,) = connection.execute(found).fetchone()
        connection.execute("DROP TRIGGER guard_entry_update")
        connection.execute(text.replace(word, instead).replace("; END", "\n; END"))
    report = audit(copy.path)
    assert (report.verified, codes_of(report)) == (False, {"evidence.guard"})


@pytest.mark.postgres
@pytest.mark.parametrize(
    "instead",
    [
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$",
        ANEW.format("BEFORE TRUNCATE ON entry", ""),
        ANEW.format("BEFORE UPDATE OR DELETE OR TRUNCATE ON item", ""),
        ANEW.format("BEFORE UPDATE OR DELETE OR TRUNCATE ON entry", "WHEN (false)"),
    ],
    ids=["function", "events", "table", "condition"],
)
def test_a_guard_of_postgresql_that_does_not_bite_counts_as_gone(postgresql_url: str, instead: str) -> None:
    database = Database(postgresql_url)
    with database.read() as connection:
        assert missing_guards(connection) == ()
    with database.write() as connection:
        connection.exec_driver_sql(instead)
    with database.read() as connection:
        assert "guard_entry" in missing_guards(connection)
    database.close()
