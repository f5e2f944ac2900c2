"""What can be said of an entry without knowing the log before it, for many entries at once and in any process.

An entry is *clean* when (1) its leaf, event id, form, signers and payload digest are as `entries` wants them, (2) its
chain value links to that of the row before it, (3) every signature verifies under a key whose id is the one named, and
(4) its receipt says what the row says and is signed by a receipt key. Whether the keys might sign at that place,
whether they are in the log at all and what the receipt should have found is for the one pass over everything to say.

Whatever is not clean is looked at again by that pass, which alone tells faults: this only spares it work.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b, sha256
from typing import Final

import msgspec

from chemtrace.core.algorithms import PublicKey, verify
from chemtrace.core.chain import CHAIN_START, link
from chemtrace.core.entry import Entry, leaf_hash, parse_entry
from chemtrace.core.errors import ChemtraceError, ReceiptFormatError, SignatureInvalidError
from chemtrace.core.header import match_plain_header, parse_header
from chemtrace.core.pae import HEADER_TYPE, encode_pae
from chemtrace.core.receipt import Receipt, parse_receipt
from chemtrace.core.receipt_tree import group_size, signed_group, signed_part
from chemtrace.core.times import format_utc, parse_rfc3339
from chemtrace.ledger.audit.port import AuditEntry
from chemtrace.registry.records import KeyRecord

_ROW_DIGEST_BYTES: Final = 32


class ChunkResult(msgspec.Struct, frozen=True):
    """What was found of the rows from index `first` to `last`.

    `clean`: one byte a row, in order: 0 where the row is not clean, else how many signatures were verified for it.
    `told`: the rules that the receipts of clean rows name, by index, where they name any. `digest` of all rows, empty
    if not wanted.
    """

    first: int
    last: int
    clean: bytes
    told: dict[int, tuple[str, ...]]
    digest: bytes = b""


class CleanCheck:
    """Looks at runs of rows, with the keys of a ledger at hand."""

    def __init__(self, origin: str | None, records: Sequence[KeyRecord]) -> None:
        """Check receipts of `origin`; a record whose id is not the digest of its key counts for nothing."""
        honest = [record for record in records if _is_honest(record)]
        self._origin = origin or ""
        self._keys: Mapping[str, PublicKey] = {record.kid: record.public_key for record in honest}
        self._receipt_keys = [record.public_key for record in honest if record.role == "receipt"][::-1]
        self._publish_delay_us = 0
        self._received_us, self._times = -1, ""
        self._signed_last: tuple[bytes, bytes] = (b"", b"")

    def check(
        self, first: int, last: int, rows: Sequence[AuditEntry], before: AuditEntry | None
    ) -> ChunkResult:
        """Look at the rows stored from index `first` to `last`; `before` is the row in front of them."""
        chain = CHAIN_START if before is None else before.chain
        marks, told = bytearray(), dict[int, tuple[str, ...]]()
        for row in rows:
            mark = 0
            try:
                entry = _sound_entry(row, chain)
                if entry is not None:
                    self._check_signatures(entry)
                    findings = self._told(row)
                    mark = len(entry.signatures)
                    if findings:
                        told[row.index] = findings
            except ChemtraceError:
                mark = 0
            marks.append(mark)
            chain = row.chain
        self._check_receipts(rows, marks)
        return ChunkResult(first, last, bytes(marks), told)

    def _check_receipts(self, rows: Sequence[AuditEntry], marks: bytearray) -> None:
        """Check the signatures of the receipts of marked rows, a whole group at a time; unmark those that fail."""
        at = 0
        while at < len(rows):
            size = group_size(rows[at].receipt_signature or b"")
            if size > 1 and all(marks[at : at + size]) and self._check_group(rows[at : at + size], size):
                marks[at] += 1
                at += size
                continue
            if marks[at]:
                marks[at] = self._check_receipt(rows[at], marks[at])
            at += 1

    def _check_group(self, rows: Sequence[AuditEntry], size: int) -> bool:
        """Whether these rows are a whole group whose one signature verifies."""
        receipts = [row.receipt or b"" for row in rows]
        signed = signed_group(receipts, [row.receipt_signature or b"" for row in rows])
        return len(rows) == size and signed is not None and self._is_signed(*signed)

    def _check_receipt(self, row: AuditEntry, mark: int) -> int:
        """The mark of a row by its receipt alone: 0 when that fails, one more when it needed a verification."""
        try:
            signed = signed_part(row.receipt or b"", row.receipt_signature or b"")
        except ChemtraceError:
            return 0
        if signed == self._signed_last:
            return mark
        if not self._is_signed(*signed):
            return 0
        self._signed_last = signed
        return mark + 1

    def _check_signatures(self, entry: Entry) -> None:
        message = encode_pae(HEADER_TYPE, entry.header_bytes)
        for kid, signature in entry.signatures:
            key = self._keys.get(kid.hex())
            if key is None:
                raise SignatureInvalidError("no key of this id is at hand", kid=kid)
            verify(key, message, signature)

    def _told(self, row: AuditEntry) -> tuple[str, ...]:
        """The rules that a receipt names; raises `ReceiptFormatError` when it says anything else than the row."""
        stored = row.receipt or b""
        if stored == self._plain(row):
            return ()
        wanted = Receipt(
            event=row.event_id.hex(),
            findings=(),
            index=row.index,
            late=bool(row.late),
            leaf=row.leaf.hex(),
            origin=self._origin,
            received=format_utc(row.received_us),
            publish_by=format_utc(row.received_us + self._publish_delay_us),
        )
        told = parse_receipt(stored)
        if told.publish_by is not msgspec.UNSET:
            self._publish_delay_us, self._received_us = parse_rfc3339(told.publish_by) - row.received_us, -1
        if msgspec.structs.replace(wanted, findings=told.findings, publish_by=told.publish_by) != told:
            raise ReceiptFormatError("the receipt does not say what its row says", index=row.index)
        return told.findings

    def _plain(self, row: AuditEntry) -> bytes:
        """The bytes of the receipt that most rows have: without findings, promised like the one before."""
        if row.received_us != self._received_us:
            self._received_us = row.received_us
            promised, received = row.received_us + self._publish_delay_us, format_utc(row.received_us)
            self._times = f'"publish_by":"{format_utc(promised)}","received":"{received}"'
        late = "true" if row.late else "false"
        return (
            f'{{"event":"{row.event_id.hex()}","findings":[],"index":{row.index},"late":{late},'
            f'"leaf":"{row.leaf.hex()}","origin":"{self._origin}",{self._times},"typ":"chemtrace/receipt/1"}}'
        ).encode()

    def _is_signed(self, message: bytes, signature: bytes) -> bool:
        for key in self._receipt_keys:
            try:
                verify(key, message, signature)
            except ChemtraceError:
                continue
            return True
        return False


def _sound_entry(row: AuditEntry, chain: bytes) -> Entry | None:
    """The entry of a row whose bytes are all that `entries` wants them to be, behind this chain value; else None.

    Raises:
        ChemtraceError: no entry, or its header is none.
    """
    entry = parse_entry(row.body)
    header_bytes, payload = entry.header_bytes, row.payload
    if payload is None or not entry.signatures:
        return None
    named = match_plain_header(header_bytes)
    if named is None:
        header = parse_header(header_bytes)
        named = (" ".join(header.signers), header.payload.sha256, header.payload.size)
    is_sound = (
        leaf_hash(row.body) == row.leaf
        and link(chain, row.leaf) == row.chain
        and sha256(header_bytes).digest() == row.event_id
        and named
        == (
            " ".join([kid.hex() for kid, _ in entry.signatures]),
            sha256(payload).hexdigest(),
            len(payload),
        )
    )
    return entry if is_sound else None


def digest_rows(rows: Sequence[AuditEntry], before: AuditEntry | None) -> bytes:
    """A digest of everything that `CleanCheck.check` looks at in these rows, and of the chain before them."""
    digest = blake2b(digest_size=_ROW_DIGEST_BYTES)
    digest.update(CHAIN_START if before is None else before.chain)
    digest.update(msgspec.msgpack.encode(rows))
    return digest.digest()


def _is_honest(record: KeyRecord) -> bool:
    return sha256(record.public_key.spki).hexdigest() == record.kid
