"""SM2 with SM3 by the system's OpenSSL 3, bound with ctypes: security updates come from the distribution.

`cryptography` carries no SM2. The calls release the GIL. Keys and signatures cross the border as raw points
and raw r || s; DER lives only inside. Where no OpenSSL 3 is found, `core.algorithms` takes `core.sm2`.
"""

import ctypes
from ctypes import POINTER, byref, c_char_p, c_int, c_long, c_size_t, c_void_p
from functools import cache, lru_cache
from typing import Final, Self

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from chemtrace.core.errors import LibraryMissingError, SignatureInvalidError, SPKIError
from chemtrace.core.sm2 import DEFAULT_ID, ORDER, SIGNATURE_BYTES

SPKI_PREFIX: Final = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d034200")
"""SubjectPublicKeyInfo of an uncompressed point: id-ecPublicKey (RFC 5480), curve sm2p256v1 (GM/T 0006)."""

_NAMES: Final = ("libcrypto.so.3", "libcrypto.3.dylib", "libcrypto-3-x64.dll")
# ECPrivateKey (RFC 5915) inside PKCS#8: version 0, the curve, then the scalar.
_PKCS8_PREFIX: Final = bytes.fromhex(
    "3041020100301306072a8648ce3d020106082a811ccf5501822d0427302502010104 20".replace(" ", "")
)
_SPEC: Final[dict[str, tuple[object, tuple[object, ...]]]] = {
    "d2i_PUBKEY": (c_void_p, (c_void_p, POINTER(c_char_p), c_long)),
    "d2i_AutoPrivateKey": (c_void_p, (c_void_p, POINTER(c_char_p), c_long)),
    "EVP_PKEY_free": (None, (c_void_p,)),
    "EVP_PKEY_CTX_new": (c_void_p, (c_void_p, c_void_p)),
    "EVP_PKEY_CTX_free": (None, (c_void_p,)),
    "EVP_PKEY_CTX_set1_id": (c_int, (c_void_p, c_char_p, c_int)),
    "EVP_MD_CTX_new": (c_void_p, ()),
    "EVP_MD_CTX_free": (None, (c_void_p,)),
    "EVP_MD_CTX_set_pkey_ctx": (None, (c_void_p, c_void_p)),
    "EVP_sm3": (c_void_p, ()),
    "EVP_DigestSignInit": (c_int, (c_void_p, c_void_p, c_void_p, c_void_p, c_void_p)),
    "EVP_DigestSign": (c_int, (c_void_p, c_char_p, POINTER(c_size_t), c_char_p, c_size_t)),
    "EVP_DigestVerifyInit": (c_int, (c_void_p, c_void_p, c_void_p, c_void_p, c_void_p)),
    "EVP_DigestVerify": (c_int, (c_void_p, c_char_p, c_size_t, c_char_p, c_size_t)),
    "ERR_clear_error": (None, ()),
}


def is_available() -> bool:
    """Whether an OpenSSL 3 with SM2 is on this machine."""
    try:
        _library()
    except LibraryMissingError:
        return False
    return True


@cache
def _library() -> ctypes.CDLL:
    for name in _NAMES:
        try:
            library = ctypes.CDLL(name)
            for function, (result, arguments) in _SPEC.items():
                bound = getattr(library, function)
                bound.restype, bound.argtypes = result, arguments
        except (OSError, AttributeError):
            continue
        return library
    raise LibraryMissingError(
        "no OpenSSL 3 with SM2 on this machine: install libssl3 (Debian) or openssl@3", tried=_NAMES
    )


class _Key:
    """An EVP_PKEY, freed with its owner; OpenSSL counts references, so threads may share it."""

    def __init__(self, der: bytes, loader: str) -> None:
        library = _library()
        self.handle = getattr(library, loader)(None, byref(c_char_p(der)), len(der))
        self._free = library.EVP_PKEY_free
        if not self.handle:
            library.ERR_clear_error()
            raise SPKIError("OpenSSL does not take these bytes as an SM2 key", size=len(der))

    def __del__(self) -> None:
        if getattr(self, "handle", None):
            self._free(self.handle)


@lru_cache(maxsize=4096)
def _load_public(public: bytes) -> _Key:
    return _Key(SPKI_PREFIX + public, "d2i_PUBKEY")


class _Context:
    """A digest context with the user id set, for one signature; freed at the end of its `with` block."""

    def __init__(self, key: _Key, user_id: str) -> None:
        self.library = _library()
        name = user_id.encode("utf-8")
        self.key_context = self.library.EVP_PKEY_CTX_new(key.handle, None)
        self.digest = self.library.EVP_MD_CTX_new()
        if self.library.EVP_PKEY_CTX_set1_id(self.key_context, name, len(name)) <= 0:
            self.__exit__()
            raise LibraryMissingError("this OpenSSL was built without SM2")
        self.library.EVP_MD_CTX_set_pkey_ctx(self.digest, self.key_context)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.library.EVP_MD_CTX_free(self.digest)
        self.library.EVP_PKEY_CTX_free(self.key_context)
        self.library.ERR_clear_error()


def verify_sm2_libcrypto(public: bytes, message: bytes, signature: bytes, user_id: str = DEFAULT_ID) -> None:
    """Verify one raw signature under an uncompressed point; releases the GIL while it computes.

    Raises:
        SignatureInvalidError: wrong length, r or s out of range, or the equation does not hold.
        LibraryMissingError: no OpenSSL 3 here.
    """
    if len(signature) == SIGNATURE_BYTES:
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
        if 0 < r < ORDER and 0 < s < ORDER:
            key, der = _load_public(public), encode_dss_signature(r, s)
            with _Context(key, user_id) as context:
                library = context.library
                started = library.EVP_DigestVerifyInit(
                    context.digest, None, library.EVP_sm3(), None, key.handle
                )
                if (
                    started == 1
                    and library.EVP_DigestVerify(context.digest, der, len(der), message, len(message)) == 1
                ):
                    return
    raise SignatureInvalidError(
        "the SM2 signature does not verify", algorithm="sm2", public=public, sm2_id=user_id
    )


def sign_sm2_libcrypto(secret: bytes, message: bytes, user_id: str = DEFAULT_ID) -> bytes:
    """Return r || s; `secret` is the 32-byte scalar. OpenSSL draws the nonce from its own generator.

    Raises:
        LibraryMissingError: no OpenSSL 3 here, or it would not sign.
    """
    key = _Key(_PKCS8_PREFIX + secret, "d2i_AutoPrivateKey")
    with _Context(key, user_id) as context:
        library, size = context.library, c_size_t(80)
        buffer = ctypes.create_string_buffer(size.value)
        started = library.EVP_DigestSignInit(context.digest, None, library.EVP_sm3(), None, key.handle)
        if (
            started != 1
            or library.EVP_DigestSign(context.digest, buffer, byref(size), message, len(message)) != 1
        ):
            raise LibraryMissingError("OpenSSL did not sign with this SM2 key")
        r, s = decode_dss_signature(buffer.raw[: size.value])
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")
