"""C4 double sale: the holder offers one item to a second buyer while the first offer stands.

Decided at admission: the second sale is refused and kept (or admitted as an exception), and either is evidence at
once. Offering again to the same buyer is a repetition and no alert. If the seller corrects the first sale within
24 h, it was a wrong buyer keyed in, and the alert is withdrawn. Basis: anomaly reference C4.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from chemtrace.flow import evidence
from chemtrace.flow.detector import Detector, Text
from chemtrace.flow.device import DAY_US
from chemtrace.flow.memory import Memory
from chemtrace.flow.observation import Observation, RefusalSeen
from chemtrace.flow.signal import Draft, Evidence, Explain, Raise, Signal
from chemtrace.flow.wording import local_minute

ID: Final = "C4"
RULE: Final = "item.double-sale"
CORRECTION_US: Final = DAY_US
"""24 h in which correcting the first sale explains the second: the watermark of anomaly reference 3.3."""

TEXTS: Final = {
    "sale": Text(
        "{seller} 已将追溯码 {code} 售予 {first}，{at} 又要售予 {second}；同一货物不能售予两家。",
        "{seller} had offered code {code} to {first} and at {at} offered it to {second} as well; one item has one"
        " buyer.",
    ),
}


def on_event(obs: Observation, _memory: Memory) -> Sequence[Signal]:
    """A second sale admitted as an exception alerts; a correction of the first sale explains."""
    event = obs.event
    if event.kind == "correct":
        return [signal for code in obs.before for signal in _undone(obs, code)]
    signals: list[Signal] = []
    for finding in obs.findings:
        before = obs.before.get(finding.code)
        if finding.rule == RULE and before is not None:
            first = before.offer[1] if before.offer is not None else "—"
            proof = (evidence.seen(obs, "second-sale"), *evidence.recorded(before))
            sale = _Sale(finding.code, event.actor, first, event.counterparty or "—", event.at_us)
            draft = _draft(sale, proof, event.received_us)
            signals.append(Raise(f"{ID}|{finding.code}", f"{event.index}|{RULE}", draft))
    return signals


class _Sale(NamedTuple):
    code: str
    seller: str
    first: str
    second: str
    at_us: int


def _undone(obs: Observation, code: str) -> list[Signal]:
    event, offer = obs.event, obs.before[code].offer
    if offer is None or obs.after[code].offer == offer:
        return []
    return [
        Explain(
            f"{ID}|{code}",
            event.index,
            event.event_id.hex(),
            f"卖方在第 {event.index} 条更正了前一次销售。",
            f"The seller corrected the first sale at index {event.index}.",
            claimant=offer[0],
            since_us=event.at_us - CORRECTION_US,
        )
    ]


def on_refusal(refusal: RefusalSeen, _memory: Memory) -> Sequence[Signal]:
    """The refused second sale."""
    first = refusal.sides.get("expected", "—")
    second = refusal.counterparty or refusal.sides.get("found", "—")
    if not refusal.item or first == second:
        return ()
    proof = (evidence.refused(refusal, "second-sale"),)
    sale = _Sale(refusal.item, refusal.enterprise, first, second, refusal.at_us)
    draft = _draft(sale, proof, refusal.received_us)
    return (Raise(f"{ID}|{refusal.item}", f"r{refusal.id}|{RULE}", draft),)


def _draft(sale: _Sale, proof: tuple[Evidence, ...], received_us: int) -> Draft:
    parties = (sale.seller, sale.first, sale.second)
    return Draft(
        detector=ID,
        variant="sale",
        severity=2,
        enterprise=sale.seller,
        facts={
            "code": sale.code,
            "seller": sale.seller,
            "first": sale.first,
            "second": sale.second,
            "at": local_minute(sale.at_us),
        },
        evidence=proof,
        evidence_us=received_us,
        at_us=sale.at_us,
        observed=sale.second,
        threshold=sale.first,
        code=sale.code,
        parties=tuple(dict.fromkeys(party for party in parties if party != "—")),
        claimant=sale.seller,
        rule=RULE,
    )


DETECTOR: Final = Detector(
    id=ID,
    version="2",
    severity=2,
    name=Text("重复销售", "double sale"),
    basis=Text(
        "同一货物在前一次要约未撤销时又售予另一家；被拒绝的销售同样留作证据。",
        "One item offered to a second buyer while the first offer stands; the refused sale is evidence as well.",
    ),
    texts=TEXTS,
    on_event=on_event,
    rules=frozenset({RULE}),
    kinds=frozenset({"correct"}),
    on_refusal=on_refusal,
    refusals=frozenset({RULE}),
    correctable=False,
)
