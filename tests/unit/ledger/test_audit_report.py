"""A report keeps the lowest faults, counts all, and says where the log first goes wrong."""

from __future__ import annotations

from chemtrace.core.errors import SignatureInvalidError
from chemtrace.ledger.audit.report import MAX_FAULTS, NOWHERE, AuditReport, FaultLog


def report_of(faults: FaultLog) -> AuditReport:
    return AuditReport(
        entries=10,
        epochs=1,
        signatures=9,
        checkpoint=("log.test", 10, bytes(32)),
        first_bad_index=faults.first,
        fault_count=faults.count,
        faults=faults.lowest(),
    )


def test_no_fault_is_verified() -> None:
    report = report_of(FaultLog())
    assert report.verified
    assert report.to_json()["checkpoint"] == {"origin": "log.test", "size": 10, "root": "0" * 64}


def test_the_lowest_index_wins_in_whatever_order_faults_come() -> None:
    faults = FaultLog()
    for index in (7, 3, 9):
        faults.add(index, "evidence.entry", "wrong")
    report = report_of(faults)
    assert (report.verified, report.first_bad_index, report.fault_count) == (False, 3, 3)
    assert [fault.index for fault in report.faults] == [3, 7, 9]


def test_only_the_lowest_faults_are_kept_but_all_are_counted() -> None:
    faults = FaultLog()
    for index in range(5 * MAX_FAULTS, 0, -1):
        faults.add(index, "evidence.entry", "wrong")
    report = report_of(faults)
    assert (report.fault_count, len(report.faults)) == (5 * MAX_FAULTS, MAX_FAULTS)
    assert [fault.index for fault in report.faults] == list(range(1, MAX_FAULTS + 1))


def test_a_fault_of_the_whole_ledger_accuses_no_entry() -> None:
    faults = FaultLog()
    faults.add(NOWHERE, "evidence.guard", "gone")
    report = report_of(faults).to_json()
    assert (report["verified"], report["first_bad_index"]) == (False, None)
    assert report["faults"] == [{"index": None, "code": "evidence.guard", "detail": "gone"}]


def test_an_error_becomes_a_fault_with_its_code_and_both_sides() -> None:
    faults = FaultLog()
    faults.add_error(4, SignatureInvalidError("does not verify", expected="a", found="b"))
    (fault,) = faults.lowest()
    assert (fault.index, fault.code) == (4, "signature.invalid")
    assert "'expected': 'a'" in fault.detail


def test_the_same_fault_twice_counts_once() -> None:
    faults = FaultLog()
    faults.add(1, "evidence.tree", "wrong")
    faults.add(1, "evidence.tree", "wrong")
    assert faults.count == 1
