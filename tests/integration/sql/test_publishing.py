"""Epochs, checkpoints, start-up and two writers: on SQLite and PostgreSQL alike."""

import pytest

from chemtrace.core.checkpoint import verify_checkpoint
from chemtrace.core.errors import (
    ChainBrokenError,
    CheckpointForkError,
    CheckpointMismatchError,
    ClockError,
    IndexGapError,
    TreeBrokenError,
    VaultLostError,
)
from chemtrace.core.note import make_verifier
from chemtrace.ledger.ledger import Ledger
from chemtrace.ledger.outcome import Admitted
from chemtrace.ledger.publish import CLOCK_SLACK_US
from tests.integration.audit.town import MAKER, MINUTE_US, ORIGIN, Town


@pytest.fixture
def town(database_url):
    """A founded ledger with three enterprises."""
    town = Town(database_url)
    yield town
    town.close()


def reopened(town):
    """A second ledger object over the same store, as after a restart."""
    return Ledger(town.ledger._parts)


def make(town, code):
    return town.do_items(MAKER, "produce", "make", [(code, "25")], site="S-MAKER")


def test_a_checkpoint_covers_everything_before_it_and_verifies(town):
    checkpoint = town.ledger.publish(force=True)
    verifier = make_verifier(ORIGIN, town.keys["log"].public.raw)
    verified, _ = verify_checkpoint(town.ledger.checkpoint(), ORIGIN, [verifier])
    assert checkpoint == verified
    assert town.ledger.size == checkpoint.size


def test_publishing_nothing_new_does_nothing_unless_forced(town):
    size = town.ledger.size
    assert town.ledger.publish() is None
    assert size == town.ledger.size
    assert town.ledger.publish(force=True) is not None
    assert size + 1 == town.ledger.size


def test_log_time_stands_still_for_a_small_step_back_and_refuses_a_large_one(town):
    log_time = town.ledger.log_time
    town.clock.us = log_time - CLOCK_SLACK_US
    town.ledger.publish(force=True)
    assert log_time == town.ledger.log_time
    town.clock.us = log_time - CLOCK_SLACK_US - 1
    size = town.ledger.size
    with pytest.raises(ClockError):
        town.ledger.publish(force=True)
    assert size == town.ledger.size


def test_a_clock_that_is_set_right_again_publishes_on(town):
    """A wrong clock holds up the epochs, not the admission, and only for as long as it is wrong."""
    [code] = town.issue(1)
    town.ledger.publish()
    right = town.clock.us
    town.clock.us = right - 10 * MINUTE_US
    with pytest.raises(ClockError):
        town.ledger.publish(force=True)
    assert isinstance(make(town, code), Admitted)
    town.clock.us = right + MINUTE_US
    assert town.ledger.publish() is not None


def test_a_restart_goes_on_where_the_log_ended(town):
    one, two = town.issue(2)
    first = make(town, one)
    again = reopened(town)
    assert first.index + 1 == again.size
    town.ledger.close()
    town.ledger = again
    assert first.index + 1 == make(town, two).index


def test_a_restart_signs_the_epoch_whose_checkpoint_a_crash_left_out(town):
    """Between the end of the epoch's transaction and the signature the process died."""
    from chemtrace.ledger.publish import cut_epoch

    town.issue(1)
    cut_epoch(town.store, town.ledger._memory, town.clock.us, force=True)
    size = town.ledger.size
    with town.store.read() as transaction:
        assert transaction.checkpoint(size) is None
    reopened(town).close()
    with town.store.read() as transaction:
        assert transaction.checkpoint(size) is not None


def test_two_writers_on_one_database_take_turns(town):
    """Only PostgreSQL is open to several processes; the rule is the same: the head row orders them."""
    codes = town.issue(6)
    other = reopened(town)
    mine = town.ledger
    indexes = []
    for at, code in enumerate(codes):
        town.ledger = (mine, other)[at % 2]
        indexes.append(make(town, code).index)
    assert list(range(indexes[0], indexes[0] + 6)) == indexes
    town.ledger = mine
    other.close()


def test_what_one_writer_registers_the_other_knows(town):
    other = reopened(town)
    [code] = town.issue(1)
    town.ledger, mine = other, town.ledger
    assert isinstance(make(town, code), Admitted)
    town.ledger = mine
    other.close()


def spoil(town, sql):
    """Change rows past the guards, as somebody with the database in hand would."""
    with town.database.write() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        else:
            triggers = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            for name in triggers.scalars().all():
                connection.exec_driver_sql(f"DROP TRIGGER {name}")
        connection.exec_driver_sql(sql)


@pytest.mark.parametrize(
    ("sql", "error"),
    [
        ("DELETE FROM entry WHERE idx = (SELECT max(idx) FROM entry)", IndexGapError),
        ("UPDATE log_head SET size = size + 1", IndexGapError),
        ("UPDATE log_head SET chain = leaf FROM entry WHERE entry.idx = 0", ChainBrokenError),
        ("DELETE FROM tile", TreeBrokenError),
    ],
)
def test_does_not_start_on_records_that_contradict_themselves(town, sql, error):
    spoil(town, sql)
    with pytest.raises(error):
        reopened(town)


def test_does_not_start_on_tiles_that_are_not_those_signed(town):
    with town.store.write() as transaction:
        hashes = transaction.tile(0, 0)
        transaction.store_tiles([(0, 0, hashes[32:64] + hashes[32:])])
    with pytest.raises(CheckpointMismatchError):
        reopened(town)


def test_does_not_start_where_the_vault_has_signed_more(town):
    """A backup was restored: going on would fork the log."""
    town.vault.last = (town.ledger.size + 5, bytes(32))
    with pytest.raises(CheckpointForkError):
        reopened(town)


def test_does_not_start_where_the_vault_has_forgotten_what_it_signed(town):
    """Its folder was removed: nothing would keep an older copy of these rows from being signed as the log."""
    town.vault.last = None
    with pytest.raises(VaultLostError):
        reopened(town)
