"""One kind of bad input: how to make it, and the answer it must get."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from chemtrace.core.base64url import encode_base64url
from chemtrace.core.keys import PrivateKey
from chemtrace.core.pae import HEADER_TYPE, encode_pae
from chemtrace.core.statement import Statement, encode_wire
from tests.seeded_ledger import Hands, Seeded

JSON = "application/json"
NDJSON = "application/x-ndjson"


@dataclass
class World:
    """The seeded ledger with items, waybills and keys in every state that a case needs, by name."""

    seeded: Seeded
    codes: dict[str, str] = field(default_factory=dict)
    keys: dict[str, PrivateKey] = field(default_factory=dict)
    events: dict[str, Statement] = field(default_factory=dict)

    @property
    def hands(self) -> Hands:
        return self.seeded.hands


Body = Callable[[World], bytes]


@dataclass(frozen=True)
class Case:
    """`code` is the problem's code, for a rule its id; `kept`: validly signed, so the refusal is kept as evidence."""

    name: str
    code: str
    make: Body
    kept: bool = False
    path: str = "/v1/events"
    media_type: str = JSON
    status: int | None = None


CASES: list[Case] = []


def bad(code: str, **facts: Any) -> Callable[[Body], Body]:
    """Register the decorated maker as a case named after itself."""

    def register(make: Body) -> Body:
        CASES.append(Case(make.__name__, code, make, **facts))
        return make

    return register


def canonical(value: Any) -> bytes:
    """Sorted, without spaces; unlike the program's own encoder it writes floats and large integers too."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def wire(_header: bytes, _payload: bytes, *signatures: bytes, **more: Any) -> bytes:
    """A wire object of any bytes; keyword arguments replace its members."""
    parts = {
        "header": encode_base64url(_header),
        "openings": [],
        "payload": encode_base64url(_payload),
        "signatures": [encode_base64url(signature) for signature in signatures],
    }
    return json.dumps(parts | more).encode()


def signed(key: PrivateKey, header: bytes, payload: bytes) -> bytes:
    """A wire object whose signature is valid, whatever stands in the header."""
    return wire(header, payload, key.sign(encode_pae(HEADER_TYPE, header)))


def with_header(key: PrivateKey, statement: Statement, **members: Any) -> bytes:
    """The statement with other header members, signed again."""
    header = json.loads(statement.header_bytes) | members
    return signed(key, canonical(header), statement.payload_bytes)


def with_payload(key: PrivateKey, statement: Statement, payload: bytes) -> bytes:
    """The statement with other payload bytes, which its header names, signed again."""
    reference = {
        "sha256": hashlib.sha256(payload).hexdigest(),
        "size": len(payload),
        "type": "application/vnd.chemtrace.event+json",
    }
    header = json.loads(statement.header_bytes) | {"payload": reference}
    return signed(key, canonical(header), payload)


def with_payload_members(key: PrivateKey, statement: Statement, **members: Any) -> bytes:
    """The statement with other payload members, signed again."""
    return with_payload(key, statement, canonical(json.loads(statement.payload_bytes) | members))


__all__ = ["CASES", "JSON", "NDJSON", "Case", "World", "bad", "canonical", "encode_wire", "signed", "wire",
           "with_header", "with_payload", "with_payload_members"]  # fmt: skip
