"""The chain beside the tree: c_i = SHA-256(0x02 || c_(i-1) || leaf_i), c_(-1) = 32 zero bytes.

One value fixes every leaf and its order; each epoch record commits it, and an audit needs no tree to check it.
"""

from collections.abc import Iterable
from hashlib import sha256
from typing import Final

from chemtrace.core.types import ChainHash

CHAIN_START: Final = ChainHash(bytes(32))
"""c_(-1): before the first entry."""


def link(previous: bytes, leaf_hash: bytes) -> ChainHash:
    """Return the chain value after one more leaf."""
    return ChainHash(sha256(b"\x02" + previous + leaf_hash).digest())


def fold_chain(previous: bytes, leaf_hashes: Iterable[bytes]) -> ChainHash:
    """Return the chain value after all of `leaf_hashes` in order."""
    value = previous
    for leaf_hash in leaf_hashes:
        value = sha256(b"\x02" + value + leaf_hash).digest()
    return ChainHash(value)
