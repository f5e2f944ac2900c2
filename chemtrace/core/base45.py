"""Base45 (RFC 9285): bytes as the 45 signs of a QR code's alphanumeric mode, read strictly, one spelling each."""

from typing import Final

from chemtrace.core.errors import Base45Error

ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_VALUES: Final = {sign: value for value, sign in enumerate(ALPHABET)}


def encode_base45(data: bytes) -> str:
    """Return the text of `data`: two bytes are three signs, a last single byte two."""
    signs = []
    for at in range(0, len(data) - 1, 2):
        high, low = divmod(data[at] << 8 | data[at + 1], 45)
        middle, first = high % 45, high // 45
        signs.append(ALPHABET[low] + ALPHABET[middle] + ALPHABET[first])
    if len(data) % 2:
        high, low = divmod(data[-1], 45)
        signs.append(ALPHABET[low] + ALPHABET[high])
    return "".join(signs)


def decode_base45(text: str) -> bytes:
    """Return the bytes of `text`.

    Raises:
        Base45Error: a sign outside the alphabet, one sign left over, or a group beyond its bytes.
    """
    if len(text) % 3 == 1:
        raise Base45Error("one sign is left over: the text was cut or something was added", size=len(text))
    data = bytearray()
    for at in range(0, len(text), 3):
        group = text[at : at + 3]
        size = len(group) - 1
        number = sum([_value(sign, at) * 45**power for power, sign in enumerate(group)])
        if number >= 1 << 8 * size:
            raise Base45Error("a group of signs says more than its bytes hold", position=at, found=group)
        data += number.to_bytes(size, "big")
    return bytes(data)


def _value(sign: str, at: int) -> int:
    value = _VALUES.get(sign)
    if value is None:
        raise Base45Error("this sign is not of base45", position=at, found=sign)
    return value
