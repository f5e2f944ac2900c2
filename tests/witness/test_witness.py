"""A witness behind its real door: every status of C2SP tlog-witness, and a memory that never goes back."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from chemtrace.adapters.witness_state import SQLiteWitnessState, create_identity, load_identity
from chemtrace.bootstrap.witnessing import load_evidence, trusted_logs
from chemtrace.core.add_checkpoint import MAX_REQUEST_BYTES, Held
from chemtrace.core.checkpoint import Checkpoint
from chemtrace.core.cosignature import parse_witness_vkey, verify_cosignature
from chemtrace.core.errors import (
    KeyFileModeError,
    LedgerExistsError,
    NoteFormatError,
    SettingError,
    UnavailableError,
)
from chemtrace.core.keys import generate_key
from chemtrace.core.note import parse_note, parse_signature_lines
from chemtrace.core.types import RootHash
from chemtrace.entrypoints.limits import Shares
from chemtrace.entrypoints.witness.app import create_witness_app
from chemtrace.ledger.witness import Evidence, Kept, Witness
from tests.witness.log import ORIGIN, Log, Standing, served_app, standing

NAME = "witness.test/w1"


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def witness(tmp_path: Path, log: Log) -> Iterator[Standing]:
    with standing(tmp_path / "w", NAME, log.verifier) as found:
        yield found


def test_it_cosigns_with_both_its_keys_and_the_lines_verify(witness: Standing, log: Log) -> None:
    before = int(time.time())
    answer = witness.ask(log.request(0, 5))
    assert answer.status_code == 200
    lines = parse_signature_lines(answer.content)
    verifiers = [parse_witness_vkey(vkey) for vkey in witness.witness.vkeys]
    assert [verifier.type for verifier in verifiers] == [4, 6]
    text = parse_note(log.checkpoint(5)).text
    for verifier, line in zip(verifiers, lines, strict=True):
        assert before <= verify_cosignature(verifier, text, line) <= time.time()


def test_it_follows_a_growing_log_and_cosigns_the_same_size_again(witness: Standing, log: Log) -> None:
    for old, new in ((0, 1), (1, 1), (1, 7), (7, 8), (8, 300), (300, 300)):
        assert witness.ask(log.request(old, new)).status_code == 200
    state = httpx.get(witness.url).json()
    assert state["logs"][ORIGIN]["size"] == 300
    assert state["vkeys"] == list(witness.witness.vkeys)


def test_an_old_size_that_it_does_not_hold_gets_409_with_the_size_held(witness: Standing, log: Log) -> None:
    assert witness.ask(log.request(0, 5)).status_code == 200
    for old, new in ((0, 9), (3, 9), (4, 4), (9, 9)):
        answer = witness.ask(log.request(old, new))
        assert answer.status_code == 409
        assert answer.headers["content-type"] == "text/x.tlog.size"
        assert answer.content == b"5\n"


def test_a_log_that_was_rolled_back_is_refused_at_every_size(witness: Standing, log: Log) -> None:
    assert witness.ask(log.request(0, 40)).status_code == 200
    for size in (1, 20, 39):
        assert witness.ask(log.request(size, size)).status_code == 409
        assert witness.ask(log.request(0, size)).status_code == 409
        # An old size above the new one makes no sense and is refused before anything is compared.
        body = log.request(0, size).replace(b"old 0\n", b"old 40\n")
        assert witness.ask(body).status_code == 400
    kept = witness.witness.kept(ORIGIN)
    assert kept is not None
    assert kept.held.checkpoint.size == 40


def test_two_roots_of_one_size_are_kept_and_shown_to_everybody(
    witness: Standing, log: Log, tmp_path: Path
) -> None:
    other = Log(leaf="another")
    assert witness.ask(log.request(0, 5)).status_code == 200
    for _ in range(3):
        answer = witness.ask(other.request(5, 5))
        assert (answer.status_code, answer.content) == (409, b"5\n")
    shown = httpx.get(f"{witness.url}/evidence").json()["evidence"]
    assert len(shown) == 1
    assert shown[0]["origin"] == ORIGIN
    assert shown[0]["code"] == "evidence.split-view"
    assert shown[0]["first"].encode() == log.checkpoint(5)
    assert shown[0]["second"].encode() == other.checkpoint(5)
    assert [one.second_note for one in load_evidence(tmp_path / "w")] == [other.checkpoint(5)]


def test_a_fork_behind_the_held_size_has_no_proof_and_changes_nothing(witness: Standing, log: Log) -> None:
    assert witness.ask(log.request(0, 5)).status_code == 200
    assert witness.ask(Log(leaf="another").request(5, 9)).status_code == 422
    assert witness.ask(log.request(5, 9)).status_code == 200


def test_from_nothing_the_proof_is_empty(witness: Standing, log: Log) -> None:
    body = log.request(0, 5).replace(b"old 0\n", b"old 0\n" + b"A" * 43 + b"=\n")
    assert witness.ask(body).status_code == 422


def test_an_unknown_log_gets_404_and_an_unknown_key_403(witness: Standing) -> None:
    assert witness.ask(Log(origin="log.test/other").request(0, 5)).status_code == 404
    stranger = Log(key=generate_key("ed25519", b"a stranger's key, of 32 bytes...."))
    assert witness.ask(stranger.request(0, 5)).status_code == 403


@pytest.mark.parametrize(
    "body", [b"", b"old 0\n", b"old 0\n\n", b"old 00\n\nx", b"old -1\n\nx\n", b"\xff", b"0\n\nx\ny\nz\n\n"]
)
def test_what_is_no_request_gets_400(witness: Standing, body: bytes) -> None:
    answer = witness.ask(body)
    assert answer.status_code == 400
    assert answer.json()["code"] == "witness.request"


def test_a_body_that_is_too_large_gets_413(witness: Standing) -> None:
    assert witness.ask(b"x" * (MAX_REQUEST_BYTES + 1)).status_code == 413


def test_only_post_is_taken_and_other_paths_are_not_there(witness: Standing) -> None:
    assert httpx.get(f"{witness.url}/add-checkpoint").status_code == 405
    assert httpx.post(f"{witness.url}/", content=b"").status_code == 405
    assert httpx.get(f"{witness.url}/admin").status_code == 404
    assert "chemtrace_witness_requests_total" in httpx.get(f"{witness.url}/metrics").text


def test_many_refused_requests_from_one_address_have_to_wait_and_good_ones_cost_nothing(
    tmp_path: Path, log: Log
) -> None:
    with standing(tmp_path / "w", NAME, log.verifier) as inner:
        app = create_witness_app(inner.witness, shares=Shares(burst=3, every_s=3600))
        with served_app(app) as url:
            for old in range(6):
                assert (
                    httpx.post(f"{url}/add-checkpoint", content=log.request(old, old + 1)).status_code == 200
                )
            statuses = [httpx.post(f"{url}/add-checkpoint", content=b"x").status_code for _ in range(5)]
            assert statuses == [400, 400, 400, 429, 429]


def test_its_memory_outlives_a_restart(tmp_path: Path, log: Log) -> None:
    with standing(tmp_path / "w", NAME, log.verifier) as first:
        assert first.ask(log.request(0, 5)).status_code == 200
    with standing(tmp_path / "w", NAME, log.verifier) as second:
        assert second.witness.vkeys == first.witness.vkeys
        assert second.ask(Log(leaf="another").request(0, 9)).status_code == 409
        assert second.ask(log.request(5, 9)).status_code == 200


def test_racing_requests_never_take_it_back(witness: Standing, log: Log) -> None:
    """The race that the standard warns of: of many requests from one size, each answer contains the one before."""
    assert witness.ask(log.request(0, 10)).status_code == 200
    bodies = [log.request(10, 10 + step) for step in range(1, 25)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(witness.ask, bodies))
    assert [answer.status_code for answer in answers].count(200) == 1
    assert {answer.status_code for answer in answers} == {200, 409}


def test_two_processes_share_one_memory(tmp_path: Path, log: Log) -> None:
    with (
        standing(tmp_path / "w", NAME, log.verifier) as first,
        standing(tmp_path / "w", NAME, log.verifier) as second,
    ):
        assert first.ask(log.request(0, 5)).status_code == 200
        assert second.ask(log.request(0, 9)).status_code == 409
        assert second.ask(log.request(5, 9)).status_code == 200
        assert first.ask(log.request(5, 7)).status_code == 409


class Hands:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.us = 2_000_000_000_000_000

    def now_us(self) -> int:
        return self.us


def make(tmp_path: Path, log: Log, clock: Hands, state: SQLiteWitnessState | None = None) -> Witness:
    """A witness without a door."""
    identity = create_identity(tmp_path / "id", NAME)
    state = state or SQLiteWitnessState(tmp_path / "state" / "witness.db")
    return Witness(name=NAME, keys=identity.keys[:1], logs=[log.verifier], state=state, clock=clock)


def test_its_time_never_goes_back(tmp_path: Path, log: Log) -> None:
    clock = Hands()
    witness = make(tmp_path, log, clock)
    first = witness.add_checkpoint(log.request(0, 5))
    clock.us -= 3_600_000_000
    second = witness.add_checkpoint(log.request(5, 6))
    assert first[0].signature[:8] == second[0].signature[:8]


def test_nothing_is_signed_that_is_not_on_disk(
    tmp_path: Path, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    class FullDisk(SQLiteWitnessState):
        def swap(self, origin: str, before: Kept | None, after: Kept) -> bool:
            raise UnavailableError("the disk is full")

    signed: list[str] = []
    monkeypatch.setattr("chemtrace.ledger.witness.cosign", lambda *words: signed.append(words[0]))
    witness = make(tmp_path, log, Hands(), FullDisk(tmp_path / "state" / "witness.db"))
    with pytest.raises(UnavailableError):
        witness.add_checkpoint(log.request(0, 5))
    assert not signed


def test_what_a_cosigner_examines_is_examined_before_it_is_kept(tmp_path: Path, log: Log) -> None:
    identity = create_identity(tmp_path / "id", NAME)
    state = SQLiteWitnessState(tmp_path / "witness.db")

    def refuse(held: Held) -> None:
        raise UnavailableError("still recomputing", size=held.checkpoint.size, retry_after_s=7)

    witness = Witness(
        name=NAME, keys=identity.keys, logs=[log.verifier], state=state, clock=Hands(), examine=refuse
    )
    with served_app(create_witness_app(witness)) as url:
        answer = httpx.post(f"{url}/add-checkpoint", content=log.request(0, 5))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "7")
    assert witness.kept(ORIGIN) is None


def test_the_file_itself_refuses_to_go_back_or_to_forget(tmp_path: Path, log: Log) -> None:
    path = tmp_path / "witness.db"
    state = SQLiteWitnessState(path)
    kept = Kept(Held(Checkpoint(ORIGIN, 5, RootHash(bytes(32))), log.checkpoint(5)), 9)
    assert state.swap(ORIGIN, None, kept)
    assert not state.swap(ORIGIN, None, kept)
    state.keep_evidence(Evidence(1, ORIGIN, "evidence.split-view", b"a", b"b"))
    beside = sqlite3.connect(path)
    for sql in (
        "UPDATE kept SET size = 4",
        "UPDATE kept SET root = x'01'",
        "DELETE FROM kept",
        "UPDATE evidence SET origin = 'x'",
        "DELETE FROM evidence",
    ):
        with pytest.raises(sqlite3.IntegrityError):
            beside.execute(sql)
    beside.close()
    assert state.kept(ORIGIN) == kept
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_flood_of_contradictions_is_bounded(tmp_path: Path) -> None:
    state = SQLiteWitnessState(tmp_path / "witness.db")
    for number in range(130):
        state.keep_evidence(Evidence(number, ORIGIN, "evidence.split-view", b"a", b"%d" % number))
    assert len(state.evidence()) == 100


def test_its_keys_are_for_its_eyes_only_and_made_once(tmp_path: Path) -> None:
    folder = tmp_path / "w"
    identity = create_identity(folder, NAME)
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert load_identity(folder).vkeys == identity.vkeys
    with pytest.raises(LedgerExistsError):
        create_identity(folder, NAME)
    (folder / "witness-ed25519.pem").chmod(0o644)
    with pytest.raises(KeyFileModeError):
        load_identity(folder)


def test_a_bad_name_makes_no_keys(tmp_path: Path) -> None:
    with pytest.raises(NoteFormatError):
        create_identity(tmp_path / "w", "two words")
    assert not (tmp_path / "w").exists()


def test_logs_come_from_keys_and_policies_and_there_is_at_least_one(tmp_path: Path, log: Log) -> None:
    policy = tmp_path / "policy"
    policy.write_text(f"log {Log(origin='log.test/second').verifier.vkey}\nquorum none\n")
    found = trusted_logs([log.verifier.vkey], policy)
    assert [one.name for one in found] == [ORIGIN, "log.test/second"]
    with pytest.raises(SettingError):
        trusted_logs([], None)
    with pytest.raises(SettingError):
        trusted_logs([], tmp_path / "missing")


COMMAND = (sys.executable, "-m", "chemtrace.entrypoints.cli.main", "witness")


def start(folder: Path, log: Log) -> tuple[subprocess.Popen[str], str]:
    """A witness in a process of its own, by its command."""
    process = subprocess.Popen(
        (*COMMAND, "serve", "--data", str(folder), "--log", log.verifier.vkey, "--port", "0", "--json"),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=dict(os.environ),
    )
    assert process.stdout is not None
    return process, json.loads(process.stdout.readline())["url"]


@pytest.mark.faults
def test_killed_between_memory_and_answer_it_never_contradicts_itself(tmp_path: Path, log: Log) -> None:
    """SIGKILL while requests run: every size that was answered is still held by its next life, and it goes on."""
    folder = tmp_path / "w"
    made = subprocess.run(
        (*COMMAND, "init", "--data", str(folder), "--name", NAME, "--json"),
        check=True,
        capture_output=True,
        text=True,
    )
    vkeys = json.loads(made.stdout)["vkeys"]
    verifier = parse_witness_vkey(vkeys[0])
    held, answered = 0, 0
    for life in range(4):
        process, url = start(folder, log)
        try:
            for step in range(12):
                if step == 3 + life * 2:
                    with ThreadPoolExecutor(1) as pool:
                        sent = pool.submit(ask_once, url, log.request(held, held + 3))
                        time.sleep(0.001 * life)
                        process.kill()
                        sent.result()
                    break
                answer = httpx.post(f"{url}/add-checkpoint", content=log.request(held, held + 3), timeout=10)
                if answer.status_code == 409:
                    # The life before kept it and died before it could answer.
                    told = int(answer.content)
                    assert told == held + 3
                    held = told
                    continue
                assert answer.status_code == 200
                held += 3
                answered += 1
                line = parse_signature_lines(answer.content)[0]
                verify_cosignature(verifier, parse_note(log.checkpoint(held)).text, line)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            process.wait(10)
            assert process.stdout is not None
            process.stdout.close()
    assert answered > 10


def ask_once(url: str, body: bytes) -> int:
    """The status of a request, 0 when the witness was killed before it could answer."""
    try:
        return httpx.post(f"{url}/add-checkpoint", content=body, timeout=10).status_code
    except httpx.HTTPError:
        return 0


def test_it_serves_by_its_command_until_it_is_told_to_stop(tmp_path: Path, log: Log) -> None:
    create_identity(tmp_path / "w", NAME)
    process, url = start(tmp_path / "w", log)
    assert httpx.post(f"{url}/add-checkpoint", content=log.request(0, 4), timeout=10).status_code == 200
    second = subprocess.run(
        (*COMMAND, "serve", "--data", str(tmp_path / "w"), "--log", log.verifier.vkey, "--port", "0"),
        check=False,
        capture_output=True,
        text=True,
    )
    assert "ledger.locked" in second.stderr
    assert str(process.pid) in second.stderr
    process.send_signal(signal.SIGTERM)
    process.wait(20)
    assert process.stdout is not None
    process.stdout.close()
    shown = subprocess.run(
        (*COMMAND, "evidence", "--data", str(tmp_path / "w"), "--json"),
        check=True,
        capture_output=True,
        text=True,
    )
    assert json.loads(shown.stdout) == {"evidence": []}
