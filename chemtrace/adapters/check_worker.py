"""A process that checks statements; started by `check_processes`, speaks `ledger.checked_wire`.

It holds public keys only and has no access to the ledger.
"""

from __future__ import annotations

import gc
from typing import Final

from chemtrace.adapters.frames import answer_all
from chemtrace.core.algorithms import PublicKey
from chemtrace.core.errors import RefusedError
from chemtrace.ledger.admit import Checked, check_form
from chemtrace.ledger.checked_wire import encode_answer, parse_question

NICENESS: Final = 5
"""Below the writer, which everybody waits for."""


def main() -> None:
    """Answer until the input ends."""
    # Statements hold no cycles; searching for some would cost a tenth of the time.
    gc.freeze()
    gc.disable()
    keys: dict[str, PublicKey] = {}

    def answer(message: bytes) -> bytes:
        question = parse_question(message)
        keys.update({key.kid.hex(): key for key in question.keys})
        return encode_answer([_check(wire, keys) for wire in question.wires])

    answer_all(answer, niceness=NICENESS)


def _check(wire: bytes, keys: dict[str, PublicKey]) -> Checked | RefusedError:
    try:
        return check_form(wire, lambda _statement, _payload: keys)
    except RefusedError as error:
        return error


if __name__ == "__main__":
    main()
