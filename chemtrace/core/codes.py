"""The 19-sign trace code "BJ1": parse forgivingly, build, print, and check on the hot path.

    BJ 1 P 005 7K2M 4QX9T3C F
    |  | |  |   |     |     check sign (GB 32100 rule over the 18 signs before it)
    |  | |  |   |     serial, 7 signs (random-looking, see serials)
    |  | |  |   issuer, 4 signs (registry number)
    |  | |  chemical slot, 001-999; 000 only for mixed aggregates
    |  | kind: P package, C cylinder, T tank or bulk lot, W waste unit, A aggregate
    |  version 1
    city

A code never holds date, owner or quantity: those are facts of the ledger. Byte-exact form:
contracts/specs/trace-code.md; vectors: contracts/vectors/codes/.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from operator import mul
from typing import Final, NoReturn

from chemtrace.core.check_sign import (
    ALPHABET,
    RADIX,
    VALUES,
    WEIGHTS,
    check_sign_of,
    first_wrong_sign,
    lookalike_hint,
)
from chemtrace.core.errors import CodeCheckError, CodeFormatError, CodeVersionError

CITY: Final = "BJ"
VERSION: Final = "1"
KINDS: Final = "PCTWA"
"""P package, C cylinder or other returnable, T tank or bulk lot, W waste unit, A aggregate (pallet, case)."""

CODE_SIGNS: Final = 19
SEAL_SIGNS: Final = 10
MAX_TEXT: Final = 512
"""Longest input looked at, in characters: far beyond any label, so that a stray document costs nothing."""

RESOLVER_PATH: Final = "/I/"
"""Path of the public look-up on a label, upper case so that the QR code stays in alphanumeric mode."""

_ANY_SIGN: Final = "a digit or an upper-case letter other than I, O, S, V, Z"
_FORM: Final = re.compile(rf"BJ1(?:[PCTW](?!000)|A)[0-9]{{3}}[{ALPHABET}]{{12}}", re.ASCII)
_WEIGHTS_19: Final = (*WEIGHTS[:18], 1)
_SEPARATORS: Final = re.compile(r"[\s\-\u00ad\u2010-\u2015\u2212\u200b-\u200d\ufeff]+")
_GS1_ELEMENT: Final = re.compile(r"\((?:21|235|10|8004)\)([^()]+)")
_HOST: Final = re.compile(r"[A-Z0-9](?:[A-Z0-9.\-]{0,98}[A-Z0-9])?(?::[0-9]{1,5})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class TraceCode:
    """A trace code whose form and check sign hold; made only by `parse_code` and `make_code`.

    Fields: city 2 signs, version 1, kind one of `KINDS`, slot 3 decimal digits, issuer 4 signs,
    serial 7 signs, check 1 sign.
    """

    city: str
    version: str
    kind: str
    slot: str
    issuer: str
    serial: str
    check: str

    @property
    def text(self) -> str:
        """The 19 signs: the one spelling that is signed, stored and compared."""
        return self.city + self.version + self.kind + self.slot + self.issuer + self.serial + self.check

    @property
    def pretty(self) -> str:
        """The code as people read it: `BJ1P-005-7K2M-4QX9T3C-F`."""
        head = self.city + self.version + self.kind
        return f"{head}-{self.slot}-{self.issuer}-{self.serial}-{self.check}"

    def __str__(self) -> str:
        """Give `text`."""
        return self.text


def canonical_code(text: str) -> str:
    """Return `text` if it is exactly a canonical code; the hot path of admission, about 1 microsecond.

    Nothing is forgiven here: what is signed must already be canonical.

    Raises:
        CodeFormatError, CodeVersionError, CodeCheckError: as `parse_code`, naming the wrong sign.
    """
    # The form is matched first: past it every character is of the alphabet, so the table gives only values.
    if _FORM.fullmatch(text) is None or _check_sum(text) != 0:
        _refuse(text)
    return text


def parse_code(text: str) -> TraceCode:
    """Read a code as people and scanners give it.

    Forgiven: case, hyphens, spaces, full-width forms (NFKC), a label URL of any host in any case, GS1 element
    strings and EPC URNs that carry the code, a seal behind it (ignored here, see `parse_label`).

    Raises:
        CodeFormatError: wrong length, or a sign that may not stand there; says which sign, what was expected.
        CodeVersionError: well-formed, but not of city BJ, version 1.
        CodeCheckError: the check sign does not fit; carries both.
    """
    return parse_label(text)[0]


def parse_label(text: str) -> tuple[TraceCode, str | None]:
    """Read what a label carries: the code, and the seal behind it or None.

    The seal's form is checked (10 signs of the alphabet); whether it is genuine is `seal.verify_seal`'s word.

    Raises:
        CodeFormatError, CodeVersionError, CodeCheckError: as `parse_code`.
    """
    signs = _bare_signs(text)
    code, seal = signs[:CODE_SIGNS], signs[CODE_SIGNS:] or None
    if len(signs) not in (CODE_SIGNS, CODE_SIGNS + SEAL_SIGNS):
        _refuse_length(signs)
    canonical_code(code)
    if seal is not None and (place := first_wrong_sign(seal)) is not None:
        _refuse_sign(signs, CODE_SIGNS + place, _ANY_SIGN)
    return _split(code), seal


def make_code(*, kind: str, slot: str, issuer: str, serial: str) -> TraceCode:
    """Build a code from its parts and compute the check sign.

    Raises:
        CodeFormatError: a part has a wrong length or sign; the position counts from the start of the code.
    """
    parts = (("kind", kind, 1), ("slot", slot, 3), ("issuer", issuer, 4), ("serial", serial, 7))
    for name, value, signs in parts:
        if len(value) != signs:
            message = f"The {name} of a code has {signs} signs, not {len(value)}."
            raise CodeFormatError(message, part=name, got=value, expected_length=signs)
    body = CITY + VERSION + kind + slot + issuer + serial
    _refuse_body(body)
    return _split(body + check_sign_of(body))


def is_label_host(host: str) -> bool:
    """Whether a host, with an optional port, can stand in the address on a label."""
    return _HOST.fullmatch(host.upper()) is not None


def label_url(host: str, code: TraceCode, seal: str | None) -> str:
    """Give the text of a label's QR code: `HTTPS://HOST/I/` + code + seal, upper case (QR alphanumeric mode).

    Args:
        host: the configured public host, with port if not 443; letters, digits, dots, hyphens.
        seal: the 10 signs of the seal, or None for a label without one.

    Raises:
        CodeFormatError: the host or the seal cannot stand in such a URL.
    """
    if not is_label_host(host):
        message = "A label's host is letters, digits, dots and hyphens, with an optional port."
        raise CodeFormatError(message, got=host, expected="HOST or HOST:PORT")
    if seal is not None and (len(seal) != SEAL_SIGNS or first_wrong_sign(seal) is not None):
        message = f"A seal has {SEAL_SIGNS} signs of the code alphabet."
        raise CodeFormatError(message, got_length=len(seal), expected_length=SEAL_SIGNS)
    return f"HTTPS://{host.upper()}{RESOLVER_PATH}{code.text}{seal or ''}"


def _check_sum(signs: str) -> int:
    total: int = sum(map(mul, signs.encode("ascii").translate(VALUES), _WEIGHTS_19))
    return total % RADIX


def _split(text: str) -> TraceCode:
    return TraceCode(text[:2], text[2], text[3], text[4:7], text[7:11], text[11:18], text[18])


def _bare_signs(text: str) -> str:
    if len(text) > MAX_TEXT:
        message = f"The text has {len(text)} characters; a label has at most {MAX_TEXT}."
        raise CodeFormatError(message, got_length=len(text), expected_length=CODE_SIGNS)
    folded = unicodedata.normalize("NFKC", text).strip().upper()
    if "://" in folded:
        path = re.split(r"[?#]", folded.split("://", 1)[1], maxsplit=1)[0]
        folded = path.rstrip("/").rpartition("/")[2]
    elif folded.startswith("URN:EPC:"):
        folded = folded.rpartition(".")[2]
    elif folded.startswith("(") and (elements := _GS1_ELEMENT.findall(folded)):
        # An asset number (AI 8004) carries its company prefix, digits only, before the code.
        folded = elements[-1].strip().lstrip("0123456789")
    return _SEPARATORS.sub("", folded)


def _refuse(signs: str) -> NoReturn:
    if len(signs) != CODE_SIGNS:
        _refuse_length(signs)
    _refuse_body(signs)
    if signs[18] not in ALPHABET:
        _refuse_sign(signs, 18, _ANY_SIGN)
    expected = check_sign_of(signs[:18])
    message = (
        f"The check sign of {signs} is {signs[18]} but should be {expected}: one sign was misread or two were"
        " swapped. Scan again or compare sign by sign."
    )
    raise CodeCheckError(message, text=signs, got=signs[18], expected=expected)


def _refuse_length(signs: str) -> NoReturn:
    message = (
        f"This has {len(signs)} signs; a trace code has {CODE_SIGNS}"
        f" ({CODE_SIGNS + SEAL_SIGNS} with its seal) and begins with {CITY}{VERSION}."
    )
    raise CodeFormatError(message, text=signs[:CODE_SIGNS], got_length=len(signs), expected_length=CODE_SIGNS)


def _refuse_body(body: str) -> None:
    """Raise for the first wrong sign of the 18 before the check sign; return when all are right."""
    place = first_wrong_sign(body[:18])
    if place is not None:
        _refuse_sign(body, place, _ANY_SIGN)
    if body[:3] != CITY + VERSION:
        message = f"This begins with {body[:3]}; codes of this ledger begin with {CITY}{VERSION}."
        raise CodeVersionError(message, text=body, got=body[:3], expected=CITY + VERSION)
    if body[3] not in KINDS:
        _refuse_sign(body, 3, "the kind: one of P, C, T, W, A")
    for place in (4, 5, 6):
        if body[place] not in "0123456789":
            _refuse_sign(body, place, "a digit of the chemical slot")
    if body[4:7] == "000" and body[3] != "A":
        _refuse_sign(body, 6, "a chemical slot of 001 to 999 (000 is for mixed aggregates, kind A)")


def _refuse_sign(signs: str, place: int, expected: str) -> NoReturn:
    # Never more than the code goes into an error: what follows it may be a seal.
    sign, code = signs[place], signs[:CODE_SIGNS]
    message = f"Sign {place + 1} of {code} is {sign!r}; expected {expected}{lookalike_hint(sign)}."
    raise CodeFormatError(message, text=code, position=place + 1, got=sign, expected=expected)
