"""A child that answers every message with the same bytes; what it is told to do before stands in its first bytes."""

from __future__ import annotations

import os
import signal

from chemtrace.adapters.frames import answer_all


def answer(message: bytes) -> bytes:
    """Stop, end or answer."""
    if message == b"stop":
        os.kill(os.getpid(), signal.SIGSTOP)
    if message == b"die":
        os._exit(1)
    return message


if __name__ == "__main__":
    answer_all(answer)
