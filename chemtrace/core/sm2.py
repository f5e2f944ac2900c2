"""SM2 signatures with SM3 (GB/T 32918.2-2016, GM/T 0003.2-2012) in plain Python, one table per public key.

The second, independent implementation beside OpenSSL's (`sm2_libcrypto`), and the only one where no OpenSSL
is to be had. Fit for verifying. Signing here is not constant in time: for tests and tools; the nonce is
deterministic (RFC 6979 construction over HMAC-SHA-256), so it needs no random numbers. Signatures are raw
r || s, 64 bytes. The signer's user id is part of what is signed and stands in the key's record.
"""

import hmac
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from cryptography.hazmat.primitives.hashes import SM3, Hash

from chemtrace.core.errors import SignatureInvalidError, SPKIError

KEY_BYTES: Final = 65
SIGNATURE_BYTES: Final = 64
DEFAULT_ID: Final = "1234567812345678"
"""User id that GM/T 0009-2012 section 10 prescribes where none is agreed."""

_P: Final = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
_A: Final = _P - 3
_B: Final = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
ORDER: Final = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
_GX: Final = 0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7
_GY: Final = 0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0

_Affine = tuple[int, int]
_Jacobian = tuple[int, int, int]
_Table = tuple[tuple[_Affine, ...], ...]
_ZERO: Final[_Jacobian] = (1, 1, 0)


def hash_sm3(data: bytes) -> bytes:
    """Return the 32-byte SM3 digest (GB/T 32905-2016)."""
    state = Hash(SM3())
    state.update(data)
    return state.finalize()


def message_digest(public: bytes, message: bytes, user_id: str = DEFAULT_ID) -> int:
    """Return e = SM3(Z || message) with Z the digest of user id, curve and key (GB/T 32918.2 section 5.5)."""
    return int.from_bytes(hash_sm3(_identity_digest(public, user_id) + message), "big")


@lru_cache(maxsize=4096)
def _identity_digest(public: bytes, user_id: str) -> bytes:
    name = user_id.encode("utf-8")
    curve = b"".join(number.to_bytes(32, "big") for number in (_A, _B, _GX, _GY))
    return hash_sm3((len(name) * 8).to_bytes(2, "big") + name + curve + public[1:])


def check_sm2_key(public: bytes) -> None:
    """Refuse at registration what is not an uncompressed point of the curve; raises `SPKIError`."""
    if len(public) != KEY_BYTES or public[0] != 4:
        raise SPKIError("an SM2 key is an uncompressed point of 65 bytes", size=len(public))
    x, y = int.from_bytes(public[1:33], "big"), int.from_bytes(public[33:], "big")
    if x >= _P or y >= _P or (y * y - x * x * x - _A * x - _B) % _P:
        raise SPKIError("these bytes are not a point of the SM2 curve", public=public)


def verify_sm2_python(public: bytes, message: bytes, signature: bytes, user_id: str = DEFAULT_ID) -> None:
    """Verify one raw signature; about 0.3 ms, after some 0.2 s for the first signature of a key.

    Raises:
        SignatureInvalidError: wrong length, r or s out of range, or the equation does not hold.
    """
    if len(signature) == SIGNATURE_BYTES:
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
        t = (r + s) % ORDER
        if 0 < r < ORDER and 0 < s < ORDER and t:
            total = _add_multiple(_ZERO, s, _base_table())
            x = _affine_x(_add_multiple(total, t, _key_table(public)))
            if x is not None and (message_digest(public, message, user_id) + x) % ORDER == r:
                return
    raise SignatureInvalidError(
        "the SM2 signature does not verify", algorithm="sm2", public=public, sm2_id=user_id
    )


def sign_sm2_python(secret: bytes, message: bytes, user_id: str = DEFAULT_ID) -> bytes:
    """Return r || s (GB/T 32918.2 section 6.1); `secret` is the 32-byte scalar in 1 .. n - 2."""
    d = int.from_bytes(secret, "big")
    e = message_digest(sm2_public(secret), message, user_id)
    for k in _nonces(secret, e):
        x = _affine_x(_add_multiple(_ZERO, k, _base_table()))
        r = (e + (x or 0)) % ORDER
        s = pow(1 + d, -1, ORDER) * (k - r * d) % ORDER
        if r and s and (r + k) % ORDER:
            return r.to_bytes(32, "big") + s.to_bytes(32, "big")
    raise SignatureInvalidError("no nonce found")  # pragma: no cover  # the nonces never end


def sm2_public(secret: bytes) -> bytes:
    """Return the uncompressed point of the 32-byte scalar `secret`."""
    x, y = _to_affine([_add_multiple(_ZERO, int.from_bytes(secret, "big"), _base_table())])[0]
    return b"\x04" + x.to_bytes(32, "big") + y.to_bytes(32, "big")


def _nonces(secret: bytes, e: int) -> Iterator[int]:
    """Nonces 1 .. n - 1 as RFC 6979 section 3.2 draws them, with HMAC-SHA-256."""
    seed = secret + (e % ORDER).to_bytes(32, "big")
    key, value = bytes(32), b"\x01" * 32
    for mark in (b"\x00", b"\x01"):
        key = hmac.digest(key, value + mark + seed, "sha256")
        value = hmac.digest(key, value, "sha256")
    while True:
        value = hmac.digest(key, value, "sha256")
        if 0 < (k := int.from_bytes(value, "big")) < ORDER:
            yield k
        key = hmac.digest(key, value + b"\x00", "sha256")
        value = hmac.digest(key, value, "sha256")


# --- the curve -------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _base_table() -> _Table:
    return _build_table((_GX, _GY))


@lru_cache(maxsize=256)
def _key_table(public: bytes) -> _Table:
    """About 1.5 MB a key; the cache holds the 256 keys seen last."""
    return _build_table((int.from_bytes(public[1:33], "big"), int.from_bytes(public[33:], "big")))


def _build_table(point: _Affine) -> _Table:
    """Row i holds j * 256^i * point for j = 1 .. 255, so that a multiple is 32 additions and no doubling."""
    points: list[_Jacobian] = []
    base = point
    for _ in range(32):
        row: list[_Jacobian] = [(*base, 1)]
        for _ in range(254):
            row.append(_add(row[-1], base))
        points += row
        base = _to_affine([_add(row[-1], base)])[0]
    flat = _to_affine(points)
    return tuple(tuple(flat[start : start + 255]) for start in range(0, len(flat), 255))


def _add_multiple(total: _Jacobian, scalar: int, table: _Table) -> _Jacobian:
    for byte, row in zip(scalar.to_bytes(32, "little"), table, strict=True):
        if byte:
            total = _add(total, row[byte - 1])
    return total


def _add(left: _Jacobian, right: _Affine) -> _Jacobian:
    """Jacobian plus affine (EFD madd-2007-bl shape), with doubling and the zero point where they occur."""
    x1, y1, z1 = left
    x2, y2 = right
    if not z1:
        return x2, y2, 1
    zz = z1 * z1 % _P
    h = (x2 * zz - x1) % _P
    slope = (y2 * z1 * zz - y1) % _P
    if not h:
        return _ZERO if slope else _double(left)
    hh = h * h % _P
    hhh = h * hh % _P
    v = x1 * hh % _P
    x3 = (slope * slope - hhh - 2 * v) % _P
    return x3, (slope * (v - x3) - y1 * hhh) % _P, z1 * h % _P


def _double(point: _Jacobian) -> _Jacobian:
    """Doubling for a = -3 (EFD dbl-2001-b)."""
    x, y, z = point
    zz, yy = z * z % _P, y * y % _P
    beta = x * yy % _P
    alpha = 3 * (x - zz) * (x + zz) % _P
    x3 = (alpha * alpha - 8 * beta) % _P
    return x3, (alpha * (4 * beta - x3) - 8 * yy * yy) % _P, 2 * y * z % _P


def _to_affine(points: list[_Jacobian]) -> list[_Affine]:
    """Convert many points with one inversion (Montgomery's trick); none may be the zero point."""
    products = [1]
    for _, _, z in points:
        products.append(products[-1] * z % _P)
    inverse = pow(products[-1], -1, _P)
    result: list[_Affine] = []
    for (x, y, z), before in zip(reversed(points), reversed(products[:-1]), strict=True):
        w = inverse * before % _P
        inverse = inverse * z % _P
        ww = w * w % _P
        result.append((x * ww % _P, y * ww * w % _P))
    return result[::-1]


def _affine_x(point: _Jacobian) -> int | None:
    x, _, z = point
    return x * pow(z * z, -1, _P) % _P if z else None
