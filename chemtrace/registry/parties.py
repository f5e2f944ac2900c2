"""Enterprises, sites, licences, devices: how the authority's events change their records."""

from __future__ import annotations

from typing import Final

import msgspec

from chemtrace.core.credit_code import verify_credit_code
from chemtrace.core.errors import NotFoundError, RegistryConflictError
from chemtrace.core.events.authority import Device, Enterprise, Licence, Site
from chemtrace.core.times import parse_rfc3339
from chemtrace.registry.books import Books, refuse_taken
from chemtrace.registry.records import (
    Change,
    DeviceRecord,
    EnterpriseRecord,
    LicenceRecord,
    SiteRecord,
)

_CLOSING: Final = "close"


def enterprise_change(books: Books, index: int, phase: str, payload: Enterprise) -> Change:
    """What enterprise/register, update and close make of an enterprise's record.

    Raises:
        CreditCodeError: the check sign of the code is wrong.
        RegistryConflictError: registered twice, or an issuer number that is taken or would change.
        EnterpriseUnknownError: an update of what is not registered.
    """
    code = payload.enterprise
    verify_credit_code(code)
    known = books.enterprises.get(code)
    if phase == "register":
        refuse_taken("enterprise", code, known)
    else:
        known = books.open_enterprise(code)
    _check_issuer(books, payload, known)
    record = EnterpriseRecord(
        from_index=index if known is None else known.from_index,
        last_index=index,
        enterprise=code,
        name_zh=payload.name_zh,
        name_en=payload.name_en,
        roles=payload.roles,
        issuer=payload.issuer,
        district=payload.district,
        closed_index=index if phase == _CLOSING else None,
    )
    return Change("enterprise", code, record)


def _check_issuer(books: Books, payload: Enterprise, known: EnterpriseRecord | None) -> None:
    before = known.issuer if known is not None else None
    if before is not None and payload.issuer != before:
        raise RegistryConflictError(
            "an enterprise keeps its issuer number for ever: labels carry it",
            found=payload.issuer,
            expected=before,
        )
    owner = books.issuers.get(payload.issuer) if payload.issuer is not None else None
    if owner not in (None, payload.enterprise):
        raise RegistryConflictError(
            f"the issuer number {payload.issuer} is another enterprise's", found=payload.issuer, owner=owner
        )


def site_change(books: Books, index: int, phase: str, payload: Site) -> Change:
    """What site/register, update and close make of a site's record.

    Raises:
        RegistryConflictError: registered twice, or moved to another enterprise.
        EnterpriseUnknownError, NotFoundError: no such enterprise, or no such open site.
    """
    known = books.sites.get(payload.id)
    books.open_enterprise(payload.enterprise)
    if phase == "register":
        refuse_taken("site", payload.id, known)
    elif known is None or known.closed_index is not None:
        raise NotFoundError(f"there is no open site {payload.id}", site=payload.id)
    elif known.enterprise != payload.enterprise:
        raise RegistryConflictError(
            "a site stays with its enterprise: close it and register a new one",
            found=payload.enterprise,
            expected=known.enterprise,
        )
    record = SiteRecord(
        from_index=index if known is None else known.from_index,
        last_index=index,
        id=payload.id,
        enterprise=payload.enterprise,
        name_zh=payload.name_zh,
        name_en=payload.name_en,
        lat_e6=payload.place.lat_e6,
        lon_e6=payload.place.lon_e6,
        district=payload.district,
        address=payload.address,
        closed_index=index if phase == _CLOSING else None,
    )
    return Change("site", payload.id, record)


def licence_change(books: Books, index: int, phase: str, payload: Licence) -> Change:
    """What licence/grant and revoke make of a licence's record; raises as `site_change`."""
    known = books.licences.get(payload.id)
    books.open_enterprise(payload.enterprise)
    if phase == "grant":
        refuse_taken("licence", payload.id, known)
        start, end = parse_rfc3339(payload.valid_from), parse_rfc3339(payload.valid_to)
        if end <= start:
            raise RegistryConflictError(
                "a licence ends after it begins", found=payload.valid_to, expected=payload.valid_from
            )
        record = LicenceRecord(
            from_index=index,
            last_index=index,
            id=payload.id,
            enterprise=payload.enterprise,
            type=payload.type,
            scope=payload.scope,
            valid_from_us=start,
            valid_to_us=end,
        )
        return Change("licence", payload.id, record)
    if known is None or known.enterprise != payload.enterprise or known.revoked_index is not None:
        raise NotFoundError(f"{payload.enterprise} has no licence {payload.id} to revoke", licence=payload.id)
    return Change(
        "licence", payload.id, msgspec.structs.replace(known, last_index=index, revoked_index=index)
    )


def device_change(books: Books, index: int, phase: str, payload: Device) -> Change:
    """What device/register and revoke make of a device's record; raises as `site_change`."""
    known = books.devices.get(payload.id)
    books.open_enterprise(payload.enterprise)
    if phase == "register":
        refuse_taken("device", payload.id, known)
        key = books.keys.get(payload.kid) if payload.kid is not None else None
        if payload.kid is not None and (key is None or key.party != payload.enterprise):
            raise RegistryConflictError(
                "the key of a device is a registered key of the same enterprise",
                found=payload.kid,
                owner=key.party if key is not None else None,
            )
        record = DeviceRecord(
            from_index=index,
            last_index=index,
            id=payload.id,
            enterprise=payload.enterprise,
            kind=payload.kind,
            kid=payload.kid,
        )
        return Change("device", payload.id, record)
    if known is None or known.enterprise != payload.enterprise or known.revoked_index is not None:
        raise NotFoundError(f"{payload.enterprise} has no device {payload.id} to revoke", device=payload.id)
    if known.kid != payload.kid:
        raise RegistryConflictError(
            "the end of a device names the key in it, so that the key's own history shows that it is silent",
            found=payload.kid,
            expected=known.kid,
        )
    return Change("device", payload.id, msgspec.structs.replace(known, last_index=index, revoked_index=index))
