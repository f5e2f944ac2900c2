"""The commands: what they print for programs, and the exit codes that scripts branch on."""

from __future__ import annotations

import json
import logging

import httpx
import pytest
import structlog

from chemtrace.core.bundle.trust import encode_trust
from chemtrace.core.keys import make_key_request
from chemtrace.core.statement import encode_wire
from tests.cli.shell import run, run_ok
from tests.seeded_ledger import DEALER, MAKER

JSON = {"Content-Type": "application/json"}


@pytest.fixture(autouse=True)
def _silent_server():
    """The server of the same process writes its request lines to the standard output that the commands share."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()


@pytest.fixture
def files(world, tmp_path):
    """Trust file, token file, and the maker's key request."""
    (tmp_path / "trust.json").write_bytes(encode_trust(world.trust))
    (tmp_path / "token.txt").write_text(world.seeded.founded.token + "\n")
    request = make_key_request(world.seeded.hands.keys[MAKER], MAKER, "enterprise")
    (tmp_path / "maker.request.json").write_bytes(request)
    return tmp_path


def where(world, files, **changes) -> list[str]:
    options = {
        "--log": world.url,
        "--trust": str(files / "trust.json"),
        "--token-file": str(files / "token.txt"),
    }
    return [word for pair in (options | changes).items() for word in pair]


def watching(world, files, *more: str, **changes) -> list[str]:
    own = ["--keys", str(files / "maker.request.json"), "--enterprise", MAKER, "--once", *more]
    return ["monitor", "--data", str(files / "monitor"), *own, *where(world, files, **changes)]


def test_a_mirror_is_made_and_recomputes_by_command(world, files):
    folder = str(files / "second")
    made = run_ok("mirror", "init", "--data", folder, "--name", "mirror.test/two", "--json").json
    assert made["vkeys"][0].startswith("mirror.test/two+")
    world.make(3)
    world.publish()
    told = run_ok("mirror", "follow", "--data", folder, *where(world, files), "--json").json
    assert world.application.ledger.size == told["size"]
    kept = run_ok("mirror", "evidence", "--data", folder, "--json").json
    assert {"evidence": [], "standing": 0, "acknowledged": 0} == kept


def test_a_mirror_without_a_valid_token_is_refused_and_said_so(world, files):
    (files / "token.txt").write_text("wrong\n")
    run_ok("mirror", "init", "--data", str(files / "second"), "--name", "mirror.test/two")
    done = run("mirror", "follow", "--data", str(files / "second"), *where(world, files), "--json")
    assert (3, "server.refused") == (done.code, done.problem["code"])


def test_a_token_is_never_sent_in_the_clear_to_another_machine(world, files):
    run_ok("mirror", "init", "--data", str(files / "second"), "--name", "mirror.test/two")
    far = where(world, files, **{"--log": "http://log.example"})
    done = run("mirror", "follow", "--data", str(files / "second"), *far, "--json")
    assert (4, "setting.invalid") == (done.code, done.problem["code"])


def test_a_log_that_is_not_reached_is_unavailable(world, files):
    done = run(*watching(world, files, "--json", **{"--log": "http://127.0.0.1:9"}))
    assert (4, "server.unavailable") == (done.code, done.problem["code"])


def test_an_address_below_the_log_is_named_with_what_to_serve(world, files):
    done = run(*watching(world, files, "--json", **{"--log": f"{world.url}/log"}))
    assert (4, "server.unavailable") == (done.code, done.problem["code"])
    assert f"{world.url}/log/log/checkpoint" == done.problem["fields"]["asked"]
    assert "the folder above log is served" in done.problem["detail"]


def test_a_damaged_trust_file_is_named(world, files):
    (files / "trust.json").write_bytes((files / "trust.json").read_bytes()[:-20])
    done = run(*watching(world, files, "--json"))
    assert (3, "trust.format") == (done.code, done.problem["code"])
    assert str(files / "trust.json") in done.problem["detail"]


def test_a_monitor_of_an_honest_log_says_so(world, files):
    world.make(2)
    world.publish()
    done = run_ok(*watching(world, files, "--json"))
    assert 2 == done.json["new_events"]
    assert 0 == done.json["findings"]


def test_a_monitor_tells_what_became_of_the_receipts_held(world, files):
    statement = world.seeded.hands.items(
        MAKER, "produce", "make", (world.seeded.take_codes(1)[0], "25"), site="S-MAKER"
    )
    answer = httpx.post(f"{world.url}/v1/events", content=encode_wire(statement), headers=JSON, timeout=30)
    assert answer.status_code == 201
    (files / "receipts.json").write_text(answer.text)
    held = ("--receipts", str(files / "receipts.json"))
    done = run_ok(*watching(world, files, *held, "--json"))
    assert {"kept": 0, "open": 1} == done.json["receipts"]
    world.publish()
    assert "回执 receipts 1 已兑现 kept, 0 未到期 open" in run_ok(*watching(world, files, *held)).out
    (files / "receipts.json").write_text("nonsense")
    broken = run(*watching(world, files, *held, "--json"))
    assert (4, "setting.invalid") == (broken.code, broken.problem["code"])


def test_a_monitor_that_does_not_know_the_signing_key_ends_with_5(world, files):
    request = make_key_request(world.seeded.hands.keys[DEALER], MAKER, "enterprise")
    (files / "maker.request.json").write_bytes(request)
    world.make(1)
    world.publish()
    done = run(*watching(world, files, "--json"))
    found = [json.loads(line)["finding"]["code"] for line in done.out.splitlines()[:-1]]
    assert 5 == done.code
    assert {"evidence.foreign-event"} == set(found)
    assert len(list((files / "monitor" / "evidence").iterdir())) == len(found)


@pytest.fixture
def foreign(world, files):
    """A monitor that has found events in the enterprise's name which none of the keys it knows has signed."""
    request = make_key_request(world.seeded.hands.keys[DEALER], MAKER, "enterprise")
    (files / "maker.request.json").write_bytes(request)
    world.make(1)
    world.publish()
    done = run(*watching(world, files, "--json"))
    return json.loads(done.out.splitlines()[-1])["standing"]


def test_what_a_monitor_has_found_stands_in_every_later_run_until_it_is_acknowledged(world, files, foreign):
    assert foreign > 0
    again = run(*watching(world, files, "--json"))
    assert (5, 0, foreign) == (again.code, again.json["findings"], again.json["standing"])
    told = run(*watching(world, files)).out
    assert f"有 {foreign} 项发现未确认" in told
    assert "nothing contradicts" not in told
    lines = [
        json.loads(line)
        for line in run_ok(*watching(world, files, "--acknowledge", "--json")).out.splitlines()
    ]
    assert foreign == len(lines[0]["acknowledged"])
    assert 0 == lines[1]["standing"]
    assert 0 == run_ok(*watching(world, files, "--json")).json["standing"]
    assert foreign == len(list((files / "monitor" / "evidence").iterdir()))


def test_what_stands_is_told_and_ends_with_5_also_when_the_log_is_not_reached(world, files, foreign):
    done = run(*watching(world, files, "--json", **{"--log": "http://127.0.0.1:9"}))
    assert (5, foreign) == (done.code, done.json["standing"])
    assert "server.unavailable" == done.problem["code"]


def test_files_of_evidence_that_were_moved_away_stand_no_more(world, files, foreign):
    for file in (files / "monitor" / "evidence").iterdir():
        file.rename(files / file.name)
    assert 0 == run_ok(*watching(world, files, "--json")).json["standing"]


def test_a_monitors_folder_is_not_used_for_another_enterprise(world, files):
    run_ok(*watching(world, files))
    request = make_key_request(world.seeded.hands.keys[DEALER], DEALER, "enterprise")
    (files / "maker.request.json").write_bytes(request)
    words = [DEALER if word == MAKER else word for word in watching(world, files, "--json")]
    done = run(*words)
    assert (4, "setting.invalid") == (done.code, done.problem["code"])


def test_the_log_is_written_as_files_and_brought_up_to_date(world, files):
    data, folder = str(world.seeded.folder), files / "www"
    world.make(2)
    world.publish()
    told = run_ok("export", "log", str(folder), "--data", data, "--json").json
    assert world.application.ledger.size == told["size"]
    assert 0 == run_ok("export", "log", str(folder), "--data", data, "--json").json["files"]
    world.make(1)
    world.publish()
    assert run_ok("export", "log", str(folder), "--data", data, "--json").json["files"] > 0


def test_a_name_with_a_scheme_is_refused_and_a_folder_without_keys_names_init(world, files):
    named = run("mirror", "init", "--data", str(files / "x"), "--name", "https://mirror.test/x", "--json")
    assert "note.format" == named.problem["code"]
    assert "mirror.test/x" == named.problem["fields"]["expected"]
    done = run("mirror", "follow", "--data", str(files / "x"), *where(world, files), "--json")
    assert "key.file-missing" == done.problem["code"]
    assert "run `chemtrace witness init` first" in done.problem["detail"]
