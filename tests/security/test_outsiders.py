"""A registered enterprise with no part in a drum: it is heard, named as an outsider, and cannot go on for ever."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient

from chemtrace.adapters.sql.reads.audit import open_snapshot
from chemtrace.bootstrap import open_application
from chemtrace.core.bundle.text import encode_bundle_text
from chemtrace.core.statement import Statement, encode_wire
from chemtrace.entrypoints.api.app import create_app
from chemtrace.ledger.audit import verify_log
from chemtrace.ledger.outcome import Outcome, Refused
from chemtrace.trace.outsiders import FOREIGN_LIMIT
from tests.integration.audit.town import AUTHORITY, CATALOGUE, DEALER, MAKER, MASTER, MINUTE_US, USER, Town
from tests.security.attacker import findings, lines, refusal, say
from tests.seeded_ledger import CARRIER, seed_ledger
from tests.seeded_ledger import MAKER as SEEDED_MAKER
from tests.seeded_ledger import USER as SEEDED_USER

JSON = {"Content-Type": "application/json"}


@pytest.fixture
def drums(town: Town) -> list[str]:
    """Three drums of the maker."""
    codes = town.issue(3)
    for code in codes:
        town.do_items(MAKER, "produce", "make", [(code, "25")], site="S-MAKER")
    return codes


def look(town: Town, who: str, *codes: str, stance: str = "normal") -> Outcome:
    return say(
        town, who, "inspect", "done", codes, items=lines(*codes), result="note", stance=stance,
    )  # fmt: skip


def test_a_flood_of_reports_ends_and_the_ledger_verifies(town: Town, drums: list[str]) -> None:
    for _ in range(FOREIGN_LIMIT):
        assert findings(look(town, USER, *drums)) == ("item.foreign-report",)
    size = town.ledger.size
    assert refusal(look(town, USER, *drums)) == "item.foreign-limit"
    assert refusal(look(town, USER, drums[0], stance="exception")) == "item.foreign-limit"
    assert town.ledger.size == size
    assert findings(look(town, DEALER, drums[0])) == ("item.foreign-report",)
    assert findings(look(town, MAKER, *drums)) == ()
    town.publish()
    with open_snapshot(town.url) as store:
        assert verify_log(store, catalogue=CATALOGUE, master=MASTER).faults == ()


def test_one_foreign_drum_in_an_event_stops_it_whole_and_names_itself(town: Town, drums: list[str]) -> None:
    for _ in range(FOREIGN_LIMIT):
        look(town, USER, drums[1])
    outcome = look(town, USER, *drums)
    assert isinstance(outcome, Refused)
    assert outcome.error.fields["item"] == drums[1]
    sides = outcome.error.fields["sides"]
    assert (sides["holder"], sides["actor"], sides["expected"]) == (MAKER, USER, str(FOREIGN_LIMIT))
    assert USER in str(outcome.error.fields["text_zh"])


def test_a_backdated_find_takes_no_drum_from_its_maker(town: Town, drums: list[str]) -> None:
    """Nobody becomes the holder of another's drum by saying that it was here before it was made."""
    told = say(
        town, USER, "store", "in", [drums[0]], items=lines(drums[0]), site="S-USER",
        prevs={drums[0]: None}, at_us=town.clock.us - 600 * MINUTE_US,
    )  # fmt: skip
    assert "late.superseded" in findings(told)
    sold = say(town, MAKER, "trade", "sell", [drums[0]], items=lines(drums[0]), counterparty=DEALER)
    assert findings(sold) == ()


def test_regulators_look_as_often_as_they_must(town: Town, drums: list[str]) -> None:
    record = {"name_zh": "检查", "name_en": "Inspection", "roles": ["regulator"]}
    town.do(AUTHORITY, "enterprise", "update", [f"enterprise:{USER}"], enterprise=USER, **record)
    for _ in range(FOREIGN_LIMIT + 2):
        assert findings(look(town, USER, *drums)) == ()


def test_over_http_a_drum_that_strangers_talk_about_keeps_a_proof_that_can_be_carried(
    tmp_path: Path,
) -> None:
    """Two strangers say all that they may, each time about as many drums as one event has room for."""
    seeded = seed_ledger(tmp_path / "ledger", codes=255)
    codes, hands = seeded.take_codes(255), seeded.hands
    application = open_application(seeded.settings)
    try:
        client = TestClient(create_app(application))

        def post(made: Statement) -> httpx.Response:
            answer = client.post("/v1/events", content=encode_wire(made), headers=JSON)
            if answer.status_code == 201:
                hands.follow(made)
            return answer

        drums = [(code, "25") for code in codes]
        assert post(hands.items(SEEDED_MAKER, "produce", "make", *drums, site="S-MAKER")).status_code == 201
        named = [(code, None) for code in codes]
        for who in (SEEDED_USER, CARRIER):
            for _ in range(FOREIGN_LIMIT):
                heard = post(hands.items(who, "inspect", "done", *named, result="note"))
                assert heard.status_code == 201, heard.text
            refused = post(hands.items(who, "inspect", "done", *named, result="note"))
            assert refused.status_code == 409
            problem = refused.json()["fields"]
            assert problem["rule_id"] == "item.foreign-limit"
            assert (problem["sides"]["holder"], problem["sides"]["actor"]) == (SEEDED_MAKER, who)
            assert who in problem["text_zh"]
        application.ledger.publish(force=True)
        proof = encode_bundle_text(application.reads.bundle(codes[0]))
        assert len(proof) < 4 * 1_048_576, "of 8 MiB that a proof file may have"
    finally:
        application.close()
