"""The main job: a week of a city from nothing, every planted anomaly found, the whole log verified."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from chemtrace.adapters.witness_state import create_identity
from chemtrace.bootstrap import open_application
from chemtrace.bootstrap.mirroring import opened_mirror
from chemtrace.bootstrap.opening import opened_tokens
from chemtrace.config import Settings
from chemtrace.core.bundle.qr import encode_status_qr
from chemtrace.core.bundle.text import encode_bundle_text
from chemtrace.core.bundle.trust import parse_trust
from chemtrace.core.bundle.verify import verify_bundle, verify_status
from tests.seeded_ledger import serving

PLANTED = {"C1", "C2", "C3", "C4", "C5", "Q1", "Q2", "Q3", "T1", "T2", "T3", "D1"}


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    """The report of one whole demonstration, and its folder."""
    folder = tmp_path_factory.mktemp("demo") / "ledger"
    command = [
        sys.executable,
        "-m",
        "chemtrace.entrypoints.cli.main",
        "demo",
        "--once",
        "--json",
        "--data",
        str(folder),
    ]
    elsewhere = folder.with_name("real.db")
    around = {**os.environ, "CHEMTRACE_DATABASE_URL": f"sqlite:///{elsewhere}"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=400, check=False, env=around)
    assert done.returncode == 0, done.stderr[-2000:]
    assert not elsewhere.exists(), "a simulated week went into a ledger of somebody else's"
    return json.loads(done.stdout), folder


@pytest.mark.slow
@pytest.mark.timeout(420)
def test_the_week_has_the_size_of_a_city(played: tuple[dict[str, Any], Path]) -> None:
    """Enterprises, items, events and labels reach what the demonstration promises."""
    report, _ = played
    assert report["enterprises"] >= 60
    assert report["items"] >= 2_000
    assert report["events"] >= 12_000
    assert report["labels_decoded"] >= 2_000
    assert report["waybills"] >= 200
    assert report["late_events"] >= 20
    assert report["duplicates_answered"] >= 50


@pytest.mark.slow
def test_every_planted_anomaly_is_found_and_nothing_else(played: tuple[dict[str, Any], Path]) -> None:
    """Twelve stories, twelve alerts on the items they were planted on."""
    anomalies = played[0]["anomalies"]
    assert {story["type"] for story in anomalies["planted"]} == PLANTED
    found = [(alert["type"], alert["code"]) for alert in anomalies["found"]]
    assert found == [(story["type"], story["code"]) for story in anomalies["planted"]]
    assert anomalies["unexpected"] == []


@pytest.mark.slow
def test_mistakes_are_refused_each_by_its_own_code(played: tuple[dict[str, Any], Path]) -> None:
    """The slips of a normal week come back with ten different codes and more."""
    refusals = played[0]["refusals"]
    assert len(refusals) >= 10
    assert refusals["signature.invalid"] == refusals["key.revoked"] == refusals["prev.stale"] == 2


@pytest.mark.slow
def test_the_log_of_the_week_verifies_from_another_process(played: tuple[dict[str, Any], Path]) -> None:
    """`verify log` recomputes what the demonstration left behind and comes to the same root."""
    report, folder = played
    command = [
        sys.executable,
        "-m",
        "chemtrace.entrypoints.cli.main",
        "verify",
        "log",
        "--data",
        str(folder),
        "--json",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    verdict = json.loads(done.stdout)
    assert done.returncode == 0
    assert verdict["verified"] is True
    assert verdict["checkpoint"] == report["checkpoint"]
    assert report["verified"] is True


@pytest.mark.slow
def test_a_folder_that_is_not_empty_is_left_alone(played: tuple[dict[str, Any], Path]) -> None:
    """The demonstration starts from nothing and never plays into a ledger that is there."""
    _, folder = played
    before = sorted(path.name for path in folder.iterdir())
    command = [
        sys.executable,
        "-m",
        "chemtrace.entrypoints.cli.main",
        "demo",
        "--once",
        "--json",
        "--data",
        str(folder),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 3
    assert json.loads(done.stderr)["code"] == "ledger.exists"
    assert sorted(path.name for path in folder.iterdir()) == before


@pytest.mark.slow
def test_an_outside_mirror_recomputes_the_whole_week(
    played: tuple[dict[str, Any], Path], tmp_path: Path
) -> None:
    """Every signature, order, history, map and epoch, over HTTP and from nothing, without one contradiction."""
    settings = Settings(data_dir=played[1])
    with opened_tokens(settings) as (tokens, clock):
        token, _ = tokens.create("mirror", now_us=clock.now_us())
    application = open_application(settings, read_only=True)
    create_identity(tmp_path / "mirror", "mirror.test/demo")
    try:
        with serving(application) as url:
            trust = parse_trust(httpx.get(f"{url}/log/trust").content)
            with opened_mirror(tmp_path / "mirror", url=url, trust=trust, token=token) as mirror:
                assert mirror.follower.follow().checkpoint.size == application.ledger.size
                assert mirror.witness.evidence() == ()
    finally:
        application.close()


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_every_history_of_the_week_is_proved_offline(played: tuple[dict[str, Any], Path]) -> None:
    """Bundles and status codes of drums, keys, parties, waybills and alerts, one in twenty, verify and agree."""
    application = open_application(Settings(data_dir=played[1]), read_only=True)
    try:
        with application.reads._database.read() as connection:
            rows = connection.exec_driver_sql("SELECT subject FROM subject_head ORDER BY subject").all()
        assert len(rows) > 2_900
        for (subject,) in rows[::20]:
            bundle = encode_bundle_text(application.reads.bundle(subject))
            verdict = verify_bundle(bundle, application.trust)
            code = encode_status_qr(application.reads.status(subject)).encode()
            assert (verdict.subject, verdict.authentic.value) == (subject, "yes")
            assert verify_status(code, application.trust).count == verdict.count
    finally:
        application.close()
