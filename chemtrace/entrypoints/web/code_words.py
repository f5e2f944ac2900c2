"""What is wrong with a code that somebody typed, said in words of the reader's language, sign by sign.

The core's errors are in English and for programs; a page shows the signs, marks the wrong one and says what was
expected there. What stands behind the 19 signs may be a seal and is never shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from chemtrace.core.check_sign import LOOKALIKES
from chemtrace.core.codes import CODE_SIGNS
from chemtrace.core.errors import CodeCheckError, CodeFormatError, CodeVersionError
from chemtrace.entrypoints.web.language import Words

CodeError = CodeFormatError | CodeVersionError | CodeCheckError
CODE_ERRORS: Final = (CodeFormatError, CodeVersionError, CodeCheckError)
NEARLY_A_CODE: Final = 14
"""Signs from which on a text of the wrong length is taken for a code that was cut off, not for something else."""


@dataclass(frozen=True, slots=True)
class Sign:
    """One sign of a code as typed, and whether it is the one to look at."""

    text: str
    is_wrong: bool


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a code: its error code, a sentence, a hint (may be empty), and the signs typed."""

    code: str
    text: str
    hint: str
    signs: tuple[Sign, ...]


def explain(error: CodeError, words: Words) -> Fault:
    """Say what is wrong, with the wrong sign marked."""
    typed = str(error.fields.get("text", ""))[:CODE_SIGNS]
    wrong, text, hint = _sentence(error, words)
    signs = tuple(Sign(sign, place in wrong) for place, sign in enumerate(typed))
    return Fault(error.code, text, hint, signs)


def explain_unknown(error: CodeError, words: Words) -> Fault:
    """Say what is wrong where anything may have been typed: a text that is nothing like a code is told as such."""
    length = error.fields.get("got_length")
    if isinstance(length, int) and length < NEARLY_A_CODE:
        return Fault(error.code, words("find.no-number"), "", ())
    return explain(error, words)


def _sentence(error: CodeError, words: Words) -> tuple[range, str, str]:
    fields = error.fields
    if isinstance(error, CodeCheckError):
        return range(18, 19), words("code.check", got=fields["got"], expected=fields["expected"]), ""
    if isinstance(error, CodeVersionError):
        return range(3), words("code.version", got=fields["got"]), ""
    position = fields.get("position")
    if not isinstance(position, int):
        return range(0), words("code.length", got=fields.get("got_length", "?")), ""
    if position > CODE_SIGNS:
        return range(0), words("code.seal-sign", position=position - CODE_SIGNS), ""
    got = str(fields["got"])
    meant = LOOKALIKES.get(got)
    hint = words("code.lookalike", got=got, meant=meant) if meant else ""
    return range(position - 1, position), words(_place(position), position=position, got=got), hint


def _place(position: int) -> str:
    """The text for a wrong sign, by what may stand at its place."""
    if position == 4:
        return "code.kind-sign"
    return "code.slot-sign" if position in {5, 6, 7} else "code.any-sign"
