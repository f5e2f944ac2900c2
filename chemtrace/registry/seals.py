"""Seals of issued codes: which key a seal was made with follows from the batch the code belongs to."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from chemtrace.core.codes import parse_code
from chemtrace.core.errors import MasterKeyError, SealError
from chemtrace.core.seal import derive_issuer_key, make_seal, verify_seal
from chemtrace.core.serials import serial_number
from chemtrace.registry.state import Registry


class Seals:
    """Makes and checks seals with the keys derived from the master key; no method lets out a key."""

    def __init__(self, master: bytes | None, registry: Callable[[], Registry]) -> None:
        """Derive from `master` (None: seals cannot be made or checked here); `registry` gives the newest registry."""
        self._master = master
        self._registry = registry

    def seal(self, code: str) -> str:
        """The ten signs that belong beside an issued code.

        Raises:
            SealError: the code was never issued.
            MasterKeyError: there is no master key on this machine.
        """
        return make_seal(issuer_key=self._issuer_key(code), code=code)

    def verify(self, code: str, seal: str) -> None:
        """Check that a seal belongs to a code; raises `SealError` without saying why, and as `seal`."""
        verify_seal(issuer_key=self._issuer_key(code), code=code, seal=seal)

    def _issuer_key(self, code: str) -> bytes:
        if self._master is None:
            raise MasterKeyError("there is no master key on this machine: seals cannot be checked here")
        parsed = parse_code(code)
        number = serial_number(self._master, parsed)
        series = (parsed.kind, parsed.slot, parsed.issuer)
        for batch in reversed(self._registry().books.series.get(series, [])):
            if batch.start <= number < batch.start + batch.count:
                return _derived(self._master, parsed.issuer, batch.seal_year)
        raise SealError("this code was never issued, so no seal belongs to it", trace_code=parsed.text)


@lru_cache(maxsize=256)
def _derived(master: bytes, issuer: str, year: int) -> bytes:
    return derive_issuer_key(master, issuer, year)
