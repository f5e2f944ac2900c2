"""Whatever a ledger lawfully went through, on either database and beside a writer, its audit finds nothing wrong."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator

import pytest

from chemtrace.adapters.sql.reads.audit import open_snapshot
from chemtrace.core.base64url import encode_base64url
from chemtrace.core.keys import generate_key, make_key_request
from chemtrace.core.statement import build_statement, encode_wire
from chemtrace.core.times import format_utc
from chemtrace.ledger.audit import AuditReport, verify_log
from chemtrace.ledger.outcome import Admitted, Refused
from tests.integration.audit.quarrel import Quarrel
from tests.integration.audit.town import AUTHORITY, CATALOGUE, DEALER, MAKER, MASTER, MINUTE_US, USER, Town


def audit(town: Town, master: bytes | None = MASTER) -> AuditReport:
    with open_snapshot(town.url) as store:
        return verify_log(store, catalogue=CATALOGUE, master=master)


@pytest.fixture
def town(database_url: str) -> Iterator[Town]:
    town = Town(database_url)
    yield town
    town.close()


def test_a_played_ledger_verifies(town: Town) -> None:
    town.live(3)
    report = audit(town)
    assert report.faults == ()


@pytest.mark.parametrize("seed", range(4))
def test_a_ledger_full_of_contradictions_verifies_with_and_without_the_master_key(
    database_url: str, seed: int
) -> None:
    """An auditor, and who looks at a backup without keys, cannot say which codes were given out."""
    town = Quarrel(database_url)
    town.quarrel(random.Random(seed), 160)
    for master in (MASTER, None):
        assert audit(town, master).faults == ()
    town.close()


def test_a_ledger_with_entries_behind_its_last_epoch_verifies(town: Town) -> None:
    codes = town.live(3)
    town.do_items(DEALER, "use", "consume", [(codes[0], "5")], site="S-DEALER")
    assert audit(town).faults == ()


def test_late_events_and_corrections_verify(town: Town) -> None:
    codes = town.live(3)
    first = town.ledger
    late = dict(town.heads)
    town.do_items(DEALER, "use", "consume", [(codes[0], "1")], site="S-DEALER")
    # A phone that was offline names the head of before.
    town.heads[codes[0]] = late[codes[0]]
    outcome = town.do_items(DEALER, "store", "in", [(codes[0], None)], site="S-DEALER")
    named = town.heads[codes[0]]
    town.do(DEALER, "correct", "done", [codes[0]], event=named, reason="wrong drum")
    town.publish()
    assert first is town.ledger
    assert outcome.index
    assert audit(town).faults == ()


def test_packing_and_repacking_verify(town: Town) -> None:
    drum, one, two = town.issue(3)
    (pallet,) = town.issue(1, kind="A")
    town.do_items(MAKER, "produce", "make", [(drum, "25")], site="S-MAKER")
    mass = {"value": "10", "unit": "KGM"}
    town.do(
        MAKER, "produce", "repack", [drum, one, two], site="S-MAKER",
        inputs=[{"code": drum, "quantity": {"value": "20", "unit": "KGM"}}],
        items=[{"code": one, "quantity": mass}, {"code": two, "quantity": mass}],
    )  # fmt: skip
    inside = [{"code": one}, {"code": two}]
    town.do(MAKER, "pack", "done", [pallet, one, two], container=pallet, items=inside, site="S-MAKER")
    town.do_items(MAKER, "trade", "sell", [(pallet, None)], counterparty=DEALER)
    town.do_items(DEALER, "trade", "buy", [(pallet, None)], counterparty=MAKER, site="S-DEALER")
    town.do(DEALER, "unpack", "done", [pallet, one, two], container=pallet, items=inside, site="S-DEALER")
    town.publish()
    assert audit(town).faults == ()


def test_a_trip_under_a_waybill_verifies(town: Town) -> None:
    (code,) = town.issue(1)
    town.do_items(MAKER, "produce", "make", [(code, "25")], site="S-MAKER")
    now = town.clock.us
    number = "E2026030100001"
    town.do(
        MAKER, "waybill", "scheduled", [f"waybill:{number}"],
        number=number, consignor=MAKER, consignee=USER, carrier=DEALER, origin="S-MAKER", destination="S-USER",
        load_at=format_utc(now + 10 * MINUTE_US), arrive_by=format_utc(now + 600 * MINUTE_US),
        goods=[{
            "un": "1230", "name": "methanol", "class": "3", "packing_group": "II", "package": "drum", "count": 1,
            "mass": {"value": "25", "unit": "KGM"}, "codes": [code],
        }],
        vehicle={"plate": "京A12345"},
    )  # fmt: skip
    subjects = [code, f"waybill:{number}"]
    line = [{"code": code, "quantity": {"value": "25", "unit": "KGM"}}]
    town.do(
        DEALER, "transport", "load", subjects,
        items=line, waybill=number, vehicle="京A12345", counterparty=USER, site="S-MAKER",
    )  # fmt: skip
    town.do(
        USER, "transport", "arrive", subjects,
        items=line, waybill=number, vehicle="京A12345", counterparty=MAKER, site="S-USER",
    )  # fmt: skip
    town.publish()
    assert audit(town).faults == ()


@pytest.mark.parametrize("algorithm", ["p256", "sm2"])
def test_keys_of_every_algorithm_and_their_retirement_verify(town: Town, algorithm: str) -> None:
    codes = town.live(3)
    key = generate_key(algorithm, b"another key of the maker 0123456789")
    register_key(town, key, MAKER, algorithm)
    town.keys[MAKER], old = key, town.keys[MAKER]
    town.do_items(MAKER, "inspect", "done", [(codes[-1], None)], site="S-MAKER", result="pass")
    town.do(
        AUTHORITY, "key", "compromised", [f"key:{old.kid.hex()}"],
        kid=old.kid.hex(), party=MAKER, role="enterprise", algorithm="ed25519",
        spki=encode_base64url(old.public.spki),
    )  # fmt: skip
    town.publish()
    assert audit(town).faults == ()
    town.keys[MAKER] = old
    refused = town.ledger.submit(
        town.wire(
            MAKER, "inspect", "done", [codes[-1]], items=[{"code": codes[-1]}], site="S-MAKER", result="pass"
        )
    )
    assert isinstance(refused, Refused)
    assert audit(town).faults == ()


def test_erased_openings_verify(town: Town) -> None:
    codes = town.live(3)
    town.do(AUTHORITY, "erase", "openings", [codes[0]], event=town.heads[codes[0]], reason="asked for")
    town.publish()
    assert audit(town).faults == ()


def test_an_exception_that_breaks_a_rule_verifies(town: Town) -> None:
    codes = town.live(3)
    town.clock.us += MINUTE_US
    now = format_utc(town.clock.us)
    statement = build_statement(
        kind="trade", phase="sell", enterprise=USER, signers=[town.keys[USER]], iat=now, stance="exception",
        subjects=[(codes[0], town.heads[codes[0]])],
        payload={"at": now, "nonce": "0" * 32, "items": [{"code": codes[0]}], "counterparty": MAKER},
    )  # fmt: skip
    outcome = town.ledger.submit(encode_wire(statement))
    assert isinstance(outcome, Admitted)
    assert outcome.findings == ("item.not-holder",)
    town.publish()
    assert audit(town).faults == ()


def test_an_audit_beside_a_writer_sees_one_moment(town: Town) -> None:
    codes = town.live(3)
    stop = threading.Event()
    errors: list[BaseException] = []

    def write() -> None:
        try:
            while not stop.is_set():
                town.do_items(DEALER, "inspect", "done", [(codes[0], None)], site="S-DEALER", result="pass")
                town.publish()
        except BaseException as error:  # noqa: BLE001  # told to the test's own thread
            errors.append(error)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        reports = [audit(town) for _ in range(5)]
    finally:
        stop.set()
        writer.join()
    assert errors == []
    assert [report.faults for report in reports] == [()] * 5
    assert reports[-1].entries > reports[0].entries


def register_key(town: Town, key: object, party: str, algorithm: str) -> None:
    """Register a further enterprise key."""
    request = make_key_request(key, party, "enterprise")
    kid = key.kid.hex()
    town.do(
        AUTHORITY, "key", "register", [f"key:{kid}"],
        kid=kid, party=party, role="enterprise", algorithm=algorithm,
        spki=encode_base64url(key.public.spki), request=encode_base64url(request),
        **({"sm2_id": key.public.sm2_id} if algorithm == "sm2" else {}),
    )  # fmt: skip
