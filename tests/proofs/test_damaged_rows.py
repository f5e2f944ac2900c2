"""Rows that were changed behind the ledger's back never leave as a proof: a named error tells the operator."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from chemtrace.bootstrap import Application, open_application
from chemtrace.core.bundle.text import encode_bundle_text
from chemtrace.core.bundle.verify import verify_bundle
from chemtrace.core.errors import EvidenceError
from chemtrace.core.statement import Opening, encode_wire
from chemtrace.ledger.outcome import Admitted
from chemtrace.registry import office
from tests.seeded_ledger import MAKER, Seeded, item_lines, seed_ledger


@pytest.fixture
def played(tmp_path: Path) -> tuple[Seeded, str]:
    """A closed ledger with a drum of three events, and its code."""
    seeded = seed_ledger(tmp_path / "ledger")
    code = seeded.take_codes(1)[0]
    application = open_application(seeded.settings)
    try:
        for kind, phase, payload in (
            ("produce", "make", {"items": item_lines((code, "25")), "site": "S-MAKER"}),
            ("inspect", "done", {"items": item_lines((code, None)), "result": "pass"}),
            ("inspect", "done", {"items": item_lines((code, None)), "result": "note"}),
        ):
            statement = seeded.hands.statement(MAKER, kind, phase, payload)
            assert isinstance(application.ledger.submit(encode_wire(statement)), Admitted)
            seeded.hands.follow(statement)
        application.ledger.publish(force=True)
    finally:
        application.close()
    return seeded, code


@pytest.fixture
def database(played: tuple[Seeded, str]) -> Iterator[sqlite3.Connection]:
    """Its file, opened by somebody who has taken the guards away."""
    connection = sqlite3.connect(played[0].folder / "ledger.db", isolation_level=None)
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f'DROP TRIGGER "{name}"')
    yield connection
    connection.close()


@pytest.fixture
def reading(played: tuple[Seeded, str]) -> Iterator[Application]:
    application = open_application(played[0].settings, read_only=True)
    yield application
    application.close()


TAMPERINGS = {
    "an event taken out of the history": (
        "DELETE FROM subject_entry WHERE subject = :code AND idx = (SELECT max(idx) FROM subject_entry"
        " WHERE subject = :code)"
    ),
    "an event of another put in": (
        "INSERT INTO subject_entry SELECT :code, idx, 1 FROM subject_entry WHERE subject LIKE 'site:%' LIMIT 1"
    ),
    "an entry changed": (
        "UPDATE entry SET body = zeroblob(length(body)) WHERE idx ="
        " (SELECT max(idx) FROM subject_entry WHERE subject = :code)"
    ),
    "a payload changed": (
        "UPDATE payload SET body = CAST(replace(body, '\"25\"', '\"26\"') AS BLOB) WHERE idx ="
        " (SELECT min(idx) FROM subject_entry WHERE subject = :code)"
    ),
    "a page of the map taken away": "DELETE FROM map_page WHERE path = ''",
    "a page of the map exchanged": (
        "UPDATE map_page SET hashes = (SELECT hashes FROM map_page ORDER BY version LIMIT 1)"
        " WHERE version = (SELECT max(version) FROM map_page)"
    ),
}


@pytest.mark.parametrize("statement", TAMPERINGS.values(), ids=TAMPERINGS)
def test_a_changed_row_ends_in_evidence_and_not_in_a_bundle(
    played: tuple[Seeded, str], database: sqlite3.Connection, reading: Application, statement: str
) -> None:
    _, code = played
    assert verify_bundle(encode_bundle_text(reading.reads.bundle(code)), reading.trust).count == 3
    changed = database.execute(statement.replace(":code", f"'{code}'")).rowcount
    assert changed > 0
    with pytest.raises(EvidenceError):
        reading.reads.bundle(code)


def test_a_payload_that_is_gone_is_a_hole_and_no_fault(
    played: tuple[Seeded, str], database: sqlite3.Connection, reading: Application
) -> None:
    _, code = played
    database.execute(
        f"DELETE FROM payload WHERE idx = (SELECT max(idx) FROM subject_entry WHERE subject = '{code}')"
    )
    verdict = verify_bundle(encode_bundle_text(reading.reads.bundle(code)), reading.trust)
    assert [event.payload is None for event in verdict.events] == [False, False, True]
    assert "payloads" in {gap.code for gap in verdict.not_checked}


def test_erased_personal_values_change_no_proof(tmp_path: Path) -> None:
    seeded = seed_ledger(tmp_path / "ledger")
    code = seeded.take_codes(1)[0]
    application = open_application(seeded.settings)
    try:
        opening = Opening(bytes(16), "张三")
        payload = {"items": item_lines((code, "25")), "site": "S-MAKER", "note": opening.digest}
        made = seeded.hands.statement(MAKER, "produce", "make", payload, openings=(opening,))
        assert isinstance(application.ledger.submit(encode_wire(made)), Admitted)
        application.ledger.publish(force=True)
        before = verify_bundle(encode_bundle_text(application.reads.bundle(code)), application.trust)
        event = made.event_id.hex()
        application.authority.submit(
            office.erase_openings(
                application.authority.signing(), event=event, reason="asked", subjects={code: event}
            )
        )
        application.ledger.publish(force=True)
        data = encode_bundle_text(application.reads.bundle(code))
        after = verify_bundle(data, application.trust)
        assert [one.kind for one in after.events] == ["produce", "erase"]
        assert after.events[0] == before.events[0]
        assert "张三".encode() not in data
    finally:
        application.close()
