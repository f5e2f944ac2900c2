"""The unified social credit code (统一社会信用代码) that names an enterprise: 18 signs with a check sign.

Place 1 registering department, 2 category, 3-8 administrative division (six digits), 9-17 organisation code,
18 check sign. Source: GB 32100-2015 sections 4 to 6. The inner check sign of the organisation code (GB 11714)
is not enforced: old organisation codes were carried over with errors in it.
"""

from __future__ import annotations

import re
import unicodedata
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
from chemtrace.core.errors import CreditCodeError

CREDIT_CODE_SIGNS: Final = 18

_FORM: Final = re.compile(rf"[{ALPHABET}]{{2}}[0-9]{{6}}[{ALPHABET}]{{10}}", re.ASCII)
_WEIGHTS_18: Final = (*WEIGHTS[:17], 1)
_MAX_TEXT: Final = 64


def verify_credit_code(text: str) -> str:
    """Return the canonical 18 signs of `text`; case, spaces, hyphens and full-width forms are forgiven.

    A caller that must refuse non-canonical spellings compares the answer with what it gave.

    Raises:
        CreditCodeError: wrong length, wrong sign (says which) or wrong check sign (carries both).
    """
    signs = text if _FORM.fullmatch(text) else _bare_signs(text)
    if _FORM.fullmatch(signs) is None:
        _refuse_form(signs, CREDIT_CODE_SIGNS)
    if sum(map(mul, signs.encode("ascii").translate(VALUES), _WEIGHTS_18)) % RADIX != 0:
        expected = check_sign_of(signs[:17])
        message = (
            f"The check sign of credit code {signs} is {signs[17]} but should be {expected}; compare again."
        )
        raise CreditCodeError(message, text=signs, got=signs[17], expected=expected)
    return signs


def make_credit_code(body17: str) -> str:
    """Add the check sign to the first 17 signs (canonical spelling) of a credit code.

    Raises:
        CreditCodeError: not 17 signs of the alphabet with digits in places 3 to 8.
    """
    if _FORM.fullmatch(body17 + "0") is None:
        _refuse_form(body17, CREDIT_CODE_SIGNS - 1)
    return body17 + check_sign_of(body17)


def _bare_signs(text: str) -> str:
    if len(text) > _MAX_TEXT:
        _refuse_length(text, CREDIT_CODE_SIGNS)
    return re.sub(r"[\s\-\u2010-\u2015\u2212]+", "", unicodedata.normalize("NFKC", text)).upper()


def _refuse_form(signs: str, length: int) -> NoReturn:
    if len(signs) != length:
        _refuse_length(signs, length)
    place, expected = first_wrong_sign(signs), "a digit or an upper-case letter other than I, O, S, V, Z"
    if place is None:
        place = next(i for i in range(2, 8) if signs[i] not in "0123456789")
        expected = "a digit of the administrative division"
    sign = signs[place]
    message = f"Sign {place + 1} of the credit code is {sign!r}; expected {expected}{lookalike_hint(sign)}."
    raise CreditCodeError(message, text=signs, position=place + 1, got=sign, expected=expected)


def _refuse_length(signs: str, length: int) -> NoReturn:
    message = f"A credit code has {length} signs here, this has {len(signs)}."
    raise CreditCodeError(message, text=signs[:_MAX_TEXT], got_length=len(signs), expected_length=length)
