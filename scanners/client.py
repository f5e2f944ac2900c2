"""The Python SDK: build, sign, send, read, and check what the ledger answers against pinned keys.

Pinned are the log's origin, its receipt key and its log key; get them from the ledger's operator, not from the ledger.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import quote

import httpx
import orjson

from chemtrace.core.base64url import decode_base64url
from chemtrace.core.checkpoint import Checkpoint, verify_checkpoint
from chemtrace.core.entry import encode_entry, leaf_hash
from chemtrace.core.errors import (
    ChemtraceError,
    RefusedError,
    ServerAnswerError,
    ServerRefusedError,
    ServerUnavailableError,
)
from chemtrace.core.keys import PrivateKey, PublicKey
from chemtrace.core.merkle import verify_inclusion
from chemtrace.core.note import parse_vkey
from chemtrace.core.receipt import Receipt, verify_signed_receipt
from chemtrace.core.statement import Statement, encode_wire
from scanners.events import build_event, complete_payload, subjects_of
from scanners.wire_http import Answer, LedgerHTTP, refusal_of

MAX_BATCH_LINES: Final = 1000
MAX_BATCH_BYTES: Final = 8 * 1024 * 1024
MAX_HEADS: Final = 1000
_SIGN_AGAIN: Final = frozenset({"prev.unknown", "prev.stale"})
_NOT_NOW: Final = frozenset({408, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Pins:
    """What the caller trusts: the log's origin, its receipt key, and its log key as verifier key text (vkey)."""

    origin: str
    receipt_key: PublicKey
    log_vkey: str | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """A subject's last event: its id in hex, its index in the log, how many events the subject has."""

    event: str
    index: int
    count: int


@dataclass(frozen=True, slots=True)
class Posted:
    """An admitted statement: the verified receipt, its wire bytes to keep, and whether the ledger had it already."""

    receipt: Receipt
    wire: bytes
    duplicate: bool


class LedgerClient:
    """One ledger over HTTP. Statements need no token; reading does."""

    def __init__(
        self,
        base_url: str,
        token: str | None = None,
        *,
        pins: Pins | None = None,
        transport: httpx.BaseTransport | None = None,
        **http: Any,
    ) -> None:
        """Prepare; nothing is sent. Without `pins` nothing can be posted or verified, only read."""
        self.pins = pins
        self._http = LedgerHTTP(base_url, token, transport=transport, **http)

    def __enter__(self) -> Self:
        """Give the client."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        self._http.close()

    def post(self, statement: Statement) -> Posted:
        """Send one statement and return its verified receipt; safe to repeat.

        Raises:
            ServerRefusedError: refused; `fields["remote_code"]` and `fields["remote"]` say why.
            ServerUnavailableError: not reached or not now, after all retries.
            ServerAnswerError: the receipt does not verify under the pins, or the answer is not the ledger's.
        """
        answer = self._http.post("/v1/events", encode_wire(statement))
        return self._posted(statement, answer.status, answer.as_object())

    def post_batch(self, statements: Sequence[Statement]) -> tuple[Posted | ChemtraceError, ...]:
        """Send statements in order, in NDJSON batches within the limits, and return what became of each.

        A statement's own refusal, unavailability or bad receipt stands in its place of the result; raised is only what
        concerns a whole request, and then everything may be sent again.
        """
        results: list[Posted | ChemtraceError] = []
        for chunk in _chunks(statements):
            answer = self._http.post(
                "/v1/events/batch", b"\n".join(map(encode_wire, chunk)), "application/x-ndjson"
            )
            results.extend(map(self._line_result, chunk, _lines(answer, len(chunk))))
        return tuple(results)

    def heads(self, subjects: Iterable[str]) -> dict[str, Head | None]:
        """Current heads; None for a subject without any event."""
        wanted, heads = list(dict.fromkeys(subjects)), dict[str, Head | None]()
        for start in range(0, len(wanted), MAX_HEADS):
            part = wanted[start : start + MAX_HEADS]
            answer = self._http.post("/v1/heads", orjson.dumps({"subjects": part})).as_object()
            heads.update((subject, _parse_head(answer, subject)) for subject in part)
        return heads

    def record(
        self,
        *,
        kind: str,
        phase: str,
        enterprise: str,
        signers: Sequence[PrivateKey],
        payload: Mapping[str, object],
    ) -> Posted:
        """Build an event on the current heads, sign, send; sign again, twice at most, when a head has moved."""
        whole = complete_payload(payload)
        subjects = subjects_of(kind, phase, whole, enterprise)
        for last in (False, False, True):
            prevs = {
                subject: head.event for subject, head in self.heads(subjects).items() if head is not None
            }
            statement = build_event(
                kind=kind, phase=phase, enterprise=enterprise, signers=signers, payload=whole, prevs=prevs
            )
            try:
                return self.post(statement)
            except ServerRefusedError as error:
                if last or error.fields["remote_code"] not in _SIGN_AGAIN:
                    raise
        raise ServerUnavailableError("The heads kept moving; record the event again.", subjects=subjects)

    def item(self, code: str) -> dict[str, Any]:
        """State, custody, place and quantity of one item."""
        return self._read(f"/v1/items/{quote(code, safe='')}")

    def history(self, code: str) -> dict[str, Any]:
        """Every event of one item in the order of the log, with findings and receipts."""
        return self._read(f"/v1/items/{quote(code, safe='')}/history")

    def alerts(self, **query: str | int) -> dict[str, Any]:
        """A page of alerts; filters and cursor as the interface names them."""
        return self._http.get("/v1/alerts", query).as_object()

    def checkpoint(self) -> Checkpoint:
        """The newest checkpoint, its signature verified under the pinned log key."""
        return self._verify_note(self._http.get("/v1/log/checkpoint").body)

    def verify_entry(self, index: int) -> tuple[bytes, Checkpoint]:
        """Fetch entry `index` with its proof; return its bytes and the checkpoint under which it is proved included.

        Raises:
            ServerAnswerError: the proof is malformed, leads to another root, or the checkpoint is not the pinned log's.
        """
        proof = self._read(f"/v1/entries/{index}")
        try:
            entry, path = decode_base64url(proof["entry"]), [bytes.fromhex(node) for node in proof["path"]]
            checkpoint = self._verify_note(proof["checkpoint"].encode("utf-8"))
            verify_inclusion(
                leaf_hash=leaf_hash(entry), index=index, size=checkpoint.size, path=path, root=checkpoint.root
            )
        except (KeyError, TypeError, ValueError, AttributeError, RefusedError) as error:
            raise ServerAnswerError(
                f"The proof of entry {index} does not hold: {error}", index=index
            ) from error
        return entry, checkpoint

    def verify_posted(self, posted: Posted) -> Checkpoint:
        """Check that a receipt's promise was kept: its entry stands in the published log at its index."""
        entry, checkpoint = self.verify_entry(posted.receipt.index)
        found = leaf_hash(entry).hex()
        if found != posted.receipt.leaf:
            message = f"Entry {posted.receipt.index} is not the one the receipt promised: keep the receipt as evidence."
            raise ServerAnswerError(
                message, expected=posted.receipt.leaf, found=found, index=posted.receipt.index
            )
        return checkpoint

    def _read(self, path: str) -> dict[str, Any]:
        return self._http.get(path).as_object()

    def _pinned(self) -> Pins:
        if self.pins is None:
            raise ServerAnswerError("No keys are pinned: give the ledger's origin, receipt key and log key.")
        return self.pins

    def _verify_note(self, note: bytes) -> Checkpoint:
        pins = self._pinned()
        if pins.log_vkey is None:
            raise ServerAnswerError("No log key is pinned: give its verifier key text.")
        try:
            return verify_checkpoint(note, pins.origin, [parse_vkey(pins.log_vkey)])[0]
        except RefusedError as error:
            raise ServerAnswerError(
                f"The checkpoint does not verify: {error.message}", cause=error.code
            ) from error

    def _line_result(self, statement: Statement, line: dict[str, Any]) -> Posted | ChemtraceError:
        status, problem = int(line["status"]), line.get("problem")
        if isinstance(problem, dict):
            if status in _NOT_NOW:
                return ServerUnavailableError(
                    "The ledger could not take this line now.", status=status, remote=problem
                )
            return refusal_of(status, problem)
        try:
            return self._posted(statement, status, line)
        except ServerAnswerError as error:
            return error

    def _posted(self, statement: Statement, status: int, answer: Mapping[str, Any]) -> Posted:
        """Verify a receipt: (1) signed by the pinned key, (2) of the pinned log, (3) for this event, (4) this entry."""
        pins = self._pinned()
        wire = orjson.dumps({name: answer.get(name) for name in ("kid", "receipt", "signature")})
        try:
            receipt = verify_signed_receipt(wire, pins.receipt_key)  # (1)
        except RefusedError as error:
            raise ServerAnswerError(
                f"The receipt does not verify: {error.message}", cause=error.code
            ) from error
        _match("origin", pins.origin, receipt.origin)  # (2)
        _match("event", statement.event_id.hex(), receipt.event)  # (3)
        if status == 201:
            # (4) Only of a new entry: a duplicate's first entry may hold other signatures over the same header.
            signed = tuple(
                zip(map(bytes.fromhex, statement.header.signers), statement.signatures, strict=True)
            )
            _match("leaf", leaf_hash(encode_entry(statement.header_bytes, signed)).hex(), receipt.leaf)
        return Posted(receipt, wire, duplicate=status != 201)


def _match(name: str, expected: str, found: str) -> None:
    if expected != found:
        message = f"The receipt is for another {name}: keep the statement, do not trust this answer."
        raise ServerAnswerError(message, field=name, expected=expected, found=found)


def _parse_head(answer: Mapping[str, Any], subject: str) -> Head | None:
    try:
        head = answer["heads"][subject]
        return None if head is None else Head(str(head["event"]), int(head["index"]), int(head["count"]))
    except (KeyError, TypeError, ValueError) as error:
        raise ServerAnswerError("The answer about heads is malformed.", subject=subject) from error


def _chunks(statements: Sequence[Statement]) -> Iterator[list[Statement]]:
    chunk: list[Statement] = []
    size = 0
    for statement in statements:
        length = len(encode_wire(statement)) + 1
        if chunk and (len(chunk) >= MAX_BATCH_LINES or size + length > MAX_BATCH_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(statement)
        size += length
    if chunk:
        yield chunk


def _lines(answer: Answer, count: int) -> list[dict[str, Any]]:
    """The batch's result lines: exactly one for each statement, in order, each with a status."""
    try:
        lines = [orjson.loads(line) for line in answer.body.split(b"\n") if line.strip()]
        numbers = [(line["line"], isinstance(line["status"], int)) for line in lines]
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise ServerAnswerError("The batch's answer is malformed; send the same batch again.") from error
    if numbers != [(number, True) for number in range(1, count + 1)]:
        raise ServerAnswerError("The batch's answer leaves out lines.", expected=count, found=len(numbers))
    return lines
