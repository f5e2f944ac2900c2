"""Keys: registration with proof of possession, retirement with a bounded grace, and the end of a stolen one."""

from __future__ import annotations

from typing import Final

import msgspec

from chemtrace.core.algorithms import PublicKey
from chemtrace.core.base64url import decode_base64url
from chemtrace.core.errors import (
    EnterpriseUnknownError,
    KeyRoleError,
    KeyTakenError,
    KeyUnknownError,
    PossessionError,
    RegistryConflictError,
    SPKIError,
)
from chemtrace.core.events.authority import Key
from chemtrace.core.header import Header
from chemtrace.core.keys import parse_spki, verify_key_request
from chemtrace.core.times import parse_rfc3339
from chemtrace.registry.books import Books
from chemtrace.registry.records import Change, KeyRecord

MAX_GRACE_US: Final = 72 * 3600 * 1_000_000
"""Longest time after `retire` in which what was signed before may still arrive (DESIGN section 4, Keys)."""

ROOT_ROLES: Final = frozenset({"authority", "recovery"})
"""Keys that only the recovery key can replace."""

SERVICE_ROLES: Final = frozenset({"authority", "recovery", "log", "receipt"})
"""Roles of which one key is in force at a time."""


def key_change(books: Books, index: int, header: Header, payload: Key) -> Change:
    """What key/register, retire and compromised make of a key's record.

    Raises:
        KeyTakenError, SPKIError, KeyWeakError, PossessionError, KeyRoleError: a registration that cannot stand.
        KeyUnknownError, RegistryConflictError: a retirement that contradicts the record, or a grace that is too long.
    """
    if header.phase == "register":
        return Change("key", payload.kid, _registered(books, index, header, payload))
    known = _known(books, payload)
    if payload.replaces is not None:
        raise RegistryConflictError(
            "only a registration replaces a key", kid=known.kid, found=payload.replaces
        )
    if header.phase == "compromised":
        return Change("key", known.kid, msgspec.structs.replace(known, last_index=index, revoked_index=index))
    return Change("key", known.kid, _retired(known, index, header, payload))


def _registered(books: Books, index: int, header: Header, payload: Key) -> KeyRecord:
    taken = books.keys.get(payload.kid)
    if taken is not None:
        raise KeyTakenError(
            "this key is registered already: one key, one party", kid=payload.kid, owner=taken.party
        )
    public = parse_spki(decode_base64url(payload.spki), payload.sm2_id or "")
    if public.kid.hex() != payload.kid or public.alg != payload.algorithm:
        raise SPKIError(
            "kid and algorithm must be those of the key",
            found=payload.kid,
            expected=public.kid,
            algorithm=public.alg,
        )
    _check_role(books, index, header, payload)
    if index > 0:
        _check_possession(public, payload)
    return KeyRecord(
        from_index=index,
        last_index=index,
        kid=payload.kid,
        party=payload.party,
        role=payload.role,
        algorithm=payload.algorithm,
        public_key=public,
        namespaces=payload.namespaces,
    )


def _check_role(books: Books, index: int, header: Header, payload: Key) -> None:
    """Entry 0 is the authority's own key, entry 1 its recovery key; later ones follow the roles in force."""
    if index <= 1:
        expected = "recovery" if index else "authority"
        if payload.role != expected or payload.party != header.enterprise:
            raise KeyRoleError(
                f"entry {index} of a log is the authority's {expected} key",
                found=payload.role,
                expected=expected,
            )
        return
    _check_replaced(books, payload)
    if payload.namespaces and payload.role != "enterprise":
        raise KeyRoleError("only an enterprise key can import for others", role=payload.role)
    in_force = books.newest_key(payload.role) if payload.role in SERVICE_ROLES else None
    if in_force is not None and payload.replaces != in_force.kid:
        raise RegistryConflictError(
            f"a new {payload.role} key names the one it replaces",
            found=payload.replaces,
            expected=in_force.kid,
        )
    authority = books.newest_key("authority")
    if payload.role in SERVICE_ROLES and authority is not None and payload.party != authority.party:
        raise KeyRoleError(
            "keys of the authority and of the log are the authority's own",
            role=payload.role,
            owner=payload.party,
        )
    # Genesis registers the enterprise of the authority right behind its two keys.
    if index > 2:
        books.open_enterprise(payload.party)


def _check_replaced(books: Books, payload: Key) -> None:
    """The key named as replaced is a registered one of the same party and role: nobody else's history is written in."""
    if payload.replaces is None:
        return
    former = require_registered(books, payload.replaces)
    if (former.party, former.role) != (payload.party, payload.role):
        raise RegistryConflictError(
            "a key replaces one of the same party and role",
            expected=(payload.party, payload.role),
            found=(former.party, former.role),
        )


def _check_possession(public: PublicKey, payload: Key) -> None:
    """The holder of the key itself asked for this party and role."""
    if payload.request is None:
        raise PossessionError(
            "registering a key needs a request signed by that key: run `chemtrace keys request`",
            kid=payload.kid,
        )
    request = verify_key_request(decode_base64url(payload.request))
    wanted = (public.spki, payload.party, payload.role)
    found = (request.public_key.spki, request.enterprise, request.role)
    if wanted != found:
        raise PossessionError(
            "the key request is for another key, party or role",
            kid=request.public_key.kid,
            expected=(payload.party, payload.role),
            found=(request.enterprise, request.role),
        )


def _known(books: Books, payload: Key) -> KeyRecord:
    known = books.keys.get(payload.kid)
    if known is None:
        raise KeyUnknownError("no such key is registered", kid=payload.kid)
    wanted = (known.party, known.role, known.algorithm)
    found = (payload.party, payload.role, payload.algorithm)
    if wanted != found or known.revoked_index is not None:
        raise RegistryConflictError(
            "this does not fit the record of the key, or the key has ended already",
            expected=wanted,
            found=found,
            revoked_index=known.revoked_index,
        )
    return known


def _retired(known: KeyRecord, index: int, header: Header, payload: Key) -> KeyRecord:
    if known.retired_at_us is not None:
        raise RegistryConflictError("this key is retired already", kid=known.kid)
    retired_us = parse_rfc3339(header.iat)
    grace_us = retired_us if payload.grace_end is None else parse_rfc3339(payload.grace_end)
    if not retired_us <= grace_us <= retired_us + MAX_GRACE_US:
        raise RegistryConflictError(
            "the grace of a retired key ends within 72 h",
            found_us=grace_us,
            limit_us=retired_us + MAX_GRACE_US,
        )
    return msgspec.structs.replace(known, last_index=index, retired_at_us=retired_us, grace_end_us=grace_us)


def require_registered(books: Books, kid: str) -> KeyRecord:
    """Return the record of a key; raises `KeyUnknownError`."""
    record = books.keys.get(kid)
    if record is None:
        raise KeyUnknownError("no such key is registered: register it first", kid=kid)
    return record


def require_known_party(books: Books, party: str) -> None:
    """Raise `EnterpriseUnknownError` unless the party is outside, foreign or a registered enterprise."""
    if party == "OUTSIDE" or party.startswith("ext:") or party in books.enterprises:
        return
    raise EnterpriseUnknownError(f"the enterprise {party} is not registered here", enterprise=party)
