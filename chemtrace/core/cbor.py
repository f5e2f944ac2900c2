"""Deterministic CBOR (RFC 8949 section 4.2.1) of a closed grammar: unsigned integers, bytes, text, arrays, null.

The grammar is small on purpose: tags, floats, maps and indefinite lengths are not needed, so nothing that reads them
stands behind the inspector's door, and the base install needs no package more. Every value has one spelling, and the
reader takes no other, so that nothing has to be encoded again to be compared.
"""

from typing import Final

from chemtrace.core.errors import CBORError

MAX_DEPTH: Final = 8
"""Arrays inside arrays, the outermost counted."""

MAX_ITEMS: Final = 200_000
"""Values in one document, arrays counted."""

_UINT, _BYTES, _TEXT, _ARRAY = 0, 2, 3, 4
_NULL: Final = 0xF6
_SIZES: Final = {24: 1, 25: 2, 26: 4, 27: 8}

Value = int | bytes | str | None | list["Value"]


def encode_cbor(value: object) -> bytes:
    """Return the bytes of integers from 0 to 2^64 - 1, bytes, text, lists or tuples of them, and None.

    Raises:
        CBORError: anything else.
    """
    parts: list[bytes] = []
    _write(value, parts)
    return b"".join(parts)


def _write(value: object, parts: list[bytes]) -> None:
    if value is None:
        parts.append(bytes((_NULL,)))
    elif isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 64:
        parts.append(_head(_UINT, value))
    elif isinstance(value, bytes):
        parts += (_head(_BYTES, len(value)), value)
    elif isinstance(value, str):
        text = _utf8(value)
        parts += (_head(_TEXT, len(text)), text)
    elif isinstance(value, list | tuple):
        parts.append(_head(_ARRAY, len(value)))
        for item in value:
            _write(item, parts)
    else:
        raise CBORError(f"{type(value).__name__} has no place in this CBOR")


def _utf8(text: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise CBORError("text is Unicode without lone surrogates") from error


def _head(major: int, number: int) -> bytes:
    """The shortest head of a major type and its number."""
    if number < 24:
        return bytes((major << 5 | number,))
    width = next(size for size in (1, 2, 4, 8) if number < 1 << 8 * size)
    return bytes((major << 5 | 23 + width.bit_length(),)) + number.to_bytes(width, "big")


def decode_cbor(data: bytes) -> Value:
    """Return the one value of `data`.

    Raises:
        CBORError: of another type, longer than need be, of indefinite length, cut, too deep, too many values, text
            that is not UTF-8, or bytes behind the value.
    """
    reader = _Reader(data)
    value = reader.value(MAX_DEPTH)
    if reader.at != len(data):
        raise CBORError("something stands behind the value", position=reader.at, size=len(data))
    return value


class _Reader:
    """A place in the data; every step checks that the data reaches that far."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._items = 0
        self.at = 0

    def value(self, depth: int) -> Value:
        start = self.at
        self._items += 1
        if self._items > MAX_ITEMS or not depth:
            raise CBORError("too many values, or nested too deeply", position=start, limit=MAX_ITEMS)
        first = self._take(1)[0]
        if first == _NULL:
            return None
        major, number = first >> 5, self._number(first & 31, start)
        if major == _UINT:
            return number
        if major == _BYTES:
            return self._take(number)
        if major == _TEXT:
            return self._text(number, start)
        if major != _ARRAY:
            raise CBORError("this type has no place here", position=start, found=first)
        # No list is made for a length that the data cannot hold: each value takes a byte at least.
        self._require(number)
        return [self.value(depth - 1) for _ in range(number)]

    def _number(self, info: int, start: int) -> int:
        if info < 24:
            return info
        width = _SIZES.get(info)
        if width is None:
            raise CBORError("lengths are definite", position=start, found=info)
        number = int.from_bytes(self._take(width), "big")
        if number < 24 or (width > 1 and number < 1 << 4 * width):
            raise CBORError("a number is written longer than need be", position=start, found=number)
        return number

    def _text(self, size: int, start: int) -> str:
        try:
            return self._take(size).decode("utf-8")
        except UnicodeDecodeError as error:
            raise CBORError("text is not UTF-8", position=start) from error

    def _take(self, size: int) -> bytes:
        self._require(size)
        taken = self._data[self.at : self.at + size]
        self.at += size
        return taken

    def _require(self, size: int) -> None:
        if size > len(self._data) - self.at:
            raise CBORError("the data ends too early", position=self.at, expected=size)
