"""The client: safe retries, named errors, receipts and proofs checked against pinned keys."""

import httpx
import pytest

from chemtrace.core.errors import ServerAnswerError, ServerRefusedError, ServerUnavailableError
from chemtrace.core.keys import generate_key
from scanners import wire_http
from scanners.client import LedgerClient, Pins, Posted
from tests.scanners.small_ledger import ENTERPRISE, ORIGIN, PINS, WORKER, SmallLedger, code, store_event


def _client(ledger: SmallLedger, pins: Pins | None = PINS) -> LedgerClient:
    return LedgerClient(
        "http://ledger.example", pins=pins, transport=ledger.transport(), sleep=lambda seconds: None
    )


def test_posts_a_statement_and_verifies_its_receipt_and_inclusion() -> None:
    """The receipt is for this event under the pinned key, and the log keeps its promise."""
    with _client(SmallLedger()) as client:
        statement = store_event(1)
        posted = client.post(statement)
        assert (statement.event_id.hex(), False) == (posted.receipt.event, posted.duplicate)
        assert 1 == client.verify_posted(posted).size
        assert 1 == client.checkpoint().size


def test_sending_again_gives_the_first_receipt() -> None:
    """A repeated statement is one event with one receipt."""
    ledger = SmallLedger()
    with _client(ledger) as client:
        statement = store_event(1)
        first, second = client.post(statement), client.post(statement)
    assert (first.wire, True, 1) == (second.wire, second.duplicate, len(ledger.admitted))


@pytest.mark.parametrize("status", [408, 429, 502, 503, 504])
def test_retries_what_may_be_sent_again(status: int) -> None:
    """Two refusals of the moment, then success, are one admitted event."""
    ledger, answers = SmallLedger(), [httpx.Response(status, headers={"Retry-After": "1"})] * 2
    ledger.before = lambda request: answers.pop() if answers else None
    with _client(ledger) as client:
        assert not client.post(store_event(1)).duplicate
    assert 3 == len(ledger.requests)


def test_survives_an_answer_lost_after_the_commit() -> None:
    """The ledger admits, the line breaks: the retry gets the first receipt as a duplicate."""
    ledger, breaks = SmallLedger(), [True]

    def lose(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if breaks:
            breaks.pop()
            raise httpx.ReadTimeout("line lost", request=request)
        return response

    ledger.after = lose
    with _client(ledger) as client:
        assert client.post(store_event(1)).duplicate
    assert 1 == len(ledger.admitted)


def test_gives_up_after_the_last_attempt_with_a_named_error() -> None:
    """An unreachable ledger is `server.unavailable`, after five tries."""
    ledger = SmallLedger()
    ledger.before = lambda request: httpx.Response(503)
    with _client(ledger) as client, pytest.raises(ServerUnavailableError):
        client.post(store_event(1))
    assert wire_http.MAX_ATTEMPTS == len(ledger.requests)


def test_a_refusal_is_final_and_carries_the_problem() -> None:
    """A problem document is not retried; its code and fields come through."""
    ledger = SmallLedger()
    ledger.refuse = lambda statement: "item.closed"
    with _client(ledger) as client, pytest.raises(ServerRefusedError) as caught:
        client.post(store_event(1))
    assert ("item.closed", 409) == (caught.value.fields["remote_code"], caught.value.fields["status"])
    assert 1 == len(ledger.requests)


@pytest.mark.parametrize(
    "response",
    [
        httpx.Response(200, html="<h1>Welcome to the hotel</h1>"),
        httpx.Response(403, html="<h1>Forbidden by proxy</h1>"),
        httpx.Response(302, headers={"Location": "http://elsewhere.example"}),
        httpx.Response(201, json={"kid": "0" * 64, "receipt": "e30", "signature": "e30"}),
        httpx.Response(201, json=[]),
    ],
)
def test_refuses_answers_that_are_not_the_ledgers(response: httpx.Response) -> None:
    """A captive portal, a proxy, a redirect or a foreign receipt is never taken for a word about the statement."""
    ledger = SmallLedger()
    ledger.before = lambda request: response
    with _client(ledger) as client, pytest.raises(ServerAnswerError):
        client.post(store_event(1))


def test_refuses_a_receipt_of_another_key_log_or_event() -> None:
    """Each of the pins is checked."""
    other = Pins(ORIGIN, generate_key("ed25519", b"another receipt key for tests !!").public)
    for pins in (other, Pins("other.example/1", PINS.receipt_key), None):
        with _client(SmallLedger(), pins) as client, pytest.raises(ServerAnswerError):
            client.post(store_event(1))
    ledger = SmallLedger()
    with _client(ledger) as client:
        posted = client.post(store_event(1))
        ledger.before = lambda request: httpx.Response(200, content=posted.wire)
        with pytest.raises(ServerAnswerError) as caught:
            client.post(store_event(2))
    assert "event" == caught.value.fields["field"]


def test_refuses_an_answer_beyond_the_size_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server cannot fill the memory of a scanner."""
    monkeypatch.setattr(wire_http, "MAX_ANSWER_BYTES", 1000)
    ledger = SmallLedger()
    ledger.before = lambda request: httpx.Response(200, content=b"x" * 1001)
    with _client(ledger) as client, pytest.raises(ServerAnswerError):
        client.item(code(1))


def test_batches_keep_order_and_limits_and_answer_line_by_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """21 statements go in three requests of ten; one refused line does not stop the others."""
    monkeypatch.setattr("scanners.client.MAX_BATCH_LINES", 10)
    ledger = SmallLedger()
    statements = [store_event(number) for number in range(21)]
    ledger.refuse = lambda statement: (
        "item.closed" if statement is not None and statement.header.subjects[0].id == code(7) else None
    )
    with _client(ledger) as client:
        results = client.post_batch(statements)
    assert ["/v1/events/batch"] * 3 == ledger.requests
    assert [number != 7 for number in range(21)] == [isinstance(result, Posted) for result in results]


@pytest.mark.parametrize("cut", [lambda lines: lines[:-1], lambda lines: lines[::-1], lambda lines: [b"{"]])
def test_refuses_a_batch_answer_with_missing_or_swapped_lines(cut: object) -> None:
    """Results are never given to the wrong statement."""
    ledger = SmallLedger()
    ledger.after = lambda request, response: httpx.Response(
        200,
        content=b"\n".join(cut(response.content.strip().split(b"\n"))),  # type: ignore[operator]  # a function
    )
    with _client(ledger) as client, pytest.raises(ServerAnswerError):
        client.post_batch([store_event(1), store_event(2)])


def test_records_on_the_current_head_and_signs_again_when_it_moved() -> None:
    """A head that moves between asking and sending is asked for again; the event is admitted once."""
    ledger, moved = SmallLedger(), [True]
    ledger.refuse = lambda statement: "prev.stale" if moved and moved.pop() else None
    with _client(ledger) as client:
        posted = client.record(
            kind="store",
            phase="in",
            enterprise=ENTERPRISE,
            signers=[WORKER],
            payload={"items": [{"code": code(1)}]},
        )
    assert posted.receipt.event == ledger.admitted[0].event_id.hex()
    assert ["/v1/heads", "/v1/events"] * 2 == ledger.requests


def test_refuses_a_proof_that_leads_elsewhere() -> None:
    """An entry swapped behind a receipt is noticed."""
    ledger = SmallLedger()
    with _client(ledger) as client:
        posted = client.post(store_event(1))
        client.post(store_event(2))
        ledger.entries.reverse()
        with pytest.raises(ServerAnswerError) as caught:
            client.verify_posted(posted)
    assert posted.receipt.leaf == caught.value.fields["expected"]
