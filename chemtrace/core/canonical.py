"""JSON in one spelling: RFC 8785 on a restricted grammar, so that a fast encoder gives the standard's bytes.

The grammar: member names ASCII, no floats, integers within 2^53 - 1 in size, at most 32 levels deep. On it
the code-point order of names equals the UTF-16 order of RFC 8785 section 3.2.3, and nothing depends on how a
float is written. What does not equal its own re-encoding is refused: spaces, other order, duplicate names,
other escapes. Received bytes are what is hashed and stored; nothing here replaces them.
"""

import json
from collections import Counter
from contextlib import suppress
from typing import Final, NoReturn

import msgspec
import orjson

from chemtrace.core.errors import (
    FormError,
    JSONCanonicalError,
    JSONDepthError,
    JSONFloatError,
    JSONIntegerError,
    JSONKeyError,
    JSONSyntaxError,
    JSONTooLargeError,
)
from chemtrace.core.types import MAX_SAFE_INTEGER

MAX_DEPTH: Final = 32
"""Levels of arrays and objects, the outermost counted."""

_OPTIONS: Final = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER


def _refuse_float(text: str) -> NoReturn:
    raise JSONFloatError("a number has a fraction or exponent: write it as a decimal string", found=text[:40])


_DECODER: Final = msgspec.json.Decoder(float_hook=_refuse_float)


def parse_canonical(data: bytes, max_bytes: int) -> object:
    """Return the value of canonical JSON `data` of at most `max_bytes` bytes.

    Raises:
        JSONTooLargeError, JSONSyntaxError, JSONFloatError, JSONIntegerError, JSONKeyError, JSONDepthError,
        JSONCanonicalError: each for the defect its name says.
    """
    if len(data) > max_bytes:
        raise JSONTooLargeError("the document is too large", size=len(data), limit=max_bytes)
    value = _decode(data)
    try:
        same = orjson.dumps(value, option=_OPTIONS) == data
    except TypeError as error:
        raise _explain(value, error) from error
    # The decoder has refused floats and the encoder large integers. What is left needs no walk in most documents:
    # canonical bytes carry non-ASCII signs unescaped, so all-ASCII bytes have ASCII names, and every level
    # opens with one bracket, so few brackets cannot nest deeply.
    if data.count(b"{") + data.count(b"[") > MAX_DEPTH:
        _walk(value)
    elif not data.isascii():
        _walk_names(value)
    if not same:
        _refuse_spelling(data, value)
    return value


def encode_canonical(value: object) -> bytes:
    """Return the canonical bytes of `value` (dicts, lists, tuples, text, integers, booleans, None).

    Raises:
        JSONFloatError, JSONIntegerError, JSONKeyError, JSONDepthError, JSONSyntaxError: outside the grammar.
    """
    _walk(value)
    try:
        return orjson.dumps(value, option=_OPTIONS)
    except TypeError as error:
        raise JSONSyntaxError(f"this value has no JSON form: {error}") from error


def _decode(data: bytes) -> object:
    try:
        return _DECODER.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        if "Integer value out of range" in str(error):  # thousands of digits: the decoder gives up
            raise JSONIntegerError(
                "an integer is beyond 2^53 - 1: write it as text", limit_bits=53
            ) from error
        raise JSONSyntaxError(f"not JSON in UTF-8: {error}") from error
    except RecursionError as error:
        raise JSONDepthError("nested too deeply", limit=MAX_DEPTH) from error


def _walk(value: object) -> None:
    """Check types, integer range, member names and depth, level by level; raises the first defect's error."""
    level: list[object] = [value]
    depth = 0
    while level:
        below: list[object] = []
        depth += sum([_check_item(item, below) for item in level]) > 0
        if depth > MAX_DEPTH:
            raise JSONDepthError("nested too deeply", limit=MAX_DEPTH)
        level = below


def _walk_names(value: object) -> None:
    """Check member names only; the hot path of documents with Chinese text in them."""
    boxes = [value]
    while boxes:
        box = boxes.pop()
        if isinstance(box, dict):
            if not "".join(box).isascii():
                _check_names(box)
            boxes.extend([inner for inner in box.values() if isinstance(inner, dict | list)])
        elif isinstance(box, list):
            boxes.extend([inner for inner in box if isinstance(inner, dict | list)])


def _check_item(item: object, below: list[object]) -> bool:
    """Check one value, add what it holds to `below`; True for an array or object."""
    if item is None or isinstance(item, str | bool):
        return False
    if isinstance(item, dict):
        _check_names(item)
        below.extend(item.values())
        return True
    if isinstance(item, list | tuple):
        below.extend(item)
        return True
    if isinstance(item, float):
        _refuse_float(repr(item))
    if not isinstance(item, int):
        raise JSONSyntaxError(f"{type(item).__name__} has no JSON form")
    if not -MAX_SAFE_INTEGER <= item <= MAX_SAFE_INTEGER:
        raise _integer_error(item)
    return False


def _check_names(members: dict[object, object]) -> None:
    for name in members:
        if not isinstance(name, str) or not name.isascii():
            raise JSONKeyError(f"the member name {str(name)[:40]!r} is not ASCII text", found=str(name)[:40])


def _integer_error(item: int) -> JSONIntegerError:
    # Never str(item): Python refuses to write out integers of thousands of digits.
    return JSONIntegerError(
        "an integer is beyond 2^53 - 1: write it as text", bits=item.bit_length(), limit_bits=53
    )


def _explain(value: object, error: TypeError) -> FormError:
    """Name what the encoder refused: the walk finds it, or it is text that has no UTF-8 form."""
    try:
        _walk(value)
    except FormError as defect:
        return defect
    return JSONSyntaxError(f"this value has no JSON form: {error}")


def _refuse_spelling(data: bytes, value: object) -> NoReturn:
    """Raise the error that says where `data` leaves its canonical form, or which name it holds twice."""
    wanted = orjson.dumps(value, option=_OPTIONS)
    at = next(
        (i for i, (a, b) in enumerate(zip(data, wanted, strict=False)) if a != b), min(len(data), len(wanted))
    )
    twice = _duplicate_names(data)
    reason = f"the name {twice[0]!r} stands twice" if twice else f"it differs from byte {at} on"
    raise JSONCanonicalError(
        f"not canonical JSON (RFC 8785): {reason}; sort the names, write no spaces, escape only what must be",
        offset=at,
        found=data[at : at + 20].decode("utf-8", "replace"),
        expected=wanted[at : at + 20].decode("utf-8", "replace"),
        duplicates=tuple(twice[:8]),
    )


def _duplicate_names(data: bytes) -> list[str]:
    """Names that stand twice in one object, for the message only."""
    twice: list[str] = []

    def note(pairs: list[tuple[str, object]]) -> None:
        if len(pairs) > 1:
            twice.extend(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)

    # A name that stands twice may hide what the walk did not see: too deep, or an integer too long to read.
    with suppress(RecursionError, ValueError):
        json.loads(data, object_pairs_hook=note)
    return twice
