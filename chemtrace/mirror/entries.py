"""One entry of somebody else's log, judged at its place: form, signers, order, and what it does to the registry.

The same rules that admission applied are applied again, by who has no part in the log. What admission must have refused
is evidence here. Payloads of items and waybills stay with the log: what they say is not judged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Final

import msgspec

from chemtrace.core.algorithms import PublicKey
from chemtrace.core.base64url import decode_base64url
from chemtrace.core.entry import Entry, is_epoch_header, parse_entry
from chemtrace.core.errors import (
    AdmissionBrokenError,
    ChemtraceError,
    LogTruncatedError,
    PayloadDigestError,
    PrevBrokenError,
    PrevStaleError,
    PrevUnknownError,
    RefusedError,
    SignerBrokenError,
    SubjectError,
)
from chemtrace.core.events import AUTHORITY_KINDS, moved_subjects, parse_payload
from chemtrace.core.events.authority import Erase, Key
from chemtrace.core.events.fields import Payload
from chemtrace.core.header import Header, parse_header
from chemtrace.core.keys import parse_spki
from chemtrace.core.pae import HEADER_TYPE, encode_pae
from chemtrace.core.times import parse_rfc3339
from chemtrace.ledger.order import resolve_order
from chemtrace.ledger.ports import SubjectHead
from chemtrace.registry.records import Change
from chemtrace.registry.state import Registry

NO_NONCE: Final = "0" * 32

NamesEarlier = Callable[[str, bytes], bool]
"""(subject, event id): whether that event stands earlier in the log and names the subject."""


class Claim(msgspec.Struct, frozen=True, gc=False):
    """One signature to be checked: `key` made it over `message`."""

    index: int
    kid: str
    key: PublicKey
    message: bytes
    signature: bytes


class ReadEntry(msgspec.Struct, frozen=True, gc=False):
    """An event of the log whose bytes have their form."""

    index: int
    entry: Entry
    event_id: bytes
    header: Header

    @property
    def names(self) -> tuple[str, ...]:
        """The subjects that it names."""
        return tuple([subject.id for subject in self.header.subjects])


class Judged(msgspec.Struct, frozen=True, gc=False):
    """What an entry that may stand where it stands still asks for, and what it changes."""

    claims: tuple[Claim, ...]
    change: Change | None


def read_entry(index: int, body: bytes) -> ReadEntry | None:
    """Return the event of an entry's bytes, None for an epoch record; raises `AdmissionBrokenError`."""
    try:
        entry = parse_entry(body)
        if is_epoch_header(entry.header_bytes):
            return None
        return ReadEntry(index, entry, entry.event_id, parse_header(entry.header_bytes))
    except RefusedError as error:
        raise _admission(index, error) from error


class EntryJudge:
    """Judges entries in order; moves `registry` along with them."""

    def __init__(self, registry: Registry, authority: str, names_earlier: NamesEarlier) -> None:
        """Start from the registry as of the entries judged before; `authority` is the pinned kid of entry 0, hex."""
        self.registry = registry
        self._authority = authority
        self._names_earlier = names_earlier

    def judge(
        self,
        read: ReadEntry,
        payload: bytes | None,
        *,
        log_time_us: int,
        heads: Mapping[str, SubjectHead | None],
    ) -> Judged:
        """Return an entry judged; `payload` is given for the authority's entries, `heads` for all subjects named.

        (1) The entry is signed by the signers that the header names.
        (2) Entry 0 is signed by the pinned authority. (3) The authority's payload is the one signed, and names its
        subjects. (4) Each signer could sign this here. (5) Its predecessors are those its subjects had. (6) The
        registry takes it.

        Raises:
            AdmissionBrokenError (3, 6), SignerBrokenError (1, 2, 4), PrevBrokenError (5): what is wrong, with `index`.
            LogTruncatedError (3): the log does not give the payload.
        """
        index, entry, header = read.index, read.entry, read.header
        kids = tuple([kid.hex() for kid, _ in entry.signatures])
        if kids != header.signers or (index == 0 and kids != (self._authority,)):
            expected = header.signers if index else (self._authority,)
            raise SignerBrokenError(
                f"entry {index} is signed by others than it should be",
                index=index,
                reason="signature.count",
                expected=expected,
                found=kids,
            )
        value = _payload(index, header, payload)
        self._check_signers(index, header, value, log_time_us)
        claims = self._claims(index, entry, header, value)
        self._check_order(index, header, heads)
        try:
            change = self.registry.apply(index, log_time_us, header, value) if payload is not None else None
        except RefusedError as error:
            raise _admission(index, error) from error
        return Judged(claims, change)

    def _check_signers(self, index: int, header: Header, value: Payload, log_time_us: int) -> None:
        iat_us = parse_rfc3339(header.iat)
        try:
            self.registry.check_signers(header, value, index=index, log_time_us=log_time_us, iat_us=iat_us)
        except RefusedError as error:
            raise SignerBrokenError(
                f"entry {index} is signed by a key that could not sign it there: {error.message}",
                index=index,
                reason=error.code,
                **error.fields,
            ) from error

    def _claims(self, index: int, entry: Entry, header: Header, value: Payload) -> tuple[Claim, ...]:
        message = encode_pae(HEADER_TYPE, entry.header_bytes)
        return tuple(
            [
                Claim(index, kid, self._key(kid, value), message, signature)
                for kid, (_, signature) in zip(header.signers, entry.signatures, strict=True)
            ]
        )

    def _key(self, kid: str, value: Payload) -> PublicKey:
        record = self.registry.key(kid)
        if record is not None:
            return record.public_key
        # Only entry 0 comes here: it brings the authority's first key, whose id is pinned.
        if not isinstance(value, Key):
            raise SignerBrokenError("this key is not registered", index=0, reason="key.unknown", kid=kid)
        return parse_spki(decode_base64url(value.spki), value.sm2_id or "")

    def _check_order(self, index: int, header: Header, heads: Mapping[str, SubjectHead | None]) -> None:
        try:
            resolve_order(
                header, 0, heads, lambda name, event: 0 if self._names_earlier(name, event) else None
            )
        except (PrevUnknownError, PrevStaleError) as error:
            fields = {name: value for name, value in error.fields.items() if name != "heads"}
            raise PrevBrokenError(
                f"entry {index} does not follow what its subject had: {error.message}",
                index=index,
                reason=error.code,
                **fields,
            ) from error


def _payload(index: int, header: Header, payload: bytes | None) -> Payload:
    """The payload of the authority's entry as far as signers are judged by it; of others only that there is one."""
    if header.kind not in AUTHORITY_KINDS:
        return Payload(at=header.iat, nonce=NO_NONCE)
    if payload is None:
        raise LogTruncatedError("the log does not give the payload of an entry of the authority", index=index)
    try:
        if sha256(payload).hexdigest() != header.payload.sha256 or len(payload) != header.payload.size:
            raise PayloadDigestError(
                "the payload is not the one that the header signs", expected=header.payload.sha256
            )
        value = parse_payload(header.kind, header.phase, payload)
        moved, named = set(moved_subjects(value, header.enterprise)), {one.id for one in header.subjects}
        if moved != named and not isinstance(value, Erase):
            raise SubjectError(
                "an event names exactly the subjects that its payload moves",
                expected=sorted(moved),
                found=sorted(named),
            )
    except RefusedError as error:
        raise _admission(index, error) from error
    return value


def _admission(index: int, error: ChemtraceError) -> AdmissionBrokenError:
    fields = {name: value for name, value in error.fields.items() if name not in {"index", "reason"}}
    return AdmissionBrokenError(
        f"entry {index} should never have been admitted: {error.message}",
        index=index,
        reason=error.code,
        **fields,
    )
