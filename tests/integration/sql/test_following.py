"""The detectors behind the log: alerts appear at the epoch, survive a crash, and come out the same when read back."""

import pytest

from chemtrace.adapters.sql.following import FlowFollower
from chemtrace.ledger.ledger import Ledger
from chemtrace.ledger.outcome import Refused
from tests.integration.audit.town import AUTHORITY, DEALER, MAKER, MINUTE_US, USER, Town

DAY_US = 24 * 60 * MINUTE_US


class FollowedTown(Town):
    """A town whose ledger has detectors."""

    def follow(self):
        parts = self.ledger._parts
        self.ledger.close()
        fields = {name: getattr(parts, name) for name in parts.__struct_fields__}
        self.ledger = Ledger(type(parts)(**{**fields, "followers": (FlowFollower(self.database),)}))
        self.ledger.wait_for_detectors()

    def alerts(self):
        with self.database.read() as connection:
            rows = connection.exec_driver_sql("SELECT id, status, doc FROM alert ORDER BY id").all()
        return [(id_, status, bytes(doc)) for id_, status, doc in rows]

    def trouble(self):
        """A double sale that is refused and kept, a use by a stranger, and days that pass."""
        one, two = self.issue(2)
        for code in (one, two):
            self.do_items(MAKER, "produce", "make", [(code, "25")], site="S-MAKER")
        self.do_items(MAKER, "trade", "sell", [(one, None)], counterparty=DEALER)
        wire = self.wire(MAKER, "trade", "sell", [one], items=[{"code": one}], counterparty=USER)
        refused = self.ledger.submit(wire)
        assert isinstance(refused, Refused)
        self.publish()
        self.do_items(USER, "use", "consume", [(two, "5")], site="S-USER")
        self.publish()
        self.clock.us += 5 * DAY_US
        self.publish()


@pytest.fixture
def town(database_url):
    town = FollowedTown(database_url)
    town.follow()
    yield town
    town.close()


def test_alerts_are_written_at_the_epoch_and_the_position_moves(town):
    town.trouble()
    assert town.ledger.health()["detectors"] == "ok"
    assert len(town.alerts()) >= 2
    with town.database.read() as connection:
        position = connection.exec_driver_sql("SELECT idx FROM flow_position").scalar()
    assert town.ledger.size == position


def test_reading_the_log_back_gives_the_same_alerts(town):
    """As after a crash right behind the first entry: nothing in memory, everything read from the rows."""
    town.trouble()
    live = town.alerts()
    with town.database.write() as connection:
        for table in ("alert", "watch"):
            connection.exec_driver_sql(f"DELETE FROM {table}")
        connection.exec_driver_sql("UPDATE flow_position SET idx = 0, refusal_id = 0")
    town.follow()
    assert town.ledger.health()["detectors"] == "ok"
    assert live == town.alerts()


def test_what_is_read_twice_is_counted_once(town):
    town.trouble()
    before = town.alerts()
    town.follow()
    town.ledger.publish()
    assert before == town.alerts()


def test_an_alert_is_handled_by_an_event_of_the_authority_and_by_nobody_else(town):
    town.trouble()
    alert = town.alerts()[0][0]
    refused = town.ledger.submit(town.wire(USER, "alert", "dismiss", [f"alert:{alert}"], alert=alert))
    assert "key.role" == refused.error.code
    town.heads.pop(f"alert:{alert}")
    town.do(AUTHORITY, "alert", "acknowledge", [f"alert:{alert}"], alert=alert)
    town.publish()
    assert "acknowledged" == next(status for id_, status, _ in town.alerts() if id_ == alert)


def test_a_detector_with_a_defect_holds_up_the_alerts_and_not_the_log(town, monkeypatch):
    """Health names it; once it is mended, what was missed is read back."""
    from chemtrace.flow.engine import Engine

    def fail(*_):
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(Engine, "observe", fail)
        town.trouble()
        assert "ZeroDivisionError" in town.ledger.health()["detectors"]
        assert [] == town.alerts()
    town.publish()
    assert town.ledger.health()["detectors"] == "ok"
    assert len(town.alerts()) >= 2
