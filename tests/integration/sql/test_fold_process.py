"""The fold in a process beside the writer: the same roots and rows as at home, also when the process dies or fails."""

from __future__ import annotations

import signal

import pytest

from chemtrace.adapters import fold_process
from chemtrace.adapters.fold_process import FoldProcess
from chemtrace.core.errors import MapBrokenError
from chemtrace.ledger import ledger as ledger_module
from chemtrace.ledger.ledger import Ledger
from tests.integration.audit.town import MAKER, Town
from tests.integration.sql.test_integration import bodies, fresh, make, naive_root, naive_values, roots, spoil

SUBJECTS = 12


@pytest.fixture
def town(database_url, monkeypatch):
    """A town whose every epoch counts as large, and whose fold starts its process at once."""
    monkeypatch.setattr(ledger_module, "PREPARE_FROM", 1)
    monkeypatch.setattr(fold_process, "LARGE_EPOCHS", 0)
    town = Town(database_url)
    town.codes = town.live()
    parts = town.ledger._parts
    town.ledger.close()
    fields = {name: getattr(parts, name) for name in parts.__struct_fields__}
    town.fold = FoldProcess(database_url)
    town.ledger = Ledger(type(parts)(**(fields | {"fold": town.fold})))
    yield town
    town.close()


def publish_some(town, count=3):
    for code in fresh(town, count):
        make(town, code)
    return town.ledger.publish()


def assert_folded(town):
    entries = bodies(town)
    for index, root in roots(entries):
        assert naive_root(entries[:index]).hex() == root
    with town.store.read() as transaction:
        epoch = transaction.head().epoch_index
        values = naive_values(entries[:epoch])
        assert values.keys() == transaction.subject_trees(list(values)).keys()


def test_every_epoch_commits_the_same_fold_as_at_home(town):
    for _ in range(3):
        publish_some(town)
        assert town.fold._child is not None
    assert_folded(town)


def test_a_process_that_dies_between_two_epochs_costs_nothing(town):
    publish_some(town)
    town.fold._child._process.kill()
    town.fold._child._process.wait()
    publish_some(town)
    assert town.fold._child is None
    publish_some(town)
    assert town.fold._child is not None
    assert_folded(town)


def test_a_process_that_dies_between_preparing_and_the_epoch_costs_nothing(town, monkeypatch):
    publish_some(town)
    prepare = town.fold.prepare

    def prepare_and_kill(transaction, head):
        prepare(transaction, head)
        if town.fold._child is not None:
            town.fold._child._process.kill()
            town.fold._child._process.wait()

    monkeypatch.setattr(town.fold, "prepare", prepare_and_kill)
    publish_some(town)
    monkeypatch.undo()
    assert_folded(town)


@pytest.mark.parametrize("between", [False, True])
def test_a_process_that_hangs_is_ended_and_its_work_done_at_home(town, monkeypatch, between):
    publish_some(town)
    child = town.fold._child._process
    monkeypatch.setattr(fold_process, "ANSWER_WITHIN_S", 0.3)
    prepare = town.fold.prepare

    def prepare_and_stop(transaction, head):
        prepare(transaction, head)
        child.send_signal(signal.SIGSTOP)

    if between:
        monkeypatch.setattr(town.fold, "prepare", prepare_and_stop)
    else:
        child.send_signal(signal.SIGSTOP)
    assert publish_some(town) is not None
    assert child.returncode == -signal.SIGKILL
    monkeypatch.undo()
    publish_some(town)
    assert_folded(town)


class DiskFullError(Exception):
    pass


def test_what_was_not_committed_is_not_folded_twice(town, monkeypatch):
    publish_some(town)

    def fail(*_args, **_kwargs):
        raise DiskFullError

    with monkeypatch.context() as patch:
        patch.setattr("chemtrace.ledger.publish.extend_tiles", fail)
        with pytest.raises(DiskFullError):
            publish_some(town)
    publish_some(town)
    assert_folded(town)


def test_a_tree_that_the_map_does_not_commit_ends_the_writing_under_its_own_name(town):
    publish_some(town)
    town.fold.close()
    spoil(town, "UPDATE subject_tree SET nodes = ? WHERE subject = ?", b"\1" * 32, town.codes[0])
    town.do_items(MAKER, "inspect", "done", [(town.codes[0], None)], result="pass")
    with pytest.raises(MapBrokenError):
        town.ledger.publish()


def test_an_epoch_beyond_the_room_of_one_message_is_folded_at_home(town, monkeypatch):
    publish_some(town)
    with monkeypatch.context() as patch:
        patch.setattr(fold_process, "MAX_ENTRIES", 0)
        publish_some(town)
    publish_some(town)
    assert_folded(town)
