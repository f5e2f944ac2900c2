"""Checked statements between two processes of ours: what was decoded once is handed over, not checked twice.

MessagePack, only ever read by the process that started the one that wrote it. The header was checked there, so here it
is decoded without asking again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from chemtrace.core.algorithms import PublicKey
from chemtrace.core.entry import header_of
from chemtrace.core.errors import RefusedError
from chemtrace.core.events import parse_payload
from chemtrace.core.header import Header
from chemtrace.core.statement import Opening, Statement
from chemtrace.core.types import EventId
from chemtrace.ledger.admit import Checked


class Question(msgspec.Struct, array_like=True, gc=False):
    """Statements to be checked, and the keys that were registered since the last question."""

    wires: list[bytes]
    keys: list[PublicKey]


class Passed(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A statement whose form and signatures hold, in parts."""

    body: bytes
    payload: bytes
    openings: tuple[Opening, ...]
    signatures: tuple[bytes, ...]
    event_id: bytes
    leaf: bytes
    at_us: int
    iat_us: int


Answer = list[Passed | None]
"""One for each statement; None: look at it again yourself, it is refused or its key is not known here."""

_ENCODER: Final = msgspec.msgpack.Encoder()
_QUESTIONS: Final = msgspec.msgpack.Decoder(Question)
_ANSWERS: Final = msgspec.msgpack.Decoder(Answer)
_HEADERS: Final = msgspec.json.Decoder(Header)


def encode_question(wires: Sequence[bytes], keys: Sequence[PublicKey]) -> bytes:
    """Return the bytes of a question."""
    return _ENCODER.encode(Question(list(wires), list(keys)))


def parse_question(data: bytes) -> Question:
    """Read what `encode_question` wrote."""
    return _QUESTIONS.decode(data)


def encode_answer(verdicts: Sequence[Checked | RefusedError]) -> bytes:
    """Return the bytes of an answer: the parts of every statement that passed whole."""
    return _ENCODER.encode([_passed(verdict) for verdict in verdicts])


def _passed(verdict: Checked | RefusedError) -> Passed | None:
    if not isinstance(verdict, Checked) or not verdict.verified:
        return None
    made = verdict.statement
    return Passed(
        verdict.body,
        made.payload_bytes,
        made.openings,
        made.signatures,
        made.event_id,
        verdict.leaf,
        verdict.at_us,
        verdict.iat_us,
    )


def parse_answer(data: bytes, wires: Sequence[bytes]) -> list[Checked | None]:
    """Return the checked statements of an answer about `wires`, in their order."""
    passed = _ANSWERS.decode(data)
    return [None if one is None else _checked(one, wire) for one, wire in zip(passed, wires, strict=True)]


def _checked(passed: Passed, wire: bytes) -> Checked:
    header_bytes = header_of(passed.body)
    header = _HEADERS.decode(header_bytes)
    statement = Statement(
        header_bytes, passed.payload, passed.openings, passed.signatures, header, EventId(passed.event_id)
    )
    payload = parse_payload(header.kind, header.phase, passed.payload)
    return Checked(statement, payload, passed.at_us, passed.iat_us, wire, True, passed.body, passed.leaf)
