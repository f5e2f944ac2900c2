"""Keys as their histories tell them: whose, for what, from where to where in the log.

The same rules as `registry.keyring` and `registry.signing`, stated over whole histories instead of a fold over the
log (contracts/specs/bundle.md, steps 7 and 8). Indexes decide; the log's time only where a grace is involved.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from chemtrace.core.algorithms import PublicKey
from chemtrace.core.base64url import decode_base64url
from chemtrace.core.bundle.needs import ROOT_ROLES, key_of
from chemtrace.core.bundle.reading import History, KeyFacts, ReadEntry
from chemtrace.core.errors import (
    EventOrderError,
    KeyEarlyError,
    KeyForeignError,
    KeyRetiredError,
    KeyRevokedError,
    KeyRoleError,
    KeyTakenError,
    KeyUnknownError,
    RegistryConflictError,
    SPKIError,
)
from chemtrace.core.events import AUTHORITY_KINDS
from chemtrace.core.keys import parse_spki
from chemtrace.core.times import parse_rfc3339

MAX_GRACE_US: Final = 72 * 3600 * 1_000_000
"""Longest grace of a retired key, microseconds."""

PARTY_ROLES: Final = frozenset({"enterprise", "device"})
ALERT_ROLES: Final = PARTY_ROLES | {"authority"}
RECOVERY_INDEX: Final = 1
"""Where the first recovery key is registered: entry 1 of every log."""


class KeyHistory(msgspec.Struct, frozen=True):
    """A key as its whole history tells it; indexes are those of the events that did it, None where none did.

    Times in microseconds UTC. `silent_index`: declared compromised, or its device revoked.
    """

    kid: str
    index: int
    party: str
    role: str
    algorithm: str
    public: PublicKey
    namespaces: tuple[str, ...]
    replaces: str | None
    replaced_index: int | None = None
    retired_index: int | None = None
    retired_us: int = 0
    grace_end_us: int = 0
    silent_index: int | None = None
    compromised: bool = False


def fold_key(history: History) -> KeyHistory | None:
    """Return the key that a `key:` history tells of, None when it never registers it.

    Raises:
        KeyTakenError, KeyUnknownError, RegistryConflictError, SPKIError, KeyWeakError: events that no honest log took.
        EventOrderError: an event about another key.
    """
    kid = str(key_of(history.subject))
    key: KeyHistory | None = None
    silenced: int | None = None
    for entry in history.entries:
        if entry.device is not None:
            silenced = _silenced(kid, entry, silenced)
        elif entry.key is not None:
            key = _changed(kid, key, entry, entry.key)
    if key is None or silenced is None:
        return key
    ends = [silenced] if key.silent_index is None else [silenced, key.silent_index]
    return msgspec.structs.replace(key, silent_index=min(ends))


def _silenced(kid: str, entry: ReadEntry, before: int | None) -> int | None:
    if entry.device is None or entry.device.kid != kid:
        raise _other_key(kid, entry)
    return entry.index if entry.header.phase == "revoke" and before is None else before


def _changed(kid: str, key: KeyHistory | None, entry: ReadEntry, facts: KeyFacts) -> KeyHistory:
    phase = entry.header.phase
    if facts.kid == kid and phase == "register":
        if key is not None:
            raise KeyTakenError("this key is registered twice", kid=kid, index=entry.index)
        return _registered(entry, facts)
    if phase == "register" and facts.replaces == kid:
        return _replaced(_known(kid, key, entry), entry, facts)
    if facts.kid == kid and phase in ("retire", "compromised"):
        return _ended(_known(kid, key, entry), entry, facts)
    raise _other_key(kid, entry)


def _registered(entry: ReadEntry, facts: KeyFacts) -> KeyHistory:
    public = parse_spki(decode_base64url(facts.spki), facts.sm2_id or "")
    if public.kid.hex() != facts.kid or public.alg != facts.algorithm:
        raise SPKIError(
            "kid and algorithm must be those of the key",
            found=facts.kid,
            expected=public.kid,
            algorithm=public.alg,
        )
    return KeyHistory(
        kid=facts.kid,
        index=entry.index,
        party=facts.party,
        role=facts.role,
        algorithm=facts.algorithm,
        public=public,
        namespaces=facts.namespaces,
        replaces=facts.replaces,
    )


def _known(kid: str, key: KeyHistory | None, entry: ReadEntry) -> KeyHistory:
    if key is None:
        raise KeyUnknownError(
            "this key is ended or replaced before it is registered", kid=kid, index=entry.index
        )
    return key


def _replaced(key: KeyHistory, entry: ReadEntry, facts: KeyFacts) -> KeyHistory:
    if facts.role not in ROOT_ROLES or facts.role != key.role:
        return key
    if key.replaced_index is not None:
        raise RegistryConflictError(
            "a key of the authority is replaced twice",
            kid=key.kid,
            found=entry.index,
            since_index=key.replaced_index,
        )
    return msgspec.structs.replace(key, replaced_index=entry.index)


def _ended(key: KeyHistory, entry: ReadEntry, facts: KeyFacts) -> KeyHistory:
    wanted, found = (key.party, key.role, key.algorithm), (facts.party, facts.role, facts.algorithm)
    if wanted != found or key.compromised:
        raise RegistryConflictError(
            "this does not fit the record of the key, or the key has ended already",
            kid=key.kid,
            index=entry.index,
            expected=wanted,
            found=found,
        )
    if entry.header.phase == "compromised":
        return msgspec.structs.replace(key, compromised=True, silent_index=entry.index)
    retired_us = parse_rfc3339(entry.header.iat)
    grace_us = retired_us if facts.grace_end_us is None else facts.grace_end_us
    if key.retired_index is not None or not retired_us <= grace_us <= retired_us + MAX_GRACE_US:
        raise RegistryConflictError(
            "a key is retired once, and its grace ends within 72 h",
            kid=key.kid,
            index=entry.index,
            found_us=grace_us,
            limit_us=retired_us + MAX_GRACE_US,
        )
    return msgspec.structs.replace(
        key, retired_index=entry.index, retired_us=retired_us, grace_end_us=grace_us
    )


def _other_key(kid: str, entry: ReadEntry) -> EventOrderError:
    return EventOrderError(
        "an event in the history of a key is about another key", kid=kid, index=entry.index
    )


class Keyring:
    """All keys of a bundle by key id, rooted in the one that the verifier pins."""

    def __init__(self, keys: Mapping[str, KeyHistory], authority: str) -> None:
        """Take the folded histories; `authority` is the pinned key id in hex."""
        self._keys = keys
        self._authority = authority
        self._on_line: dict[str, bool] = {}

    def key(self, kid: str) -> KeyHistory:
        """Return a key; raises `KeyUnknownError` when it was never registered."""
        key = self._keys.get(kid)
        if key is None:
            raise KeyUnknownError("this key was never registered", kid=kid)
        return key

    def check_founder(self, entry: ReadEntry) -> None:
        """Check that entry 0 registers the pinned key and is signed by it; raises `KeyRoleError`."""
        kid = entry.key.kid if entry.key is not None and entry.what == ("key", "register") else None
        if kid != self._authority or entry.header.signers != (kid,):
            raise KeyRoleError(
                "entry 0 of the log does not register the pinned authority's key, signed by itself",
                expected=self._authority,
                signers=entry.header.signers,
            )

    def check_signer(self, entry: ReadEntry, kid: str) -> KeyHistory:
        """Return the signer's key when it may sign this entry, the grace of a retired key left aside.

        Raises:
            KeyUnknownError, KeyEarlyError, KeyRevokedError, KeyRetiredError, KeyForeignError, KeyRoleError.
        """
        key, index = self.key(kid), entry.index
        if key.index >= index:
            raise KeyEarlyError(
                "a key signed before it was registered", kid=kid, index=index, registered=key.index
            )
        if key.silent_index is not None and key.silent_index < index:
            raise KeyRevokedError(
                "a key signed after it was declared compromised, or its device revoked",
                kid=kid,
                index=index,
                revoked_index=key.silent_index,
            )
        if is_late_use(key, entry) and parse_rfc3339(entry.header.iat) > key.retired_us:
            raise KeyRetiredError(
                "a key signed after it was retired", kid=kid, index=index, retired_at_us=key.retired_us
            )
        return key

    def check_right(self, entry: ReadEntry, key: KeyHistory) -> None:
        """Check that a key speaks for this enterprise, kind and party; raises `KeyForeignError`, `KeyRoleError`."""
        if key.party != entry.header.enterprise:
            raise KeyForeignError(
                "the key of one enterprise signed for another",
                kid=key.kid,
                owner=key.party,
                claimed=entry.header.enterprise,
            )
        self._check_role(entry, key)
        party = entry.on_behalf_of
        if party is not None and not _in_namespace(party, key.namespaces):
            raise KeyForeignError(
                "a key speaks only for foreign names in its own namespaces",
                kid=key.kid,
                owner=key.party,
                claimed=party,
            )

    def _check_role(self, entry: ReadEntry, key: KeyHistory) -> None:
        kind = entry.header.kind
        if kind in AUTHORITY_KINDS:
            facts = entry.key
            root = facts is not None and facts.role in ROOT_ROLES and entry.index > RECOVERY_INDEX
            self._check_in_force(entry, key, "recovery" if root else "authority")
            return
        roles = ALERT_ROLES if kind == "alert" else PARTY_ROLES
        if key.role not in roles:
            raise KeyRoleError(
                f"a key of role {key.role} does not sign {kind}", kid=key.kid, expected=sorted(roles)
            )

    def _check_in_force(self, entry: ReadEntry, key: KeyHistory, role: str) -> None:
        """The one key of the role that is registered below the index, not replaced below it, and rooted in the pin."""
        replaced = key.replaced_index
        fits = key.role == role and (replaced is None or replaced >= entry.index)
        if not fits or not self._is_rooted(key):
            raise KeyRoleError(
                f"{entry.header.kind}/{entry.header.phase} is signed by a key that, under the pinned authority, "
                f"is not the {role} key in force",
                kid=key.kid,
                role=key.role,
                expected_role=role,
                authority=self._authority,
                index=entry.index,
                replaced_index=replaced,
            )

    def _is_rooted(self, key: KeyHistory) -> bool:
        """Whether a chain of replacements, each the first of its kind, leads from the pinned key to this one."""
        chain: list[str] = []
        current, rooted = key, False
        while current.kid not in self._on_line:
            chain.append(current.kid)
            before = self._before(current)
            if before is None:
                rooted = self._is_root(current)
                break
            current = before
        else:
            rooted = self._on_line[current.kid]
        for kid in chain:
            self._on_line[kid] = rooted
        return rooted

    def _before(self, key: KeyHistory) -> KeyHistory | None:
        """The key that this one replaced, when that one says so too. Indexes fall, so that no chain is a ring."""
        before = None if key.replaces is None else self._keys.get(key.replaces)
        if before is None or before.role != key.role or before.party != key.party:
            return None
        return before if before.replaced_index == key.index and before.index < key.index else None

    def _is_root(self, key: KeyHistory) -> bool:
        founder = self._keys.get(self._authority)
        if founder is None or founder.index != 0 or founder.party != key.party:
            return False
        if key.role == "recovery":
            return key.index == RECOVERY_INDEX
        return key.kid == self._authority and key.role == "authority"


def is_late_use(key: KeyHistory, entry: ReadEntry) -> bool:
    """Whether an entry stands behind the retirement of its signer's key: it needs the ticks around it."""
    return key.retired_index is not None and key.retired_index < entry.index


def _in_namespace(party: str, namespaces: tuple[str, ...]) -> bool:
    scheme, _, rest = party.partition(":")
    return scheme == "ext" and rest.partition(":")[0] in namespaces
