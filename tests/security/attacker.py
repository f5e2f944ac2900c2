"""What an attacker with a registered key can send: any statement, upon any heads, for any time, with whatever keys."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from chemtrace.core.keys import PrivateKey
from chemtrace.core.statement import Opening, Statement, build_statement, encode_wire
from chemtrace.core.times import format_utc
from chemtrace.ledger.outcome import Admitted, Outcome, Refused
from tests.integration.audit.town import MINUTE_US, Town


def statement(
    town: Town,
    who: str,
    kind: str,
    phase: str,
    subjects: Sequence[str],
    /,
    *,
    prevs: Mapping[str, str | None] | None = None,
    at_us: int | None = None,
    signers: Sequence[PrivateKey] | None = None,
    openings: tuple[Opening, ...] = (),
    stance: str = "normal",
    **payload: Any,
) -> Statement:
    """A signed statement upon the heads that the town knows, or upon `prevs`."""
    known = {**town.heads, **(prevs or {})}
    return build_statement(
        kind=kind,
        phase=phase,
        enterprise=who,
        signers=signers or [town.keys[who]],
        iat=format_utc(town.clock.us),
        subjects=[(subject, known.get(subject)) for subject in subjects],
        payload={
            "at": format_utc(town.clock.us if at_us is None else at_us),
            "nonce": secrets.token_hex(16),
            **payload,
        },
        openings=openings,
        stance=stance,
    )


def send(town: Town, made: Statement) -> Outcome:
    """Submit it; when it is admitted it is the head of its subjects."""
    town.clock.us += MINUTE_US
    outcome = town.ledger.submit(encode_wire(made))
    if isinstance(outcome, Admitted):
        town.heads.update({subject.id: made.event_id.hex() for subject in made.header.subjects})
    return outcome


def say(town: Town, who: str, kind: str, phase: str, subjects: Sequence[str], /, **more: Any) -> Outcome:
    """Sign and submit in one step; arguments as `statement`."""
    return send(town, statement(town, who, kind, phase, subjects, **more))


def lines(*codes: str) -> list[dict[str, Any]]:
    """Item lines without quantities."""
    return [{"code": code} for code in codes]


def refusal(outcome: Outcome) -> str | None:
    """The rule or error code that refuses, None where it was admitted."""
    if not isinstance(outcome, Refused):
        return None
    return str(outcome.error.fields.get("rule_id") or outcome.error.code)


def findings(outcome: Outcome) -> tuple[str, ...]:
    """The rules that an admitted event broke."""
    assert isinstance(outcome, Admitted), refusal(outcome)
    return outcome.findings
