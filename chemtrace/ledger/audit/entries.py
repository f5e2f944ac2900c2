"""Each entry from its own bytes: place, form, leaf, chain, event id, payload digest, and the claims to verify."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from hashlib import sha256
from typing import Final

import msgspec

from chemtrace.core.chain import CHAIN_START, link
from chemtrace.core.entry import Entry, is_epoch_header, leaf_hash, parse_entry
from chemtrace.core.errors import ChemtraceError
from chemtrace.core.events import parse_payload
from chemtrace.core.events.fields import Payload
from chemtrace.core.header import Header, parse_header
from chemtrace.core.times import parse_rfc3339
from chemtrace.ledger.audit.port import AuditEntry
from chemtrace.ledger.audit.report import FaultLog

_HEADER_AT: Final = 5
_DECODER: Final = msgspec.json.Decoder(Header)


class ReadEntry(msgspec.Struct, frozen=True, gc=False):
    """An entry whose bytes are sound. `payload` None: it is missing or unsound, or the entry is an epoch record."""

    row: AuditEntry
    entry: Entry
    event_id: bytes
    header: Header | None
    payload: Payload | None
    iat_us: int = 0


class EntryAudit:
    """Reads entries in order and keeps what the next one must continue: index and chain."""

    def __init__(self, faults: FaultLog) -> None:
        """Note what is wrong in `faults`."""
        self.next_index = 0
        self.chain: bytes = CHAIN_START
        self.before_chain: bytes = CHAIN_START
        self._faults = faults
        self._ids = array("Q")

    def read(self, row: AuditEntry) -> ReadEntry | None:
        """Check one row against itself and against the row before it; None when its bytes cannot be used.

        (1) Its index follows. (2) The leaf is that of the body. (3) The chain links. (4) The body has the form of
        an entry and its header the form of a header. (5) The event id is that of the header. (6) The payload is
        the one the header names.
        """
        self._check_index(row.index)
        self._check_leaf(row)
        self._check_chain(row)
        try:
            entry = parse_entry(row.body)
            if is_epoch_header(entry.header_bytes):
                return ReadEntry(row, entry, self._check_id(row, entry), None, None)
            header = parse_header(entry.header_bytes)
            event_id = self._check_id(row, entry)
            self._check_signers(row, entry, header)
            payload = self._read_payload(row, header)
            return ReadEntry(row, entry, event_id, header, payload, parse_rfc3339(header.iat))
        except ChemtraceError as error:
            self._faults.add_error(row.index, error)
            return None

    def pass_clean(self, row: AuditEntry, may_pass: Callable[[Header], bool]) -> ReadEntry | None:
        """Take a row that is known to be sound and linked to the one before; None: it must be read in full."""
        if row.index != self.next_index or row.payload is None:
            return None
        header_bytes = row.body[_HEADER_AT : _HEADER_AT + int.from_bytes(row.body[1:_HEADER_AT], "big")]
        try:
            header = _DECODER.decode(header_bytes)
            payload = parse_payload(header.kind, header.phase, row.payload)
        except (ChemtraceError, msgspec.DecodeError):
            return None  # the database was changed since the row was looked at
        if not may_pass(header):
            return None
        self.next_index += 1
        self.before_chain, self.chain = self.chain, row.chain
        self._ids.append(int.from_bytes(row.event_id[:8], "big"))
        # Its signatures have been verified and are not asked for again.
        entry = Entry(header_bytes, ())
        return ReadEntry(row, entry, row.event_id, header, payload, parse_rfc3339(header.iat))

    def finish(self) -> None:
        """Check over all entries that no event stands in the log twice."""
        if len(set(self._ids)) != len(self._ids):
            seen: set[int] = set()
            for index, prefix in enumerate(self._ids):
                if prefix in seen:
                    self._faults.add(index, "evidence.entry", "this event stands in the log twice")
                seen.add(prefix)

    def _check_index(self, index: int) -> None:
        if index != self.next_index:
            detail = f"entries {self.next_index} to {index - 1} are missing"
            self._faults.add(self.next_index, "evidence.index-gap", detail)
        self.next_index = index + 1

    def _check_leaf(self, row: AuditEntry) -> None:
        found = leaf_hash(row.body)
        if found != row.leaf:
            detail = f"the entry's bytes hash to {found.hex()}, its leaf hash is {row.leaf.hex()}"
            self._faults.add(row.index, "evidence.entry", detail)

    def _check_chain(self, row: AuditEntry) -> None:
        """From a wrong link on, the stored value is taken up, so that one fault is not told of all that follow."""
        self.before_chain = self.chain
        self.chain = link(self.chain, row.leaf)
        if self.chain != row.chain:
            detail = f"the chain is {self.chain.hex()}, recorded is {row.chain.hex()}"
            self._faults.add(row.index, "evidence.chain", detail)
            self.chain = row.chain

    def _check_id(self, row: AuditEntry, entry: Entry) -> bytes:
        found = entry.event_id
        self._ids.append(int.from_bytes(found[:8], "big"))
        if found != row.event_id:
            detail = f"the header hashes to {found.hex()}, the recorded event id is {row.event_id.hex()}"
            self._faults.add(row.index, "evidence.entry", detail)
        return found

    def _check_signers(self, row: AuditEntry, entry: Entry, header: Header) -> None:
        kids = tuple(kid.hex() for kid, _ in entry.signatures)
        if kids != header.signers:
            detail = f"the header names signers {header.signers}, the entry is signed by {kids}"
            self._faults.add(row.index, "signature.count", detail)

    def _read_payload(self, row: AuditEntry, header: Header) -> Payload | None:
        if row.payload is None:
            # An erasure takes away openings, which stand beside; nothing takes a payload away.
            self._faults.add(row.index, "payload.missing", "the payload of this event is missing")
            return None
        digest = sha256(row.payload).hexdigest()
        if digest != header.payload.sha256 or len(row.payload) != header.payload.size:
            detail = f"the payload has digest {digest}, the header signs {header.payload.sha256}"
            self._faults.add(row.index, "payload.digest-mismatch", detail)
            return None
        return parse_payload(header.kind, header.phase, row.payload)
