"""When the records contradict themselves nothing is written any more, and the alert that says so can still be read."""

import json
import sqlite3
import urllib.request
from pathlib import Path

import pytest

from chemtrace.bootstrap import open_application
from chemtrace.core.errors import EvidenceError, GuardMissingError
from chemtrace.entrypoints.cli.exit_codes import ExitCode
from chemtrace.entrypoints.cli.main import main
from tests.seeded_ledger import now_us, seed_ledger, serving


def spoil(folder: Path, sql: str) -> None:
    with sqlite3.connect(folder / "ledger.db") as connection:
        connection.execute(sql)


def get_alerts(url: str, token: str) -> list[dict]:
    request = urllib.request.Request(f"{url}/v1/alerts", headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=20) as response:
        return json.load(response)["alerts"]


def test_serves_the_alert_of_what_ended_the_writing(tmp_path):
    seeded = seed_ledger(tmp_path, codes=2)
    application = open_application(seeded.settings)
    try:
        token, _ = application.tokens.create("inspector", now_us=now_us())
        spoil(seeded.folder, "DELETE FROM tile")
        with serving(application) as url:
            assert [] == get_alerts(url, token)
            with pytest.raises(EvidenceError):
                application.ledger.publish(force=True)
            assert application.ledger.health()["writable"] is False
            [alert] = get_alerts(url, token)
    finally:
        application.close()
    assert ("D4", 1, "open") == (alert["detector"], alert["severity"], alert["status"])


def test_serves_the_alert_of_what_an_audit_found_only_if_it_was_asked_to_write_one(tmp_path, monkeypatch):
    seeded = seed_ledger(tmp_path, codes=2)
    application = open_application(seeded.settings)
    try:
        spoil(seeded.folder, "UPDATE site SET doc = X'7b7d' WHERE id = 'S-MAKER'")
        for options, expected in (((), []), (("--alert",), ["D4"])):
            monkeypatch.setattr("sys.argv", ["chemtrace", "verify", "log", "--data", str(tmp_path), *options])
            with pytest.raises(SystemExit) as caught:
                main()
            assert ExitCode.NEGATIVE == caught.value.code
            application.ledger.publish(force=True)
            assert expected == [alert["detector"] for alert in application.reads.alerts().rows]
    finally:
        application.close()


def test_leaves_an_alert_where_a_ledger_without_guards_is_not_opened(tmp_path):
    seeded = seed_ledger(tmp_path, codes=2)
    spoil(seeded.folder, "DROP TRIGGER guard_entry_update")
    with pytest.raises(GuardMissingError):
        open_application(seeded.settings)
    application = open_application(seeded.settings, read_only=True)
    try:
        [alert] = application.reads.alerts().rows
    finally:
        application.close()
    assert ("D4", "evidence.guard") == (alert["detector"], alert["observed"])
