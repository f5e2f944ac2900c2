"""The receipts that an enterprise holds, against the log: what was promised stands there, is not due yet, or is broken.

A log that takes an event, signs a receipt for it and never enters it shows nothing of it to anybody. The receipt does:
another entry stands at its index, or the log's own time has passed the moment that it names (`core.promise`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Final

import msgspec

from chemtrace.core.algorithms import PublicKey
from chemtrace.core.base64url import decode_base64url
from chemtrace.core.bundle.trust import Trust
from chemtrace.core.bundle.verify import verify_bundle
from chemtrace.core.entry import parse_entry
from chemtrace.core.errors import ChemtraceError, KeyUnknownError, PromiseBrokenError, UnavailableError
from chemtrace.core.events import parse_payload
from chemtrace.core.events.authority import Key
from chemtrace.core.keys import parse_spki
from chemtrace.core.promise import PlacedEpoch, PlacedLeaf, verify_promise
from chemtrace.core.receipt import Receipt, parse_receipt, parse_signed_receipt
from chemtrace.core.tiles import WIDTH, inclusion_from_tiles
from chemtrace.ledger.ports import Clock
from chemtrace.mirror.ports import ProvingLog
from chemtrace.mirror.views import View

_STEADY: Final = ("index", "expected", "found", "publish_by")
"""Fields of a broken promise that say the same in every look, so that it is kept once."""


class Promised(msgspec.Struct, frozen=True):
    """How many receipts were found kept, so far, and how many cannot be told yet."""

    kept: int
    open: int


class Promises:
    """The receipts held, looked at again and again until each is kept."""

    def __init__(
        self, *, log: ProvingLog, trust: Trust, clock: Clock, receipts: Callable[[], Sequence[bytes]]
    ) -> None:
        """`receipts` gives the signed receipts held now, as wire objects; it is asked at each look."""
        self._log = log
        self._trust = trust
        self._clock = clock
        self._receipts = receipts
        self._keys: dict[str, PublicKey] = {}
        self._kept: set[bytes] = set()

    def look(self, view: View, found: list[ChemtraceError]) -> Promised:
        """Compare what is not known to be kept with the tree of `view`; what is broken is added to `found`.

        Raises:
            SettingError: the receipts cannot be read.
        """
        waiting, keyless = 0, set[str]()
        for data in self._receipts():
            digest, kid = sha256(data).digest(), parse_signed_receipt(data).kid
            if digest in self._kept:
                continue
            if kid not in keyless and not self._knows(kid, found):
                keyless.add(kid)
            if kid in keyless:
                waiting += 1
                continue
            try:
                kept = self._is_kept(data, self._keys[kid], view)
            except UnavailableError as error:
                found.append(error)
                break
            except ChemtraceError as error:
                found.append(_with_receipt(error, data))
            else:
                self._kept.update([digest] if kept else [])
                waiting += not kept
        return Promised(len(self._kept), waiting)

    def _knows(self, kid: str, found: list[ChemtraceError]) -> bool:
        try:
            self._keys[kid] = self._keys.get(kid) or self._registered(kid)
        except ChemtraceError as error:
            found.append(error)
        return kid in self._keys

    def _is_kept(self, data: bytes, key: PublicKey, view: View) -> bool:
        """Whether the promised entry stands in the tree; raises what `verify_promise` proves against the log."""
        receipt = parse_receipt(parse_signed_receipt(data).receipt_bytes)
        size = view.checkpoint.size
        if receipt.index < size:
            verify_promise(data, key, view.checkpoint, epochs=(), leaf=self._leaf(receipt, size))
            return True
        # Entries are gapless: what is not there by the time that the last record names was promised in vain.
        due = receipt.publish_by is not msgspec.UNSET and size > 0
        verify_promise(data, key, view.checkpoint, epochs=[self._newest(size)] if due else ())
        return False

    def _leaf(self, receipt: Receipt, size: int) -> PlacedLeaf:
        number, at = divmod(receipt.index, WIDTH)
        width = min(WIDTH, size - number * WIDTH)
        tile = self._log.hash_tile(0, number, width)
        path = inclusion_from_tiles(receipt.index, size, self._log.hash_tile)
        return PlacedLeaf(tile[at * 32 : at * 32 + 32], path)

    def _newest(self, size: int) -> PlacedEpoch:
        """The epoch record at the end of the tree."""
        number, at = divmod(size - 1, WIDTH)
        body = self._log.entry_bundle(number, at + 1)[at]
        path = inclusion_from_tiles(size - 1, size, self._log.hash_tile)
        return PlacedEpoch(size - 1, parse_entry(body).header_bytes, path)

    def _registered(self, kid: str) -> PublicKey:
        """The receipt key of this id, by its own proved history."""
        verdict = verify_bundle(self._log.bundle(f"key:{kid}"), self._trust, now_us=self._clock.now_us())
        for event in verdict.events if verdict.subject == f"key:{kid}" else ():
            if event.payload is None or (event.kind, event.phase) != ("key", "register"):
                continue
            said = parse_payload(event.kind, event.phase, event.payload)
            if isinstance(said, Key) and said.role == "receipt":
                return parse_spki(decode_base64url(said.spki), said.sm2_id or "")
        raise KeyUnknownError(
            "the log has registered no receipt key of this id: the receipt is not this log's", kid=kid
        )


def _with_receipt(error: ChemtraceError, data: bytes) -> ChemtraceError:
    """The error with the receipt that it is about; a broken promise without what moves from look to look."""
    receipt = data.decode()
    if not isinstance(error, PromiseBrokenError):
        error.fields = {**error.fields, "receipt": receipt}
        return error
    steady = {name: error.fields[name] for name in _STEADY if name in error.fields}
    return PromiseBrokenError(error.message, **steady, receipt=receipt)
