"""C2 cloned code: one code in two places faster than travel allows, or in hands that it never passed into.

Travel: two sightings more than 5 km apart that need more than 120 km/h after 10 min of slack and the clock errors of
both devices; only events at which the item is physically there (a sale is written in an office). Raised at once.
Hands: somebody receives, buys, stores or uses an item while another provably holds it, to whom nothing was offered or
consigned and who does not name the holder as the source; or tries to sell or load it (kept refusal). Held for the
watermark of the holder's devices, because a late sale may explain it.

A clone copied before the first lawful use makes the genuine one look false, so both chains are shown and neither side
is accused (anomaly reference 2.2, C2).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from chemtrace.flow import evidence
from chemtrace.flow.detector import Detector, Text
from chemtrace.flow.device import HOUR_US, load_activity, watermark_us
from chemtrace.flow.memory import Memory
from chemtrace.flow.observation import Observation, RefusalSeen
from chemtrace.flow.precedence import HANDS_RULES, as_of, cause
from chemtrace.flow.signal import Draft, Evidence, Explain, Hold, Raise, Signal
from chemtrace.flow.travel import DEFAULT_SKEW_US, is_impossible, speed_kmh
from chemtrace.flow.wording import MINUTE_US, kind_en, kind_zh, local_minute, tenths
from chemtrace.trace.movement import SPEED_KMH, distance_m

if TYPE_CHECKING:
    from chemtrace.trace.state import ItemState

ID: Final = "C2"
PRESENT: Final = frozenset(
    {"produce", "store", "transport", "use", "dispose", "pack", "unpack", "transform", "inspect", "count"}
)
"""Kinds at which somebody stands beside the item. Trade, reports and corrections are written elsewhere."""

NEAR_E6: Final = 20_000
"""A fiftieth of a degree, at most 2.3 km: nearer in both directions needs no distance computed."""

SALE_SLACK_US: Final = HOUR_US
"""A late sale explains hands that had the item at most 1 h before the time it claims."""

TRAVEL_RULE: Final = "item.impossible-move"

TEXTS: Final = {
    "travel": Text(
        "追溯码 {code}：{seen_at} 出现在 {seen_place}（第 {seen_index} 条），"
        "{at} 又由 {actor} 在 {place} 申报{kind_zh}。"
        "相距 {km} 公里，相隔 {minutes} 分钟，扣除时钟与操作余量后仍需时速 {speed} 公里，上限 {limit}。"
        "账上保管人为 {holder}。两条记录均列出，不预设哪一方有误。",
        "Code {code} was at {seen_place} at {seen_at} (index {seen_index}), and at {at} {actor} reports {kind_en} at"
        " {place}: {km} km in {minutes} minutes, {speed} km/h after allowances, limit {limit}. On record {holder}"
        " holds it. Both chains are shown; neither side is presumed wrong.",
    ),
    "hands": Text(
        "追溯码 {code} 账上由 {holder} 保管（第 {seen_index} 条），{at} 却由 {actor} 申报{kind_zh}；"
        "没有售予或发往该单位的记录，等待补报后仍不相符。两条流向均列出，不预设哪一方有误。",
        "On record {holder} holds code {code} (index {seen_index}), yet at {at} {actor} reports {kind_en}; nothing was"
        " sold or consigned to it, and no late report explains it. Both chains are shown; neither side is presumed"
        " wrong.",
    ),
}


def on_event(obs: Observation, memory: Memory) -> Sequence[Signal]:
    """Compare places, then hands; a lawful receipt or a late sale explains earlier hands."""
    signals: list[Signal] = []
    event = obs.event
    if event.position is not None and event.kind in PRESENT:
        for before in obs.before.values():
            if before.seen is not None and _is_far(before.seen, event.position):
                signals += _travel(obs, memory, before)
    for code, before in obs.before.items():
        owner, rules = cause(obs, code) if obs.findings else ("", frozenset())
        if owner == ID:
            signals.append(
                _hands(
                    obs, memory, as_of(before, obs) if obs.event.late else before, min(rules & HANDS_RULES)
                )
            )
        elif not owner and memory.stands(f"{ID}|{code}"):
            signals += _explanation(obs, before)
    return signals


def _is_far(place: tuple[int, int, int, int], position: tuple[int, int]) -> bool:
    return abs(place[1] - position[0]) > NEAR_E6 or abs(place[2] - position[1]) > NEAR_E6


def _travel(obs: Observation, memory: Memory, before: ItemState) -> list[Signal]:
    event = obs.event
    if before.seen is None or event.position is None:
        return []
    seen_us, latitude, longitude, seen_index = before.seen
    activity = load_activity(memory, obs.kid) if obs.kid else None
    skew_us = DEFAULT_SKEW_US + (0 if activity is None else activity.lead_us())
    apart_us = abs(event.at_us - seen_us)
    metres = distance_m((latitude, longitude), event.position)
    if not is_impossible(metres=metres, apart_us=apart_us, skew_us=skew_us):
        return []
    speed = speed_kmh(metres=metres, apart_us=apart_us, skew_us=skew_us)
    facts = {
        **_facts(obs, before),
        "seen_at": local_minute(seen_us),
        "seen_place": _degrees((latitude, longitude)),
        "seen_index": str(seen_index),
        "place": _degrees(event.position),
        "km": tenths(metres, 1_000),
        "minutes": str(apart_us // MINUTE_US),
        "speed": str(speed),
        "limit": str(SPEED_KMH),
    }
    proof = (evidence.seen(obs, "chain-b"), *evidence.entry(seen_index, "chain-a"))
    draft = _draft(
        obs,
        before,
        variant="travel",
        facts=facts,
        proof=proof,
        rule=TRAVEL_RULE,
        observed=f"{speed} km/h",
        threshold=f"{SPEED_KMH} km/h",
    )
    return [Raise(f"{ID}|{before.code}", f"{event.index}|{TRAVEL_RULE}", draft)]


def _hands(obs: Observation, memory: Memory, before: ItemState, rule: str) -> Signal:
    event = obs.event
    facts = {**_facts(obs, before), "seen_index": str(before.last_index)}
    proof = (evidence.seen(obs, "chain-b"), *evidence.recorded(before, "chain-a"))
    draft = _draft(
        obs,
        before,
        variant="hands",
        facts=facts,
        proof=proof,
        rule=rule,
        observed=event.actor,
        threshold=before.holder or "",
    )
    due_us = event.received_us + watermark_us(memory, before.holder)
    return Hold(f"{ID}|{before.code}", f"{event.index}|{rule}", due_us, draft)


def _draft(
    obs: Observation,
    before: ItemState,
    *,
    variant: str,
    facts: dict[str, str | int],
    proof: tuple[Evidence, ...],
    rule: str,
    observed: str,
    threshold: str,
) -> Draft:
    event = obs.event
    return Draft(
        detector=ID,
        variant=variant,
        severity=1,
        enterprise=event.actor,
        facts=facts,
        evidence=proof,
        evidence_us=event.received_us,
        at_us=event.at_us,
        observed=observed,
        threshold=threshold,
        code=before.code,
        parties=tuple(dict.fromkeys(party for party in (before.holder, event.actor) if party)),
        waybill=event.waybill,
        claimant=event.actor,
        rule=rule,
    )


def _facts(obs: Observation, before: ItemState) -> dict[str, str | int]:
    event = obs.event
    return {
        "code": before.code,
        "at": local_minute(event.at_us),
        "actor": event.actor,
        "holder": before.holder or "—",
        "kind_zh": kind_zh(event.kind, event.phase),
        "kind_en": kind_en(event.kind, event.phase),
    }


def _degrees(position: tuple[int, int]) -> str:
    return ", ".join(
        f"{'-' if part < 0 else ''}{abs(part) // 10**6}.{abs(part) % 10**6 // 100:04d}" for part in position
    )


def _explanation(obs: Observation, before: ItemState) -> list[Signal]:
    """Custody passed lawfully after all: to a new holder, or to the buyer of a late sale."""
    event = obs.event
    holder = obs.after[before.code].holder
    claimant = event.counterparty if event.phase == "sell" else holder if holder != before.holder else None
    if claimant is None:
        return []
    return [
        Explain(
            f"{ID}|{before.code}",
            event.index,
            event.event_id.hex(),
            f"第 {event.index} 条说明该货物已交给 {claimant}。",
            f"The event at index {event.index} passes the item to {claimant}.",
            claimant=claimant,
            rules=HANDS_RULES,
            since_us=event.at_us - SALE_SLACK_US,
        )
    ]


def on_refusal(refusal: RefusalSeen, memory: Memory) -> Sequence[Signal]:
    """Somebody who does not hold the item tried to sell or load it."""
    holder = refusal.sides.get("holder", "")
    if not refusal.item or holder == refusal.enterprise or not holder:
        return ()
    draft = Draft(
        detector=ID,
        variant="hands",
        severity=1,
        enterprise=refusal.enterprise,
        facts={
            "code": refusal.item,
            "at": local_minute(refusal.at_us),
            "actor": refusal.enterprise,
            "holder": holder,
            "seen_index": "—",
            "kind_zh": kind_zh(refusal.kind, refusal.phase),
            "kind_en": kind_en(refusal.kind, refusal.phase),
        },
        evidence=(evidence.refused(refusal, "chain-b"),),
        evidence_us=refusal.received_us,
        at_us=refusal.at_us,
        observed=refusal.enterprise,
        threshold=holder,
        code=refusal.item,
        parties=tuple(dict.fromkeys((holder, refusal.enterprise))),
        waybill=refusal.waybill,
        claimant=refusal.enterprise,
        rule=refusal.code,
    )
    due_us = refusal.received_us + watermark_us(memory, holder)
    return (Hold(f"{ID}|{refusal.item}", f"r{refusal.id}|{refusal.code}", due_us, draft),)


DETECTOR: Final = Detector(
    id=ID,
    version="1",
    severity=1,
    name=Text("克隆码（一码多现）", "cloned code"),
    basis=Text(
        "同一码两次现场出现相距 5 公里以上且需时速超过 120 公里（余量 10 分钟加时钟误差）；"
        "或保管从未转入的单位持有该码。",
        "Two sightings over 5 km apart that need more than 120 km/h (10 min and clock error allowed), or the item in"
        " hands to which custody never passed.",
    ),
    texts=TEXTS,
    on_event=on_event,
    rules=HANDS_RULES,
    kinds=PRESENT | {"trade"},
    on_refusal=on_refusal,
    refusals=frozenset({"item.not-holder"}),
    correctable=False,
)
