"""Ed25519 of RFC 8032 section 5.1 in whole numbers, with the strict rule of ours. The oracle of `core.ed25519`."""

import hashlib

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
I = pow(2, (P - 1) // 4, P)  # noqa: E741  # the name of the RFC

Point = tuple[int, int]
IDENTITY: Point = (0, 1)


def add(a: Point, b: Point) -> Point:
    """Affine Edwards addition: complete, so it serves for doubling too."""
    (x1, y1), (x2, y2) = a, b
    k = D * x1 * x2 * y1 * y2 % P
    # One inversion for both denominators 1 + k and 1 - k.
    inverse = pow(1 - k * k, -1, P)
    return (x1 * y2 + x2 * y1) * (1 - k) * inverse % P, (y1 * y2 + x1 * x2) * (1 + k) * inverse % P


def multiply(n: int, a: Point) -> Point:
    """n times a."""
    total = IDENTITY
    while n:
        if n & 1:
            total = add(total, a)
        a = add(a, a)
        n >>= 1
    return total


def decode(data: bytes) -> Point | None:
    """The point of a canonical encoding, or None."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    if y >= P:
        return None
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P:
        x = x * I % P
    if (x * x - x2) % P or (x == 0 and sign):
        return None
    return (P - x if x & 1 != sign else x), y


def encode(a: Point) -> bytes:
    """The canonical encoding."""
    return (a[1] | (a[0] & 1) << 255).to_bytes(32, "little")


BASE = decode((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def accepts(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the strict rule accepts: canonical A, R and S, neither A nor R of low order, R = [S]B - [h]A."""
    if len(public) != 32 or len(signature) != 64 or BASE is None:
        return False
    a, r, s = decode(public), decode(signature[:32]), int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= L or multiply(8, a) == IDENTITY or multiply(8, r) == IDENTITY:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    return encode(add(multiply(s, BASE), multiply(h, ((P - a[0]) % P, a[1])))) == signature[:32]
