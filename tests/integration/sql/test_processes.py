"""Large batches through the processes beside the writer: the same answers as without, also when one of them dies."""

from __future__ import annotations

import signal

import pytest

from chemtrace.adapters import check_processes, frames
from chemtrace.adapters.check_processes import CheckProcesses
from chemtrace.core.receipt_tree import verify_receipt
from chemtrace.ledger.ledger import Ledger
from chemtrace.ledger.outcome import Admitted, Refused
from tests.integration.audit.town import MAKER, Town

COUNT = 300


@pytest.fixture
def town(sqlite_url):
    """A town whose ledger has one process that checks."""
    town = Town(sqlite_url)
    parts = town.ledger._parts
    town.ledger.close()
    checkers = []

    def checker(registry):
        checkers.append(CheckProcesses(1, registry))
        return checkers[0]

    fields = {name: getattr(parts, name) for name in parts.__struct_fields__}
    fields |= {"bulk_checker": checker}
    town.ledger = Ledger(type(parts)(**fields))
    town.checker = checkers[0]
    yield town
    town.close()


def wires_of(town, codes):
    items = [[{"code": code, "quantity": {"value": "25", "unit": "KGM"}}] for code in codes]
    return [
        town.wire(MAKER, "produce", "make", [code], items=lines, site="S-MAKER")
        for code, lines in zip(codes, items, strict=True)
    ]


def assert_good(town, outcomes):
    """Admitted without gaps, each with a receipt that verifies."""
    indexes = [outcome.index for outcome in outcomes]
    assert list(range(indexes[0], indexes[0] + len(outcomes))) == indexes
    for outcome in outcomes:
        assert isinstance(outcome, Admitted)
        verify_receipt(town.keys["receipt"].public, outcome.receipt_bytes, outcome.signature)


def test_a_large_batch_gets_gap_free_indexes_and_receipts_that_verify(town):
    assert_good(town, town.ledger.submit_many(wires_of(town, town.issue(COUNT))))


def test_what_is_refused_is_named_as_if_it_had_been_checked_at_home(town):
    wires = wires_of(town, town.issue(COUNT))
    wires[7] = b"no statement"
    wires[200] = wires[200].replace(b'"signatures":["', b'"signatures":["AAAA', 1)
    outcomes = town.ledger.submit_many(wires)
    refused = {at: outcome.error.code for at, outcome in enumerate(outcomes) if isinstance(outcome, Refused)}
    assert {7: "wire.invalid", 200: "signature.invalid"} == refused


def test_a_process_that_dies_costs_nothing(town):
    codes = town.issue(3 * COUNT)
    first, second, third = (wires_of(town, codes[at : at + COUNT]) for at in range(0, 3 * COUNT, COUNT))
    assert_good(town, town.ledger.submit_many(first))
    checking = town.checker._free.get()
    checking._child._process.kill()
    town.checker._free.put(checking)
    assert_good(town, town.ledger.submit_many(second))
    assert_good(town, town.ledger.submit_many(third))


@pytest.mark.parametrize("padding", [0, 20], ids=["asked", "with a full pipe"])
def test_a_process_that_hangs_is_ended_and_its_statements_checked_by_the_caller(town, monkeypatch, padding):
    codes = town.issue(3 * COUNT)
    first, second, third = (wires_of(town, codes[at : at + COUNT]) for at in range(0, 3 * COUNT, COUNT))
    assert_good(town, town.ledger.submit_many(first))
    checking = town.checker._free.get()
    process = checking._child._process
    town.checker._free.put(checking)
    process.send_signal(signal.SIGSTOP)
    with monkeypatch.context() as patch:
        patch.setattr(check_processes, "ANSWER_WITHIN_S", 0.3)
        if padding:
            assert town.checker.check([b" " * (1 << 20)] * padding) is None
        assert_good(town, town.ledger.submit_many(second))
    assert process.returncode == -signal.SIGKILL
    assert_good(town, town.ledger.submit_many(third))
    started = town.checker._free.get()
    town.checker._free.put(started)
    assert started is not None
    assert started._child._process.poll() is None


def test_while_all_processes_hang_the_next_batch_is_checked_by_its_caller(town, monkeypatch):
    codes = town.issue(2 * COUNT)
    first, second = wires_of(town, codes[:COUNT]), wires_of(town, codes[COUNT:])
    assert_good(town, town.ledger.submit_many(first))
    held = town.checker._free.get()
    monkeypatch.setattr(check_processes, "FREE_WITHIN_S", 0.1)
    assert_good(town, town.ledger.submit_many(second))
    town.checker._free.put(held)


def test_an_answer_that_nobody_has_read_is_never_taken_for_the_next_one(town, monkeypatch):
    codes = town.issue(3 * COUNT)
    first, second, third = (wires_of(town, codes[at : at + COUNT]) for at in range(0, 3 * COUNT, COUNT))
    assert_good(town, town.ledger.submit_many(first))

    def breaks_off(*_):
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(frames.Pipes, "_read", breaks_off)
        with pytest.raises(MemoryError):
            town.checker.check(second)
    assert_good(town, town.ledger.submit_many(third))


def test_an_interrupt_from_the_keyboard_is_left_to_the_first_process(town):
    codes = town.issue(2 * COUNT)
    assert_good(town, town.ledger.submit_many(wires_of(town, codes[:COUNT])))
    checking = town.checker._free.get()
    process = checking._child._process
    process.send_signal(signal.SIGINT)
    town.checker._free.put(checking)
    assert_good(town, town.ledger.submit_many(wires_of(town, codes[COUNT:])))
    assert process.poll() is None
    town.checker.close()
    assert process.returncode == 0


def test_a_key_registered_later_is_told_to_the_processes(town):
    from chemtrace.core.keys import generate_key

    codes = town.issue(2 * COUNT)
    assert_good(town, town.ledger.submit_many(wires_of(town, codes[:COUNT])))
    town.keys["gate"] = generate_key("ed25519")
    town.register_key("gate", MAKER, "device")
    town.keys[MAKER] = town.keys["gate"]
    assert_good(town, town.ledger.submit_many(wires_of(town, codes[COUNT:])))
