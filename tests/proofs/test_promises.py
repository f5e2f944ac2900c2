"""Receipts promise publication: the promise is proved kept from public files, and a sender may wait for it instead."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from chemtrace.core.base64url import decode_base64url
from chemtrace.core.checkpoint import Checkpoint, verify_checkpoint
from chemtrace.core.entry import leaf_hash, parse_entry
from chemtrace.core.errors import RootMismatchError
from chemtrace.core.promise import PlacedEpoch, PlacedLeaf, promised_us, verify_promise
from chemtrace.core.receipt import Receipt, verify_signed_receipt
from chemtrace.core.statement import Statement, encode_wire
from chemtrace.core.times import parse_rfc3339
from chemtrace.entrypoints.api import waiting
from tests.api.life import JSON, NDJSON, lines_of
from tests.proofs.town import Town


@contextmanager
def publishing(town: Town, every_s: float = 0.2) -> Iterator[None]:
    """The ledger publishes by a timer meanwhile."""
    ended = threading.Event()

    def publish() -> None:
        while not ended.wait(every_s):
            town.life.application.ledger.publish()

    thread = threading.Thread(target=publish)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def post(town: Town, statement: Statement, prefer: str) -> httpx.Response:
    answer = town.life.stranger.post(
        "/v1/events", content=encode_wire(statement), headers={**JSON, "Prefer": prefer}
    )
    town.hands.follow(statement)
    return answer


def receipt_of(town: Town, answer: httpx.Response) -> tuple[bytes, Receipt]:
    """The signed receipt in an answer, without what stands beside it, and verified."""
    members = {name: value for name, value in answer.json().items() if name != "checkpoint"}
    data = httpx.Response(200, json=members).content
    return data, verify_signed_receipt(data, receipt_key(town))


def receipt_key(town: Town) -> Any:
    record = town.life.application.registry.books.newest_key("receipt")
    assert record is not None
    return record.public_key


def checkpoint_of(town: Town, note: str) -> Checkpoint:
    trust = town.trust()
    return verify_checkpoint(note.encode(), trust.origin, [trust.log_verifier])[0]


def test_who_prefers_to_wait_gets_the_checkpoint_that_covers_the_entry(town: Town) -> None:
    with publishing(town):
        for prefer in ("wait=20", "respond-async, wait=20", 'WAIT = 20; foo="bar"'):
            answer = post(town, town.made(town.drum()), prefer)
            assert (answer.status_code, answer.headers["preference-applied"]) == (201, "wait=20")
            checkpoint = checkpoint_of(town, answer.json()["checkpoint"])
            assert receipt_of(town, answer)[1].index < checkpoint.size


def test_a_wait_that_ends_too_early_leaves_the_receipt_and_its_promise(town: Town) -> None:
    town.publish()
    started = time.monotonic()
    statement = town.made(town.drum())
    answer = post(town, statement, "wait=1")
    assert 1 <= time.monotonic() - started < 10
    assert answer.status_code == 201
    assert "preference-applied" not in answer.headers
    assert "checkpoint" not in answer.json()
    receipt = receipt_of(town, answer)[1]
    assert promised_us(receipt) == parse_rfc3339(receipt.received) + 7_200_000_000
    again = post(town, statement, "return=minimal")
    assert (again.status_code, again.json()) == (200, answer.json())


@pytest.mark.parametrize("prefer", ["wait", "wait=-1", "wait=1.5", "wait=x", "wait=0", "respond-async", ""])
def test_what_asks_for_no_wait_is_answered_at_once(town: Town, prefer: str) -> None:
    started = time.monotonic()
    answer = post(town, town.made(town.drum()), prefer)
    assert (answer.status_code, "checkpoint" in answer.json()) == (201, False)
    assert time.monotonic() - started < 5


def test_many_may_wait_for_one_checkpoint(town: Town) -> None:
    statements = [town.made(town.drum()) for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        answers = pool.map(lambda statement: post(town, statement, "wait=30"), statements)
        time.sleep(0.5)
        town.publish()
        notes = {answer.json()["checkpoint"] for answer in answers}
    assert len(notes) == 1


def test_a_batch_may_wait_and_its_last_line_is_the_checkpoint(town: Town) -> None:
    lines = b"\n".join([encode_wire(town.made(town.drum())) for _ in range(2)] + [b"{"])
    with publishing(town):
        answer = town.life.stranger.post(
            "/v1/events/batch", content=lines, headers={**NDJSON, "Prefer": "wait=20"}
        )
    assert answer.headers["preference-applied"] == "wait=20"
    *results, last = lines_of(answer)
    assert [line["status"] for line in results] == [201, 201, 422]
    assert checkpoint_of(town, last["checkpoint"]).size == town.life.application.ledger.size
    refused = town.life.stranger.post(
        "/v1/events/batch", content=b"{", headers={**NDJSON, "Prefer": "wait=20"}
    )
    assert "preference-applied" not in refused.headers


def test_a_kept_promise_is_proved_from_what_the_log_serves(town: Town) -> None:
    answer = post(town, town.made(town.drum()), "")
    data, receipt = receipt_of(town, answer)
    town.publish()
    placed, note = proof(town, receipt.index)
    record, _ = proof(town, checkpoint_of(town, note).size - 1)
    epochs = [PlacedEpoch(record.index, parse_entry(record.entry).header_bytes, record.path)]
    checkpoint = checkpoint_of(town, note)
    leaf = PlacedLeaf(leaf_hash(placed.entry), placed.path)
    assert verify_promise(data, receipt_key(town), checkpoint, epochs=epochs, leaf=leaf) == "kept"
    assert verify_promise(data, receipt_key(town), checkpoint, epochs=epochs) == "open"
    other, _ = proof(town, receipt.index - 1)
    wrong = PlacedLeaf(leaf_hash(other.entry), placed.path)
    with pytest.raises(RootMismatchError):
        verify_promise(data, receipt_key(town), checkpoint, epochs=epochs, leaf=wrong)


class Placed:
    """An entry as `/v1/entries` gives it."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.index: int = document["index"]
        self.entry = decode_base64url(document["entry"])
        self.path = tuple([bytes.fromhex(node) for node in document["path"]])


def proof(town: Town, index: int) -> tuple[Placed, str]:
    document = town.life.get(f"/v1/entries/{index}")
    return Placed(document), document["checkpoint"]


def test_no_more_wait_than_there_is_room_for_and_the_others_are_answered_at_once(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "MAX_WAITING", 3)

    async def crowd() -> list[str | None]:
        publications = waiting.Publications(town.life.application)
        waits = [asyncio.create_task(publications.wait(10**9, 0.5)) for _ in range(8)]
        done, pending = await asyncio.wait(waits, timeout=0.2)
        assert (5, 3) == (len(done), len(pending))
        return [await wait for wait in waits]

    # In a thread of its own: a browser's test before this one may have left its loop in ours.
    with ThreadPoolExecutor(1) as beside:
        assert [None] * 8 == beside.submit(asyncio.run, crowd()).result()
