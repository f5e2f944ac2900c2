"""The authority's statements: pure builders of what registers parties, places and keys, and issues codes.

Each takes `by` (who signs, when, with which nonce) and `prev`, the event id of the subject's head in hex, None for its
first event. The result is signed and ready to be submitted; whether it is admitted is the ledger's word.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from chemtrace.core.base64url import encode_base64url
from chemtrace.core.keys import PrivateKey, PublicKey, verify_key_request
from chemtrace.core.statement import Statement, build_statement
from chemtrace.core.times import format_utc
from chemtrace.registry.records import KeyRecord


class Signing(msgspec.Struct, frozen=True, kw_only=True):
    """Who signs for the authority, when (microseconds UTC), and 128 random bits as 32 hex digits."""

    key: PrivateKey
    enterprise: str
    now_us: int
    nonce: str


def register_enterprise(
    by: Signing,
    *,
    enterprise: str,
    name_zh: str,
    name_en: str,
    roles: tuple[str, ...],
    issuer: str | None = None,
    district: str | None = None,
    phase: str = "register",
    prev: str | None = None,
) -> Statement:
    """enterprise/register, or `phase` update or close: a legal entity with its roles and issuer number."""
    facts = {
        "enterprise": enterprise,
        "name_zh": name_zh,
        "name_en": name_en,
        "roles": list(roles),
        "issuer": issuer,
        "district": district,
    }
    return _signed(by, ("enterprise", phase), {f"enterprise:{enterprise}": prev}, facts)


def register_site(
    by: Signing,
    *,
    site: str,
    enterprise: str,
    name_zh: str,
    name_en: str,
    place: tuple[int, int],
    district: str | None = None,
    address: str | None = None,
    phase: str = "register",
    prev: str | None = None,
) -> Statement:
    """site/register, or `phase` update or close; `place` is (latitude, longitude) in millionths of a degree, WGS-84."""
    facts = {
        "id": site,
        "enterprise": enterprise,
        "name_zh": name_zh,
        "name_en": name_en,
        "place": {"lat_e6": place[0], "lon_e6": place[1]},
        "district": district,
        "address": address,
    }
    return _signed(by, ("site", phase), {f"site:{site}": prev}, facts)


def grant_licence(
    by: Signing,
    *,
    licence: str,
    enterprise: str,
    type_: str,
    scope: tuple[str, ...],
    valid: tuple[int, int],
    phase: str = "grant",
    prev: str | None = None,
) -> Statement:
    """licence/grant, or `phase` revoke; `valid` is (from, to) in microseconds UTC."""
    facts = {
        "id": licence,
        "enterprise": enterprise,
        "type": type_,
        "scope": list(scope),
        "valid_from": format_utc(valid[0]),
        "valid_to": format_utc(valid[1]),
    }
    return _signed(by, ("licence", phase), {f"licence:{licence}": prev}, facts)


def register_device(
    by: Signing,
    *,
    device: str,
    enterprise: str,
    kind: str,
    kid: str | None = None,
    phase: str = "register",
    prev: str | None = None,
    key_prev: str | None = None,
) -> Statement:
    """device/register, or `phase` revoke: a phone or gateway and the key in it; `key_prev` is the head of that key."""
    facts = {"id": device, "enterprise": enterprise, "kind": kind, "kid": kid}
    held = {} if kid is None else {f"key:{kid}": key_prev}
    return _signed(by, ("device", phase), {f"device:{device}": prev, **held}, facts)


def register_key(
    by: Signing,
    *,
    request: bytes,
    namespaces: tuple[str, ...] = (),
    replaces: str | None = None,
    replaces_prev: str | None = None,
) -> Statement:
    """key/register of the key, party and role that a key request asks for; `replaces_prev` is the replaced key's head.

    Raises:
        KeyRequestError, SignatureInvalidError: the request is malformed, or not made by the holder of the key.
    """
    asked = verify_key_request(request)
    facts = {
        **_key_facts(asked.public_key, asked.enterprise, asked.role),
        "request": encode_base64url(request),
        "replaces": replaces,
    }
    if namespaces:
        facts["namespaces"] = list(namespaces)
    former = {} if replaces is None else {f"key:{replaces}": replaces_prev}
    return _signed(by, ("key", "register"), {f"key:{asked.public_key.kid.hex()}": None, **former}, facts)


def found_authority(by: Signing) -> Statement:
    """key/register of the signing key itself: entry 0 of a log."""
    facts = _key_facts(by.key.public, by.enterprise, "authority")
    return _signed(by, ("key", "register"), {f"key:{by.key.kid.hex()}": None}, facts)


def end_key(
    by: Signing, *, record: KeyRecord, phase: str, prev: str, grace_end_us: int | None = None
) -> Statement:
    """key/retire (with a grace of at most 72 h) or key/compromised (at once)."""
    facts = _key_facts(record.public_key, record.party, record.role)
    if grace_end_us is not None:
        facts["grace_end"] = format_utc(grace_end_us)
    return _signed(by, ("key", phase), {f"key:{record.kid}": prev}, facts)


def issue_batch(
    by: Signing,
    *,
    batch: str,
    enterprise: str,
    issuer: str,
    kind: str,
    slot: str,
    start: int,
    count: int,
    root: bytes,
    seal_year: int,
) -> Statement:
    """issue/batch: `count` codes from number `start` of their series, with the Merkle root over them in order."""
    facts = {
        "batch": batch,
        "enterprise": enterprise,
        "issuer": issuer,
        "kind": kind,
        "slot": slot,
        "start": start,
        "count": count,
        "root": root.hex(),
        "seal_year": seal_year,
    }
    return _signed(by, ("issue", "batch"), {f"batch:{batch}": None}, facts)


def erase_openings(by: Signing, *, event: str, reason: str, subjects: Mapping[str, str | None]) -> Statement:
    """erase/openings of an event; `subjects` are those of that event with their heads."""
    payload = _payload(by, {"event": event, "reason": reason})
    return build_statement(
        kind="erase",
        phase="openings",
        enterprise=by.enterprise,
        signers=[by.key],
        iat=format_utc(by.now_us),
        subjects=list(subjects.items()),
        payload=payload,
    )


def _key_facts(key: PublicKey, party: str, role: str) -> dict[str, Any]:
    return {
        "kid": key.kid.hex(),
        "party": party,
        "role": role,
        "algorithm": key.alg,
        "spki": encode_base64url(key.spki),
        "sm2_id": key.sm2_id or None,
    }


def _payload(by: Signing, facts: Mapping[str, Any]) -> dict[str, object]:
    stated = {name: value for name, value in facts.items() if value is not None}
    return {"at": format_utc(by.now_us), "nonce": by.nonce, **stated}


def publish_anchor(
    by: Signing, *, size: int, root: str, service: str, token: str, prev: str | None
) -> Statement:
    """anchor/timestamp: a service outside has stamped the checkpoint of `size`; `token` is base64url of its DER.

    `prev` is the head of the authority's own history, `enterprise:` and its code.
    """
    facts = {"size": size, "root": root, "service": service, "token": token}
    return _signed(by, ("anchor", "timestamp"), {f"enterprise:{by.enterprise}": prev}, facts)


def _signed(
    by: Signing, what: tuple[str, str], subjects: Mapping[str, str | None], facts: Mapping[str, Any]
) -> Statement:
    return build_statement(
        kind=what[0],
        phase=what[1],
        enterprise=by.enterprise,
        signers=[by.key],
        iat=format_utc(by.now_us),
        subjects=list(subjects.items()),
        payload=_payload(by, facts),
    )
