"""T2 no waybill: goods above the exempt mass are on the road without an electronic waybill.

Exact, and at once: a waybill is made before the loading, so none that comes later mends it. Exempt: 50 kg an event.
Lots of at most 50 kg from one shipper to one receiver on one day are added up; beyond 50 kg together they are one
consignment in parts (split lots). An arrival counts for goods that nobody loaded, which then also lack the step of
loading (C5): one cause, this alert. Basis: anomaly reference T2; Order 29 of
2019, article 24.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from chemtrace.core.quantity import UNITS
from chemtrace.flow import evidence
from chemtrace.flow.detector import Detector, Text
from chemtrace.flow.device import DAY_US
from chemtrace.flow.memory import Memory, Value
from chemtrace.flow.observation import Observation
from chemtrace.flow.signal import Draft, Evidence, Raise, Signal
from chemtrace.flow.wording import amount, kind_en, kind_zh, local_day, local_minute
from chemtrace.trace.consignment import EXEMPT_MASS
from chemtrace.trace.exact import base_value

if TYPE_CHECKING:
    from chemtrace.trace.event import ItemEvent

ID: Final = "T2"
RULE: Final = "waybill.missing"
SPLIT_RULE: Final = "waybill.split"
PAIR_MEMORY_US: Final = 3 * DAY_US
"""How long the day's lots of a pair are remembered: the day itself and the wait for late ones."""

TEXTS: Final = {
    "missing": Text(
        "{at} {actor} 申报{kind_zh} {found}，没有电子运单；豁免量 {exempt}。",
        "At {at} {actor} reported {kind_en} of {found} without a waybill; exempt are {exempt}.",
    ),
    "split": Text(
        "{day} {actor} 向 {receiver} 无运单发出 {lots} 批，每批不超过 {exempt} kg，合计 {found} kg。",
        "On {day} {actor} sent {receiver} {lots} lots without a waybill, each of at most {exempt} kg, {found} kg in"
        " all.",
    ),
}


def on_event(obs: Observation, memory: Memory) -> Sequence[Signal]:
    """Alert on the event's own finding, else add a small load to the day of its pair."""
    event = obs.event
    found = next((finding for finding in obs.findings if finding.rule == RULE), None)
    if found is not None:
        return [_missing(obs, code, dict(found.sides)) for code in event.codes if _has_none(obs, code)]
    if event.phase == "load" and event.waybill is None and event.counterparty is not None:
        return _split(obs, memory, event.counterparty)
    return ()


def _has_none(obs: Observation, code: str) -> bool:
    return obs.event.phase == "load" or obs.before[code].status not in ("in_transit", "unborn")


def _missing(obs: Observation, code: str, sides: dict[str, str]) -> Signal:
    event = obs.event
    facts: dict[str, str | int] = {
        "at": local_minute(event.at_us),
        "actor": event.actor,
        "kind_zh": kind_zh(event.kind, event.phase),
        "kind_en": kind_en(event.kind, event.phase),
        "found": sides["found"],
        "exempt": sides["expected"],
    }
    proof = (evidence.seen(obs, "moved"),)
    draft = _draft(
        obs,
        variant="missing",
        facts=facts,
        proof=proof,
        rule=RULE,
        observed=sides["found"],
        threshold=sides["expected"],
        code=code,
    )
    return Raise(f"{ID}|{code}", f"{event.index}|{RULE}", draft)


def _split(obs: Observation, memory: Memory, receiver: str) -> Sequence[Signal]:
    """Add a load to the lots of its day and pair; alert when together they pass the exempt mass."""
    event = obs.event
    grams = int(_mass_kg(event) * 1_000)
    if grams == 0:
        return ()
    day = local_day(event.at_us)
    key = f"{ID}|{event.actor}|{receiver}|{day}"
    known = memory.get(key)
    total, indexes = _pair(known)
    total, indexes = total + grams, (*indexes, event.index)
    memory.put(key, (total, indexes), event.received_us + PAIR_MEMORY_US)
    kilograms = Decimal(total).scaleb(-3)
    if len(indexes) < 2 or kilograms <= EXEMPT_MASS:
        return ()
    facts: dict[str, str | int] = {
        "day": day,
        "actor": event.actor,
        "receiver": receiver,
        "lots": str(len(indexes)),
        "exempt": amount(EXEMPT_MASS),
        "found": amount(kilograms),
    }
    earlier = [piece for index in indexes[:-1] for piece in evidence.entry(index, "earlier-lot")]
    proof = (evidence.seen(obs, "lot"), *earlier)
    draft = _draft(
        obs,
        variant="split",
        facts=facts,
        proof=proof,
        rule=SPLIT_RULE,
        observed=f"{amount(kilograms)} KGM",
        threshold=f"{amount(EXEMPT_MASS)} KGM",
        code="",
    )
    # One claim a day and pair: the newest total takes the place of the older one.
    return (Raise(key, SPLIT_RULE, draft),)


def _pair(known: Value | None) -> tuple[int, tuple[int, ...]]:
    if not isinstance(known, tuple):
        return 0, ()
    total, indexes = known
    numbers = indexes if isinstance(indexes, tuple) else ()
    return (total if isinstance(total, int) else 0), tuple([n for n in numbers if isinstance(n, int)])


def _mass_kg(event: ItemEvent) -> Decimal:
    total = Decimal(0)
    for _, quantity in event.lines:
        if quantity is not None and UNITS[quantity.unit].base == "KGM":
            total += base_value(quantity.value, quantity.unit)
    return total


def _draft(
    obs: Observation,
    *,
    variant: str,
    facts: dict[str, str | int],
    proof: tuple[Evidence, ...],
    rule: str,
    observed: str,
    threshold: str,
    code: str,
) -> Draft:
    event = obs.event
    return Draft(
        detector=ID,
        variant=variant,
        severity=2,
        enterprise=event.actor,
        facts=facts,
        evidence=proof,
        evidence_us=event.received_us,
        at_us=event.at_us,
        observed=observed,
        threshold=threshold,
        code=code,
        parties=tuple(dict.fromkeys(party for party in (event.actor, event.counterparty) if party)),
        claimant=event.actor,
        rule=rule,
    )


DETECTOR: Final = Detector(
    id=ID,
    version="1",
    severity=2,
    name=Text("无运单运输", "no waybill"),
    basis=Text(
        "超过 50 千克（一次，或同日同一收发双方合计）须有电子运单；交通运输部令 2019 年第 29 号第 24 条。",
        "Above 50 kg (in one event, or one day and pair together) a waybill is needed; Order 29 of 2019, article 24.",
    ),
    texts=TEXTS,
    on_event=on_event,
    rules=frozenset({RULE}),
    kinds=frozenset({"transport"}),
)
