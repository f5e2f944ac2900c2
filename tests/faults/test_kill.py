"""kill -9 at any moment: nothing acknowledged is lost, and the ledger goes on by itself."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from chemtrace.bootstrap import init_ledger, maintenance, open_application
from chemtrace.config import Settings
from chemtrace.core.credit_code import make_credit_code
from chemtrace.core.key_files import encode_private_pem
from chemtrace.core.keys import generate_key, make_key_request

ROOT = Path(__file__).resolve().parents[2]
AUTHORITY = make_credit_code("11110000MB0000001")
MAKER = make_credit_code("91110000MA0000011")
KILLS = 6

pytestmark = pytest.mark.faults


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A founded ledger with one enterprise, its key beside, and one code."""
    settings = Settings(data_dir=tmp_path / "data")
    init_ledger(
        settings,
        authority_name_zh="测试局",
        authority_name_en="Test Bureau",
        credit_code=AUTHORITY,
        origin="log.test/kill",
        label_host="LABEL.TEST",
    )
    application = open_application(settings)
    office = application.authority
    office.register_enterprise(MAKER, name_zh="厂", name_en="Maker", roles=("producer",), issuer="7K2M")
    key = generate_key("ed25519")
    office.register_key(make_key_request(key, MAKER, "enterprise"))
    batch = office.issue(batch="B-1", enterprise=MAKER, kind="P", slot="005", count=1, seal_year=2026)
    [code] = office.codes(kind="P", slot="005", issuer=batch.issuer, start=0, count=1)
    application.close()
    (settings.data_dir / "maker.pem").write_bytes(encode_private_pem(key))
    (settings.data_dir / "maker.txt").write_text(f"{code} {MAKER}")
    return settings


def run_and_kill(settings: Settings, after_s: float) -> list[str]:
    """Let the writer run, kill it, and return the lines it acknowledged whole."""
    output = settings.data_dir.parent / "acknowledged.txt"
    with output.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.writer", str(settings.data_dir)], cwd=ROOT, stdout=file
        )
        while not output.stat().st_size:
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(after_s)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    return output.read_text().split("\n")[:-1]


def test_nothing_acknowledged_is_lost_by_a_kill_at_any_moment(settings: Settings) -> None:
    """Killed again and again at random moments, reopened, audited: every receipt given stands in the log."""
    chance = random.Random(20261122)
    acknowledged: dict[int, str] = {}
    for _ in range(KILLS):
        for line in run_and_kill(settings, chance.uniform(0, 0.25)):
            index, receipt = line.split()
            assert int(index) not in acknowledged
            acknowledged[int(index)] = receipt
        report = maintenance.audit_ledger(database_url=settings.database_url, data_dir=settings.data_dir)
        assert report.to_json()["faults"] == []
    application = open_application(settings)
    with application._store.read() as transaction:
        stored = {
            e.index: (e.receipt or b"").hex() for e in transaction.events_between(0, application.ledger.size)
        }
    health = application.ledger.health()
    application.close()
    assert acknowledged == {index: stored[index] for index in acknowledged}
    assert ("ok", True) == (health["detectors"], health["writable"])
    assert maintenance.audit_ledger(database_url=settings.database_url, data_dir=settings.data_dir).verified
