"""Who may sign what at this place of the log: the rules between a header's signers and the keys' records."""

from __future__ import annotations

from typing import Final

from chemtrace.core.errors import (
    KeyForeignError,
    KeyRetiredError,
    KeyRevokedError,
    KeyRoleError,
)
from chemtrace.core.events import AUTHORITY_KINDS
from chemtrace.core.events.authority import Key
from chemtrace.core.events.fields import Payload
from chemtrace.core.header import Header
from chemtrace.registry.books import Books
from chemtrace.registry.keyring import ROOT_ROLES, require_registered
from chemtrace.registry.records import KeyRecord

PARTY_ROLES: Final = frozenset({"enterprise", "device"})
"""Keys that speak for what an enterprise did."""

ALERT_ROLES: Final = PARTY_ROLES | {"authority"}


def check_signers(
    books: Books, header: Header, payload: Payload, *, index: int, log_time_us: int, iat_us: int
) -> None:
    """Check that every signer may sign this event as entry `index`, after the epoch of `log_time_us`.

    (1) Each key is registered and not ended. (2) It belongs to the enterprise of the header, which is open.
    (3) Its role may sign this kind. (4) A key speaks for a foreign party only in its namespaces.
    The caller knows that entry 0 is signed by the very key it registers.

    Raises:
        KeyUnknownError, KeyRevokedError, KeyRetiredError, KeyForeignError, KeyRoleError, EnterpriseUnknownError.
    """
    if index == 0:
        _check_founder(header, payload)
        return
    for kid in header.signers:
        record = require_registered(books, kid)
        _check_alive(books, record, log_time_us=log_time_us, iat_us=iat_us)
        if record.party != header.enterprise:
            raise KeyForeignError(
                "the key of one enterprise cannot sign for another",
                kid=kid,
                owner=record.party,
                claimed=header.enterprise,
            )
        _check_role(books, record, header, payload)
        if payload.on_behalf_of is not None:
            _check_namespace(record, payload.on_behalf_of)
    if index > 2:
        books.open_enterprise(header.enterprise)


def _check_founder(header: Header, payload: Payload) -> None:
    founding = isinstance(payload, Key) and (header.kind, header.phase) == ("key", "register")
    if not founding or not isinstance(payload, Key) or header.signers != (payload.kid,):
        raise KeyRoleError(
            "entry 0 of a log is the authority's key, signed by itself", signers=header.signers
        )


def _check_alive(books: Books, record: KeyRecord, *, log_time_us: int, iat_us: int) -> None:
    silent_since = books.silent_since(record)
    if silent_since is not None:
        raise KeyRevokedError(
            "this key was declared compromised, or its device revoked: sign again with a new key",
            kid=record.kid,
            revoked_index=silent_since,
        )
    retired_us, grace_us = record.retired_at_us, record.grace_end_us
    if retired_us is None or grace_us is None:
        return
    if iat_us > retired_us or log_time_us >= grace_us:
        raise KeyRetiredError(
            "this key is retired: only what it signed before counts, and only until its grace ends",
            kid=record.kid,
            retired_at_us=retired_us,
            grace_end_us=grace_us,
            iat_us=iat_us,
            log_time_us=log_time_us,
        )


def _check_role(books: Books, record: KeyRecord, header: Header, payload: Payload) -> None:
    kind = header.kind
    if kind not in AUTHORITY_KINDS:
        roles = ALERT_ROLES if kind == "alert" else PARTY_ROLES
        if record.role not in roles:
            raise KeyRoleError(
                f"a key of role {record.role} does not sign {kind}", role=record.role, expected=sorted(roles)
            )
        return
    role = "recovery" if _is_root_matter(books, payload) else "authority"
    in_force = books.newest_key(role)
    if in_force is None or record.kid != in_force.kid:
        raise KeyRoleError(
            f"{kind}/{header.phase} is signed by the {role} key in force",
            kid=record.kid,
            role=record.role,
            expected=in_force.kid if in_force is not None else None,
        )


def _is_root_matter(books: Books, payload: Payload) -> bool:
    """Whether an event concerns the authority's own keys, which the recovery key alone can replace or end.

    The first recovery key is introduced by the authority key: entry 1.
    """
    return (
        isinstance(payload, Key) and payload.role in ROOT_ROLES and books.newest_key("recovery") is not None
    )


def _check_namespace(record: KeyRecord, party: str) -> None:
    scheme, _, rest = party.partition(":")
    namespace = rest.partition(":")[0]
    if scheme != "ext" or namespace not in record.namespaces:
        raise KeyForeignError(
            "this key may not speak for that party: only for foreign names in its own namespaces",
            kid=record.kid,
            owner=record.party,
            claimed=party,
            namespaces=record.namespaces,
        )
