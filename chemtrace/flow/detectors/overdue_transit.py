"""T1 overdue in transit: loaded, and no receipt a day after it was due.

Due: the waybill's own `arrive_by`, or what shipper and consignee usually take (see `transit_times`), whichever is
earlier; without both 24 h after loading, since within a city transit takes hours. More than 3 days are believed of
neither: otherwise who writes the waybill, or dawdles often, would switch the alert off. Loading the goods again for the
same consignee stops no clock. To that come 24 h for the receipt to be reported. Major at first; critical from 3 days
after the due time, and it steps again at 7 days (anomaly reference T1 and 2.3). One alert a loading, with the codes
still missing; each receipt takes its code out, the last one withdraws the alert, as do a report of loss or theft and
any event that ends the transit.

Goods consigned to OUTSIDE are not watched: nobody beyond the city reports a receipt here, so waiting for one would
alarm about every lawful delivery. They stay under way in the carrier's name and in nobody's stock; should they come
back, the shipper takes them in again, and in anybody else's hands they are C2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from chemtrace.flow import evidence, transit_times
from chemtrace.flow.detector import Detector, Text
from chemtrace.flow.device import DAY_US, HOUR_US
from chemtrace.flow.memory import Memory
from chemtrace.flow.observation import Observation
from chemtrace.flow.signal import Draft, Explain, Hold, Signal
from chemtrace.flow.wording import tenths

if TYPE_CHECKING:
    from chemtrace.trace.state import ItemState

ID: Final = "T1"
RULE: Final = "transit.overdue"
DEFAULT_TRANSIT_US: Final = DAY_US
"""24 h where no waybill says when the goods are due: a day's work in one city."""

LONGEST_TRANSIT_US: Final = 3 * DAY_US
"""3 days: how far ahead a due time is believed."""

OUTSIDE: Final = "OUTSIDE"
"""The party that stands for everybody beyond the city."""

GRACE_US: Final = DAY_US
"""24 h after the due time for the receipt to be reported: the watermark (anomaly reference 3.3)."""

ESCALATIONS: Final = ((3 * DAY_US, 1), (7 * DAY_US, 1))
"""From 3 days after the due time it is critical; at 7 days it is brought up again."""

MOVING: Final = frozenset(
    {
        "transport",
        "trade",
        "store",
        "use",
        "dispose",
        "pack",
        "unpack",
        "produce",
        "transform",
        "report",
        "correct",
    }
)

TEXTS: Final = {
    "overdue": Text(
        "{shipper} 于 {at} 装车（{vehicle}，运单 {waybill}）发往 {consignee}，应于 {due} 前到达（{why_zh}），"
        "至今没有收货记录：追溯码 {code}。",
        "{shipper} loaded at {at} ({vehicle}, waybill {waybill}) for {consignee}, due by {due} ({why_en}); no receipt"
        " so far: code {code}.",
    ),
}


def on_event(obs: Observation, memory: Memory) -> Sequence[Signal]:
    """Start the clock at a load, stop it when the transit ends in whatever way."""
    signals: list[Signal] = []
    is_load = obs.event.phase == "load"
    for code, before in obs.before.items():
        after = obs.after[code]
        stands = memory.stands(f"{ID}|{code}")
        if before.status == "in_transit" == after.status and (not is_load or _goes_on(before, after, stands)):
            continue
        if before.status == "in_transit" and stands:
            signals.append(_ended(obs, code))
        if is_load and after.status == "in_transit" and after.consignee != OUTSIDE:
            signals.append(_started(obs, code, memory))
    transit_times.note(obs, memory)
    return signals


def _goes_on(before: ItemState, after: ItemState, stands: bool) -> bool:
    """Whether goods loaded again are still on the way that the clock runs for: another vehicle gives no more time."""
    return stands and before.consignee == after.consignee


def _ended(obs: Observation, code: str) -> Signal:
    event = obs.event
    return Explain(
        f"{ID}|{code}",
        event.index,
        event.event_id.hex(),
        f"第 {event.index} 条结束了这次运输（{code}）。",
        f"The event at index {event.index} ends this transit ({code}).",
    )


def _due(obs: Observation, code: str, memory: Memory) -> tuple[int, str, str]:
    """When the goods are due, and why, in both languages."""
    event, after = obs.event, obs.after[code]
    waybill = obs.waybills.get(event.waybill) if event.waybill is not None else None
    usual = transit_times.usual(memory, after.shipper, after.consignee)
    longest_us = event.effective_us + LONGEST_TRANSIT_US
    found: list[tuple[int, str, str]] = []
    if waybill is not None:
        found.append((waybill.arrive_by_us, "运单应到时间", "the waybill's due time"))
    if usual is not None:
        took = tenths(usual.us, HOUR_US)
        found.append(
            (
                event.effective_us + usual.us,
                f"双方最近 {usual.trips} 次运输 99% 不超过 {took} 小时",
                f"99 % of the last {usual.trips} trips between the two took at most {took} h",
            )
        )
    if not found:
        return (
            event.effective_us + DEFAULT_TRANSIT_US,
            "无运单，装车后 24 小时",
            "no waybill: 24 h after loading",
        )
    longest = (
        longest_us,
        "装车后 3 天，运单或以往所用时间更长",
        "3 days after loading, the longest that a waybill or older trips may allow",
    )
    return min(*found, longest)


def _started(obs: Observation, code: str, memory: Memory) -> Signal:
    event, after = obs.event, obs.after[code]
    arrive_by_us, why_zh, why_en = _due(obs, code, memory)
    draft = Draft(
        detector=ID,
        variant="overdue",
        severity=2,
        enterprise=after.holder or event.actor,
        facts={
            "code": code,
            "at_us": event.at_us,
            "due_us": arrive_by_us,
            "why_zh": why_zh,
            "why_en": why_en,
            "shipper": after.shipper or event.actor,
            "consignee": after.consignee or "—",
            "vehicle": after.vehicle or "—",
            "waybill": event.waybill or "—",
        },
        evidence=(evidence.seen(obs, "load"),),
        evidence_us=event.received_us,
        at_us=event.at_us,
        observed="no receipt",
        threshold="24 h",
        code=code,
        parties=tuple(dict.fromkeys(p for p in (after.shipper, after.holder, after.consignee) if p)),
        waybill=event.waybill,
        claimant=after.consignee or "",
        rule=RULE,
        steps=tuple([(arrive_by_us + later, severity) for later, severity in ESCALATIONS]),
    )
    # A load that is itself reported late brings its receipt behind it.
    due_us = max(arrive_by_us, event.received_us) + GRACE_US
    return Hold(f"{ID}|{code}", f"{event.index}|{RULE}", due_us, draft)


DETECTOR: Final = Detector(
    id=ID,
    version="3",
    severity=2,
    name=Text("在途超时", "overdue in transit"),
    basis=Text(
        "超过应到时间 24 小时仍无收货；应到时间取运单所写与双方以往运输时间 99 百分位中较早者（至多装车后 3 天），"
        "两者皆无为装车后 24 小时；换车续运不重新计时；3 天、7 天升级。",
        "No receipt 24 h after the goods were due: by the waybill or by what 99 % of the pair's trips take, whichever"
        " is earlier and at most 3 days after loading, without both 24 h after loading; another vehicle gives no more"
        " time; it escalates at 3 and 7 days.",
    ),
    texts=TEXTS,
    on_event=on_event,
    kinds=MOVING,
)
