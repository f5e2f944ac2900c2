"""Admission, first half: form and signatures, without a lock; many threads may run it at once.

What the ledger holds is looked at only for the keys; everything that depends on the place in the log is checked
again, or for the first time, inside the transaction (`ledger.sequence`). The order of the checks:

1. the wire object and the header's form, 2. payload digest and canonical form, 3. payload schema,
4. openings, 5. subjects are exactly those the payload moves, 6. signatures under the registered keys,
7. the entry that it becomes is one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from chemtrace.core.algorithms import PublicKey
from chemtrace.core.base64url import decode_base64url
from chemtrace.core.entry import encode_entry, leaf_hash
from chemtrace.core.errors import ChemtraceError, KeyUnknownError, SubjectError
from chemtrace.core.events import moved_subjects, parse_payload
from chemtrace.core.events.authority import Erase, Key
from chemtrace.core.events.fields import Payload
from chemtrace.core.events.items import Correct
from chemtrace.core.keys import parse_spki
from chemtrace.core.statement import (
    MAX_WIRE_BYTES,
    Statement,
    Subject,
    check_openings,
    check_payload_digest,
    parse_payload_object,
    parse_wire,
    verify_signatures,
)
from chemtrace.core.times import parse_rfc3339
from chemtrace.registry.state import Registry

FUTURE_US: Final = 24 * 3600 * 1_000_000
"""How far a claimed time may lie ahead of the time received: a phone with a wrong zone, not a wrong year."""


class Checked(msgspec.Struct, frozen=True, gc=False):
    """A statement whose form holds; `verified` says whether its signatures hold too.

    They do not yet where a signer is not registered so far: the key may stand in the same batch, so the question is
    asked again inside the transaction. Times are microseconds UTC. `body` is the entry that the statement becomes,
    `leaf` its hash; both are empty where the statement was read from the log.
    """

    statement: Statement
    payload: Payload
    at_us: int
    iat_us: int
    wire: bytes
    verified: bool
    body: bytes = b""
    leaf: bytes = b""


KeysOf = Callable[[Statement, Payload], Mapping[str, PublicKey]]
"""The public keys of a statement's signers, by id in hex, as far as they are known."""


def check_statement(wire: bytes, registry: Registry) -> Checked:
    """Return the checked statement of one wire object, under the keys that are registered now.

    Raises:
        RefusedError: the first defect, in the order of the module's list.
    """
    return check_form(wire, lambda statement, payload: signer_keys(statement, payload, registry))


def check_form(wire: bytes, keys_of: KeysOf) -> Checked:
    """As `check_statement`, under the keys that `keys_of` gives."""
    statement = parse_wire(wire)
    check_payload_digest(statement)
    header = statement.header
    value = parse_payload_object(statement)
    payload = parse_payload(header.kind, header.phase, statement.payload_bytes)
    if statement.openings:
        check_openings(statement, value)
    _check_subjects(statement, payload)
    at_us, iat_us = parse_rfc3339(payload.at), parse_rfc3339(header.iat)
    verified = True
    try:
        verify_signatures(statement, keys_of(statement, payload))
    except KeyUnknownError:
        verified = False
    body = entry_of(statement)
    return Checked(statement, payload, at_us, iat_us, wire, verified, body, leaf_hash(body))


def entry_of(statement: Statement) -> bytes:
    """The bytes of the entry that a statement becomes; raises `EntryFormatError` where it is too large for one."""
    kids = [bytes.fromhex(kid) for kid in statement.header.signers]
    return encode_entry(statement.header_bytes, tuple(zip(kids, statement.signatures, strict=True)))


def signer_keys(statement: Statement, payload: Payload, registry: Registry) -> Mapping[str, PublicKey]:
    """The public keys of a statement's signers as far as they are registered; entry 0 brings its own."""
    keys: dict[str, PublicKey] = {}
    for kid in statement.header.signers:
        record = registry.key(kid)
        if record is not None:
            keys[kid] = record.public_key
        elif registry.authority is None and isinstance(payload, Key) and payload.kid == kid:
            keys[kid] = parse_spki(decode_base64url(payload.spki), payload.sm2_id or "")
    return keys


def wire_event_id(wire: bytes) -> bytes | None:
    """The event id of whatever stands in `header`, or None: a known event is answered whatever else is wrong."""
    if len(wire) > MAX_WIRE_BYTES:
        return None
    try:
        header = msgspec.json.decode(wire, type=_HeaderOnly).header
        return hashlib.sha256(decode_base64url(header)).digest()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ChemtraceError):
        return None


class _HeaderOnly(msgspec.Struct, frozen=True):
    header: str


def _check_subjects(statement: Statement, payload: Payload) -> None:
    """An event names exactly what its payload moves; a correction's or erasure's are compared in the transaction."""
    subjects = statement.header.subjects
    moved = moved_subjects(payload, statement.header.enterprise)
    if len(subjects) == 1 and len(moved) == 1:
        if subjects[0].id == moved[0]:
            return
    elif isinstance(payload, Correct | Erase) or _same(subjects, moved):
        return
    raise SubjectError(
        "an event names exactly the subjects that its payload moves",
        expected=sorted(moved),
        found=sorted(subject.id for subject in subjects),
    )


def _same(subjects: Sequence[Subject], moved: Sequence[str]) -> bool:
    return len(subjects) == len(moved) and {subject.id for subject in subjects} == set(moved)
