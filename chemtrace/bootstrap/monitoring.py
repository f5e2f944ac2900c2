"""Wiring a monitor: its folder, the log it watches, the keys that are the enterprise's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from chemtrace.adapters.clock import SystemClock
from chemtrace.adapters.http.log_client import HTTPLog
from chemtrace.adapters.monitor_state import MonitorFolder
from chemtrace.bootstrap.mirroring import load_token, load_trust
from chemtrace.core.algorithms import PublicKey
from chemtrace.core.bundle.trust import Trust
from chemtrace.core.errors import SettingError
from chemtrace.core.keys import verify_key_request
from chemtrace.ledger.ports import Clock
from chemtrace.mirror.monitor import Monitor

__all__ = ["load_own_keys", "load_token", "load_trust", "opened_monitor"]


def load_own_keys(files: Iterable[Path], enterprise: str) -> tuple[PublicKey, ...]:
    """Return the keys of an enterprise from the key requests that it made for them.

    Raises:
        KeyRequestError, PossessionError: a file is no key request, or not signed by the key in it.
        SettingError: a file cannot be read, is another enterprise's, or there is none.
    """
    keys = []
    for file in files:
        try:
            request = verify_key_request(file.read_bytes())
        except OSError as error:
            raise SettingError(f"{file} cannot be read: {error.strerror}", setting="keys") from error
        if request.enterprise != enterprise:
            raise SettingError(
                f"{file} is the key request of another enterprise",
                setting="keys",
                expected=enterprise,
                found=request.enterprise,
            )
        keys.append(request.public_key)
    if not keys:
        raise SettingError("name the key requests of all your keys: --keys FILE", setting="keys")
    return tuple(keys)


@contextmanager
def opened_monitor(
    folder: Path,
    *,
    url: str,
    trust: Trust,
    token: str | None,
    enterprise: str,
    keys: Iterable[PublicKey],
    silent_after_s: float = 0,
    clock: Clock | None = None,
    transport: httpx.BaseTransport | None = None,
    waiting: Callable[[str], None] | None = None,
) -> Iterator[Monitor]:
    """The monitor of a folder, for as long as the block lasts; raises `SettingError` for another's folder."""
    clock = clock or SystemClock()
    log = HTTPLog(url, token, transport=transport, waiting=waiting)
    try:
        store = MonitorFolder(folder, origin=trust.origin, enterprise=enterprise, clock=clock)
        try:
            yield Monitor(
                log=log,
                store=store,
                trust=trust,
                clock=clock,
                enterprise=enterprise,
                keys=keys,
                silent_after_s=silent_after_s,
            )
        finally:
            store.close()
    finally:
        log.close()
