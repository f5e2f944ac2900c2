"""The detectors' own thread: publication does not wait for it, and what it was not shown is read back."""

import threading
import time

import pytest

from chemtrace.adapters.sql.following import FlowFollower
from tests.integration.audit.town import MAKER
from tests.integration.sql.test_following import FollowedTown


class HeldFollower(FlowFollower):
    """A follower that waits at a gate before each epoch, and may be gone for good."""

    def __init__(self, database):
        super().__init__(database)
        self.gate = threading.Event()
        self.gate.set()
        self.gone = False
        self.shown = 0

    def follow(self, epoch, seen, registry):
        self.gate.wait(20)
        if not self.gone:
            super().follow(epoch, seen, registry)
            self.shown += 1


class HeldTown(FollowedTown):
    def follow(self):
        super().follow()
        parts = self.ledger._parts
        self.held = HeldFollower(self.database)
        self.ledger.close()
        fields = {name: getattr(parts, name) for name in parts.__struct_fields__}
        self.ledger = type(self.ledger)(type(parts)(**{**fields, "followers": (self.held,)}))
        self.ledger.wait_for_detectors()

    def publish(self):
        self.clock.us += 60_000_000
        held = getattr(self, "held", None)
        self.ledger.publish(force=True, watched=held is None or held.gate.is_set())


@pytest.fixture
def town(database_url):
    town = HeldTown(database_url)
    town.follow()
    yield town
    town.held.gate.set()
    town.close()


@pytest.fixture
def undisturbed(sqlite_databases):
    town = FollowedTown(sqlite_databases.create())
    town.follow()
    town.trouble()
    yield sorted(alert[1] for alert in town.alerts())
    town.close()


def test_publication_goes_on_while_a_detector_is_slow(town):
    town.held.gate.clear()
    before = town.ledger.checkpoint()
    town.trouble()
    assert before != town.ledger.checkpoint()
    assert [] == town.alerts()
    assert town.ledger.health()["writable"]
    town.held.gate.set()
    town.ledger.wait_for_detectors()
    assert len(town.alerts()) >= 2


def test_no_write_lock_is_held_while_a_detector_computes(town, monkeypatch):
    """A statement is admitted in the middle of a step."""
    from chemtrace.flow.engine import Engine

    codes = town.issue(2)
    inside, go_on = threading.Event(), threading.Event()
    plain = Engine.tick

    def tick(*arguments):
        inside.set()
        go_on.wait(20)
        return plain(*arguments)

    monkeypatch.setattr(Engine, "tick", tick)
    town.ledger.publish(force=True, watched=False)
    assert inside.wait(10)
    start = time.monotonic()
    town.do_items(MAKER, "produce", "make", [(codes[0], "25")], site="S-MAKER")
    assert time.monotonic() - start < 5
    go_on.set()
    town.ledger.wait_for_detectors()
    assert town.ledger.health()["detectors"] == "ok"


def test_what_was_published_before_a_crash_and_not_shown_is_read_back(town, undisturbed):
    """The process ends between the commits and the detectors: the next one misses nothing and doubles nothing."""
    town.held.gate.clear()
    town.trouble()
    town.held.gone = True
    town.held.gate.set()
    town.follow()
    assert undisturbed == sorted(alert[1] for alert in town.alerts())
    with town.database.read() as connection:
        position = connection.exec_driver_sql("SELECT idx FROM flow_position").scalar()
    assert town.ledger.size == position


def test_a_step_that_was_computed_and_not_written_is_taken_again(town, undisturbed, monkeypatch):
    """As after a kill between the computing and the commit: nothing is skipped, nothing is there twice."""
    from chemtrace.adapters.sql import following

    plain, failures = following._write, []

    def fail_once(*arguments):
        if len(failures) < 2:
            failures.append(1)
            raise OSError
        plain(*arguments)

    monkeypatch.setattr(following, "_write", fail_once)
    town.trouble()
    town.publish()
    assert undisturbed == sorted(alert[1] for alert in town.alerts())
    assert town.ledger.health()["detectors"] == "ok"


def test_many_epochs_behind_are_caught_up_with_in_steps(town, undisturbed, monkeypatch):
    monkeypatch.setattr("chemtrace.adapters.sql.following.EPOCHS_A_STEP", 2)
    town.held.gate.clear()
    town.trouble()
    town.held.gone = True
    town.held.gate.set()
    town.follow()
    assert undisturbed == sorted(alert[1] for alert in town.alerts())
