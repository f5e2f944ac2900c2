"""D1 backdating: an event entered more than 72 h after the time it claims, by a key that was online meanwhile.

The key was away if nothing else came from it between the claimed time and now, or if its outbox of such an outage (48
h or more) is still arriving, up to 24 h after its end; a key never heard before has no past to judge by. Raised at
once, one alert a key and day of receipt, with every late entry of that day. A correction tells the time it was made,
not the time of what it corrects, so correcting late is no backdating. Clusters before stock-takings and inspections
come later. Basis: anomaly reference D1 and 3.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from chemtrace.core.events import ITEM_KINDS
from chemtrace.flow import evidence
from chemtrace.flow.detector import Detector, Text
from chemtrace.flow.device import HOUR_US, load_activity
from chemtrace.flow.memory import Memory
from chemtrace.flow.observation import Observation
from chemtrace.flow.signal import Draft, Raise, Signal
from chemtrace.flow.wording import kind_en, kind_zh, local_day, local_minute

ID: Final = "D1"
RULE: Final = "entry.backdated"
LATE_US: Final = 72 * HOUR_US
"""72 h between what an event claims and its receipt (anomaly reference D1)."""

TEXTS: Final = {
    "late": Text(
        "{actor} 的密钥 {kid} 于 {received} 补录 {at} 的{kind_zh}，迟 {hours} 小时（界限 {limit} 小时）；"
        "该密钥在此期间在线，最近一次收到其事件是 {last}。",
        "Key {kid} of {actor} entered at {received} a {kind_en} of {at}, {hours} h late (limit {limit} h); the key was"
        " online meanwhile, last heard at {last}.",
    ),
}


def on_event(obs: Observation, memory: Memory) -> Sequence[Signal]:
    """Compare lateness with what was heard of the key."""
    event = obs.event
    late_us = event.received_us - event.at_us
    if late_us <= LATE_US or not obs.kid:
        return ()
    activity = load_activity(memory, obs.kid)
    if activity is None or activity.was_away(event.at_us, event.received_us):
        return ()
    draft = Draft(
        detector=ID,
        variant="late",
        severity=2,
        enterprise=event.actor,
        facts={
            "actor": event.actor,
            "kid": obs.kid[:16],
            "received": local_minute(event.received_us),
            "at": local_minute(event.at_us),
            "kind_zh": kind_zh(event.kind, event.phase),
            "kind_en": kind_en(event.kind, event.phase),
            "hours": str(late_us // HOUR_US),
            "limit": str(LATE_US // HOUR_US),
            "last": local_minute(activity.last_us),
        },
        evidence=(evidence.seen(obs, "late"),),
        evidence_us=event.received_us,
        at_us=event.at_us,
        observed=f"{late_us // HOUR_US} h",
        threshold=f"{LATE_US // HOUR_US} h",
        code=event.lines[0][0] if event.lines else "",
        parties=(event.actor,),
        claimant=event.actor,
        rule=RULE,
    )
    return (Raise(f"{ID}|{obs.kid}|{local_day(event.received_us)}", str(event.index), draft),)


DETECTOR: Final = Detector(
    id=ID,
    version="1",
    severity=2,
    name=Text("补录异常", "backdating"),
    basis=Text(
        "补录迟于 72 小时，且同一密钥在此期间在线。",
        "Entered over 72 h late by a key that was online meanwhile.",
    ),
    texts=TEXTS,
    on_event=on_event,
    kinds=ITEM_KINDS - {"correct"},
    correctable=False,
)
