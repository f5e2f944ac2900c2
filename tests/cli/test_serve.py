"""A server in a process of its own: one writer, commands that go through it, its log lines, its stopping."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.cli.shell import run, run_ok
from tests.cli.town import MAKER, USER, Town


@dataclass
class Serving:
    """A running server."""

    process: subprocess.Popen[str]
    url: str
    log_file: Path

    def stop(self, how: int = signal.SIGTERM) -> int:
        """Tell it to stop and return its exit code."""
        self.process.send_signal(how)
        return self.process.wait(20)

    def log(self) -> list[dict[str, object]]:
        """Its log lines."""
        return [json.loads(line) for line in self.log_file.read_text(encoding="utf-8").splitlines()]


@contextmanager
def served(town: Town, *options: str) -> Iterator[Serving]:
    """Serve the town on a free port."""
    log_file = town.folder / "server.log"
    command = [
        sys.executable,
        "-m",
        "chemtrace.entrypoints.cli.main",
        "serve",
        "--port",
        "0",
        "--json",
        *options,
    ]
    with log_file.open("w") as log:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=log, text=True, env=dict(os.environ)
        )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line, log_file.read_text()
        yield Serving(process, json.loads(line)["url"], log_file)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture
def server(town: Town) -> Iterator[Serving]:
    """The town served with its defaults."""
    with served(town) as serving:
        yield serving


def produce(town: Town, number: int, *more: str) -> tuple[str, ...]:
    words = (
        "--kind",
        "produce",
        "--phase",
        "make",
        "--item",
        f"{town.codes[number]}=25KGM",
        "--set",
        "site=WORKS-1",
    )
    return ("submit", "--json", *words, "--key", town.key(MAKER), *more)


def test_commands_that_write_go_through_the_server_and_those_that_read_beside_it(
    town: Town, server: Serving
) -> None:
    told = run_ok(*produce(town, 0)).json
    run_ok(
        "register",
        "enterprise",
        USER,
        "--phase",
        "update",
        "--name-zh",
        "甲",
        "--name-en",
        "A",
        "--role",
        "user",
    )
    run_ok("keys", "new", "--enterprise", USER, "--out", "n.pem")
    run_ok("keys", "register", "n.request.json")
    run_ok("codes", "issue", "--enterprise", MAKER, "--chemical", "029", "--count", "10", "--out", "more.txt")
    token = run_ok("keys", "token", "new", "monitor", "--json").json["token"]
    answer = httpx.get(f"{server.url}/v1/items/{town.codes[0]}", headers={"Authorization": f"Bearer {token}"})
    assert answer.json()["head"] == told["event"]
    assert len(run_ok("history", town.codes[0], "--json").json["events"]) == 1
    posts = [line for line in server.log() if line.get("route") == "/v1/events/batch"]
    assert len(posts) == 4
    assert server.stop() == 0
    assert run_ok("verify", "log", "--json").json["verified"] is True


def test_an_address_alone_is_enough_to_submit(
    town: Town, server: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHEMTRACE_DATA_DIR", str(town.folder / "elsewhere"))
    words = produce(town, 0, "--url", server.url, "--enterprise", MAKER)
    assert run(*words).problem["fields"]["remote_code"] == "access.token"
    assert run_ok(*words, "--token", town.token).json["admitted"] is True
    twice = run(*words, "--token", town.token)
    assert (twice.code, twice.problem["code"]) == (3, "server.refused")
    assert "item.already-produced" in twice.err


def test_a_second_server_names_the_first_and_its_address(town: Town, server: Serving) -> None:
    done = run("serve", "--port", "0", "--json")
    assert (done.code, done.problem["code"]) == (4, "ledger.locked")
    assert done.problem["fields"]["url"] == server.url


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_server_has_published_all_and_given_the_lock_back(town: Town, how: int) -> None:
    with served(town) as server:
        run_ok(*produce(town, 0))
        assert server.stop(how) == 0
    report = run_ok("verify", "log", "--json").json
    assert report["checkpoint"]["size"] == report["entries"]
    run_ok(*produce(town, 1))


def test_checkpoints_are_published_while_it_serves(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHEMTRACE_PUBLISH_INTERVAL_S", "0.05")
    with served(town) as server:
        index = run_ok(*produce(town, 0)).json["index"]
        for _ in range(100):
            size = int(httpx.get(f"{server.url}/log/checkpoint").text.splitlines()[1])
            if size > index:
                break
        assert size > index


def test_reading_needs_a_token_and_the_public_pages_do_not(town: Town, server: Serving) -> None:
    code = town.codes[0]
    closed = [
        f"/v1/items/{code}", "/v1/items", f"/v1/items/{code}/history", f"/v1/items/{code}/trace", "/v1/enterprises",
        f"/v1/enterprises/{MAKER}", "/v1/sites/WORKS-1", "/v1/sites/WORKS-1/stock", "/v1/waybills", "/v1/alerts",
        "/v1/refusals", "/v1/entries/0", f"/v1/events/{'0' * 64}",
    ]  # fmt: skip
    with httpx.Client(base_url=server.url) as client:
        assert {path: client.get(path).status_code for path in closed} == dict.fromkeys(closed, 401)
        assert client.post("/v1/heads", json={"subjects": [code]}).status_code == 401
        assert client.get("/v1/items", headers={"Authorization": "Bearer ctr_wrong"}).status_code == 401
        for path in ("/healthz", "/readyz", "/metrics", "/openapi.json", f"/i/{code}", "/log/checkpoint"):
            assert client.get(path).status_code == 200, path


def test_no_seal_reaches_the_log_however_it_is_typed(town: Town, server: Serving) -> None:
    code, seal = town.codes[0], "ABCDEFGHJK"
    pretty = f"{code[:4]}-{code[4:7]}-{code[7:11]}-{code[11:18]}-{code[18]}-{seal[:5]}-{seal[5:]}"
    with httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {town.token}"}) as client:
        for path in (
            f"/i/{code}{seal}", f"/I/{code}{seal}", f"/i/{code.lower()}{seal.lower()}", f"/i/{pretty}",
            f"/i/{code} {seal}", f"/i/X{code[1:]}{seal}", f"/i/HTTPS:%2F%2FX%2FI%2F{code}{seal}",
            f"/v1/items/{code}{seal}", f"/v1/items/{pretty}/history", f"/desk?q={code}{seal}", f"/x/{code}{seal}",
            f"/v1/items?holder={code}{seal}", f"/i/{code}?seal={seal}",
        ):  # fmt: skip
            client.get(path)
    server.stop()
    text = server.log_file.read_text(encoding="utf-8").upper()
    assert seal not in text
    assert seal[:5] not in text
    assert seal[5:] not in text
    assert code in text
    assert town.token.upper() not in text


def test_one_line_a_request_says_how_it_ended(town: Town, server: Serving) -> None:
    httpx.get(f"{server.url}/v1/items/{town.codes[0]}?x=1")
    httpx.request("PROPFIND", f"{server.url}/pot")
    server.stop()
    lines = [line for line in server.log() if line["event"] == "request"]
    assert [(line["method"], line["route"], line["status"]) for line in lines] == [
        ("GET", "/v1/items/{code}", 401),
        ("OTHER", "(none)", 404),
    ]
    assert lines[0]["path_code"] == town.codes[0]
    assert set(lines[1]) == {
        "event",
        "level",
        "timestamp",
        "method",
        "route",
        "status",
        "bytes",
        "ms",
        "client",
    }


def test_metrics_count_requests_and_tell_how_the_log_stands(town: Town, server: Serving) -> None:
    httpx.get(f"{server.url}/healthz")
    text = httpx.get(f"{server.url}/metrics").text
    assert 'chemtrace_http_requests_total{method="GET",route="/healthz",status="200"} 1.0' in text
    assert "chemtrace_writable 1.0" in text
    entries = int(float(text.split("\nchemtrace_log_entries ")[1].split()[0]))
    assert entries == run_ok("verify", "log", "--json").json["entries"]


def test_answers_carry_the_headers_that_keep_browsers_out(town: Town) -> None:
    with served(town, "--behind-tls") as server:
        answers = [
            httpx.get(f"{server.url}{path}") for path in ("/healthz", "/v1/items", "/nowhere", "/desk/login")
        ]
    for answer in answers:
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert answer.headers["strict-transport-security"] == "max-age=31536000"
        assert "server" not in answer.headers


def test_only_named_hosts_are_answered_where_names_are_set(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHEMTRACE_ALLOWED_HOSTS", '["trace.example.cn"]')
    with served(town) as server:
        assert httpx.get(f"{server.url}/healthz").status_code == 400
        assert httpx.get(f"{server.url}/healthz", headers={"Host": "trace.example.cn"}).status_code == 200


def test_a_misspelt_setting_is_a_line_of_the_log(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHEMTRACE_PUBLSH_INTERVAL_S", "5")
    with served(town) as server:
        told = [line for line in server.log() if line["event"] == "setting.unknown"]
    assert [(line["setting"], line["nearest"], line["level"]) for line in told] == [
        ("CHEMTRACE_PUBLSH_INTERVAL_S", "CHEMTRACE_PUBLISH_INTERVAL_S", "warning")
    ]


def test_the_first_lines_of_the_log_are_about_this_ledger(town: Town, server: Serving) -> None:
    httpx.get(f"{server.url}/healthz")
    events = [str(line["event"]) for line in server.log()]
    assert events[0] == "server.started"
    assert [event for event in events if event.startswith(("Context impl", "Will assume"))] == []


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.0.2.1"])
def test_the_network_is_not_listened_to_by_accident(town: Town, address: str) -> None:
    done = run("serve", "--bind", address, "--port", "0")
    assert done.code == 2
    assert "--behind-tls" in done.err


def test_a_taken_port_is_named(town: Town) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run("serve", "--port", str(port), "--json")
    assert (done.code, done.problem["code"]) == (4, "setting.invalid")
    assert done.problem["fields"]["port"] == port


def test_a_folder_without_a_ledger_is_named(tmp_path: Path) -> None:
    done = run("serve", "--data", str(tmp_path / "none"), "--port", "0", "--json")
    assert (done.code, done.problem["code"]) == (4, "ledger.missing")


def test_the_reference_of_the_api_fetches_nothing_from_elsewhere(town: Town, server: Serving) -> None:
    page = httpx.get(f"{server.url}/docs")
    document = httpx.get(f"{server.url}/openapi.json").json()
    assert page.status_code == 200
    assert [path for path in document["paths"] if path not in page.text] == []
    assert "<script" not in page.text
    assert "://" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert httpx.get(f"{server.url}/redoc").status_code == 404
