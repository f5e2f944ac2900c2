"""The registry, folded again from the log: who could sign where, receipts, and the records' tables."""

from __future__ import annotations

from typing import Final

import msgspec

from chemtrace.core.algorithms import PublicKey
from chemtrace.core.base64url import decode_base64url
from chemtrace.core.errors import ChemtraceError, SignatureInvalidError
from chemtrace.core.events.authority import Erase, Key
from chemtrace.core.events.fields import Payload
from chemtrace.core.header import Header
from chemtrace.core.keys import parse_spki
from chemtrace.core.note import NoteVerifier, make_verifier
from chemtrace.core.pae import HEADER_TYPE, encode_pae
from chemtrace.core.receipt import Receipt, encode_receipt, parse_receipt
from chemtrace.core.receipt_tree import signed_part
from chemtrace.core.times import format_utc, parse_rfc3339
from chemtrace.ledger.audit.entries import ReadEntry
from chemtrace.ledger.audit.port import AuditEntry, AuditStore
from chemtrace.ledger.audit.report import NOWHERE, FaultLog
from chemtrace.ledger.audit.signatures import Claim, SignatureCheck
from chemtrace.registry.records import AnyRecord, encode_record
from chemtrace.registry.state import Registry

UNCHECKED_RULES: Final = frozenset({"item.not-issued"})
"""Rules that only the holder of the master key of code serials can evaluate."""


class PeopleAudit:
    """Takes the entries in order; sends every signature to the check under the keys in force at that index."""

    def __init__(
        self,
        registry: Registry,
        origin: str | None,
        check: SignatureCheck,
        faults: FaultLog,
        *,
        has_master: bool,
    ) -> None:
        """Start with an empty `registry`; receipts must name `origin`."""
        self._has_master = has_master
        self.registry = registry
        self.erased: set[str] = set()
        self._origin = origin
        self._check = check
        self._faults = faults
        self._keys: dict[str, dict[str, PublicKey]] = {"log": {}, "receipt": {}}
        self._signed_last: tuple[bytes, bytes] = (b"", b"")
        self._publish_delay_us = 0
        self._early: list[tuple[int, bytes, bytes]] = []

    def check(self, read: ReadEntry, log_time_us: int) -> None:
        """Queue the signatures of one event, and check that its signers might sign it at its place."""
        header, payload = read.header, read.payload
        if header is None:
            return
        self._claim(read, header, payload)
        self.check_place(read, log_time_us)

    def can_pass(self, header: Header) -> bool:
        """Whether all keys that count for an event here are in the log: those of its signers, and one for receipts."""
        known = self.registry.key
        return bool(self._keys["receipt"]) and None not in [known(kid) for kid in header.signers]

    def check_place(self, read: ReadEntry, log_time_us: int) -> None:
        """Check that the signers of an event might sign it at its place; whether they did is not asked."""
        header, payload, index = read.header, read.payload, read.row.index
        if header is None or payload is None:
            return
        try:
            self.registry.check_signers(
                header, payload, index=index, log_time_us=log_time_us, iat_us=read.iat_us
            )
        except ChemtraceError as error:
            self._faults.add_error(index, error)

    def learn(self, read: ReadEntry) -> None:
        """After the registry took an event: keep what the log's own keys and erasures say."""
        payload = read.payload
        if isinstance(payload, Key) and payload.role in self._keys:
            self._learn(payload)
        elif isinstance(payload, Erase):
            self.erased.add(payload.event)

    def add_receipt(self, read: ReadEntry, rules: tuple[str, ...] | None) -> None:
        """Check what a receipt says against its entry, and queue its signature; `rules` None: unknown."""
        row = read.row
        if row.receipt is None or row.receipt_signature is None:
            self._faults.add(
                row.index, "receipt.format", "the receipt of this event, or its signature, is missing"
            )
            return
        try:
            self._compare_receipt(row, row.receipt, rules)
        except ChemtraceError as error:
            self._faults.add_error(row.index, error)
        self._early.append((row.index, row.receipt, row.receipt_signature))
        if self._keys["receipt"]:
            self._send_receipts()

    def check_told(self, row: AuditEntry, rules: tuple[str, ...] | None, told: tuple[str, ...]) -> None:
        """Check what a receipt says was found, where all else in it is known to be right."""
        if rules is None or rules == told or row.receipt is None:
            return
        try:
            self._compare_receipt(row, row.receipt, rules)
        except ChemtraceError as error:
            self._faults.add_error(row.index, error)

    def _compare_receipt(self, row: AuditEntry, stored: bytes, rules: tuple[str, ...] | None) -> None:
        """One encoding of what should stand there settles it; only a difference is read to be told."""
        wanted = Receipt(
            event=row.event_id.hex(),
            findings=rules or (),
            index=row.index,
            late=bool(row.late),
            leaf=row.leaf.hex(),
            origin=self._origin or "",
            received=format_utc(row.received_us),
            publish_by=format_utc(row.received_us + self._publish_delay_us),
        )
        if encode_receipt(wanted) == stored:
            return
        told = parse_receipt(stored)
        wanted = self._as_promised(row, wanted, told)
        known = told.findings if rules is None else rules
        if not self._has_master and set(known) ^ set(told.findings) <= UNCHECKED_RULES:
            known = told.findings
        if told != msgspec.structs.replace(wanted, findings=known):
            self._faults.add(row.index, "receipt.format", f"the receipt says {told}, the log gives {wanted}")

    def _as_promised(self, row: AuditEntry, wanted: Receipt, told: Receipt) -> Receipt:
        """Take the promise from the receipt: the log holds no record of how long it was at the time."""
        if told.publish_by is not msgspec.UNSET:
            self._publish_delay_us = parse_rfc3339(told.publish_by) - row.received_us
        return msgspec.structs.replace(wanted, publish_by=told.publish_by)

    def verifiers(self) -> tuple[NoteVerifier, ...]:
        """The log's keys of all times, as verifiers of checkpoints."""
        keys = self._keys["log"].values()
        return tuple(make_verifier(self._origin or "", key.raw) for key in keys if key.alg == "ed25519")

    def compare_records(self, store: AuditStore) -> None:
        """Compare every stored record of the registry with the folded one."""
        books = self.registry.books
        folded: dict[tuple[str, str], AnyRecord] = {}
        for table, records in (
            ("enterprise", books.enterprises),
            ("site", books.sites),
            ("licence", books.licences),
            ("device", books.devices),
            ("batch", books.batches),
            ("key", books.keys),
        ):
            folded.update({(table, id_): record for id_, record in records.items()})
        for table, id_, last_index, doc in store.records():
            record = folded.pop((table, id_), None)
            if record is None:
                self._faults.add(
                    last_index, "evidence.record", f"{table} {id_} is recorded, the log has none"
                )
            elif (record.last_index, encode_record(record)) != (last_index, doc):
                detail = f"the record of {table} {id_} is not what the log says"
                self._faults.add(max(last_index, record.last_index), "evidence.record", detail)
        for (table, id_), record in folded.items():
            self._faults.add(record.last_index, "evidence.record", f"the record of {table} {id_} is missing")

    def _claim(self, read: ReadEntry, header: Header, payload: Payload | None) -> None:
        message = encode_pae(HEADER_TYPE, read.entry.header_bytes)
        for kid, signature in read.entry.signatures:
            key = self._key_of(kid.hex(), payload)
            if key is None:
                detail = f"signed by key {kid.hex()}, which is not registered before this index"
                self._faults.add(read.row.index, "key.unknown", detail)
            else:
                what = f"{header.kind}/{header.phase} of {header.enterprise}"
                self._check.add(Claim(read.row.index, what, (key,), message, signature))

    def _key_of(self, kid: str, payload: Payload | None) -> PublicKey | None:
        """The registered key; the authority's first key registers itself and brings its own bytes."""
        record = self.registry.key(kid)
        if record is not None:
            return record.public_key
        if self.registry.authority is None and isinstance(payload, Key) and payload.kid == kid:
            try:
                return parse_spki(decode_base64url(payload.spki), payload.sm2_id or "")
            except ChemtraceError:
                return None
        return None

    def _learn(self, payload: Key) -> None:
        record = self.registry.key(payload.kid)
        if record is not None:
            self._keys[payload.role][payload.kid] = record.public_key
            if payload.role == "receipt":
                self._send_receipts()

    def finish(self) -> None:
        """Say so when receipts are stored under a key that the log never registered."""
        if self._early:
            detail = f"no receipt key is registered, {len(self._early)} receipts cannot be checked"
            self._faults.add(NOWHERE, "key.unknown", detail)

    def _send_receipts(self) -> None:
        keys = tuple(reversed(self._keys["receipt"].values()))
        for index, body, signature in self._early:
            try:
                signed = signed_part(body, signature)
            except SignatureInvalidError as error:
                self._faults.add(index, error.code, f"receipt: {error.message}")
                continue
            if signed != self._signed_last:  # the receipts of a group lead to one signature
                self._signed_last = signed
                self._check.add(Claim(index, "receipt", keys, *signed))
        self._early.clear()
