"""Evidence that a request brought stands: state, metric, command and log say it until a person acknowledges it."""

import json
import logging

import pytest
import structlog
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from chemtrace.adapters.following import FollowingThread
from chemtrace.adapters.witness_state import STATE_FILE, SQLiteWitnessState
from chemtrace.core.bundle.trust import encode_trust
from chemtrace.core.errors import MapBrokenError
from chemtrace.entrypoints.mirror.app import create_mirror_app
from chemtrace.ledger.witness import Evidence
from tests.cli.shell import run, run_ok


@pytest.fixture
def caught(world):
    """A mirror's folder in which a lie was kept that only a request has brought; what the log shows is honest."""
    world.publish()
    error = MapBrokenError("the map is not the fold of the entries", index=7)
    note = world.application.ledger.checkpoint()
    state = SQLiteWitnessState(world.folder / STATE_FILE)
    state.keep_evidence(
        Evidence(
            1_700_000_000_000_000, world.trust.origin, error.code, note, json.dumps(error.problem()).encode()
        )
    )
    state.close()
    return world.folder


@pytest.fixture
def following(world, tmp_path):
    # The server of the same process writes its request lines to the standard output that the command shares.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    (tmp_path / "trust.json").write_bytes(encode_trust(world.trust))
    (tmp_path / "token.txt").write_text(world.seeded.founded.token + "\n")
    yield [
        "mirror", "follow", "--data", str(world.folder), "--log", world.url,
        "--trust", str(tmp_path / "trust.json"), "--token-file", str(tmp_path / "token.txt"),
    ]  # fmt: skip
    structlog.reset_defaults()


def test_kept_evidence_is_the_fault_though_the_last_look_went_well(world, caught):
    with world.mirror() as mirror:
        mirror.follower.follow()
        client = TestClient(create_mirror_app(mirror, FollowingThread(mirror.follower.follow, interval_s=9)))
        told = client.get("/state").json()
        assert ("evidence.map", 1) == (told["fault"]["code"], told["standing"])
        assert {"index": 7, "standing": 1, "found": "2023-11-14T22:13:20Z"} == told["fault"]["fields"]
        assert "chemtrace_mirror_healthy 0.0" in client.get("/metrics").text


def test_following_ends_with_5_until_somebody_acknowledges_and_nothing_is_deleted(caught, following):
    done = run(*following)
    assert 5 == done.code
    assert "复算一致" not in done.out
    assert "1 finding in the kept evidence, not acknowledged" in done.out
    assert (5, 1) == (run(*following, "--json").code, run(*following, "--json").json["standing"])
    told = run_ok("mirror", "evidence", "--data", str(caught), "--acknowledge", "--json").json
    assert (1, 0, 1) == (len(told["evidence"]), told["standing"], told["acknowledged"])
    assert "复算一致" in run_ok(*following).out
    assert 1 == len(run_ok("mirror", "evidence", "--data", str(caught), "--json").json["evidence"])


def test_kept_evidence_ends_with_5_also_when_the_log_is_not_reached(world, caught, following):
    words = ["http://127.0.0.1:9" if word == world.url else word for word in following]
    assert 5 == run(*words).code


def test_what_stands_is_written_to_the_log_once_for_each_new_finding(world, caught):
    with world.mirror() as mirror, capture_logs() as lines:
        thread = FollowingThread(mirror.follower.follow, interval_s=9, standing=mirror.standing)
        assert thread._round()
        assert thread._round()
    told = [line for line in lines if line["event"] == "mirror.evidence-stands"]
    assert [(1, ["evidence.map"])] == [(line["count"], line["codes"]) for line in told]
