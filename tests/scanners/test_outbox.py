"""The outbox: nothing lost, nothing sent twice with another effect, nothing deleted without a verified receipt."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from chemtrace.core.errors import OutboxError, ServerUnavailableError
from chemtrace.core.keys import generate_key
from chemtrace.core.statement import Statement, parse_wire
from scanners.client import LedgerClient, Pins
from scanners.outbox import Outbox
from tests.scanners.small_ledger import ORIGIN, PINS, SmallLedger, code, store_event

ROOT = Path(__file__).resolve().parents[2]


class _Clock:
    def __init__(self) -> None:
        self.now_us = 1_000_000_000

    def __call__(self) -> int:
        return self.now_us


def _client(ledger: SmallLedger, pins: Pins = PINS) -> LedgerClient:
    return LedgerClient("http://ledger.example", pins=pins, transport=ledger.transport(), max_attempts=1)


def _outbox(tmp_path: Path, clock: _Clock | None = None) -> Outbox:
    return Outbox(tmp_path / "outbox.db", clock=clock or _Clock(), jitter=lambda: 1.0)


def _record(outbox: Outbox, number: int, note: str) -> Statement:
    return outbox.record([code(number)], lambda prevs: store_event(number, dict(prevs), note))


def test_sends_in_order_and_deletes_only_on_receipts(tmp_path: Path) -> None:
    """Everything queued arrives once, in order, and its receipt is kept in its place."""
    ledger, outbox = SmallLedger(), _outbox(tmp_path)
    queued = [_record(outbox, number % 3, str(number)) for number in range(12)]
    report = outbox.flush(_client(ledger))
    assert (12, 0, 0, None) == (report.acknowledged, report.parked, report.waiting, report.stopped_by)
    assert [one.event_id for one in queued] == [one.event_id for one in ledger.admitted]
    assert all(outbox.store.receipt(one.event_id.hex()) for one in queued)


def test_events_queued_offline_name_their_predecessor(tmp_path: Path) -> None:
    """Three events of one drum form a chain that starts at the head noted while there was a line."""
    ledger, outbox = SmallLedger(), _outbox(tmp_path)
    with _client(ledger) as client:
        first = client.post(store_event(1)).receipt.event
        outbox.note_heads({code(1): first})
        chain = [_record(outbox, 1, str(number)) for number in range(3)]
        prevs = [one.header.subjects[0].prev for one in chain]
        assert [first, chain[0].event_id.hex(), chain[1].event_id.hex()] == prevs
        assert 3 == outbox.flush(client).acknowledged
    assert chain[2].event_id.hex() == _record(outbox, 1, "later").header.subjects[0].prev


def test_queues_the_same_statement_once(tmp_path: Path) -> None:
    """Queued, parked or acknowledged: a known event id is not queued again."""
    ledger, outbox = SmallLedger(), _outbox(tmp_path)
    statement = store_event(1)
    assert [True, False] == [outbox.queue(statement), outbox.queue(statement)]
    outbox.flush(_client(ledger))
    assert not outbox.queue(statement)
    assert 1 == len(ledger.admitted)


def test_waits_longer_after_each_failure_and_starts_anew_after_success(tmp_path: Path) -> None:
    """1, 2, 4 … seconds up to five minutes; no request before the time; force overrides."""
    ledger, clock = SmallLedger(), _Clock()
    outbox = _outbox(tmp_path, clock)
    outbox.queue(store_event(1))
    ledger.before = lambda request: httpx.Response(503)
    waits = []
    for _ in range(11):
        report = outbox.flush(_client(ledger))
        assert isinstance(report.stopped_by, ServerUnavailableError)
        assert report.next_try_us is not None
        waits.append((report.next_try_us - clock.now_us) // 1_000_000)
        requests = len(ledger.requests)
        assert report.next_try_us == outbox.flush(_client(ledger)).next_try_us
        assert requests == len(ledger.requests)
        clock.now_us = report.next_try_us
    assert [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300] == waits
    ledger.before = lambda request: None
    assert 1 == outbox.flush(_client(ledger)).acknowledged
    assert (0, 0) == outbox.store.backoff()


def test_parks_what_is_refused_and_shows_the_problem(tmp_path: Path) -> None:
    """A refused statement leaves the queue with its problem; others go on; released, it is sent again."""
    ledger, outbox = SmallLedger(), _outbox(tmp_path)
    bad, good = store_event(1), store_event(2)
    outbox.queue(bad)
    outbox.queue(good)
    ledger.refuse = lambda statement: "key.unknown" if statement.event_id == bad.event_id else None
    report = outbox.flush(_client(ledger))
    assert (1, 1, 0) == (report.acknowledged, report.parked, report.waiting)
    assert b"key.unknown" in outbox.parked()[0].problem
    ledger.refuse = lambda statement: None
    outbox.release(bad.event_id.hex())
    assert 1 == outbox.flush(_client(ledger)).acknowledged
    assert () == outbox.parked()
    with pytest.raises(OutboxError):
        outbox.release(bad.event_id.hex())


def test_a_new_event_does_not_follow_a_parked_one(tmp_path: Path) -> None:
    """After a refusal the next event of the drum names the last event that the ledger has."""
    ledger, outbox = SmallLedger(), _outbox(tmp_path)
    first = _record(outbox, 1, "good")
    outbox.flush(_client(ledger))
    refused = _record(outbox, 1, "bad")
    ledger.refuse = lambda statement: "item.closed" if statement.event_id == refused.event_id else None
    outbox.flush(_client(ledger))
    assert first.event_id.hex() == _record(outbox, 1, "next").header.subjects[0].prev


def test_keeps_a_successor_whose_predecessor_could_not_be_taken_yet(tmp_path: Path) -> None:
    """A line refused only because the line before got a 'not now' stays queued and goes through later."""
    ledger, outbox = SmallLedger(), _outbox(tmp_path)
    first, second = _record(outbox, 1, "a"), _record(outbox, 1, "b")
    fails = [True]

    def not_now(statement: Statement) -> str | None:
        return "ledger.busy" if statement.event_id == first.event_id and fails and fails.pop() else None

    ledger.refuse, busy = not_now, b'"status": %d, "problem": {"code": "ledger.busy"'
    ledger.after = lambda request, response: httpx.Response(
        200, content=response.content.replace(busy % 409, busy % 503)
    )
    report = outbox.flush(_client(ledger))
    assert (0, 0, 2) == (report.acknowledged, report.parked, report.waiting)
    assert 2 == outbox.flush(_client(ledger), force=True).acknowledged
    assert [first.event_id, second.event_id] == [one.event_id for one in ledger.admitted]


def test_keeps_everything_when_receipts_do_not_verify(tmp_path: Path) -> None:
    """A ledger that answers with another key's receipts gets nothing deleted."""
    ledger, outbox = SmallLedger(), _outbox(tmp_path)
    outbox.queue(store_event(1))
    foreign = Pins(ORIGIN, generate_key("ed25519", b"another receipt key for tests !!").public)
    report = outbox.flush(_client(ledger, foreign))
    assert report.stopped_by is not None
    assert ("server.answer", 1) == (report.stopped_by.code, report.waiting)
    assert 1 == outbox.flush(_client(ledger), force=True).acknowledged
    assert 1 == len(ledger.admitted)


@pytest.mark.parametrize("answer", [401, 403, 404, 413])
def test_parks_nothing_for_what_a_proxy_says(tmp_path: Path, answer: int) -> None:
    """An answer that is not about the statement leaves it queued."""
    ledger, outbox = SmallLedger(), _outbox(tmp_path)
    outbox.queue(store_event(1))
    ledger.before = lambda request: httpx.Response(answer, html="<h1>no</h1>")
    report = outbox.flush(_client(ledger))
    assert (0, 0, 1) == (report.acknowledged, report.parked, report.waiting)


def test_sends_one_by_one_when_the_batch_as_a_whole_is_refused(tmp_path: Path) -> None:
    """A batch refused whole (too large, say) does not stop the statements in it."""
    ledger, outbox = SmallLedger(), _outbox(tmp_path)
    for number in range(3):
        outbox.queue(store_event(number))
    headers = {"Content-Type": "application/problem+json"}
    whole = b'{"code": "request.too-large", "status": 413, "detail": "too large"}'
    ledger.before = lambda request: (
        httpx.Response(413, content=whole, headers=headers) if request.url.path.endswith("batch") else None
    )
    assert 3 == outbox.flush(_client(ledger)).acknowledged


def test_exports_what_waits_as_wire_statements(tmp_path: Path) -> None:
    """The file holds every waiting statement in order and nothing is taken out of the outbox."""
    outbox = _outbox(tmp_path)
    queued = [_record(outbox, number, "x") for number in range(3)]
    assert 3 == outbox.export(tmp_path / "out.ndjson")
    lines = (tmp_path / "out.ndjson").read_bytes().splitlines()
    assert [one.event_id for one in queued] == [parse_wire(line).event_id for line in lines]
    assert 3 == len(outbox.pending())
    assert 0o600 == (tmp_path / "out.ndjson").stat().st_mode & 0o777


def test_only_one_process_sends_at_a_time(tmp_path: Path) -> None:
    """A second flush while one runs says so and sends nothing."""
    ledger, outbox = SmallLedger(), _outbox(tmp_path)
    outbox.queue(store_event(1))
    with outbox.store.flushing() as alone:
        assert alone
        report = outbox.flush(_client(ledger))
    assert [] == ledger.requests
    assert isinstance(report.stopped_by, OutboxError)


def test_names_an_outbox_file_that_cannot_be_used(tmp_path: Path) -> None:
    """A file that is no database is refused by name and left as it was."""
    (tmp_path / "outbox.db").write_bytes(b"not a database at all, but long enough to look at" * 20)
    with pytest.raises(OutboxError):
        Outbox(tmp_path / "outbox.db")


def _start(*arguments: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "tests.scanners.outbox_process", *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def _kill(process: "subprocess.Popen[str]") -> str:
    os.kill(process.pid, signal.SIGKILL)
    return process.communicate()[0]


@pytest.mark.faults
def test_kill_while_queueing_loses_nothing_that_was_said_to_be_in(tmp_path: Path) -> None:
    """After `kill -9` at five moments every event id printed is in the file, in order, and the chains hold."""
    path, printed = tmp_path / "outbox.db", list[str]()
    for round_ in range(5):
        process = _start("queue", str(path))
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.02 * (round_ + 1))
        printed += [line for line in _kill(process).splitlines() if len(line) == 64]
    outbox = Outbox(path)
    kept = [one.statement.event_id.hex() for one in outbox.pending(1_000_000)]
    assert set(printed) <= set(kept)
    assert printed == [event for event in kept if event in set(printed)]
    ledger = SmallLedger()
    assert len(kept) == outbox.flush(_client(ledger)).acknowledged


@contextmanager
def _served(ledger: SmallLedger, delay_s: float) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer = ledger.handle(httpx.Request("POST", "http://ledger.example" + self.path, content=body))
            # The event is in; the sender may die before it hears of it.
            time.sleep(delay_s)
            self.send_response(answer.status_code)
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, *arguments: object) -> None:
            """Keep the test's output clean."""

        def handle(self) -> None:
            try:
                super().handle()
            except (BrokenPipeError, ConnectionResetError):
                return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.faults
def test_kill_while_sending_sends_nothing_twice_and_loses_nothing(tmp_path: Path) -> None:
    """Killed four times after the ledger's commit and before its answer: all is in the ledger once and in order."""
    path, ledger = tmp_path / "outbox.db", SmallLedger()
    outbox = Outbox(path)
    queued = [_record(outbox, number % 4, str(number)).event_id for number in range(60)]
    with _served(ledger, delay_s=0.15) as url:
        for _ in range(4):
            process, already = _start("flush", str(path), url), len(ledger.requests)
            deadline = time.monotonic() + 30
            while len(ledger.requests) < already + 2 and time.monotonic() < deadline:
                time.sleep(0.005)
            _kill(process)
        assert 20 <= len(ledger.admitted) < 60
        with LedgerClient(url, pins=PINS) as client:
            assert outbox.flush(client, force=True).stopped_by is None
    assert queued == [one.event_id for one in ledger.admitted]
    assert (0, 0, 60) == outbox.store.counts()
