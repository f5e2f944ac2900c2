"""Checked statements between two processes of ours: what was decoded once is handed over, not checked twice.

MessagePack, only ever read by the process that started the one that wrote it. The header was checked there, so here it
is decoded without asking again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, overload

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


_Verdicts = list[Passed | None]
"""One for each statement; None: look at it again yourself, it is refused or its key is not known here."""

_WHOLE: Final = b"\xc3"
"""MessagePack's true: what an answer begins with when all statements passed."""

_ENCODER: Final = msgspec.msgpack.Encoder()
_QUESTIONS: Final = msgspec.msgpack.Decoder(Question)
_VERDICTS: Final = msgspec.msgpack.Decoder(_Verdicts)
_HEADERS: Final = msgspec.json.Decoder(Header)


def encode_question(wires: Sequence[bytes], keys: Sequence[PublicKey]) -> bytes:
    """Return the bytes of a question."""
    return _ENCODER.encode(Question(list(wires), list(keys)))


def parse_question(data: bytes) -> Question:
    """Read what `encode_question` wrote."""
    return _QUESTIONS.decode(data)


def encode_answer(verdicts: Sequence[Checked | RefusedError]) -> bytes:
    """Return the bytes of an answer: whether all passed, then the parts of every statement that passed whole."""
    passed = [_passed(verdict) for verdict in verdicts]
    return _ENCODER.encode(None not in passed) + _ENCODER.encode(passed)


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


class Answer(Sequence[Checked]):
    """What `encode_answer` wrote about `wires`, read anew each time it is asked for.

    As a sequence it is the checked statements of an answer that is `whole`. Read where they are judged they are still
    in the processor's cache; kept as objects until then, a quarter of judging is waiting for memory.
    """

    __slots__ = ("_data", "_wires")

    def __init__(self, data: bytes, wires: Sequence[bytes]) -> None:
        """Read nothing yet."""
        self._data = data
        self._wires = wires

    @property
    def whole(self) -> bool:
        """Whether all statements passed."""
        return self._data[:1] == _WHOLE

    def verdicts(self) -> list[Checked | None]:
        """The checked statements in their order; None for each that the caller must look at itself."""
        passed = _VERDICTS.decode(memoryview(self._data)[1:])
        return [
            None if one is None else _checked(one, wire)
            for one, wire in zip(passed, self._wires, strict=True)
        ]

    def __len__(self) -> int:
        """How many statements were asked about."""
        return len(self._wires)

    def __iter__(self) -> Iterator[Checked]:
        """The statements that passed."""
        return iter([checked for checked in self.verdicts() if checked is not None])

    @overload
    def __getitem__(self, at: int) -> Checked: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Checked]: ...
    def __getitem__(self, at: int | slice) -> Checked | Sequence[Checked]:
        """One or some of them; reads all."""
        return list(self)[at]


def _checked(passed: Passed, wire: bytes) -> Checked:
    header_bytes = header_of(passed.body)
    header = _HEADERS.decode(header_bytes)
    statement = Statement(
        header_bytes, passed.payload, passed.openings, passed.signatures, header, EventId(passed.event_id)
    )
    payload = parse_payload(header.kind, header.phase, passed.payload)
    return Checked(statement, payload, passed.at_us, passed.iat_us, wire, True, passed.body, passed.leaf)
