"""What the writer and the process that folds for it say to each other: MessagePack, read by nobody else."""

from __future__ import annotations

from typing import Final

import msgspec

from chemtrace.ledger.ports import Head, SubjectTreeRow


class Opening(msgspec.Struct, frozen=True, array_like=True, tag="open"):
    """First of all: where the ledger is. It goes through the pipe because an address may hold a password."""

    url: str


class Task(msgspec.Struct, frozen=True, array_like=True, tag="fold"):
    """Fold all entries before `head.size`. `rows`: give the rows and the root as of an epoch record there."""

    head: Head
    rows: bool


class Folded(msgspec.Struct, frozen=True, array_like=True, tag="folded"):
    """Entries folded so far; with rows asked for, the trees and pages that changed since they were last, and the root.

    `root` is empty where none were asked for.
    """

    folded: int
    trees: dict[str, SubjectTreeRow]
    pages: dict[str, bytes]
    root: bytes


class Failed(msgspec.Struct, frozen=True, array_like=True, tag="failed"):
    """It could not: the writer folds for itself, and meets the error under its own name."""

    error: str


_ENCODER: Final = msgspec.msgpack.Encoder()
_QUESTIONS: Final = msgspec.msgpack.Decoder(Opening | Task)
_ANSWERS: Final = msgspec.msgpack.Decoder(Folded | Failed)


def encode(message: Opening | Task | Folded | Failed) -> bytes:
    """The bytes of a message."""
    return _ENCODER.encode(message)


def parse_question(data: bytes) -> Opening | Task:
    """What the writer says."""
    question: Opening | Task = _QUESTIONS.decode(data)
    return question


def parse_answer(data: bytes) -> Folded | Failed:
    """What the process answers."""
    answer: Folded | Failed = _ANSWERS.decode(data)
    return answer
