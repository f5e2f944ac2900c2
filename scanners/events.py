"""Building events on a scanner: the payload gets its time and nonce, the header the subjects it moves."""

import secrets
import time
from collections.abc import Iterable, Mapping, Sequence

from chemtrace.core.canonical import encode_canonical
from chemtrace.core.events import moved_subjects, parse_payload
from chemtrace.core.keys import PrivateKey
from chemtrace.core.statement import NO_RULES, Opening, Statement, build_statement
from chemtrace.core.times import format_utc


def now_us() -> int:
    """This machine's time in microseconds UTC; an honest clock may lag, the ledger's rules allow for it."""
    return time.time_ns() // 1000


def complete_payload(payload: Mapping[str, object]) -> dict[str, object]:
    """Add `at` (now) and a fresh 128-bit `nonce` where they are missing."""
    return {"at": format_utc(now_us()), "nonce": secrets.token_hex(16), **payload}


def subjects_of(
    kind: str, phase: str, payload: Mapping[str, object], enterprise: str = ""
) -> tuple[str, ...]:
    """The subjects an event with this payload names; empty for `correct` and `erase`, which name another's.

    Raises:
        HeaderError, PayloadError: no such event, or a payload that breaks its schema.
    """
    return moved_subjects(parse_payload(kind, phase, encode_canonical(payload)), enterprise)


def build_event(
    *,
    kind: str,
    phase: str,
    enterprise: str,
    signers: Sequence[PrivateKey],
    payload: Mapping[str, object],
    prevs: Mapping[str, str | None],
    subjects: Iterable[str] | None = None,
    openings: tuple[Opening, ...] = (),
    rules: str = NO_RULES,
    stance: str = "normal",
    iat_us: int | None = None,
) -> Statement:
    """Build and sign one event.

    Args:
        payload: as `contracts/events/v1`; `at` and `nonce` are added where missing.
        prevs: event id (hex) of each subject's head as last seen; a subject missing here gets null (head unknown).
        subjects: what the event names; taken from the payload when None (give them for `correct` and `erase`).
        iat_us: time of signing in microseconds UTC; now when None.

    Raises:
        FormError: a payload, subject or header that the ledger would refuse for its form.
    """
    whole = complete_payload(payload)
    moved = subjects_of(kind, phase, whole, enterprise)
    named = dict.fromkeys(moved if subjects is None else subjects)
    return build_statement(
        kind=kind,
        phase=phase,
        enterprise=enterprise,
        signers=signers,
        iat=format_utc(now_us() if iat_us is None else iat_us),
        subjects=[(subject, prevs.get(subject)) for subject in named],
        payload=whole,
        openings=openings,
        rules=rules,
        stance=stance,
    )
