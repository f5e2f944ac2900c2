"""Q1 over-use: more was drawn from an item than was filled into it, beyond the tolerance of the scale.

Raised at once: no late event makes a fill larger. Threshold: fill + 3 sigma of the scale + 0.5 % of the fill (sigma
0.33 % up to 100 kg, 0.15 % above; anomaly reference 1.3 and section 5). Drawing again from what one's own use has
emptied is counted here, by the running total, and not as a revived code. A correction of a use withdraws it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from chemtrace.core.quantity import Quantity
from chemtrace.flow import evidence
from chemtrace.flow.detector import Detector, Text
from chemtrace.flow.memory import Memory
from chemtrace.flow.observation import Observation
from chemtrace.flow.precedence import USED_RULES, cause
from chemtrace.flow.signal import Draft, Raise, Signal
from chemtrace.flow.wording import amount, local_minute
from chemtrace.trace.exact import comparable, tolerance
from chemtrace.trace.fold import part_of
from chemtrace.trace.state import ZERO

if TYPE_CHECKING:
    from chemtrace.trace.state import ItemState

ID: Final = "Q1"

TEXTS: Final = {
    "unlike": Text(
        "追溯码 {code} 装量 {filled} {unit}，{at} {actor} 申报取用 {taken}，无法折算为装量的单位。",
        "Code {code} was filled with {filled} {unit}; at {at} {actor} reports that {taken} was drawn, which cannot be"
        " told in the unit of the fill.",
    ),
    "drawn": Text(
        "追溯码 {code} 装量 {filled} {unit}，截至 {at} 累计取用 {drawn} {unit}（本次 {taken}，{actor}），"
        "超过装量加秤差 {limit} {unit}，多出 {excess} {unit}。",
        "Code {code} was filled with {filled} {unit}; by {at} {drawn} {unit} was drawn ({taken} this time, by {actor}),"
        " more than fill plus scale tolerance, {limit} {unit}: {excess} {unit} too much.",
    ),
}


def on_event(obs: Observation, _memory: Memory) -> Sequence[Signal]:
    """Alert on every item whose running total passes its limit."""
    signals: list[Signal] = []
    for code, before in obs.before.items():
        owner, rules = cause(obs, code)
        if owner == ID:
            signals.append(_signal(obs, before, min(rules & USED_RULES)))
    return signals


def _signal(obs: Observation, before: ItemState, rule: str) -> Signal:
    event, after = obs.event, obs.after[before.code]
    unit = after.unit or before.unit
    stated = part_of(event, before.code)[1] if event.kind != "produce" or event.inputs else None
    taken = Quantity(ZERO, unit) if stated is None else stated
    earlier = Quantity(before.drawn, before.unit or unit)
    amounts = [comparable(one, unit) for one in (earlier, taken)]
    limit = after.filled + tolerance(after.filled, unit)
    facts = {
        "filled": amount(after.filled),
        "unit": unit,
        "taken": amount(taken.value),
        "limit": amount(limit),
    }
    if None in amounts:
        strange = earlier if amounts[0] is None else taken
        facts["taken"] = observed = f"{amount(strange.value)} {strange.unit}"
        return _raised(obs, before, rule, facts, observed)
    drawn = max(after.drawn, sum([one for one in amounts if one is not None], ZERO))
    facts |= {"drawn": amount(drawn), "excess": amount(drawn - limit)}
    return _raised(obs, before, rule, facts, f"{amount(drawn)} {unit}")


def _raised(obs: Observation, before: ItemState, rule: str, facts: dict[str, str], observed: str) -> Signal:
    event, after = obs.event, obs.after[before.code]
    draft = Draft(
        detector=ID,
        variant="drawn" if "drawn" in facts else "unlike",
        severity=2,
        enterprise=event.actor,
        facts={"code": before.code, "at": local_minute(event.at_us), "actor": event.actor, **facts},
        evidence=(
            evidence.seen(obs, "use"),
            *evidence.entry(after.born_index, "fill"),
            *evidence.recorded(before),
        ),
        evidence_us=event.received_us,
        at_us=event.at_us,
        observed=observed,
        threshold=f"{facts['limit']} {facts['unit']}",
        code=before.code,
        parties=tuple(dict.fromkeys(party for party in (event.actor, after.producer) if party)),
        claimant=event.actor,
        rule=rule,
    )
    return Raise(f"{ID}|{before.code}", f"{event.index}|{rule}", draft)


DETECTOR: Final = Detector(
    id=ID,
    version="2",
    severity=2,
    name=Text("超量使用", "over-use"),
    basis=Text(
        "累计取用不得超过装量加秤差（3 倍标准差加装量的 0.5%）。",
        "The sum of what is drawn stays within the fill plus scale tolerance (3 sigma plus 0.5 % of the fill).",
    ),
    texts=TEXTS,
    on_event=on_event,
    rules=USED_RULES,
)
