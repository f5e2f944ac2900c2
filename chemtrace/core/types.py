"""Names for the plain values that cross module borders; a wrong one is a type error, not a runtime cost."""

from typing import Final, NewType

Digest = NewType("Digest", bytes)
"""A SHA-256 value: exactly 32 bytes inside, 64 lowercase hex digits outside."""

KeyId = NewType("KeyId", bytes)
"""`kid`: SHA-256 of a key's SubjectPublicKeyInfo DER, 32 bytes."""

EventId = NewType("EventId", bytes)
"""SHA-256 of a statement's header bytes, 32 bytes."""

LeafHash = NewType("LeafHash", bytes)
"""SHA-256(0x00 || entry), 32 bytes (RFC 6962 section 2.1)."""

RootHash = NewType("RootHash", bytes)
"""Merkle tree hash of some size, 32 bytes."""

ChainHash = NewType("ChainHash", bytes)
"""Chain value c_i, 32 bytes."""

SubjectId = NewType("SubjectId", str)
"""What has a history, in its one canonical spelling: a 19-sign code or `prefix:id`."""

CreditCode = NewType("CreditCode", str)
"""An enterprise: the 18-sign unified social credit code (GB 32100)."""

EntryIndex = NewType("EntryIndex", int)
"""Position of an entry in the log, from 0, without gaps."""

TreeSize = NewType("TreeSize", int)
"""Number of entries a root covers; the last index plus one."""

Microseconds = NewType("Microseconds", int)
"""A moment: microseconds since 1970-01-01T00:00:00Z, no leap seconds."""

HASH_SIZE: Final = 32
"""Bytes of a SHA-256 value."""

MAX_SAFE_INTEGER: Final = 2**53 - 1
"""Largest integer that every JSON reader keeps exactly (RFC 8785 section 3.2.2.3, I-JSON)."""
