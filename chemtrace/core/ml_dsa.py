"""ML-DSA-44 (FIPS 204) for cosignatures that hold against quantum computers, by `cryptography`.

Pure ML-DSA with an empty context. Secrets are the 32-byte seed from which FIPS 204 makes both keys.
"""

from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

from chemtrace.core.errors import KeyFileError, LibraryMissingError, SignatureInvalidError, SPKIError

try:
    from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey
except ImportError as missing:  # an older `cryptography`: everything but this algorithm still works
    _MISSING: ImportError | None = missing
else:
    _MISSING = None

KEY_BYTES: Final = 1312
SIGNATURE_BYTES: Final = 2420
SEED_BYTES: Final = 32


class MLDSAKey:
    """A private ML-DSA-44 key; its text form shows no secret."""

    __slots__ = ("_loaded", "_secret", "public")

    def __init__(self, seed: bytes) -> None:
        """Take the 32-byte seed; raises `SPKIError` for another length, `LibraryMissingError`."""
        if len(seed) != SEED_BYTES:
            raise SPKIError("an ML-DSA-44 seed has 32 bytes", expected=SEED_BYTES, size=len(seed))
        self._secret = seed
        self._loaded = _load_private(seed)
        self.public: bytes = self._loaded.public_key().public_bytes_raw()

    @property
    def secret(self) -> bytes:
        """The seed, for whoever stores it."""
        return self._secret

    def sign(self, message: bytes) -> bytes:
        """Return a 2,420-byte signature; two over the same message differ (hedged signing)."""
        return self._loaded.sign(message)

    def __repr__(self) -> str:
        """Name the algorithm, never the secret."""
        return "MLDSAKey(ml-dsa-44)"


def generate_ml_dsa_key() -> MLDSAKey:
    """Return a new key from the operating system's randomness; raises `LibraryMissingError`."""
    _require_library()
    try:
        return MLDSAKey(MLDSA44PrivateKey.generate().private_bytes_raw())
    except UnsupportedAlgorithm as error:
        raise _unsupported() from error


def encode_ml_dsa_pem(key: MLDSAKey) -> bytes:
    """Return the key as unencrypted PKCS#8 PEM in its seed form (RFC 9881)."""
    return _load_private(key.secret).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def parse_ml_dsa_pem(pem: bytes) -> MLDSAKey:
    """Return the key of unencrypted PKCS#8 PEM; raises `KeyFileError`, `LibraryMissingError`."""
    _require_library()
    try:
        loaded = serialization.load_pem_private_key(pem, None)
    except (ValueError, TypeError) as error:
        raise KeyFileError("not an unencrypted PKCS#8 private key") from error
    except UnsupportedAlgorithm as error:
        raise _unsupported() from error
    if not isinstance(loaded, MLDSA44PrivateKey):
        raise KeyFileError("this private key is of another algorithm", expected="ml-dsa-44")
    return MLDSAKey(loaded.private_bytes_raw())


def verify_ml_dsa(public: bytes, message: bytes, signature: bytes) -> None:
    """Verify one ML-DSA-44 signature with an empty context.

    Raises:
        SignatureInvalidError: wrong length, or it does not verify.
        LibraryMissingError: this installation has no ML-DSA.
    """
    _require_library()
    try:
        if len(public) == KEY_BYTES and len(signature) == SIGNATURE_BYTES:
            MLDSA44PublicKey.from_public_bytes(public).verify(signature, message)
            return
    except (InvalidSignature, ValueError) as error:
        raise SignatureInvalidError(
            "the ML-DSA-44 signature does not verify", algorithm="ml-dsa-44"
        ) from error
    except UnsupportedAlgorithm as error:
        raise _unsupported() from error
    raise SignatureInvalidError(
        "an ML-DSA-44 key or signature has another length",
        algorithm="ml-dsa-44",
        expected=(KEY_BYTES, SIGNATURE_BYTES),
        found=(len(public), len(signature)),
    )


def _load_private(seed: bytes) -> "MLDSA44PrivateKey":
    _require_library()
    try:
        return MLDSA44PrivateKey.from_seed_bytes(seed)
    except UnsupportedAlgorithm as error:
        raise _unsupported() from error


def _require_library() -> None:
    if _MISSING is not None:
        raise _unsupported() from _MISSING


def _unsupported() -> LibraryMissingError:
    return LibraryMissingError(
        "this installation of `cryptography` has no ML-DSA-44: install a newer version",
        library="cryptography",
    )
