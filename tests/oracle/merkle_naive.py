"""RFC 9162 section 2.1 word for word: recursive, slow, obvious. The oracle of `chemtrace.core.merkle`."""

import hashlib


def mth(entries: list[bytes]) -> bytes:
    """MTH(D[n]) over leaf data."""
    if not entries:
        return hashlib.sha256().digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\x00" + entries[0]).digest()
    k = largest_power_below(len(entries))
    return hashlib.sha256(b"\x01" + mth(entries[:k]) + mth(entries[k:])).digest()


def path(m: int, entries: list[bytes]) -> list[bytes]:
    """PATH(m, D[n])."""
    if len(entries) == 1:
        return []
    k = largest_power_below(len(entries))
    if m < k:
        return [*path(m, entries[:k]), mth(entries[k:])]
    return [*path(m - k, entries[k:]), mth(entries[:k])]


def proof(m: int, entries: list[bytes]) -> list[bytes]:
    """PROOF(m, D[n])."""
    return subproof(m, entries, complete=True)


def subproof(m: int, entries: list[bytes], *, complete: bool) -> list[bytes]:
    """SUBPROOF(m, D[n], b)."""
    if m == len(entries):
        return [] if complete else [mth(entries)]
    k = largest_power_below(len(entries))
    if m <= k:
        return [*subproof(m, entries[:k], complete=complete), mth(entries[k:])]
    return [*subproof(m - k, entries[k:], complete=False), mth(entries[:k])]


def largest_power_below(n: int) -> int:
    """The largest power of two smaller than n."""
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def subtree_proof(start: int, end: int, entries: list[bytes], *, complete: bool = True) -> list[bytes]:
    """SUBTREE_SUBPROOF(start, end, D_n, b) of draft-ietf-plants-merkle-tree-certs section 4.4.1."""
    if start == 0 and end == len(entries):
        return [] if complete else [mth(entries)]
    k = largest_power_below(len(entries))
    if end <= k:
        return [*subtree_proof(start, end, entries[:k], complete=complete), mth(entries[k:])]
    if k <= start:
        return [*subtree_proof(start - k, end - k, entries[k:], complete=complete), mth(entries[:k])]
    return [*subtree_proof(0, end - k, entries[k:], complete=False), mth(entries[:k])]
