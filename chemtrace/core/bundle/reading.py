"""Histories as they stand in a bundle, read entry by entry: form, order, digests, and what the map commits of them."""

from __future__ import annotations

from hashlib import sha256
from typing import Annotated, Any, Final, Literal

import msgspec

from chemtrace.core.bundle.model import Section, ShownEntry
from chemtrace.core.canonical import parse_canonical
from chemtrace.core.entry import is_epoch_header, leaf_hash, parse_entry
from chemtrace.core.errors import (
    EventOmittedError,
    EventOrderError,
    HeaderError,
    PayloadDigestError,
    PayloadError,
    RefusedError,
    SignatureCountError,
    SubjectRootError,
)
from chemtrace.core.header import MAX_PAYLOAD_BYTES, Header, parse_header
from chemtrace.core.sparse_map import encode_map_value, map_key, root_from_map_path
from chemtrace.core.subject_tree import subject_root
from chemtrace.core.subjects import is_item, parse_subject
from chemtrace.core.times import parse_rfc3339

PACK: Final = ("pack", "done")

_Hex32 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]


class KeyFacts(msgspec.Struct, frozen=True):
    """What is read of the payload of a `key` event; what else stands there says nothing about the key."""

    kid: _Hex32
    party: Annotated[str, msgspec.Meta(pattern=r"^[0-9A-HJ-NP-RTUWXY]{18}\Z")]
    role: Literal["authority", "recovery", "enterprise", "device", "log", "receipt"]
    algorithm: Literal["ed25519", "p256", "sm2"]
    spki: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,16384}\Z")]
    sm2_id: Annotated[str, msgspec.Meta(pattern=r"^[ !#-\[\]-~]{0,64}\Z")] | None = None
    namespaces: tuple[str, ...] = ()
    grace_end: str | None = None
    replaces: _Hex32 | None = None

    @property
    def grace_end_us(self) -> int | None:
        """When the grace of a retired key ends, microseconds UTC."""
        return None if self.grace_end is None else parse_rfc3339(self.grace_end)


class DeviceFacts(msgspec.Struct, frozen=True):
    """What is read of the payload of a `device` event."""

    kid: _Hex32 | None = None


class AnyFacts(msgspec.Struct, frozen=True):
    """What is read of any payload."""

    on_behalf_of: str | None = None


class PackFacts(msgspec.Struct, frozen=True):
    """What is read of the payload of a `pack`/`done` event."""

    container: str


class ReadEntry(msgspec.Struct, frozen=True):
    """One entry of a history: where it stands, what was signed, and what is read of a payload that is shown."""

    index: int
    leaf: bytes
    event_id: str
    header: Header
    header_bytes: bytes
    signatures: tuple[bytes, ...]
    payload: bytes | None
    on_behalf_of: str | None = None
    container: str | None = None
    key: KeyFacts | None = None
    device: DeviceFacts | None = None

    @property
    def what(self) -> tuple[str, str]:
        """Kind and phase."""
        return self.header.kind, self.header.phase


class History(msgspec.Struct, frozen=True):
    """The whole history of one subject, in log order."""

    subject: str
    entries: tuple[ReadEntry, ...]


def read_history(section: Section, *, size: int, map_root: bytes) -> History:
    """Return the history of a section after checking it against the map of the tree of `size` (bundle.md step 4).

    Raises:
        EventOrderError, EventOmittedError, SignatureCountError: an entry does not stand where it should.
        EntryFormatError, HeaderError and what else the readers of entries and headers raise.
        MapProofError: a malformed path. SubjectRootError: the map commits another history.
    """
    entries: list[ReadEntry] = []
    seen: set[str] = set()
    last = -1
    for shown in section.entries:
        if not last < shown.index <= size - 2:
            raise EventOrderError(
                "the entries of a history stand in the order of the log, before its last record",
                subject=section.subject,
                index=shown.index,
                after=last,
                size=size,
            )
        entry = _read_entry(shown)
        _check_place(section.subject, entry, seen)
        seen.add(entry.event_id)
        entries.append(entry)
        last = shown.index
    _check_map(section, [(entry.index, entry.leaf) for entry in entries], map_root)
    return History(section.subject, tuple(entries))


def _read_entry(shown: ShownEntry) -> ReadEntry:
    entry = parse_entry(shown.entry)
    if is_epoch_header(entry.header_bytes):
        raise HeaderError("an epoch record is no event of a history", index=shown.index)
    header = parse_header(entry.header_bytes)
    kids = tuple([kid.hex() for kid, _ in entry.signatures])
    if kids != header.signers:
        raise SignatureCountError(
            "an entry has exactly one signature for each signer, in their order",
            index=shown.index,
            expected=header.signers,
            found=kids,
        )
    return ReadEntry(
        index=shown.index,
        leaf=leaf_hash(shown.entry),
        event_id=entry.event_id.hex(),
        header=header,
        header_bytes=entry.header_bytes,
        signatures=tuple([signature for _, signature in entry.signatures]),
        payload=shown.payload,
    )


def _check_place(subject: str, entry: ReadEntry, seen: set[str]) -> None:
    """The entry names the subject, is no event told twice, and follows an event that is shown."""
    named = [one for one in entry.header.subjects if one.id == subject]
    if not named or entry.event_id in seen:
        raise EventOrderError(
            "this event stands in the history already"
            if named
            else "an entry of a history names its subject",
            subject=subject,
            index=entry.index,
            event=entry.event_id,
        )
    prev = named[0].prev
    if prev is not None and prev not in seen:
        raise EventOmittedError(
            "an event follows one that is not shown: something was left out",
            subject=subject,
            index=entry.index,
            prev=prev,
        )


def _check_map(section: Section, leaves: list[tuple[int, bytes]], map_root: bytes) -> None:
    value = encode_map_value(len(leaves), subject_root(leaves), leaves[-1][0])
    found = root_from_map_path(map_key(section.subject), value, section.map)
    if found != map_root:
        raise SubjectRootError(
            "the map commits another history of this subject: something was left out, added or changed",
            subject=section.subject,
            expected=map_root,
            found=found,
            count=len(leaves),
            last=leaves[-1][0],
        )


def read_payload(entry: ReadEntry) -> ReadEntry:
    """Return the entry with what its payload says of keys, containers and parties (bundle.md step 5).

    A payload that is not shown leaves the entry as it is.

    Raises:
        PayloadDigestError: it is not the payload that the header signs.
        PayloadError, JSON errors by name: no canonical JSON object, or a member that is read has a wrong form.
    """
    if entry.payload is None:
        return entry
    _check_digest(entry.header, entry.payload)
    value = parse_canonical(entry.payload, MAX_PAYLOAD_BYTES)
    changes: dict[str, Any] = {"on_behalf_of": _convert(entry, value, AnyFacts).on_behalf_of}
    if entry.what == PACK:
        changes["container"] = _container(entry, _convert(entry, value, PackFacts))
    elif entry.header.kind == "key":
        changes["key"] = _key_facts(entry, value)
    elif entry.header.kind == "device":
        changes["device"] = _convert(entry, value, DeviceFacts)
    return msgspec.structs.replace(entry, **changes)


def _check_digest(header: Header, payload: bytes) -> None:
    found = sha256(payload).hexdigest()
    if found != header.payload.sha256 or len(payload) != header.payload.size:
        raise PayloadDigestError(
            "the payload shown is not the one that was signed",
            expected=header.payload.sha256,
            found=found,
            expected_size=header.payload.size,
            found_size=len(payload),
        )


def _key_facts(entry: ReadEntry, value: object) -> KeyFacts:
    facts: KeyFacts = _convert(entry, value, KeyFacts)
    try:
        _ = facts.grace_end_us
    except RefusedError as error:
        raise _refuse(entry, error.message) from error
    return facts


def _container(entry: ReadEntry, facts: PackFacts) -> str:
    try:
        container = parse_subject(facts.container)
    except RefusedError as error:
        raise _refuse(entry, error.message) from error
    if not is_item(container):
        raise _refuse(entry, "a container is an item")
    return container


def _convert(entry: ReadEntry, value: object, type_: type[Any]) -> Any:
    if not isinstance(value, dict):
        raise _refuse(entry, "the payload is not an object")
    try:
        return msgspec.convert(value, type_)
    except msgspec.ValidationError as error:
        raise _refuse(entry, str(error)) from error


def _refuse(entry: ReadEntry, reason: str) -> PayloadError:
    kind, phase = entry.what
    return PayloadError(f"payload of {kind}/{phase}: {reason}", kind=kind, phase=phase, index=entry.index)
