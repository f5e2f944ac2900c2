"""One signature, two libraries: what only one of them takes is taken by nobody before a person has looked.

Two verifiers that give different answers about the same bytes split their users as surely as two logs do. Ed25519 is
checked by libsodium and by OpenSSL under the one strict rule of `core.ed25519`; SM2 by libcrypto and by the code of
`core.sm2`, where libcrypto has it; P-256 has one library here, and is checked once.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from chemtrace.core import sm2_libcrypto
from chemtrace.core.algorithms import PublicKey, verify
from chemtrace.core.ed25519 import LOW_ORDER, SIGNATURE_BYTES, is_canonical_point
from chemtrace.core.errors import SignatureInvalidError, VerifiersDisagreeError
from chemtrace.core.sm2 import DEFAULT_ID, verify_sm2_python


def verify_twice(key: PublicKey, message: bytes, signature: bytes) -> None:
    """Verify a signature with every library that knows its algorithm.

    Raises:
        SignatureInvalidError: all of them refuse it.
        VerifiersDisagreeError: one takes it and another does not; carries key, message and signature.
    """
    first = _refusal(verify, key, message, signature)
    second = _SECOND.get(key.alg)
    if second is not None and (key.alg != "sm2" or sm2_libcrypto.is_available()):
        other = _refusal(second, key, message, signature)
        if (first is None) != (other is None):
            raise VerifiersDisagreeError(
                "two libraries give different answers about one signature: keep the bytes, and trust neither",
                algorithm=key.alg,
                kid=key.kid,
                signed=message,
                signature=signature,
                first=first is None,
                second=other is None,
            )
    if first is not None:
        raise first


def _refusal(
    check: Callable[[PublicKey, bytes, bytes], None], key: PublicKey, message: bytes, signature: bytes
) -> SignatureInvalidError | None:
    try:
        check(key, message, signature)
    except SignatureInvalidError as error:
        return error
    return None


@lru_cache(maxsize=4096)
def _openssl_key(raw: bytes) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(raw)


def _ed25519_openssl(key: PublicKey, message: bytes, signature: bytes) -> None:
    point = signature[:32]
    if len(signature) == SIGNATURE_BYTES and not (key.raw in LOW_ORDER or point in LOW_ORDER):
        try:
            if is_canonical_point(key.raw) and is_canonical_point(point):
                _openssl_key(key.raw).verify(signature, message)
                return
        except (InvalidSignature, ValueError):
            pass
    raise SignatureInvalidError("the Ed25519 signature does not verify", algorithm="ed25519", public=key.raw)


def _sm2_python(key: PublicKey, message: bytes, signature: bytes) -> None:
    verify_sm2_python(key.raw, message, signature, key.sm2_id or DEFAULT_ID)


_SECOND: Final = {"ed25519": _ed25519_openssl, "sm2": _sm2_python}
