"""Alerts and the accused: it may explain, and no explanation undoes what was decided."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chemtrace.bootstrap import Application, open_application
from chemtrace.core.statement import Statement, encode_wire
from chemtrace.ledger.outcome import Admitted
from tests.security.attacker import refusal
from tests.seeded_ledger import AUTHORITY, DEALER, MAKER, USER, Seeded, seed_ledger


@pytest.fixture
def seeded(tmp_path: Path) -> Seeded:
    return seed_ledger(tmp_path / "ledger", codes=5)


@pytest.fixture
def application(seeded: Seeded) -> Iterator[Application]:
    opened = open_application(seeded.settings)
    yield opened
    opened.close()


@pytest.fixture
def handle(seeded: Seeded, application: Application) -> Iterator[Callable[[str, str], str | None]]:
    """Two sales of one drum, and a way to handle the alert about them; gives what refuses it, if anything does."""
    hands, (code,) = seeded.hands, seeded.take_codes(1)
    authority = application.authority.signing().key

    def send(statement: Statement) -> str | None:
        outcome = application.ledger.submit(encode_wire(statement))
        if isinstance(outcome, Admitted):
            hands.follow(statement)
        application.ledger.publish(force=True)
        return refusal(outcome)

    send(hands.items(MAKER, "produce", "make", (code, "25"), site="S-MAKER"))
    send(hands.items(MAKER, "trade", "sell", (code, None), counterparty=DEALER))
    assert send(hands.items(MAKER, "trade", "sell", (code, None), counterparty=USER)) == "item.double-sale"

    def handling(who: str, phase: str) -> str | None:
        payload = {"alert": the_alert(application)["id"], "remark": "as it was"}
        signers = [authority] if who == AUTHORITY else None
        return send(hands.statement(who, "alert", phase, payload, signers=signers))

    return handling


def the_alert(application: Application) -> dict[str, object]:
    (found,) = application.reads.alerts(detector="C4", limit=10).rows
    return found


@pytest.mark.parametrize("phase", ["acknowledge", "assign", "confirm", "dismiss"])
def test_the_accused_decides_nothing(application, handle, phase: str) -> None:
    assert handle(MAKER, phase) == "key.role"
    assert the_alert(application)["status"] == "open"


def test_a_party_that_is_not_concerned_explains_nothing(application, handle) -> None:
    assert handle(USER, "explain") == "key.role"
    assert the_alert(application)["status"] == "open"


@pytest.mark.parametrize(("phase", "status"), [("confirm", "confirmed"), ("dismiss", "dismissed")])
def test_an_explanation_after_the_decision_is_noted_and_changes_nothing(
    application, handle, phase: str, status: str
) -> None:
    assert handle(MAKER, "explain") is None
    assert the_alert(application)["status"] == "explained"
    assert handle(AUTHORITY, phase) is None
    assert handle(MAKER, "explain") is None
    alert = the_alert(application)
    assert alert["status"] == status
    assert [step["status"] for step in alert["steps"]] == ["explained", status, status]
    assert handle(AUTHORITY, "acknowledge") is None
    assert the_alert(application)["status"] == "acknowledged"
