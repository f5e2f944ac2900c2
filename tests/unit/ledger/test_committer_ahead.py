"""Judging ahead: while one group is written the next one is judged; what fails takes back what was judged upon it."""

import threading
import time

import pytest

from chemtrace.core.errors import ChainBrokenError, StorageFullError
from chemtrace.ledger.committer import Committer
from chemtrace.ledger.outcome import Admitted, Refused

DONE = Admitted(b"", b"", b"", 0, duplicate=False)


class Work:
    def __init__(self, behind):
        self.behind = behind
        self.statements = []
        self.locked = False


class Recorder:
    """Judges and writes anything, keeps what happened, and misbehaves on demand."""

    def __init__(self):
        self.told = []
        self.gate = threading.Event()
        self.gate.set()
        self.judged = threading.Semaphore(0)
        self.writing = threading.Semaphore(0)
        self.endings = []
        self.poison = None
        self.looks_back = None

    def commit(self, statements):
        self.told.append(("alone", list(statements)))
        if self.poison in statements:
            raise ZeroDivisionError
        return [DONE for _ in statements]

    def begin(self, behind, landed):
        self.landed = landed
        return Work(behind)

    def take(self, work, parts):
        statements = [statement for part in parts for statement in part]
        if self.poison in statements:
            raise ZeroDivisionError
        if self.looks_back in statements:
            self.landed()
            work.locked = True
        work.statements += statements
        self.told.append(("judged", list(statements)))
        self.judged.release()

    def write(self, work):
        self.writing.release()
        self.gate.wait(10)
        ending = self.endings.pop(0) if self.endings else None
        if isinstance(ending, Exception):
            raise ending
        if ending is not None:
            return None
        self.told.append(("written", list(work.statements)))
        return [DONE for _ in work.statements]

    def settle(self, work):
        self.told.append(("settled", list(work.statements)))

    def take_back(self):
        self.told.append(("taken back", []))


@pytest.fixture
def recorder():
    return Recorder()


@pytest.fixture
def committer(recorder):
    committer = Committer(recorder.commit, group_size=10, ahead=recorder, ahead_from=2)
    yield committer
    recorder.gate.set()
    committer.close()


def outcomes(future):
    return future.result(timeout=10)


def two_groups(recorder, committer, second=(3, 4)):
    """One group that is being written, and one that is judged upon it."""
    recorder.gate.clear()
    first = committer.submit([1, 2])
    assert recorder.writing.acquire(timeout=10)
    behind = committer.submit(list(second))
    assert recorder.judged.acquire(timeout=10)
    assert recorder.judged.acquire(timeout=10)
    return first, behind


def told(recorder, what):
    return [statements for name, statements in recorder.told if name == what]


def test_the_next_group_is_judged_while_one_is_written(recorder, committer):
    first, behind = two_groups(recorder, committer)
    assert [] == told(recorder, "written")
    recorder.gate.set()
    assert [DONE, DONE] == outcomes(first)
    assert [DONE, DONE] == outcomes(behind)
    assert [[1, 2], [3, 4]] == told(recorder, "written")


def test_no_answer_leaves_before_the_commit_of_its_own_group(recorder, committer):
    first, behind = two_groups(recorder, committer)
    time.sleep(0.05)
    assert not first.done()
    assert not behind.done()
    recorder.gate.set()
    outcomes(behind)
    assert first.done()


def test_what_comes_while_a_group_is_written_makes_one_group(recorder, committer):
    first, behind = two_groups(recorder, committer)
    more = [committer.submit([number]) for number in (5, 6)]
    while sum(map(len, told(recorder, "judged"))) < 6:
        time.sleep(0.005)
    recorder.gate.set()
    for future in (first, behind, *more):
        outcomes(future)
    assert [[1, 2], [3, 4, 5, 6]] == told(recorder, "written")


def test_few_statements_are_committed_without_another_thread(recorder, committer):
    assert [DONE] == outcomes(committer.submit([1]))
    assert [("alone", [1])] == recorder.told


def test_a_full_disk_takes_the_group_judged_behind_it_back(recorder, committer):
    recorder.endings = [StorageFullError("full")]
    first, behind = two_groups(recorder, committer)
    recorder.gate.set()
    assert ["storage.full"] * 2 == [outcome.error.code for outcome in outcomes(first)]
    assert [DONE, DONE] == outcomes(behind)
    assert [[3, 4]] == told(recorder, "alone"), "judged again, in a transaction of its own"
    assert [] == told(recorder, "written")
    assert [] == told(recorder, "settled")
    assert [[]] == told(recorder, "taken back")


def test_another_writer_between_has_both_groups_judged_again_in_their_order(recorder, committer):
    recorder.endings = ["somebody else"]
    first, behind = two_groups(recorder, committer)
    recorder.gate.set()
    assert [DONE, DONE] == outcomes(first)
    assert [DONE, DONE] == outcomes(behind)
    assert [[1, 2], [3, 4]] == told(recorder, "alone")


def test_a_defect_while_writing_is_tried_again_and_one_by_one(recorder, committer):
    recorder.endings = [ZeroDivisionError()]
    first, behind = two_groups(recorder, committer)
    recorder.poison = 2
    recorder.gate.set()
    assert [True, False] == [isinstance(outcome, Admitted) for outcome in outcomes(first)]
    assert [DONE, DONE] == outcomes(behind)


def test_a_defect_while_judging_ahead_takes_nobody_else_down(recorder, committer):
    recorder.gate.clear()
    first = committer.submit([1, 2])
    assert recorder.writing.acquire(timeout=10)
    recorder.poison = 4
    behind = committer.submit([3, 4, 5])
    recorder.gate.set()
    assert [DONE, DONE] == outcomes(first)
    assert [True, False, True] == [isinstance(outcome, Admitted) for outcome in outcomes(behind)]


def test_evidence_while_writing_stops_both_groups_and_what_follows(recorder, committer):
    recorder.endings = [ChainBrokenError("broken")]
    first, behind = two_groups(recorder, committer)
    recorder.gate.set()
    answers = [*outcomes(first), *outcomes(behind), *outcomes(committer.submit([9, 10]))]
    assert {"ledger.stopped"} == {answer.error.code for answer in answers if isinstance(answer, Refused)}
    assert 6 == len(answers)
    assert [] == told(recorder, "written")


def test_a_group_that_needs_the_rows_before_it_is_written_at_once_behind_them(recorder, committer):
    recorder.gate.clear()
    first = committer.submit([1, 2])
    assert recorder.writing.acquire(timeout=10)
    recorder.looks_back = 3
    behind = committer.submit([3])
    time.sleep(0.05)
    assert [[1, 2]] == told(recorder, "judged"), "it waits for the rows"
    recorder.gate.set()
    assert [DONE] == outcomes(behind)
    assert [DONE, DONE] == outcomes(first)
    assert [[1, 2], [3]] == told(recorder, "written")
    assert [[1, 2], [3]] == told(recorder, "settled")


def test_a_group_that_waits_for_rows_which_never_come_is_judged_again(recorder, committer):
    recorder.endings = [StorageFullError("full")]
    recorder.gate.clear()
    first = committer.submit([1, 2])
    assert recorder.writing.acquire(timeout=10)
    recorder.looks_back = 3
    behind = committer.submit([3])
    recorder.gate.set()
    assert ["storage.full"] * 2 == [outcome.error.code for outcome in outcomes(first)]
    assert [DONE] == outcomes(behind)
    assert [[3]] == told(recorder, "alone")


def test_actions_find_everything_durable_that_was_judged(recorder, committer):
    two_groups(recorder, committer)
    threading.Timer(0.05, recorder.gate.set).start()
    assert [[1, 2], [3, 4]] == committer.run(lambda: told(recorder, "settled"))


def test_closing_finishes_what_was_judged(recorder):
    committer = Committer(recorder.commit, group_size=10, ahead=recorder, ahead_from=2)
    first, behind = two_groups(recorder, committer)
    threading.Timer(0.05, recorder.gate.set).start()
    committer.close()
    assert first.done()
    assert behind.done()


def test_groups_stay_within_their_size_and_in_order_under_load(recorder, committer):
    futures = [committer.submit([number, number]) for number in range(200)]
    for future in futures:
        outcomes(future)
    groups = [statements for name, statements in recorder.told if name in ("written", "alone")]
    assert [number for number in range(200) for _ in range(2)] == [one for group in groups for one in group]
    assert all(len(group) <= 10 for group in groups)


class Unreadable(list):
    def __iter__(self):
        raise ValueError


def test_statements_that_cannot_be_read_are_refused_and_the_thread_lives(committer, recorder):
    recorder.gate.set()
    [first, second] = committer.submit(Unreadable(["a", "b"])).result(10)
    assert first.error.code == second.error.code == "unavailable"
    assert committer.submit(["c"]).result(10)
