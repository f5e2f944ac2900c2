"""A small ledger for tests of the client and the outbox: real statements, real receipts, real proofs.

It keeps the rules that matter to a sender: the event id decides about duplicates, an unknown `prev` is a
conflict, an answer leaves only after the event is in. It can be told to fail: before it admits, or after it has
admitted and before it answers.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

from chemtrace.core.base64url import encode_base64url
from chemtrace.core.checkpoint import Checkpoint, sign_checkpoint
from chemtrace.core.codes import make_code
from chemtrace.core.credit_code import make_credit_code
from chemtrace.core.entry import encode_entry, leaf_hash
from chemtrace.core.keys import generate_key
from chemtrace.core.merkle import MemoryTree, inclusion_path
from chemtrace.core.note import make_verifier
from chemtrace.core.receipt import Receipt, encode_signed_receipt, sign_receipt
from chemtrace.core.statement import Statement, parse_wire
from scanners.client import Pins
from scanners.events import build_event

ORIGIN = "ledger.example/1"
ENTERPRISE = make_credit_code("91110108MA01ABCD2")
WORKER = generate_key("ed25519", b"worker-key-for-tests" * 2)
RECEIPT_KEY = generate_key("ed25519", b"receipt-key-for-tests" * 2)
LOG_KEY = generate_key("ed25519", b"log-key-for-tests" * 2)
PINS = Pins(ORIGIN, RECEIPT_KEY.public, make_verifier(ORIGIN, LOG_KEY.public.raw).vkey)


def code(number: int) -> str:
    """The trace code of drum `number`."""
    return make_code(kind="P", slot="005", issuer="7K2M", serial=f"{number:07d}").text


def store_event(number: int, prevs: dict[str, str | None] | None = None, note: str = "x") -> Statement:
    """A signed store/in of drum `number`."""
    return build_event(
        kind="store", phase="in", enterprise=ENTERPRISE, signers=[WORKER],
        payload={"items": [{"code": code(number)}], "site": "S1", "note": note}, prevs=prevs or {},
    )  # fmt: skip


@dataclass
class SmallLedger:
    """State of the test ledger, and the faults it is told to show."""

    admitted: list[Statement] = field(default_factory=list)
    receipts: dict[str, bytes] = field(default_factory=dict)
    entries: list[bytes] = field(default_factory=list)
    heads: dict[str, list[str]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    refuse: Callable[[Statement], str | None] = lambda statement: None
    before: Callable[[httpx.Request], httpx.Response | None] = lambda request: None
    after: Callable[[httpx.Request, httpx.Response], httpx.Response] = lambda request, response: response

    def transport(self) -> httpx.MockTransport:
        """The ledger as an httpx transport."""
        return httpx.MockTransport(self.handle)

    def handle(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        self.requests.append(request.url.path)
        return self.before(request) or self.after(request, self._answer(request))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        path, body = request.url.path, request.content
        if path == "/v1/events":
            status, members = self.submit(body)
            return _problem(members) if "code" in members else httpx.Response(status, json=members)
        if path == "/v1/events/batch":
            return httpx.Response(200, content=b"".join(map(self._line, range(1, 1001), body.split(b"\n"))))
        if path == "/v1/heads":
            wanted = json.loads(body)["subjects"]
            return httpx.Response(200, json={"heads": {subject: self._head(subject) for subject in wanted}})
        if path.startswith("/v1/entries/"):
            return httpx.Response(200, json=self._proof(int(path.rpartition("/")[2])))
        if path == "/v1/log/checkpoint":
            return httpx.Response(200, content=self._note())
        return _problem({"code": "request.no-such-path", "status": 404, "detail": path})

    def submit(self, wire: bytes) -> tuple[int, dict[str, object]]:
        """Admit a statement: its status and receipt, or its problem."""
        statement = parse_wire(wire)
        event = statement.event_id.hex()
        if event in self.receipts:
            return 200, json.loads(self.receipts[event])
        refusal = self.refuse(statement) or self._chain_fault(statement)
        if refusal is not None:
            return 409, {"code": refusal, "status": 409, "detail": "refused", "fields": {}}
        return 201, json.loads(self._admit(statement, event))

    def _chain_fault(self, statement: Statement) -> str | None:
        for subject in statement.header.subjects:
            if subject.prev is not None and subject.prev not in self.heads.get(subject.id, []):
                return "prev.unknown"
        return None

    def _admit(self, statement: Statement, event: str) -> bytes:
        signed = tuple(zip(map(bytes.fromhex, statement.header.signers), statement.signatures, strict=True))
        entry = encode_entry(statement.header_bytes, signed)
        receipt = Receipt(
            event=event, findings=(), index=len(self.entries), late=False, leaf=leaf_hash(entry).hex(),
            origin=ORIGIN, received="2026-01-01T00:00:00Z", publish_by="2026-01-01T00:01:00Z",
        )  # fmt: skip
        self.entries.append(entry)
        self.admitted.append(statement)
        for subject in statement.header.subjects:
            self.heads.setdefault(subject.id, []).append(event)
        self.receipts[event] = encode_signed_receipt(sign_receipt(receipt, RECEIPT_KEY))
        return self.receipts[event]

    def _line(self, number: int, wire: bytes) -> bytes:
        status, members = self.submit(wire)
        body = {"problem": members} if "code" in members else members
        return json.dumps({"line": number, "status": status, **body}).encode() + b"\n"

    def _head(self, subject: str) -> dict[str, object] | None:
        events = self.heads.get(subject)
        return {"event": events[-1], "index": 0, "count": len(events)} if events else None

    def _tree(self) -> MemoryTree:
        return MemoryTree(leaf_hash(entry) for entry in self.entries)

    def _note(self) -> bytes:
        return sign_checkpoint(Checkpoint(ORIGIN, len(self.entries), self._tree().root()), LOG_KEY)

    def _proof(self, index: int) -> dict[str, object]:
        path = inclusion_path(index, len(self.entries), self._tree().node)
        return {
            "entry": encode_base64url(self.entries[index]), "index": index,
            "path": [node.hex() for node in path], "checkpoint": self._note().decode(),
        }  # fmt: skip


def _problem(members: dict[str, object]) -> httpx.Response:
    headers = {"Content-Type": "application/problem+json"}
    return httpx.Response(int(str(members["status"])), content=json.dumps(members).encode(), headers=headers)
