"""Subjects: what has a history. One canonical spelling each, so that no history can hide under another one.

An item's subject is its bare 19-sign code; all others are `prefix:id`.
"""

import re
from typing import Final

from chemtrace.core.codes import canonical_code
from chemtrace.core.credit_code import verify_credit_code
from chemtrace.core.errors import SubjectError
from chemtrace.core.types import SubjectId

_NUMBER: Final = re.compile(r"[A-Z0-9][A-Z0-9.-]{0,31}")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")

PREFIXES: Final[dict[str, re.Pattern[str]]] = {
    "enterprise": re.compile(r"[0-9A-Z]{18}"),
    "site": _NUMBER,
    "licence": _NUMBER,
    "device": _NUMBER,
    "batch": re.compile(r"[A-Z0-9][A-Z0-9.-]{0,63}"),
    "waybill": re.compile(r"[A-Z0-9][A-Z0-9-]{2,31}"),
    "key": _DIGEST,
    "alert": _DIGEST,
}
"""Form of the id behind each prefix. Numbers that people type are upper case; digests are lowercase hex."""


def parse_subject(text: str) -> SubjectId:
    """Return `text` if it is a subject id in its canonical spelling; nothing is forgiven or repaired.

    Raises:
        CodeFormatError, CodeVersionError, CodeCheckError: an item's code that is not canonical.
        CreditCodeError: `enterprise:` with a wrong check sign.
        SubjectError: no such prefix, or an id of the wrong form.
    """
    prefix, colon, name = text.partition(":")
    if not colon:
        return SubjectId(canonical_code(text))
    form = PREFIXES.get(prefix)
    if form is None or form.fullmatch(name) is None:
        raise SubjectError(
            f"{text[:80]!r} is not a subject: write a 19-sign code or one of {', '.join(PREFIXES)} with ':' and its id",
            found=text[:80],
            expected=form.pattern if form else tuple(PREFIXES),
        )
    if prefix == "enterprise" and verify_credit_code(name) != name:
        raise SubjectError("the credit code is not in its canonical spelling", found=name)
    return SubjectId(text)


def is_item(subject: str) -> bool:
    """Whether a canonical subject id is an item's code."""
    return ":" not in subject
