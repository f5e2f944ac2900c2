"""An alert drawn up from its claims: who, what, how bad, with which evidence, in words and numbers."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from chemtrace.core.codes import CODE_SIGNS
from chemtrace.flow.alert import EVIDENCE_CAP, Alert, alert_id
from chemtrace.flow.detector import Detector
from chemtrace.flow.signal import Draft, Evidence
from chemtrace.flow.state import Claim

MANY_ZH = "共涉及 {count} 个追溯码。"
MANY_EN = " {count} codes in all."


def open_alert(detector: Detector, draft: Draft, *, key: str, now_us: int) -> Alert:
    """A new alert on one draft; its id comes from the detector and the first evidence alone."""
    text = detector.explanation(draft)
    return Alert(
        id=alert_id(detector.id, draft.evidence[0].event_id),
        detector=detector.id,
        detector_version=detector.version,
        name_zh=detector.name.zh,
        name_en=detector.name.en,
        key=key,
        severity=draft.severity,
        status="open",
        enterprise=draft.enterprise,
        parties=draft.parties,
        chemical=draft.code[4:7] if len(draft.code) == CODE_SIGNS else None,
        codes=(draft.code,) if draft.code else (),
        waybill=draft.waybill,
        observed=draft.observed,
        threshold=draft.threshold,
        basis_zh=detector.basis.zh,
        basis_en=detector.basis.en,
        explanation_zh=text.zh,
        explanation_en=text.en,
        evidence=(),
        evidence_count=0,
        raised_us=now_us,
        evidence_us=draft.evidence_us,
        last_evidence_us=draft.evidence_us,
    )


def add_evidence(alert: Alert, draft: Draft, evidence: Sequence[Evidence], *, role: str = "") -> Alert:
    """The alert with more evidence, each piece once, up to the cap; `role` marks what another detector saw.

    What was explained is open again: the explanation did not know of this.
    """
    new = [_in_role(piece, role) for piece in evidence]
    fresh = [piece for piece in new if piece not in alert.evidence]
    return msgspec.structs.replace(
        alert,
        status="open" if alert.status == "explained" and fresh else alert.status,
        evidence=(*alert.evidence, *fresh)[:EVIDENCE_CAP],
        evidence_count=alert.evidence_count + len(fresh),
        last_evidence_us=max(alert.last_evidence_us, draft.evidence_us),
        parties=tuple(dict.fromkeys((*alert.parties, *draft.parties))),
    )


def restate(alert: Alert, detector: Detector, claims: Sequence[Claim]) -> Alert:
    """The alert as its standing claims have it: codes, severity, numbers and words follow the claims."""
    if not claims:
        return alert
    first = min(claims, key=lambda claim: (claim.draft.evidence_us, claim.id))
    codes = tuple(dict.fromkeys(claim.draft.code for claim in claims if claim.draft.code))
    text = detector.explanation(first.draft)
    many = len(codes) > 1
    return msgspec.structs.replace(
        alert,
        codes=codes,
        severity=min(_severity(claim, alert.evidence_count) for claim in claims),
        observed=first.draft.observed,
        threshold=first.draft.threshold,
        explanation_zh=text.zh + (MANY_ZH.format(count=len(codes)) if many else ""),
        explanation_en=text.en + (MANY_EN.format(count=len(codes)) if many else ""),
    )


def _severity(claim: Claim, pieces: int) -> int:
    draft = claim.draft
    reached = [draft.severity, *(severity for _, severity in draft.steps[: claim.step])]
    if draft.repeat is not None and pieces >= draft.repeat[0]:
        reached.append(draft.repeat[1])
    return min(reached)


def _in_role(piece: Evidence, role: str) -> Evidence:
    return msgspec.structs.replace(piece, role=f"{role}:{piece.role}") if role else piece
