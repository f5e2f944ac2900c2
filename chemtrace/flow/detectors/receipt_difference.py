"""Q3 receipt difference: what was received is not what was loaded, beyond the error of both scales.

Threshold: 4 sigma of the difference of two weighings (sigma 0.33 % of the mass up to 100 kg, 0.15 % above, for each
scale), which is about 0.85 % for a truck load and 1.9 % for a drum; any piece where pieces are counted. Beyond 10 %,
or any piece, the legal level is reached as well and the alert is critical (40 CFR 264.72 for manifests; anomaly
reference 1.3, 2.3 and Q3). Goods weighed only once, or spilled on the way and reported, are not compared. A correction
of the arrival withdraws it. Tested both ways: a surplus tells as much as a shortage.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from math import isqrt
from typing import TYPE_CHECKING, Final

from chemtrace.flow import evidence
from chemtrace.flow.detector import Detector, Text
from chemtrace.flow.memory import Memory
from chemtrace.flow.observation import Observation
from chemtrace.flow.precedence import cause
from chemtrace.flow.signal import Draft, Raise, Signal
from chemtrace.flow.wording import amount, local_minute, tenths
from chemtrace.trace.exact import RECEIPT_SIGMAS, comparable, exceeds_weighings, sigma

if TYPE_CHECKING:
    from chemtrace.trace.state import ItemState

ID: Final = "Q3"
RULE: Final = "item.receipt-difference"
LEGAL_SHARE: Final = Decimal("0.10")
"""10 % of a weighed load: from here on the difference must be reported by law (40 CFR 264.72, bulk)."""

PIECES: Final = "H87"
IDENTITY: Final = frozenset({"C1", "C2", "C3"})
"""Where it is doubtful whether this is the item that was loaded, its weight proves nothing."""

TEXTS: Final = {
    "differs": Text(
        "追溯码 {code}：{shipper} 装车 {sent} {unit}，{at} {actor} 收货 {got} {unit}，"
        "相差 {difference} {unit}（{percent}%）。"
        "两次称量之差的一倍标准差为 {sigma} {unit}，{ratio} 倍；界限 {limit} {unit}{legal_zh}。",
        "Code {code}: {shipper} loaded {sent} {unit}, {actor} received {got} {unit} at {at}, {difference} {unit} apart"
        " ({percent} %). One sigma of the two weighings is {sigma} {unit}: {ratio} times; limit {limit}"
        " {unit}{legal_en}.",
    ),
}


def on_event(obs: Observation, _memory: Memory) -> Sequence[Signal]:
    """Compare both weighings of every item that arrives."""
    event = obs.event
    if event.phase != "arrive":
        return ()
    signals: list[Signal] = []
    for code, quantity in event.lines:
        before = obs.before.get(code)
        sent = None if before is None else _loaded(obs, before)
        if before is None or quantity is None or sent is None:
            continue
        got = comparable(quantity, before.unit)
        if got is None or got == sent or not exceeds_weighings(sent, got, before.unit):
            continue
        if obs.findings and cause(obs, code)[0] in IDENTITY:
            continue
        signals.append(_signal(obs, before, sent, got))
    return signals


def _loaded(obs: Observation, before: ItemState) -> Decimal | None:
    """What was loaded; of a late arrival only its finding knows, as `AMOUNT UNIT` in the item's unit."""
    if not obs.event.late:
        return before.loaded if before.status == "in_transit" else None
    for finding in obs.findings:
        if finding.rule == RULE and finding.code == before.code:
            return Decimal(dict(finding.sides)["expected"].split(" ")[0])
    return None


def _signal(obs: Observation, before: ItemState, sent: Decimal, got: Decimal) -> Signal:
    event, unit = obs.event, before.unit
    one_sigma = _sigma_of_difference(sent, got, unit)
    difference = got - sent
    legal = unit == PIECES or abs(difference) > LEGAL_SHARE * sent
    draft = Draft(
        detector=ID,
        variant="differs",
        severity=1 if legal else 2,
        enterprise=event.actor,
        facts={
            "code": before.code,
            "at": local_minute(event.at_us),
            "actor": event.actor,
            "shipper": before.shipper or "—",
            "unit": unit,
            "sent": amount(sent),
            "got": amount(got),
            "difference": amount(difference),
            "percent": tenths(int(difference * 10_000), int(sent * 100)) if sent else "—",
            "sigma": amount(one_sigma),
            "ratio": tenths(int(abs(difference) * 10**6), int(one_sigma * 10**6)) if one_sigma else "—",
            "limit": amount(RECEIPT_SIGMAS * one_sigma),
            "legal_zh": "，已达法定报告界限" if legal else "",
            "legal_en": ", the legal level for a report is reached" if legal else "",
        },
        evidence=(evidence.seen(obs, "receipt"), *evidence.recorded(before)),
        evidence_us=event.received_us,
        at_us=event.at_us,
        observed=f"{amount(difference)} {unit}",
        threshold=f"{amount(RECEIPT_SIGMAS * one_sigma)} {unit}",
        code=before.code,
        parties=tuple(dict.fromkeys(p for p in (before.shipper, before.holder, event.actor) if p)),
        waybill=event.waybill or before.waybill,
        claimant=event.actor,
        rule=RULE,
    )
    return Raise(f"{ID}|{before.code}", f"{event.index}|{RULE}", draft)


def _sigma_of_difference(sent: Decimal, got: Decimal, unit: str) -> Decimal:
    """Root of the sum of both variances, to a millionth of the unit, by integers."""
    first, second = (int(sigma(value, unit) * 10**6) for value in (sent, got))
    return Decimal(isqrt(first * first + second * second)).scaleb(-6)


DETECTOR: Final = Detector(
    id=ID,
    version="2",
    severity=2,
    name=Text("收发差异", "receipt difference"),
    basis=Text(
        "两次称量之差不得超过其标准差的 4 倍；散装 10% 或任何件数之差达到法定报告界限。",
        "Two weighings differ by at most 4 sigma of their difference; 10 % of bulk or any piece is the legal level.",
    ),
    texts=TEXTS,
    on_event=on_event,
    rules=frozenset({RULE}),
    kinds=frozenset({"transport"}),
)
