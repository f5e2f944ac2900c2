"""The detectors behind a real ledger: what they are shown of late events and unknown codes, live and read back."""

import secrets

import msgspec
import pytest

from chemtrace.adapters.sql.following import FlowFollower
from chemtrace.adapters.sql.rows import fetch, run_many
from chemtrace.core.errors import EvidenceError, LedgerStoppedError
from chemtrace.core.serials import issue_codes
from chemtrace.core.statement import build_statement, encode_wire
from chemtrace.core.times import format_utc
from chemtrace.flow.alert import parse_alert
from chemtrace.flow.observation import Fault
from chemtrace.ledger.ledger import Ledger
from chemtrace.ledger.outcome import Admitted, Refused
from tests.integration.audit.town import AUTHORITY, MAKER, MASTER, MINUTE_US, USER, Town

HOUR_US = 60 * MINUTE_US


@pytest.fixture
def town(database_url):
    """A founded ledger with three enterprises, and the detectors behind it."""
    town = Town(database_url)
    reopen(town)
    yield town
    town.close()


def reopen(town):
    """The ledger after a restart, with a follower of its own."""
    parts = msgspec.structs.replace(town.ledger._parts, followers=(FlowFollower(town.database),))
    town.ledger.close()
    town.ledger = Ledger(parts)
    town.ledger.wait_for_detectors()


def alerts(town):
    """Every alert as (detector, status), by detector."""
    with town.database.read() as connection:
        rows = fetch(connection, "SELECT doc FROM alert ORDER BY detector, id")
    return [parse_alert(bytes(doc)) for (doc,) in rows]


def told(town):
    return [(alert.detector, alert.status) for alert in alerts(town)]


def pass_time(town, hours):
    town.clock.us += hours * HOUR_US
    town.publish()


def forget(town):
    """Leave no trace of the detectors: the next epoch makes them read the whole log again."""
    with town.database.write() as connection:
        for table in ("alert", "watch"):
            run_many(connection, f"DELETE FROM {table}", [()])
        run_many(connection, "UPDATE flow_position SET idx = 0, refusal_id = 0", [()])
    reopen(town)


def produce_late(town, code, mass, at_us):
    """The maker's phone was offline: it says now, without knowing the head, what it did then."""
    wire = encode_wire(
        build_statement(
            kind="produce",
            phase="make",
            enterprise=MAKER,
            signers=[town.keys[MAKER]],
            iat=format_utc(town.clock.us),
            subjects=[(code, None)],
            payload={
                "at": format_utc(at_us),
                "nonce": secrets.token_hex(16),
                "items": [{"code": code, "quantity": {"value": mass, "unit": "KGM"}}],
                "site": "S-MAKER",
            },
        )
    )
    outcome = town.ledger.submit(wire)
    assert isinstance(outcome, Admitted), outcome.error.problem()


def lose_predecessors(town, codes):
    """Three uses name events that never came here: each is refused and kept."""
    for code in codes:
        head = town.heads[code]
        town.heads[code] = secrets.token_hex(32)
        items = [{"code": code, "quantity": {"value": "1", "unit": "KGM"}}]
        outcome = town.ledger.submit(town.wire(MAKER, "use", "consume", [code], items=items))
        assert isinstance(outcome, Refused)
        assert "prev.unknown" == outcome.error.code
        town.heads[code] = head


def test_raises_a_stream_with_a_hole_unless_the_key_signs_again_on_the_true_heads(town):
    codes = town.issue(3)
    for code in codes:
        town.do_items(MAKER, "produce", "make", [(code, "25")])
    lose_predecessors(town, codes)
    town.publish()
    for code in codes:
        town.do_items(MAKER, "use", "consume", [(code, "1")])
    pass_time(town, 30)
    assert [] == told(town)
    lose_predecessors(town, codes)
    pass_time(town, 30)
    assert [("D4", "open")] == told(town)
    assert codes[-1] in alerts(town)[0].explanation_en


def test_tells_of_broken_records_that_stop_the_writing_and_goes_on_telling(town):
    [code, _] = town.issue(2)
    town.do_items(USER, "use", "consume", [(code, "5")])
    with town.database.write() as connection:
        run_many(connection, "DELETE FROM tile", [()])
    with pytest.raises(EvidenceError):
        town.ledger.publish(force=True)
    assert "evidence.tree" == town.ledger.health()["stopped"]
    [alert] = alerts(town)
    assert ("D4", "open", 1, town.clock.us) == (
        alert.detector,
        alert.status,
        alert.severity,
        alert.raised_us,
    )
    assert "evidence.tree" in alert.explanation_zh
    with pytest.raises(LedgerStoppedError):
        town.ledger.publish(force=True)
    with pytest.raises(EvidenceError):
        reopen(town)
    assert [alert.id] == [known.id for known in alerts(town)], "one fault found twice is one alert"


def test_tells_of_broken_records_found_at_start(town):
    with town.database.write() as connection:
        run_many(connection, "UPDATE log_head SET size = size + 1", [()])
    with pytest.raises(EvidenceError):
        reopen(town)
    assert [("D4", "open")] == told(town)
    assert "evidence.index-gap" == alerts(town)[0].observed


def test_keeps_the_alert_of_a_fault_that_was_mended_until_a_person_closes_it(town):
    with town.database.write() as connection:
        run_many(connection, "UPDATE log_head SET size = size + 1", [()])
    with pytest.raises(EvidenceError):
        reopen(town)
    with town.database.write() as connection:
        run_many(connection, "UPDATE log_head SET size = size - 1", [()])
    reopen(town)
    pass_time(town, 200)
    [alert] = alerts(town)
    assert "open" == alert.status
    town.do(AUTHORITY, "alert", "dismiss", [f"alert:{alert.id}"], alert=alert.id, remark="restored")
    town.publish()
    assert [("D4", "dismissed")] == told(town)


def test_meets_the_faults_that_an_audit_wrote_beside_it(town):
    town.publish()
    fault = Fault(code="evidence.item", index=3, detail="computed a, stored b", found_us=town.clock.us)
    FlowFollower(town.database).record_faults([fault])
    town.publish()
    [alert] = alerts(town)
    assert ("D4", "open", 3) == (alert.detector, alert.status, alert.evidence[0].index)
    town.do(AUTHORITY, "alert", "dismiss", [f"alert:{alert.id}"], alert=alert.id, remark="index built anew")
    town.publish()
    reopen(town)
    town.publish()
    assert [("D4", "dismissed")] == told(town)


def test_says_nothing_of_a_clock_that_was_set_back(town):
    town.clock.us -= 10 * HOUR_US
    with pytest.raises(EvidenceError):
        town.ledger.publish(force=True)
    town.clock.us += 11 * HOUR_US
    town.publish()
    assert [] == told(town)


def test_raises_a_code_outside_every_issued_range_at_once(town):
    town.issue(1)
    [never] = issue_codes(master=MASTER, kind="P", slot="005", issuer="7K2M", start=900, count=1)
    town.do_items(USER, "use", "consume", [(never, "5")], site="S-USER")
    town.publish()
    assert [("C1", "open")] == told(town)
    assert "issued range" == alerts(town)[0].threshold


def test_waits_for_the_producer_of_a_code_that_was_issued(town):
    [code] = town.issue(1)
    town.do_items(USER, "use", "consume", [(code, "5")], site="S-USER")
    pass_time(town, 71)
    assert [] == told(town)
    pass_time(town, 2)
    assert [("C1", "open")] == told(town)


@pytest.mark.parametrize(("user", "expected"), [(MAKER, "Q1"), (USER, "C2")])
def test_judges_an_older_event_again_when_a_late_one_shows_it_in_another_light(town, user, expected):
    [code] = town.issue(1)
    town.publish()
    made_at = town.clock.us
    town.clock.us += HOUR_US
    used = town.do_items(user, "use", "consume", [(code, "50")])
    town.publish()
    town.clock.us += 5 * HOUR_US
    produce_late(town, code, "40", made_at)
    pass_time(town, 25)
    assert [(expected, "open")] == told(town)
    assert used.index == alerts(town)[0].evidence[0].index


def test_shows_the_same_when_the_log_is_read_back(town):
    [code, other] = town.issue(2)
    town.publish()
    made_at = town.clock.us
    town.clock.us += HOUR_US
    town.do_items(USER, "use", "consume", [(code, "50")])
    [never] = issue_codes(master=MASTER, kind="P", slot="005", issuer="7K2M", start=900, count=1)
    town.do_items(USER, "use", "consume", [(never, "5")])
    town.do_items(USER, "use", "consume", [(other, "5")])
    town.publish()
    produce_late(town, code, "40", made_at)
    pass_time(town, 80)
    before = {(alert.detector, alert.codes, alert.status) for alert in alerts(town)}
    assert {"C1", "C2"} == {detector for detector, _, _ in before}
    forget(town)
    town.publish()
    assert before == {(alert.detector, alert.codes, alert.status) for alert in alerts(town)}
