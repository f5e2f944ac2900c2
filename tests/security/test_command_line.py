"""The command line in a hostile folder: file names, file modes, and a lock file that somebody else has written."""

from __future__ import annotations

import fcntl
import json
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from chemtrace.core.statement import encode_wire
from tests.cli.shell import run
from tests.seeded_ledger import MAKER, seed_ledger

TOKEN = "ctr_never_to_be_sent_to_anybody_else"  # an invented one


@dataclass
class Stranger:
    """A server of somebody else, and what it was sent."""

    url: str = ""
    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    answer: bytes = b"{}"


@pytest.fixture
def stranger() -> Iterator[Stranger]:
    found = Stranger()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            found.headers.append({name.lower(): value for name, value in self.headers.items()})
            found.bodies.append(self.rfile.read(int(self.headers.get("Content-Length", 0))))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(found.answer)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name of the base class
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield found
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    "answer", [b"{}", b"[]", b"1", b"null", b'{"status": "x"}', b'{"status": 201, "receipt": 1}', b"<html>"]
)
def test_a_lock_file_that_names_a_stranger_gets_no_token_and_no_belief(
    tmp_path: Path, stranger: Stranger, monkeypatch: pytest.MonkeyPatch, answer: bytes
) -> None:
    seeded = seed_ledger(tmp_path / "ledger", codes=1)
    statement = seeded.hands.items(MAKER, "produce", "make", (seeded.take_codes(1)[0], "25"), site="S-MAKER")
    ready = tmp_path / "ready.ndjson"
    ready.write_bytes(encode_wire(statement))
    stranger.answer = answer
    monkeypatch.setenv("CHEMTRACE_TOKEN", TOKEN)
    lock = os.open(seeded.folder / "ledger.lock", os.O_RDWR)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        os.ftruncate(lock, 0)
        os.pwrite(lock, json.dumps({"pid": 1, "url": stranger.url}).encode(), 0)
        done = run("submit", str(ready), "--data", str(seeded.folder), "--json")
    finally:
        os.close(lock)
    assert stranger.bodies, "statements are signed and public to whoever serves the ledger"
    assert not any("authorization" in headers for headers in stranger.headers)
    assert done.code not in (0, 1)
    assert done.problem["code"] == "server.answer"


def test_an_address_that_was_typed_gets_the_token(
    tmp_path: Path, stranger: Stranger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHEMTRACE_TOKEN", TOKEN)
    ready = tmp_path / "ready.ndjson"
    ready.write_bytes(b"{}")
    run("submit", str(ready), "--url", stranger.url)
    assert stranger.headers[0]["authorization"] == f"Bearer {TOKEN}"


def test_a_database_in_an_open_folder_is_its_owners_alone(tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir(mode=0o755)
    seed_ledger(folder, codes=1)
    for path in folder.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


@pytest.mark.parametrize(
    "name", ["a?b", "a#b", "a%2fb", "a%b", "a b", "a'b;c", "a&mode=memory", "中文", "a\nb"]
)
def test_a_folder_of_any_name_is_the_one_that_is_used(tmp_path: Path, name: str) -> None:
    folder, backup, again = (tmp_path / f"{name}{word}" for word in ("", ".bak", ".new"))
    seed_ledger(folder, codes=1)
    assert (folder / "ledger.db").is_file()
    assert run("verify", "log", "--data", str(folder)).code == 0
    assert run("db", "backup", "--data", str(folder), "--to", str(backup), "--with-keys").code == 0
    assert run("verify", "backup", str(backup)).code == 0
    assert run("db", "restore", "--from", str(backup), "--data", str(again)).code == 0
    assert run("verify", "log", "--data", str(again)).code == 0
    assert {path.name for path in tmp_path.iterdir()} == {folder.name, backup.name, again.name}
