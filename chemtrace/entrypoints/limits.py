"""Shares of a public service: so many tries at once, refilled evenly, by caller and by thing asked for.

Kept in memory of this process: a restart forgets them, which costs a guesser more than it gives.
"""

from __future__ import annotations

import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

MOST_KEYS: Final = 20_000
"""Shares remembered at once, about 4 MB; the one that was quiet for longest is forgotten first."""
IPV6_PREFIX: Final = 64
"""One subscriber's part of an IPv6 address (RFC 6177): all its addresses have one share."""


@dataclass(slots=True)
class _Share:
    left_ns: int
    at_ns: int


class Shares:
    """`burst` tries for each key, and one more every `every_s` seconds; safe for many threads."""

    def __init__(self, *, burst: int, every_s: int, clock_ns: Callable[[], int] = time.monotonic_ns) -> None:
        """Start with a full share for everybody; `clock_ns` never goes back."""
        self._step_ns = every_s * 1_000_000_000
        self._full_ns = burst * self._step_ns
        self._clock_ns = clock_ns
        self._shares: OrderedDict[str, _Share] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, key: str) -> int:
        """Take one try of `key` and return 0, or take none and return the seconds until there is one again."""
        with self._lock:
            share = self._filled(key)
            if share.left_ns < self._step_ns:
                return max(1, -(-(self._step_ns - share.left_ns) // 1_000_000_000))
            share.left_ns -= self._step_ns
            return 0

    def give_back(self, key: str) -> None:
        """Return one try: it was a good one and shall not count."""
        with self._lock:
            share = self._filled(key)
            share.left_ns = min(self._full_ns, share.left_ns + self._step_ns)

    def _filled(self, key: str) -> _Share:
        now_ns = self._clock_ns()
        share = self._shares.get(key)
        if share is None:
            share = self._shares[key] = _Share(self._full_ns, now_ns)
            if len(self._shares) > MOST_KEYS:
                self._shares.popitem(last=False)
        else:
            share.left_ns = min(self._full_ns, share.left_ns + now_ns - share.at_ns)
            share.at_ns = now_ns
            self._shares.move_to_end(key)
        return share


def caller(host: str | None) -> str:
    """The key of a caller's share: the IPv4 address, the /64 of an IPv6 address, or one for all unknown."""
    try:
        address = ipaddress.ip_address(host or "")
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, IPV6_PREFIX), strict=False))
    return str(address)
