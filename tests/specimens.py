"""Specimens of the core for tests: fixed keys and small, valid statements. Nothing in them names a real party."""

from typing import Any

from chemtrace.core.keys import PrivateKey, generate_key
from chemtrace.core.statement import Opening, Statement, Subject, build_statement

ENTERPRISE = "91110000MA0000018B"
CODE = "BJ1P0057K2M4QX9T3CF"
ED25519 = generate_key("ed25519", b"specimen ed25519 key, 32 bytes..")
P256 = generate_key("p256", b"specimen p-256 key, 32 bytes....")
SM2 = generate_key("sm2", b"specimen sm2 key, 32 bytes......")
KEYS = {key.kid.hex(): key.public for key in (ED25519, P256, SM2)}
OPENING = Opening(bytes(range(16)), "personal value")

PAYLOAD: dict[str, Any] = {
    "at": "2026-03-01T08:30:00+08:00",
    "items": [{"code": CODE, "quantity": {"unit": "KGM", "value": "25"}}],
    "name": "硫酸",
    "nonce": "000102030405060708090a0b0c0d0e0f",
}


def make_specimen(
    *,
    signers: tuple[PrivateKey, ...] = (ED25519,),
    subjects: tuple[Subject, ...] = (Subject(CODE, None),),
    payload: dict[str, Any] | None = None,
    openings: tuple[Opening, ...] = (),
    **changes: str,
) -> Statement:
    """A signed statement; keyword arguments replace single members of the header."""
    members = {"kind": "produce", "phase": "make", "enterprise": ENTERPRISE, "iat": "2026-03-01T00:30:00Z"}
    return build_statement(
        **(members | changes),  # type: ignore[arg-type]  # text members only
        signers=signers,
        subjects=subjects,
        payload=PAYLOAD if payload is None else payload,
        openings=openings,
    )
