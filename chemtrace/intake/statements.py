"""A movement as signed statements: an opening balance of its lot where its kind has one, then the movement itself.

One importer's key signs them all, on behalf of the party that the row names; that party has no key here. With the same
code and the same time of signing the same row gives the same bytes, so sending it again is the same event.
"""

from __future__ import annotations

from typing import Any

import msgspec

from chemtrace.core.events.fields import Payload
from chemtrace.core.keys import PrivateKey
from chemtrace.core.statement import Statement, build_statement
from chemtrace.intake.mapping import has_member
from chemtrace.intake.reading import Movement

OPENING: str = "opening"
MOVEMENT: str = "movement"


class Signer(msgspec.Struct, frozen=True):
    """Whose key signs: the importer's enterprise, its key, and the secret behind the nonces."""

    enterprise: str
    key: PrivateKey
    secret: bytes
    namespace: str

    def nonce(self, movement: Movement, part: str) -> str:
        """The nonce of the opening or the movement of a row: how it is found again in the log."""
        return movement.identity.nonce(self.secret, self.namespace, part)


def opening_statement(signer: Signer, movement: Movement, code: str, iat: str) -> Statement:
    """store/opening: the lot was in the reporter's hands before it moved, with exactly what was moved."""
    payload = {
        "at": movement.opening_at,
        "nonce": signer.nonce(movement, OPENING),
        "on_behalf_of": movement.reporter,
        "items": [_line(movement, code)],
    }
    return _signed(signer, "store/opening", (code, None), iat, payload)


def movement_statement(
    signer: Signer, movement: Movement, code: str, iat: str, prev: str | None
) -> Statement:
    """The event of the row; `prev` is the event id of its opening in hex, or None without one."""
    return _signed(signer, movement.kind.event, (code, prev), iat, movement_payload(signer, movement, code))


def movement_payload(signer: Signer, movement: Movement, code: str) -> dict[str, Any]:
    """The payload of the row's event; a kind without a counterparty of its own names it in the note."""
    event = movement.kind.event
    note = movement.note
    payload: dict[str, Any] = {
        "at": movement.at,
        "nonce": signer.nonce(movement, MOVEMENT),
        "on_behalf_of": movement.reporter,
        "items": [_line(movement, code)],
    }
    if has_member(event, "counterparty"):
        payload["counterparty"] = movement.counterparty
    else:
        note = "; ".join([part for part in (f"counterparty={movement.counterparty}", note) if part])[:2000]
    if movement.contract is not None and has_member(event, "contract"):
        payload["contract"] = movement.contract
    if note:
        payload["note"] = note
    return payload


def check_form(signer: Signer, movement: Movement, code: str) -> Payload:
    """Decode the row's payload as the ledger would; raises `PayloadError`."""
    from chemtrace.core.canonical import encode_canonical
    from chemtrace.core.events import parse_payload

    kind, _, phase = movement.kind.event.partition("/")
    return parse_payload(kind, phase, encode_canonical(movement_payload(signer, movement, code)))


def _line(movement: Movement, code: str) -> dict[str, Any]:
    return {"code": code, "quantity": {"value": movement.value, "unit": movement.unit}}


def _signed(
    signer: Signer, event: str, subject: tuple[str, str | None], iat: str, payload: dict[str, Any]
) -> Statement:
    kind, _, phase = event.partition("/")
    return build_statement(
        kind=kind,
        phase=phase,
        enterprise=signer.enterprise,
        signers=[signer.key],
        iat=iat,
        subjects=[subject],
        payload=payload,
    )
