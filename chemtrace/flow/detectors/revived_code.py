"""C3 revived code: an event after the item was disposed of, emptied, used up, voided, or reported lost or stolen.

No late event can undo it, so it is raised at once, on admitted events and on kept refusals alike, and also on what an
importer reports: an end and a life after it contradict each other whoever tells them. What the same party says within
10 minutes of the closing is an undo or a retry (FMD alerts PCK_20 and PCK_21) and no alert. More drawn by the same
user from what its own use has emptied is a question of quantity (Q1). Basis: anomaly reference C3.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from chemtrace.flow import evidence
from chemtrace.flow.detector import Detector, Text
from chemtrace.flow.device import DAY_US
from chemtrace.flow.memory import Memory
from chemtrace.flow.observation import Observation, RefusalSeen
from chemtrace.flow.precedence import CLOSED_RULES, HANDS_RULES, as_of, cause
from chemtrace.flow.signal import Draft, Raise, Signal
from chemtrace.flow.wording import MINUTE_US, kind_en, kind_zh, local_minute

if TYPE_CHECKING:
    from chemtrace.trace.state import ItemState

ID: Final = "C3"
UNDO_US: Final = 10 * MINUTE_US
"""10 min for an undo or a retry by the same party (anomaly reference C3, after FMD PCK_20/21)."""

CLOSING_MEMORY_US: Final = DAY_US
"""How long a closing is remembered: an outbox brings the closing and its retry within a day of each other."""

ENDED: Final = frozenset({"spent", "closed", "missing", "void"})
ENDING_KINDS: Final = frozenset({"use", "dispose", "produce", "transform", "report", "transport"})

TEXTS: Final = {
    "event": Text(
        "追溯码 {code} 已于第 {closed} 条结束（状态 {status}，{holder}），{at} 又由 {actor} 申报{kind_zh}。",
        "Code {code} ended at index {closed} (status {status}, {holder}), yet at {at} {actor} reports {kind_en}.",
    ),
    "refused": Text(
        "追溯码 {code} 已结束（第 {closed} 条，状态 {status}，{holder}），"
        "{at} {actor} 仍试图申报{kind_zh}，已被拒绝并留存。",
        "Code {code} has ended (index {closed}, status {status}, {holder}); at {at} {actor} tried to report {kind_en},"
        " which was refused and kept.",
    ),
}


def on_event(obs: Observation, memory: Memory) -> Sequence[Signal]:
    """Alert on life after the end, and remember who ended what and when."""
    event = obs.event
    signals: list[Signal] = []
    if obs.findings:
        for code, before in obs.before.items():
            owner, rules = cause(obs, code)
            if owner == ID and not _is_undo(memory, code, event.actor, event.at_us):
                signals.append(
                    _signal(
                        obs,
                        as_of(before, obs) if obs.event.late else before,
                        min(rules & (CLOSED_RULES | HANDS_RULES)),
                    )
                )
    if event.kind in ENDING_KINDS:
        for code, after in obs.after.items():
            if after.status in ENDED and obs.before[code].status not in ENDED:
                memory.put(f"{ID}|{code}", (event.actor, event.at_us), event.received_us + CLOSING_MEMORY_US)
    return signals


def _is_undo(memory: Memory, code: str, actor: str, at_us: int) -> bool:
    closing = memory.get(f"{ID}|{code}")
    if not isinstance(closing, tuple):
        return False
    who, when = closing
    return who == actor and isinstance(when, int) and abs(at_us - when) <= UNDO_US


def _signal(obs: Observation, before: ItemState, rule: str) -> Signal:
    event = obs.event
    closed = before.closed_index
    draft = Draft(
        detector=ID,
        variant="event",
        severity=1,
        enterprise=event.actor,
        facts={
            "code": before.code,
            "closed": str(closed) if closed >= 0 else "—",
            "status": before.status,
            "holder": before.holder or "—",
            "at": local_minute(event.at_us),
            "actor": event.actor,
            "kind_zh": kind_zh(event.kind, event.phase),
            "kind_en": kind_en(event.kind, event.phase),
        },
        evidence=(
            evidence.seen(obs, "after-end"),
            *(evidence.entry(closed, "end") or evidence.recorded(before)),
        ),
        evidence_us=event.received_us,
        at_us=event.at_us,
        observed=f"{event.kind}/{event.phase}",
        threshold=before.status,
        code=before.code,
        parties=tuple(dict.fromkeys(party for party in (before.holder, event.actor) if party)),
        waybill=event.waybill,
        claimant=event.actor,
        rule=rule,
    )
    return Raise(f"{ID}|{before.code}", f"{event.index}|{rule}", draft)


def on_refusal(refusal: RefusalSeen, memory: Memory) -> Sequence[Signal]:
    """A sale, loading or packing of what has ended was refused: the dead code is in somebody's hands."""
    code = refusal.item
    if not code or _is_undo(memory, code, refusal.enterprise, refusal.at_us):
        return ()
    sides = refusal.sides
    closed = sides.get("expected", "")
    draft = Draft(
        detector=ID,
        variant="refused",
        severity=1,
        enterprise=refusal.enterprise,
        facts={
            "code": code,
            "closed": closed or "—",
            "status": sides.get("status", "—"),
            "holder": sides.get("holder", "—"),
            "at": local_minute(refusal.at_us),
            "actor": refusal.enterprise,
            "kind_zh": kind_zh(refusal.kind, refusal.phase),
            "kind_en": kind_en(refusal.kind, refusal.phase),
        },
        evidence=(
            evidence.refused(refusal, "after-end"),
            *(evidence.entry(int(closed), "end") if closed.isdecimal() else ()),
        ),
        evidence_us=refusal.received_us,
        at_us=refusal.at_us,
        observed=f"{refusal.kind}/{refusal.phase}",
        threshold=sides.get("status", ""),
        code=code,
        parties=tuple(dict.fromkeys(p for p in (sides.get("holder"), refusal.enterprise) if p and p != "—")),
        waybill=refusal.waybill,
        claimant=refusal.enterprise,
        rule=refusal.code,
    )
    return (Raise(f"{ID}|{code}", f"r{refusal.id}|{refusal.code}", draft),)


DETECTOR: Final = Detector(
    id=ID,
    version="2",
    severity=1,
    name=Text("注销码复用", "revived code"),
    basis=Text(
        "处置、清空、用尽、作废或报失之后的任何事件；同一单位 10 分钟内的撤销或重试除外。",
        "Any event after disposal, emptying, full use, voiding or a report of loss, but for an undo or retry by the"
        " same party within 10 minutes.",
    ),
    texts=TEXTS,
    on_event=on_event,
    rules=CLOSED_RULES | HANDS_RULES,
    kinds=ENDING_KINDS,
    on_refusal=on_refusal,
    refusals=CLOSED_RULES,
    first_hand=False,
    correctable=False,
)
