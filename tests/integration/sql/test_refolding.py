"""Alerts that were taken away, put there, changed or made impossible are named when they are folded once more."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chemtrace.adapters.sql.refolding import AlertAudit
from chemtrace.core.errors import TreeBrokenError
from chemtrace.ledger.audit.report import NOWHERE, AuditReport, Fault
from tests.integration.audit.town import AUTHORITY, MASTER
from tests.integration.sql.test_following import FollowedTown

REPORT = AuditReport(5, 1, 5, None, None, 0, ())


@pytest.fixture
def town(database_url: str) -> Iterator[FollowedTown]:
    town = FollowedTown(database_url)
    town.follow()
    town.trouble()
    yield town
    town.close()


def faults(town: FollowedTown) -> list[Fault]:
    return list(AlertAudit(town.database, MASTER).faults())


def change(town: FollowedTown, sql: str) -> None:
    with town.database.write() as connection:
        connection.exec_driver_sql(sql)


def test_what_the_detectors_wrote_is_what_the_log_gives(town: FollowedTown) -> None:
    assert len(town.alerts()) >= 2
    told: list[tuple[int, int]] = []
    assert list(AlertAudit(town.database, MASTER).faults(lambda *done: told.append(done))) == []
    assert told[-1] == (town.ledger.size, town.ledger.size)


def test_handled_alerts_and_those_of_an_audit_are_as_they_should_be(town: FollowedTown) -> None:
    alert = town.alerts()[0][0]
    town.do(AUTHORITY, "alert", "dismiss", [f"alert:{alert}"], alert=alert, remark="looked at")
    town.publish()
    town.do(AUTHORITY, "alert", "confirm", [f"alert:{alert}"], alert=alert)
    town.publish()
    town.ledger._parts.followers[0].record_fault(TreeBrokenError("broken", index=3), 7)
    assert len(town.alerts()) >= 3
    assert faults(town) == []


def test_a_missing_alert_is_named_with_its_newest_evidence(town: FollowedTown) -> None:
    gone = next(id_ for id_, _, doc in town.alerts() if b'"detector":"C4"' not in doc)  # C4 is of a refusal
    change(town, f"DELETE FROM alert WHERE id = '{gone}'")
    (fault,) = faults(town)
    assert (fault.code, gone in fault.detail, "missing" in fault.detail) == ("evidence.alert", True, True)
    assert 0 < fault.index < town.ledger.size


def test_an_alert_that_nobody_raised_is_named(town: FollowedTown) -> None:
    change(
        town,
        "INSERT INTO alert (id, detector, status, severity, enterprise, chemical, raised_us, doc)"
        " SELECT 'ff', detector, status, severity, enterprise, chemical, raised_us, doc FROM alert"
        f" WHERE id = '{town.alerts()[0][0]}'",
    )
    (fault,) = faults(town)
    assert (fault.index, "no such alert" in fault.detail) == (NOWHERE, True)


@pytest.mark.parametrize(
    ("sql", "member"), [("severity = severity + 1", "severity"), ("status = 'dismissed'", "status")]
)
def test_a_changed_column_is_named(town: FollowedTown, sql: str, member: str) -> None:
    change(town, f"UPDATE alert SET {sql} WHERE id = '{town.alerts()[0][0]}'")
    (fault,) = faults(town)
    assert fault.detail.endswith(f"see {member}")


def test_a_changed_document_is_named_by_its_member(town: FollowedTown) -> None:
    id_, _, doc = town.alerts()[0]
    with town.database.write() as connection:
        connection.exec_driver_sql("UPDATE alert SET doc = doc WHERE 1 = 0")
        rows = connection.dialect.name == "sqlite"
        marks = "?, ?" if rows else "%s, %s"
        first, second = marks.split(", ")
        changed = doc.replace(b'"observed":"', b'"observed":"almost ', 1)
        assert changed != doc
        connection.exec_driver_sql(f"UPDATE alert SET doc = {first} WHERE id = {second}", (changed, id_))
    (fault,) = faults(town)
    assert fault.detail.endswith("see doc.observed")


def test_a_refusal_that_was_taken_away_leaves_an_alert_without_its_ground(town: FollowedTown) -> None:
    """No hash commits kept refusals; the alerts that rest upon them still tell."""
    with town.database.write() as connection:
        if connection.dialect.name == "sqlite":
            names = connection.exec_driver_sql(
                "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'refusal'"
            ).all()
            for (name,) in names:
                connection.exec_driver_sql(f"DROP TRIGGER {name}")
        else:
            connection.exec_driver_sql("ALTER TABLE refusal DISABLE TRIGGER USER")
        assert connection.exec_driver_sql("DELETE FROM refusal").rowcount == 1
    found = faults(town)
    assert [fault.code for fault in found] == ["evidence.alert"]


def test_the_report_takes_faults_beside_the_log_in() -> None:
    later, nowhere = Fault(9, "evidence.alert", "b"), Fault(NOWHERE, "evidence.alert", "a")
    report = REPORT.with_faults([later, nowhere])
    assert (report.verified, report.fault_count, report.first_bad_index) == (False, 2, 9)
    assert report.faults == (nowhere, later)
    assert REPORT.with_faults([]) == REPORT
    assert REPORT.with_faults([nowhere]).first_bad_index is None
