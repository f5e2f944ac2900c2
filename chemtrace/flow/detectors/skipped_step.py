"""C5 skipped step: receipt without dispatch, use without receipt, arrival without loading.

Held for the watermark of the party whose event is missing (24 h, longer if its devices were away), because most
skipped steps are late ones. Explained by that event whenever it comes. A purchase from outside the city has no
dispatch here; the holder saying the same again is a retry. Basis: anomaly reference C5, 3.2 and 3.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from chemtrace.flow import evidence
from chemtrace.flow.detector import Detector, Text
from chemtrace.flow.device import HOUR_US, watermark_us
from chemtrace.flow.memory import Memory
from chemtrace.flow.observation import Observation
from chemtrace.flow.precedence import HANDS_RULES, SKIPPED_RULES, as_of, cause
from chemtrace.flow.signal import Draft, Explain, Hold, Signal
from chemtrace.flow.wording import kind_en, kind_zh, local_minute

if TYPE_CHECKING:
    from chemtrace.trace.state import ItemState

ID: Final = "C5"

MISSING: Final = {
    "item.not-loaded": ("装车", "loading"),
    "item.no-offer": ("销售", "sale"),
    "item.not-received": ("收货", "receipt"),
    "item.not-holder": ("转入", "transfer"),
    "item.reclaimed": ("转入", "transfer"),
}

TEXTS: Final = {
    "step": Text(
        "追溯码 {code}：{at} {actor} 申报{kind_zh}，此前应有的{missing_zh}记录缺失"
        "（账上由 {holder} 保管，状态 {status}）；已等待补报 {hours} 小时。",
        "Code {code}: at {at} {actor} reports {kind_en}, but the {missing_en} that must come before is missing (on"
        " record held by {holder}, status {status}); {hours} h were allowed for a late report.",
    ),
}


def on_event(obs: Observation, memory: Memory) -> Sequence[Signal]:
    """Hold what lacks a step; a step that comes explains what lacked it."""
    signals: list[Signal] = []
    pair = (obs.event.kind, obs.event.phase)
    for code, before in obs.before.items():
        owner, rules = cause(obs, code) if obs.findings else ("", frozenset())
        if owner == ID:
            signals.append(
                _hold(
                    obs, memory, as_of(before, obs) if obs.event.late else before, min(rules & SKIPPED_RULES)
                )
            )
        elif not owner and pair in EXPLAINS and memory.stands(f"{ID}|{code}"):
            signals += _explanations(obs, code)
    return signals


EXPLAINS: Final = {
    ("trade", "sell"): HANDS_RULES,
    ("transport", "load"): frozenset({"item.not-loaded"}),
    ("trade", "buy"): frozenset({"item.not-received", *HANDS_RULES}),
    ("transport", "arrive"): frozenset({"item.not-received", *HANDS_RULES}),
}
"""The step that came -> the rules whose claims it explains."""


def _hold(obs: Observation, memory: Memory, before: ItemState, rule: str) -> Signal:
    event = obs.event
    wait_us = watermark_us(memory, event.actor if rule == "item.not-received" else before.holder)
    missing_zh, missing_en = MISSING[rule]
    draft = Draft(
        detector=ID,
        variant="step",
        severity=3,
        enterprise=event.actor,
        facts={
            "code": before.code,
            "at": local_minute(event.at_us),
            "actor": event.actor,
            "holder": before.holder or "—",
            "status": before.status,
            "kind_zh": kind_zh(event.kind, event.phase),
            "kind_en": kind_en(event.kind, event.phase),
            "missing_zh": missing_zh,
            "missing_en": missing_en,
            "hours": str(wait_us // HOUR_US),
        },
        evidence=(evidence.seen(obs, "claim"), *evidence.recorded(before)),
        evidence_us=event.received_us,
        at_us=event.at_us,
        observed=f"{event.kind}/{event.phase}",
        threshold=f"{missing_en} within {wait_us // HOUR_US} h",
        code=before.code,
        parties=tuple(dict.fromkeys(party for party in (before.holder, event.actor) if party)),
        waybill=event.waybill or before.waybill,
        claimant=event.actor,
        rule=rule,
    )
    return Hold(f"{ID}|{before.code}", f"{event.index}|{rule}", event.received_us + wait_us, draft)


def _explanations(obs: Observation, code: str) -> list[Signal]:
    """Whoever the step reaches is made good: the buyer of a sale, the consignee of a load, the receiver itself."""
    event = obs.event
    reached = {event.counterparty, obs.after[code].consignee} if event.phase in ("sell", "load") else set()
    if event.phase != "sell":
        reached.add(event.actor)
    return [
        Explain(
            f"{ID}|{code}",
            event.index,
            event.event_id.hex(),
            f"缺失的环节已由第 {event.index} 条补齐。",
            f"The missing step came with the event at index {event.index}.",
            claimant=claimant,
            rules=EXPLAINS[event.kind, event.phase],
        )
        for claimant in sorted(party for party in reached if party is not None)
    ]


DETECTOR: Final = Detector(
    id=ID,
    version="1",
    severity=3,
    name=Text("环节缺失", "skipped step"),
    basis=Text(
        "收货须先有发货，使用须先有收货，到货须先有装车；等待补报 24 至 72 小时。",
        "Receipt needs dispatch, use needs receipt, arrival needs loading; 24 to 72 h are allowed for late reports.",
    ),
    texts=TEXTS,
    on_event=on_event,
    rules=SKIPPED_RULES,
    kinds=frozenset({"trade", "transport"}),
)
