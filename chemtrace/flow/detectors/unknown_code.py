"""C1 unknown code: somebody moves or uses a code that was never produced, filled, imported or opened.

Held 72 h, because a producer's own event may be late; raised at once where the code lies outside every issued range
or belongs to another issuer, which no late event can mend. A purchase or receipt from outside the city is an import
and gives the item its beginning. A refused production (a code not issued to the producer) is a notice; three on one
code are a major alert. Basis: anomaly reference C1 and 3.2; late production explains it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from chemtrace.flow import evidence
from chemtrace.flow.detector import Detector, Text
from chemtrace.flow.device import HOUR_US
from chemtrace.flow.memory import Memory
from chemtrace.flow.observation import Observation, RefusalSeen
from chemtrace.flow.precedence import UNKNOWN_RULES, cause
from chemtrace.flow.signal import Draft, Explain, Hold, Raise, Signal
from chemtrace.flow.wording import kind_en, kind_zh, local_minute

ID: Final = "C1"
PRODUCER_WAIT_US: Final = 72 * HOUR_US
"""72 h: how long a producer's event may be late before the code counts as unknown (anomaly reference C1)."""

NOTICE: Final = 4
REPEATED: Final = (3, 2)
"""Three refused productions on one code make it major: by then it is no slip."""

BIRTHS: Final = frozenset({"produce", "transform", "pack"})
NEVER_ISSUED: Final = frozenset({"item.not-issued", "item.foreign-issuer"})

TEXTS: Final = {
    "held": Text(
        "{at}，{actor} 申报{kind_zh}，追溯码 {code} 没有任何生产、充装或进口记录；已等待补报 72 小时仍未出现。",
        "At {at} {actor} reported {kind_en} of code {code}, under which nothing was ever produced, filled or imported;"
        " no late report came within 72 h.",
    ),
    "range": Text(
        "{at}，{actor} 申报{kind_zh}，追溯码 {code} 不在发放给任何单位或该单位的号段内（{rule}），补报无法解释。",
        "At {at} {actor} reported {kind_en} of code {code}, which is outside the ranges issued ({rule});"
        " no late report can explain it.",
    ),
}


def on_event(obs: Observation, memory: Memory) -> Sequence[Signal]:
    """A birth explains; an unknown code is held, or raised where the range says no."""
    signals: list[Signal] = []
    if obs.event.kind in BIRTHS:
        signals += _births(obs, memory)
    if obs.findings:
        for code in obs.before:
            owner, rules = cause(obs, code)
            if owner == ID and not _is_import(obs, code, rules):
                signals.append(_signal(obs, code, rules))
    return signals


def _births(obs: Observation, memory: Memory) -> list[Signal]:
    """An admitted production tells where a code comes from, also where it comes too late to change the state."""
    event = obs.event
    born = [event.container] if event.container is not None else [code for code, _ in event.lines]
    return [
        Explain(
            f"{ID}|{code}",
            event.index,
            event.event_id.hex(),
            f"第 {event.index} 条补报了该码的来源。",
            f"The event at index {event.index} reports where the code comes from.",
        )
        for code in born
        if memory.stands(f"{ID}|{code}") and not _is_uncertain(obs, code)
    ]


def _is_uncertain(obs: Observation, code: str) -> bool:
    """An exception may produce under a code that was never issued to its producer: that explains nothing."""
    return any(finding.code == code and finding.rule in NEVER_ISSUED for finding in obs.findings)


def _is_import(obs: Observation, code: str, rules: frozenset[str]) -> bool:
    source = obs.event.counterparty or ""
    if rules & NEVER_ISSUED or obs.issued.get(code) == "not-issued":
        return False
    return source == "OUTSIDE" or source.startswith("ext:")


def _signal(obs: Observation, code: str, rules: frozenset[str]) -> Signal:
    event = obs.event
    certain = sorted(rules & NEVER_ISSUED)
    if obs.issued.get(code) == "not-issued":
        certain = ["item.not-issued"]
    rule = certain[0] if certain else "item.unknown"
    draft = Draft(
        detector=ID,
        variant="range" if certain else "held",
        severity=1,
        enterprise=event.actor,
        facts=_facts((event.at_us, event.actor, event.kind, event.phase), code, rule),
        evidence=(evidence.seen(obs, "claim"),),
        evidence_us=event.received_us,
        at_us=event.at_us,
        observed=f"{event.kind}/{event.phase}",
        threshold="issued range" if certain else "72 h",
        code=code,
        parties=tuple(party for party in (event.actor, event.counterparty) if party),
        waybill=event.waybill,
        claimant=event.actor,
        rule=rule,
    )
    if certain:
        return Raise(f"{ID}|{code}", f"{event.index}|{rule}", draft)
    return Hold(f"{ID}|{code}", f"{event.index}|{rule}", event.received_us + PRODUCER_WAIT_US, draft)


def on_refusal(refusal: RefusalSeen, _memory: Memory) -> Sequence[Signal]:
    """A refused sale, loading or packing of an unknown code is held; a refused production is a notice at once."""
    code = refusal.item or (refusal.codes[0] if refusal.codes else "")
    certain = refusal.code in NEVER_ISSUED
    tried_birth = refusal.kind in BIRTHS
    draft = Draft(
        detector=ID,
        variant="range" if certain else "held",
        severity=NOTICE if tried_birth else 1,
        enterprise=refusal.enterprise,
        facts=_facts((refusal.at_us, refusal.enterprise, refusal.kind, refusal.phase), code, refusal.code),
        evidence=(evidence.refused(refusal, "refused"),),
        evidence_us=refusal.received_us,
        at_us=refusal.at_us,
        observed=f"{refusal.kind}/{refusal.phase}",
        threshold="issued range" if certain else "72 h",
        code=code,
        parties=tuple(party for party in (refusal.enterprise, refusal.counterparty) if party),
        waybill=refusal.waybill,
        claimant=refusal.enterprise,
        rule=refusal.code,
        repeat=REPEATED if tried_birth else None,
    )
    key, claim = f"{ID}|{code}", f"r{refusal.id}|{refusal.code}"
    if certain:
        return (Raise(key, claim, draft),)
    return (Hold(key, claim, refusal.received_us + PRODUCER_WAIT_US, draft),)


def _facts(said: tuple[int, str, str, str], code: str, rule: str) -> dict[str, str | int]:
    """`said`: when, who, kind, phase."""
    at_us, actor, kind, phase = said
    return {
        "at": local_minute(at_us),
        "actor": actor,
        "kind_zh": kind_zh(kind, phase),
        "kind_en": kind_en(kind, phase),
        "code": code,
        "rule": rule,
    }


DETECTOR: Final = Detector(
    id=ID,
    version="1",
    severity=1,
    name=Text("无源码", "unknown code"),
    basis=Text(
        "每个追溯码须先有生产、充装或进口记录；生产者补报宽限 72 小时，号段外的码不等待。",
        "Every code begins with a production, filling or import; 72 h for a late producer, none outside the ranges.",
    ),
    texts=TEXTS,
    on_event=on_event,
    rules=UNKNOWN_RULES,
    kinds=BIRTHS,
    on_refusal=on_refusal,
    refusals=UNKNOWN_RULES,
    correctable=False,
)
