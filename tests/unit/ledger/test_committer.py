"""The committer: groups, order, and what one bad statement or a broken store does to the others."""

import threading
from concurrent.futures import wait

import pytest

from chemtrace.core.errors import (
    ChainBrokenError,
    ClockError,
    LedgerStoppedError,
    PayloadError,
    StorageFullError,
)
from chemtrace.ledger.committer import Committer
from chemtrace.ledger.outcome import Admitted, Refused


class Recorder:
    """Commits anything, keeps the groups, and misbehaves on demand."""

    def __init__(self) -> None:
        self.groups: list[list[object]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.error: BaseException | None = None
        self.poison: object = None

    def commit(self, statements):
        self.gate.wait()
        if self.error is not None:
            raise self.error
        if self.poison in statements:
            raise ZeroDivisionError
        self.groups.append(list(statements))
        return [Admitted(b"", b"", b"", 0, duplicate=False) for _ in statements]


@pytest.fixture
def recorder():
    return Recorder()


@pytest.fixture
def committer(recorder):
    committer = Committer(recorder.commit, group_size=10)
    yield committer
    recorder.gate.set()
    committer.close()


def outcomes(future):
    return future.result(timeout=10)


def test_what_waits_is_committed_together_in_order(recorder, committer):
    recorder.gate.clear()
    futures = [committer.submit([number]) for number in range(8)]
    recorder.gate.set()
    wait(futures, timeout=10)
    assert list(range(8)) == [number for group in recorder.groups for number in group]
    assert len(recorder.groups) <= 2


def test_a_group_never_exceeds_its_size_and_a_job_is_never_split(recorder, committer):
    recorder.gate.clear()
    futures = [committer.submit([number] * 4) for number in range(6)]
    recorder.gate.set()
    wait(futures, timeout=10)
    assert all(len(group) <= 10 for group in recorder.groups)
    assert all(group.count(number) in (0, 4) for group in recorder.groups for number in range(6))


def test_a_full_disk_refuses_the_group_and_the_next_one_succeeds(recorder, committer):
    recorder.error = StorageFullError("full")
    refused = outcomes(committer.submit([1, 2]))
    assert ["storage.full"] * 2 == [o.error.code for o in refused]
    recorder.error = None
    assert isinstance(outcomes(committer.submit([1]))[0], Admitted)


def test_a_defect_on_one_statement_takes_nobody_else_down(recorder, committer):
    recorder.poison = 3
    answers = outcomes(committer.submit([1, 2, 3, 4]))
    assert [True, True, False, True] == [isinstance(answer, Admitted) for answer in answers]
    assert "ZeroDivisionError" == answers[2].error.fields["error"]


def test_evidence_stops_the_writing_for_good(recorder, committer):
    recorder.error = ChainBrokenError("broken")
    first = outcomes(committer.submit([1]))[0]
    recorder.error = None
    second = outcomes(committer.submit([2]))[0]
    assert isinstance(first, Refused)
    assert isinstance(second, Refused)
    assert ("ledger.stopped", "evidence.chain") == (second.error.code, second.error.fields["because"])
    assert [] == recorder.groups
    with pytest.raises(LedgerStoppedError):
        committer.run(lambda: 1)


def test_a_wrong_clock_does_not_stop_the_writing(recorder, committer):
    def publish():
        raise ClockError("behind")

    with pytest.raises(ClockError):
        committer.run(publish)
    assert isinstance(outcomes(committer.submit([1]))[0], Admitted)


def test_actions_run_between_groups_and_hand_back_their_errors(committer):
    assert 5 == committer.run(lambda: 5)

    def fail():
        raise PayloadError("no")

    with pytest.raises(PayloadError):
        committer.run(fail)


def test_closing_finishes_what_was_handed_in_and_refuses_the_rest(recorder):
    committer = Committer(recorder.commit, group_size=10)
    recorder.gate.clear()
    future = committer.submit([1])
    closing = threading.Thread(target=committer.close)
    closing.start()
    recorder.gate.set()
    assert isinstance(outcomes(future)[0], Admitted)
    closing.join(10)
    with pytest.raises(LedgerStoppedError):
        committer.submit([2])
