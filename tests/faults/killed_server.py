"""A server in its own process under load by several clients, to be killed, and what the clients know afterwards."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import httpx

from chemtrace.adapters.sql.engine import Database
from chemtrace.bootstrap import maintenance, open_application
from chemtrace.core.checkpoint import parse_checkpoint
from chemtrace.core.keys import PublicKey
from chemtrace.core.merkle import tree_root
from chemtrace.core.note import parse_note
from chemtrace.core.receipt import verify_signed_receipt
from chemtrace.core.statement import Statement, encode_wire
from tests.seeded_ledger import MAKER, ORIGIN, Seeded

ROOT = Path(__file__).resolve().parents[2]
CLIENTS = 3
START_TIMEOUT_S = 60


@dataclass
class Acknowledged:
    """Everything the clients were told: signed receipts by event id, and checkpoints that were served."""

    receipts: dict[str, bytes] = field(default_factory=dict)
    checkpoints: set[tuple[int, bytes]] = field(default_factory=set)
    doubtful: list[Statement] = field(default_factory=list)
    refused: list[dict] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, statement: Statement, answer: dict) -> None:
        """Note one answer; a receipt for an event that has one already must be the very same."""
        with self.lock:
            if "receipt" not in answer:
                self.refused.append(answer)
                return
            receipt = json.dumps({name: answer[name] for name in ("kid", "receipt", "signature")}).encode()
            first = self.receipts.setdefault(statement.event_id.hex(), receipt)
            assert first == receipt

    def doubt(self, statements: Sequence[Statement]) -> None:
        """Note what was sent and never answered."""
        with self.lock:
            self.doubtful.extend(statements)


class Server:
    """`chemtrace serve` on a free port."""

    def __init__(self, folder: Path, log: IO[bytes]) -> None:
        command = [sys.executable, "-m", "chemtrace.entrypoints.cli.main", "serve", "--data", str(folder)]
        self._process = subprocess.Popen(
            [*command, "--port", "0", "--json"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=log,
            env={**os.environ, "CHEMTRACE_PUBLISH_INTERVAL_S": "0.2"},
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the server did not start; its log says why"
        self.url: str = json.loads(line)["url"]
        self._wait_until_ready()

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"{self.url}/readyz").status_code == 200:
                    return
            time.sleep(0.02)
        raise AssertionError("the server does not get ready")

    def kill(self) -> None:
        """SIGKILL: no handler runs, nothing is flushed."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self._close()

    def stop(self) -> int:
        """SIGTERM: the exit code after the last answer."""
        self._process.terminate()
        code = self._process.wait(60)
        self._close()
        return code

    def _close(self) -> None:
        if self._process.stdout is not None:
            self._process.stdout.close()


def run_and_kill(
    seeded: Seeded, known: Acknowledged, wait_s: float, log: IO[bytes], chance: random.Random
) -> None:
    """Start the server, send again what was in doubt, load it with several clients, and kill it after `wait_s`."""
    server = Server(seeded.folder, log)
    _send_again(server.url, known)
    stop = threading.Event()
    clients = [
        threading.Thread(
            target=_client, args=(server.url, seeded, known, stop, random.Random(chance.random()))
        )
        for _ in range(CLIENTS)
    ]
    for client in clients:
        client.start()
    time.sleep(wait_s)
    server.kill()
    stop.set()
    for client in clients:
        client.join()


def _send_again(url: str, known: Acknowledged) -> None:
    """What was sent and not answered may be in the log or not; sent again it must be, once."""
    doubtful, known.doubtful = known.doubtful, []
    with httpx.Client(base_url=url, timeout=30) as http:
        for statement in doubtful:
            answer = http.post(
                "/v1/events", content=encode_wire(statement), headers=_type("application/json")
            )
            assert answer.status_code in (200, 201), answer.text
            known.take(statement, answer.json())


def _client(
    url: str, seeded: Seeded, known: Acknowledged, stop: threading.Event, chance: random.Random
) -> None:
    """Post drums and inspections of them, by one or by the batch, and read checkpoints, until the server is gone."""
    with httpx.Client(base_url=url, timeout=10) as http:
        while not stop.is_set():
            with known.lock:
                codes = seeded.take_codes(chance.choice((1, 1, 8, 40)))
            statements = [statement for code in codes for statement in _life(seeded, code)]
            try:
                _post(http, statements, known)
                _read_checkpoint(http, known)
            except httpx.TransportError:
                known.doubt(statements)
                return


def _life(seeded: Seeded, code: str) -> Iterator[Statement]:
    made = seeded.hands.items(MAKER, "produce", "make", (code, "25"), site="S-MAKER")
    yield made
    payload = {"items": [{"code": code}], "result": "pass"}
    yield seeded.hands.statement(MAKER, "inspect", "done", payload, prevs={code: made.event_id.hex()})


def _post(http: httpx.Client, statements: list[Statement], known: Acknowledged) -> None:
    if len(statements) <= 2:
        for statement in statements:
            answer = http.post(
                "/v1/events", content=encode_wire(statement), headers=_type("application/json")
            )
            known.take(statement, answer.json())
        return
    body = b"\n".join(map(encode_wire, statements))
    answer = http.post("/v1/events/batch", content=body, headers=_type("application/x-ndjson"))
    for statement, line in zip(statements, answer.content.splitlines(), strict=True):
        known.take(statement, json.loads(line))


def _read_checkpoint(http: httpx.Client, known: Acknowledged) -> None:
    checkpoint = parse_checkpoint(parse_note(http.get("/log/checkpoint").content).text, ORIGIN)
    with known.lock:
        known.checkpoints.add((checkpoint.size, checkpoint.root))


def _type(media_type: str) -> dict[str, str]:
    return {"Content-Type": media_type}


def check_survival(seeded: Seeded, known: Acknowledged) -> None:
    """The whole log verifies; every receipt is valid and its entry stands where it says; no checkpoint is a fork."""
    settings = seeded.settings
    report = maintenance.audit_ledger(database_url=settings.database_url, data_dir=settings.data_dir)
    assert report.verified, report.to_json()
    assert not known.refused, known.refused[:3]
    leaves = _leaves(settings.database_url)
    key = _receipt_key(seeded)
    for event_id, wire in known.receipts.items():
        receipt = verify_signed_receipt(wire, key)
        assert (event_id, receipt.leaf) == (receipt.event, leaves[receipt.index].hex())
    for size, root in known.checkpoints:
        assert tree_root(leaves[:size]) == root, f"the checkpoint of size {size} is a fork"


def _leaves(url: str) -> list[bytes]:
    database = Database(url, read_only=True)
    with database.read() as connection:
        rows = connection.exec_driver_sql("SELECT idx, leaf FROM entry ORDER BY idx").all()
    database.close()
    assert [index for index, _ in rows] == list(range(len(rows)))
    return [bytes(leaf) for _, leaf in rows]


def _receipt_key(seeded: Seeded) -> PublicKey:
    application = open_application(seeded.settings, read_only=True)
    record = application.registry.books.newest_key("receipt")
    application.close()
    assert record is not None
    return record.public_key
