"""A real ledger whose groups are judged while the one before is written: nothing is lost, doubled or told early."""

import secrets
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import msgspec
import pytest

from chemtrace.core.errors import StorageFullError
from chemtrace.core.statement import build_statement, encode_wire
from chemtrace.core.times import format_utc
from chemtrace.ledger.ledger import Ledger
from chemtrace.ledger.outcome import Admitted, Refused
from tests.integration.audit.town import DEALER, MAKER, USER, Town


class SlowStore:
    """A store whose writing thread waits at a gate before each transaction, or fails at its end."""

    def __init__(self, store):
        self._store = store
        self.gate = threading.Event()
        self.gate.set()
        self.waiting = threading.Semaphore(0)
        self.snapshots = threading.Semaphore(0)
        self.failures = 0

    @contextmanager
    def read(self):
        with self._store.read() as transaction:
            yield transaction
        if threading.current_thread().name == "committer":
            self.snapshots.release()

    @contextmanager
    def write(self):
        ahead = threading.current_thread().name.startswith("writer")
        if ahead:
            self.waiting.release()
            self.gate.wait(20)
        with self._store.write() as transaction:
            yield transaction
            if ahead and self.failures:
                self.failures -= 1
                raise StorageFullError("no room")


def reopen(town, **changes):
    parts = msgspec.structs.replace(town.ledger._parts, **changes)
    town.ledger.close()
    town.ledger = Ledger(parts)


@pytest.fixture
def town(database_url):
    """A founded ledger in which every group is judged ahead, and written when the gate is open."""
    town = Town(database_url)
    town.slow = SlowStore(town.store)
    reopen(town, store=town.slow, ahead_from=1)
    yield town
    town.slow.gate.set()
    town.close()


@pytest.fixture
def senders():
    with ThreadPoolExecutor(8) as pool:
        yield pool


def make_wire(town, code):
    items = [{"code": code, "quantity": {"value": "25", "unit": "KGM"}}]
    return town.wire(MAKER, "produce", "make", [code], items=items, site="S-MAKER")


def sell_wire(town, code, to=DEALER):
    return town.wire(MAKER, "trade", "sell", [code], items=[{"code": code}], counterparty=to)


def drain(semaphore):
    while semaphore.acquire(blocking=False):
        pass


def held(town, senders, wire):
    """Hand in a wire that is judged and then waits at the gate; its future."""
    town.slow.gate.clear()
    drain(town.slow.waiting)
    future = senders.submit(town.ledger.submit, wire)
    assert town.slow.waiting.acquire(timeout=10)
    return future


def behind_a_slow_write(town, senders, first, *second):
    """Hand in wires of which the first waits at the gate and the others are judged upon it; the futures."""
    futures = [held(town, senders, first)]
    for wire in second:
        drain(town.slow.snapshots)
        futures.append(senders.submit(town.ledger.submit, wire))
        assert town.slow.snapshots.acquire(timeout=10)
    return futures


def answers(town, futures):
    town.slow.gate.set()
    return [future.result(20) for future in futures]


def audit(town):
    from chemtrace.adapters.sql.reads.audit import open_snapshot
    from chemtrace.ledger.audit import verify_log
    from tests.integration.audit.town import CATALOGUE, MASTER

    town.ledger.publish(force=True)
    with open_snapshot(town.url) as store:
        return verify_log(store, catalogue=CATALOGUE, master=MASTER).to_json()["faults"]


def test_an_event_follows_one_that_is_not_durable_yet(town, senders):
    [code] = town.issue(1)
    futures = behind_a_slow_write(town, senders, make_wire(town, code), sell_wire(town, code))
    size = town.ledger.size
    time.sleep(0.05)
    assert [False, False] == [future.done() for future in futures]
    made, sold = answers(town, futures)
    assert (size, size + 1) == (made.index, sold.index)
    assert size + 2 == town.ledger.size
    assert [] == audit(town)


def test_the_same_event_in_both_groups_gets_one_receipt(town, senders):
    [code] = town.issue(1)
    wire = make_wire(town, code)
    first, again = answers(town, behind_a_slow_write(town, senders, wire, wire))
    assert (first.receipt_bytes, first.signature) == (again.receipt_bytes, again.signature)
    assert (False, True) == (first.duplicate, again.duplicate)
    assert [] == audit(town)


def test_a_refusal_that_rests_on_what_is_not_durable_is_kept_once_behind_it(town, senders):
    [code] = town.issue(1)
    assert isinstance(town.ledger.submit(make_wire(town, code)), Admitted)
    first, other = sell_wire(town, code), sell_wire(town, code, to=USER)
    futures = behind_a_slow_write(town, senders, first, other, other)
    sold, refused, again = answers(town, futures)
    assert isinstance(sold, Admitted)
    assert isinstance(refused, Refused)
    assert refused.error.code == again.error.code
    with town.database.read() as connection:
        assert 1 == connection.exec_driver_sql("SELECT count(*) FROM refusal").scalar()
    assert [] == audit(town)


def test_a_late_event_finds_the_past_that_was_not_written_when_it_came(town, senders):
    """Its rule reads the item's whole history: it waits for the rows of the group before it."""
    [code] = town.issue(1)
    made = make_wire(town, code)
    now = format_utc(town.clock.us)
    late = encode_wire(
        build_statement(
            kind="inspect",
            phase="done",
            enterprise=MAKER,
            signers=[town.keys[MAKER]],
            iat=now,
            subjects=[(code, None)],
            payload={
                "at": now,
                "nonce": secrets.token_hex(16),
                "items": [{"code": code}],
                "result": "pass",
            },
        )
    )
    futures = [held(town, senders, made)]
    futures.append(senders.submit(town.ledger.submit, late))
    time.sleep(0.1)
    first, second = answers(town, futures)
    assert first.index + 1 == second.index
    assert b'"late":true' in second.receipt_bytes
    assert [] == audit(town)


def test_a_failed_commit_takes_the_event_judged_upon_it_back(town, senders):
    one, two = town.issue(2)
    made = make_wire(town, one)
    sold, other = sell_wire(town, one), make_wire(town, two)
    size = town.ledger.size
    town.slow.failures = 1
    first, behind, beside = answers(town, behind_a_slow_write(town, senders, made, sold, other))
    assert "storage.full" == first.error.code
    assert isinstance(behind, Refused), "what it follows is not in the log"
    assert "prev.unknown" == behind.error.code
    assert size == beside.index
    assert size + 1 == town.ledger.size
    assert all(isinstance(town.ledger.submit(wire), Admitted) for wire in (made, sold))
    assert [] == audit(town)


def test_what_another_writer_put_between_has_both_groups_judged_again(town, senders):
    one, two, three = town.issue(3)
    other = Ledger(msgspec.structs.replace(town.ledger._parts, store=town.store))
    foreign = make_wire(town, three)
    futures = behind_a_slow_write(town, senders, make_wire(town, one), make_wire(town, two))
    between = other.submit(foreign)
    first, second = answers(town, futures)
    other.close()
    assert [between.index + 1, between.index + 2] == [first.index, second.index]
    assert [] == audit(town)


def test_many_senders_get_the_log_that_one_would_have_made(town, senders):
    """Lives of drums, each sent by a sender of its own, event by event: the order differs, the items do not."""
    codes = town.issue(24)
    town.slow.gate.set()
    reopen(town, group_size=5)

    def live(code):
        steps = (make_wire(town, code), sell_wire(town, code))
        return [town.ledger.submit(wire) for wire in (*steps, steps[0])]

    outcomes = [outcome for lived in senders.map(live, codes) for outcome in lived]
    assert all(isinstance(outcome, Admitted) for outcome in outcomes)
    indices = [outcome.index for outcome in outcomes if not outcome.duplicate]
    assert sorted(indices) == list(range(town.ledger.size - 48, town.ledger.size))
    assert [] == audit(town)
