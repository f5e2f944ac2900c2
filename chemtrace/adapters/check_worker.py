"""A process that checks statements: reads questions from its standard input, writes answers to its standard output.

Started by `check_processes`; ends when its input ends. Frames are a u32be length and a message of
`ledger.checked_wire`. It holds public keys only and has no access to the ledger.
"""

from __future__ import annotations

import gc
import os
import struct
import sys
from typing import IO, Final

from chemtrace.core.algorithms import PublicKey
from chemtrace.core.errors import RefusedError
from chemtrace.ledger.admit import Checked, check_form
from chemtrace.ledger.checked_wire import encode_answer, parse_question

FRAME: Final = struct.Struct(">I")
NICENESS: Final = 5
"""Below the writer, which everybody waits for."""


def read_frame(stream: IO[bytes]) -> bytes | None:
    """The next message, or None at the end of the stream."""
    head = stream.read(FRAME.size)
    if len(head) < FRAME.size:
        return None
    (size,) = FRAME.unpack(head)
    body = stream.read(size)
    return body if len(body) == size else None


def write_frame(stream: IO[bytes], message: bytes) -> None:
    """Write one message and push it out."""
    stream.write(FRAME.pack(len(message)))
    stream.write(message)
    stream.flush()


def main() -> None:
    """Answer until the input ends."""
    os.nice(NICENESS)
    # Statements hold no cycles; searching for some would cost a tenth of the time.
    gc.freeze()
    gc.disable()
    keys: dict[str, PublicKey] = {}
    while (message := read_frame(sys.stdin.buffer)) is not None:
        question = parse_question(message)
        keys.update({key.kid.hex(): key for key in question.keys})
        write_frame(sys.stdout.buffer, encode_answer([_check(wire, keys) for wire in question.wires]))


def _check(wire: bytes, keys: dict[str, PublicKey]) -> Checked | RefusedError:
    try:
        return check_form(wire, lambda _statement, _payload: keys)
    except RefusedError as error:
        return error


if __name__ == "__main__":
    main()
