"""T3 waybill mismatch: goods, mass, vehicle, carrier or parties are not those of the waybill.

The comparisons are the rules of the trace ring (masses with scale tolerance, all else exact); one alert a waybill
gathers them. Admitted differences are major at once (the consignor's name alone: minor). A refused loading of a code
that is not listed, or by another carrier, was stopped in time and is a notice; from the third on the same waybill it
is major, for a wrong drum is not scanned three times. A correction withdraws its part. Basis: anomaly reference T3.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from chemtrace.core.codes import CODE_SIGNS
from chemtrace.flow import evidence
from chemtrace.flow.detector import Detector, Text
from chemtrace.flow.memory import Memory
from chemtrace.flow.observation import Observation, RefusalSeen
from chemtrace.flow.signal import Draft, Evidence, Raise, Signal
from chemtrace.flow.wording import kind_en, kind_zh, local_minute

ID: Final = "T3"
WHAT: Final = {
    "waybill.code-not-listed": ("清单外的追溯码", "a code not listed"),
    "waybill.mass": ("数量", "the amount"),
    "waybill.goods": ("货物品种", "the goods"),
    "waybill.vehicle": ("车辆", "the vehicle"),
    "waybill.consignee": ("收货人", "the consignee"),
    "waybill.consignor": ("托运人", "the consignor"),
    "waybill.carrier": ("承运人", "the carrier"),
}
RULES: Final = frozenset(WHAT)
STOPPED: Final = frozenset({"waybill.code-not-listed", "waybill.carrier"})
NOTICE: Final = 4
REPEATED: Final = (3, 2)
"""Three refused loadings under one waybill are major."""

TEXTS: Final = {
    "found": Text(
        "运单 {waybill}：{at} {actor} 申报{kind_zh}，{what_zh}与运单不符；运单为 {expected}，实际为 {found}。",
        "Waybill {waybill}: at {at} {actor} reported {kind_en}, and {what_en} differs; the waybill says {expected}, the"
        " event {found}.",
    ),
    "refused": Text(
        "运单 {waybill}：{at} {actor} 申报{kind_zh}被拒绝，{what_zh}与运单不符；运单为 {expected}，申报为 {found}。",
        "Waybill {waybill}: at {at} {kind_en} by {actor} was refused, for {what_en} differs; the waybill says"
        " {expected}, the event {found}.",
    ),
}


def on_event(obs: Observation, _memory: Memory) -> Sequence[Signal]:
    """One claim for each difference found."""
    event = obs.event
    signals: list[Signal] = []
    for finding in obs.findings:
        if finding.rule not in WHAT:
            continue
        is_item = len(finding.code) == CODE_SIGNS and finding.code in obs.before
        listed = obs.before[finding.code].waybill if is_item else finding.code
        waybill = event.waybill or listed or "—"
        sides = dict(finding.sides)
        draft = Draft(
            detector=ID,
            variant="found",
            severity=3 if finding.severity == "minor" else 2,
            enterprise=event.actor,
            facts=_facts(
                waybill,
                (event.at_us, event.actor, event.kind, event.phase),
                finding.rule,
                finding.code,
                sides,
            ),
            evidence=(evidence.seen(obs, "differs"), *_schedule(obs, waybill)),
            evidence_us=event.received_us,
            at_us=event.at_us,
            observed=sides.get("found", finding.code),
            threshold=sides.get("expected", ""),
            code=finding.code if is_item else "",
            parties=tuple(dict.fromkeys(party for party in (event.actor, event.counterparty) if party)),
            waybill=waybill,
            claimant=event.actor,
            rule=finding.rule,
        )
        signals.append(Raise(f"{ID}|{waybill}", f"{event.index}|{finding.rule}|{finding.code}", draft))
    return signals


def _schedule(obs: Observation, waybill: str) -> tuple[Evidence, ...]:
    state = obs.waybills.get(waybill)
    return () if state is None else evidence.entry(state.scheduled_index, "waybill")


def on_refusal(refusal: RefusalSeen, _memory: Memory) -> Sequence[Signal]:
    """A loading that the waybill does not cover was stopped."""
    waybill = refusal.waybill or "—"
    code = refusal.item if len(refusal.item) == CODE_SIGNS else ""
    draft = Draft(
        detector=ID,
        variant="refused",
        severity=NOTICE,
        enterprise=refusal.enterprise,
        facts=_facts(
            waybill,
            (refusal.at_us, refusal.enterprise, refusal.kind, refusal.phase),
            refusal.code,
            refusal.item,
            refusal.sides,
        ),
        evidence=(evidence.refused(refusal, "refused"),),
        evidence_us=refusal.received_us,
        at_us=refusal.at_us,
        observed=code or refusal.enterprise,
        threshold=refusal.sides.get("expected", ""),
        code=code,
        parties=tuple(dict.fromkeys(p for p in (refusal.enterprise, refusal.counterparty) if p)),
        waybill=waybill,
        claimant=refusal.enterprise,
        rule=refusal.code,
        repeat=REPEATED,
    )
    return (Raise(f"{ID}|{waybill}", f"r{refusal.id}|{refusal.code}", draft),)


def _facts(
    waybill: str, said: tuple[int, str, str, str], rule: str, item: str, sides: evidence.Sides
) -> dict[str, str | int]:
    """`said`: when, who, kind, phase."""
    at_us, actor, kind, phase = said
    what_zh, what_en = WHAT[rule]
    return {
        "waybill": waybill,
        "at": local_minute(at_us),
        "actor": actor,
        "kind_zh": kind_zh(kind, phase),
        "kind_en": kind_en(kind, phase),
        "what_zh": what_zh,
        "what_en": what_en,
        "expected": sides.get("expected", "—"),
        "found": sides.get("found", item or "—"),
    }


DETECTOR: Final = Detector(
    id=ID,
    version="1",
    severity=2,
    name=Text("货单不符", "waybill mismatch"),
    basis=Text(
        "货物、数量（含秤差）、车辆、承运人、收发货人须与运单一致。",
        "Goods, amount (with scale tolerance), vehicle, carrier and parties are those of the waybill.",
    ),
    texts=TEXTS,
    on_event=on_event,
    rules=RULES,
    on_refusal=on_refusal,
    refusals=STOPPED,
)
