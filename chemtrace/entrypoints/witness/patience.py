"""How long a witness waits for who is connected: connections that say nothing must not shut out the logs."""

from __future__ import annotations

import asyncio
import ipaddress
from collections import Counter
from typing import Any, Final

from uvicorn.protocols.http.h11_impl import H11Protocol

from chemtrace.entrypoints.limits import caller

HEADER_S: Final = 10
"""Seconds in which a request's head must be there, from connecting or from the answer before."""
REQUEST_S: Final = 30
"""Seconds for a request as a whole, its body and the reading of its answer included."""
PER_ADDRESS: Final = 32
"""Connections at once from one address (IPv6: one /64); a log needs one or two. A proxy on this machine is exempt."""

_open: Counter[str] = Counter()


class PatientProtocol(H11Protocol):
    """uvicorn's HTTP/1.1, which by itself waits for ever for the first byte, and for the last one of a body."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Count the connection, and begin to wait; one too many of an address is cut off."""
        super().connection_made(transport)
        self._caller = caller(self.client[0] if self.client else None)
        self._patience = self.loop.call_later(HEADER_S, self._lose_patience)
        self._in_request = False
        _open[self._caller] += 1
        if _open[self._caller] > PER_ADDRESS and not _is_here(self._caller):
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._patience.cancel()
        _open[self._caller] -= 1
        if _open[self._caller] <= 0:
            del _open[self._caller]
        super().connection_lost(exc)

    def handle_events(self) -> None:
        """Read what has come; from a request's head on, the time of the whole request runs."""
        super().handle_events()
        busy: Any = self.cycle
        if busy is not None and not busy.response_complete and not self._in_request:
            self._in_request = True
            self._wait(REQUEST_S)

    def on_response_complete(self) -> None:
        """The answer is on its way: wait for the next request, as long as for the first."""
        self._in_request = False
        self._wait(HEADER_S)
        super().on_response_complete()

    def _wait(self, seconds: int) -> None:
        self._patience.cancel()
        self._patience = self.loop.call_later(seconds, self._lose_patience)

    def _lose_patience(self) -> None:
        self.transport.abort()


def _is_here(address: str) -> bool:
    return address == "unknown" or ipaddress.ip_network(address).is_loopback
