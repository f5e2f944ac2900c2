"""Private keys as PKCS#8 PEM (RFC 5958, RFC 7468), with or without a passphrase; bytes in, bytes out.

Ed25519 and P-256 go through `cryptography`. It takes no SM2 keys, so theirs are wrapped here in the same
standard form, which OpenSSL reads: PBES2 (RFC 8018) with PBKDF2-HMAC-SHA-256 and AES-256-CBC.
"""

import hashlib
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from chemtrace.core.errors import KeyFileError
from chemtrace.core.keys import PrivateKey

ITERATIONS: Final = 600_000
"""PBKDF2 rounds for SM2 files: about 0.3 s on a desktop core."""

_SM2_PLAIN: Final = bytes.fromhex("3041020100301306072a8648ce3d020106082a811ccf5501822d042730250201010420")
_SM2_WITH_PUBLIC: Final = bytes.fromhex(
    "308187020100301306072a8648ce3d020106082a811ccf5501822d046d306b0201010420"
)
# EncryptedPrivateKeyInfo with every length fixed: 16-byte salt, 3-byte iteration count, 16-byte IV, 80 bytes.
_BEFORE_SALT: Final = bytes.fromhex("3081b4306006092a864886f70d01050d3053303206092a864886f70d01050c30250410")
_BEFORE_IV: Final = bytes.fromhex("02030927c0300c06082a864886f70d02090500301d060960864801650304012a0410")
_BEFORE_SEALED: Final = bytes.fromhex("0450")
_SALT_AT: Final = len(_BEFORE_SALT)
_IV_AT: Final = _SALT_AT + 16 + len(_BEFORE_IV)
_SEALED_AT: Final = _IV_AT + 16 + len(_BEFORE_SEALED)
_PLAIN_LABEL: Final = "PRIVATE KEY"
_ENCRYPTED_LABEL: Final = "ENCRYPTED PRIVATE KEY"


def encode_private_pem(key: PrivateKey, passphrase: str | None = None) -> bytes:
    """Return the key as PKCS#8 PEM, encrypted when a passphrase is given."""
    if key.public.alg == "sm2":
        der = _SM2_PLAIN + key.secret
        if passphrase is None:
            return _encode_pem(_PLAIN_LABEL, der)
        return _encode_pem(_ENCRYPTED_LABEL, _encrypt(der, passphrase))
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase is not None:
        encryption = serialization.BestAvailableEncryption(passphrase.encode("utf-8"))
    loaded = (
        Ed25519PrivateKey.from_private_bytes(key.secret)
        if key.public.alg == "ed25519"
        else ec.derive_private_key(int.from_bytes(key.secret, "big"), ec.SECP256R1())
    )
    return loaded.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)


def parse_private_pem(pem: bytes, passphrase: str | None = None, sm2_id: str = "") -> PrivateKey:
    """Return the key of PKCS#8 PEM.

    Raises:
        KeyFileError: not such a key, a passphrase missing, wrong, or given for a key that has none.
    """
    try:
        secret = _parse_sm2(pem, passphrase)
        if secret is not None:
            return PrivateKey("sm2", secret, sm2_id)
        password = None if passphrase is None else passphrase.encode("utf-8")
        loaded = serialization.load_pem_private_key(pem, password)
    except (ValueError, TypeError, UnsupportedAlgorithm, Base64Error) as error:
        raise KeyFileError("not a PKCS#8 private key, or the passphrase is wrong or missing") from error
    if isinstance(loaded, Ed25519PrivateKey):
        return PrivateKey("ed25519", loaded.private_bytes_raw())
    if isinstance(loaded, ec.EllipticCurvePrivateKey) and loaded.curve.name == "secp256r1":
        return PrivateKey("p256", loaded.private_numbers().private_value.to_bytes(32, "big"))
    raise KeyFileError("this private key is of another algorithm", expected=("ed25519", "p256", "sm2"))


def _parse_sm2(pem: bytes, passphrase: str | None) -> bytes | None:
    """Return the scalar of an SM2 file, None for any other; raises `ValueError` for a wrong passphrase."""
    lines = pem.decode("ascii").strip().splitlines()
    if len(lines) < 3:
        raise ValueError("not PEM")
    der = b64decode("".join(lines[1:-1]), validate=True)
    sealed = lines[0] == f"-----BEGIN {_ENCRYPTED_LABEL}-----"
    if sealed and passphrase is not None:
        if not der.startswith(_BEFORE_SALT) or der[_SALT_AT + 16 : _IV_AT] != _BEFORE_IV:
            return None
        der = _decrypt(der, passphrase)
    for prefix in (_SM2_PLAIN, _SM2_WITH_PUBLIC):
        if der.startswith(prefix):
            if not sealed and passphrase is not None:
                raise ValueError("this key has no passphrase")
            return der[len(prefix) : len(prefix) + 32]
    return None


def _encrypt(der: bytes, passphrase: str) -> bytes:
    # X25519 private keys are 32 bytes straight from the random generator inside `cryptography`.
    fresh = X25519PrivateKey.generate().private_bytes_raw()
    salt, iv = fresh[:16], fresh[16:]
    padder, encryptor = PKCS7(128).padder(), _cipher(passphrase, salt, iv).encryptor()
    sealed = encryptor.update(padder.update(der) + padder.finalize()) + encryptor.finalize()
    return _BEFORE_SALT + salt + _BEFORE_IV + iv + _BEFORE_SEALED + sealed


def _decrypt(der: bytes, passphrase: str) -> bytes:
    salt, iv = der[_SALT_AT : _SALT_AT + 16], der[_IV_AT : _IV_AT + 16]
    decryptor, unpadder = _cipher(passphrase, salt, iv).decryptor(), PKCS7(128).unpadder()
    opened = decryptor.update(der[_SEALED_AT:]) + decryptor.finalize()
    return unpadder.update(opened) + unpadder.finalize()


def _cipher(passphrase: str, salt: bytes, iv: bytes) -> "Cipher[modes.CBC]":
    key = hashlib.pbkdf2_hmac("sha256", passphrase.encode("utf-8"), salt, ITERATIONS)
    return Cipher(algorithms.AES(key), modes.CBC(iv))


def _encode_pem(label: str, der: bytes) -> bytes:
    text = b64encode(der).decode("ascii")
    body = "\n".join(text[at : at + 64] for at in range(0, len(text), 64))
    return f"-----BEGIN {label}-----\n{body}\n-----END {label}-----\n".encode("ascii")
