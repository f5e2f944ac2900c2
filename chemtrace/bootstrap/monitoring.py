"""Wiring a monitor: its folder, the log it watches, the keys that are the enterprise's own."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx

from chemtrace.adapters.clock import SystemClock
from chemtrace.adapters.http.log_client import HTTPLog
from chemtrace.adapters.monitor_state import MonitorFolder
from chemtrace.bootstrap.mirroring import load_token, load_trust
from chemtrace.core.algorithms import PublicKey
from chemtrace.core.bundle.trust import Trust
from chemtrace.core.errors import PayloadError, RefusedError, SettingError
from chemtrace.core.keys import verify_key_request
from chemtrace.core.receipt import parse_signed_receipt
from chemtrace.ledger.ports import Clock
from chemtrace.mirror.monitor import Monitor
from chemtrace.mirror.promises import Promises

__all__ = ["load_own_keys", "load_receipts", "load_token", "load_trust", "opened_monitor"]

MAX_RECEIPTS_BYTES: Final = 256 * 1024 * 1024
"""One file of receipts, about 200,000 of them."""

_SPACE: Final = re.compile(r"[ \t\r\n]*")


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


_OF_AN_ANSWER: Final = frozenset({"admitted", "problem", "status", "line"})
"""Members of answers, of the command line and of the API, some of which every answer without a receipt has."""


def load_receipts(files: Iterable[Path]) -> list[bytes]:
    """Return the signed receipts in files as wire objects, in their order, not verified.

    A file holds JSON objects one behind another, as `chemtrace submit --json` and the API answer: the receipt itself
    (`kid`, `receipt`, `signature`), or an answer with such an object as its `receipt`. Answers without one (refused, or
    not sent) are passed over.

    Raises:
        SettingError: a file cannot be read, is too large, holds something else, or a receipt that is none.
    """
    return [receipt for file in files for receipt in _receipts_in(file)]


def _receipts_in(file: Path) -> Iterator[bytes]:
    try:
        if file.stat().st_size > MAX_RECEIPTS_BYTES:
            raise SettingError(
                f"{file} is too large for a file of receipts: split it",
                setting="receipts",
                limit=MAX_RECEIPTS_BYTES,
            )
        text, at = file.read_text("utf-8"), 0
        decoder = json.JSONDecoder()
        while (at := _end_of_space(text, at)) < len(text):
            answer, at = decoder.raw_decode(text, at)
            yield from _receipt_of(answer)
    except OSError as error:
        raise SettingError(f"{file} cannot be read: {error.strerror}", setting="receipts") from error
    except (ValueError, RecursionError, RefusedError) as error:
        raise SettingError(f"{file} is no file of receipts: {error}", setting="receipts") from error


def _end_of_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return at if found is None else found.end()


def _receipt_of(answer: Any) -> Iterator[bytes]:
    if not isinstance(answer, dict):
        raise PayloadError(f"it holds no JSON objects, but a {type(answer).__name__}")
    wire = answer["receipt"] if isinstance(answer.get("receipt"), dict) else answer
    if wire is answer and "receipt" not in wire:
        if answer.keys().isdisjoint(_OF_AN_ANSWER):
            raise PayloadError("it holds no answers to `chemtrace submit`: name what `submit --json` printed")
        return
    data = json.dumps({name: wire.get(name) for name in ("kid", "receipt", "signature")}).encode()
    parse_signed_receipt(data)
    yield data


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
    receipts: Callable[[], Sequence[bytes]] | None = None,
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
                promises=receipts and Promises(log=log, trust=trust, clock=clock, receipts=receipts),
            )
        finally:
            store.close()
    finally:
        log.close()
