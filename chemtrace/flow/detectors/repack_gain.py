"""Q2 repack gain: more came out of a repacking than went in, or far less.

Gain beyond the tolerance of the scale on the inputs is critical: matter from nowhere is goods from outside the books.
Loss beyond three times the normal loss (0.5 % for each) plus 3 sigma is minor. Only where one chemical stays what it
is: a dilution or reaction takes in water and other matter that carries no code. Raised at once, inputs and outputs
stand in one event; a correction withdraws it. Basis: anomaly reference Q2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from chemtrace.flow import evidence
from chemtrace.flow.detector import Detector, Text
from chemtrace.flow.memory import Memory
from chemtrace.flow.observation import Observation
from chemtrace.flow.signal import Draft, Raise, Signal
from chemtrace.flow.wording import local_minute

ID: Final = "Q2"
GAIN: Final = "transform.gain"
LOSS: Final = "transform.loss"
SEVERITY_OF: Final = {GAIN: 1, LOSS: 3}

TEXTS: Final = {
    GAIN: Text(
        "{at} {actor} 分装：投入 {put_in}，产出 {taken_out}，产出超过投入加秤差；"
        "涉及 {inputs} 个投入码、{outputs} 个产出码。",
        "At {at} {actor} repacked {put_in} into {taken_out}, more than went in plus scale tolerance; {inputs} codes in,"
        " {outputs} out.",
    ),
    LOSS: Text(
        "{at} {actor} 分装：投入 {put_in}，产出 {taken_out}，损耗超过正常损耗的三倍；"
        "涉及 {inputs} 个投入码、{outputs} 个产出码。",
        "At {at} {actor} repacked {put_in} into {taken_out}, losing over three times the normal loss; {inputs} codes"
        " in, {outputs} out.",
    ),
}


def on_event(obs: Observation, _memory: Memory) -> Sequence[Signal]:
    """Alert on the balance of one event."""
    event = obs.event
    if len({code[4:7] for code in event.codes}) != 1:
        return ()
    signals: list[Signal] = []
    for finding in obs.findings:
        if finding.rule not in SEVERITY_OF:
            continue
        sides = dict(finding.sides)
        draft = Draft(
            detector=ID,
            variant=finding.rule,
            severity=SEVERITY_OF[finding.rule],
            enterprise=event.actor,
            facts={
                "at": local_minute(event.at_us),
                "actor": event.actor,
                "put_in": sides["expected"],
                "taken_out": sides["found"],
                "inputs": str(len(event.inputs)),
                "outputs": str(len(event.lines)),
            },
            evidence=(evidence.seen(obs, "repack"),),
            evidence_us=event.received_us,
            at_us=event.at_us,
            observed=sides["found"],
            threshold=sides["expected"],
            code=finding.code,
            parties=(event.actor,),
            claimant=event.actor,
            rule=finding.rule,
        )
        signals.append(Raise(f"{ID}|{finding.code}", f"{event.index}|{finding.rule}", draft))
    return signals


DETECTOR: Final = Detector(
    id=ID,
    version="1",
    severity=1,
    name=Text("分装增量", "repack gain"),
    basis=Text(
        "分装产出不得超过投入加秤差；损耗不得超过正常损耗（0.5%）的三倍加 3 倍标准差。",
        "Out is within in plus scale tolerance; loss within three times normal loss (0.5 %) plus 3 sigma.",
    ),
    texts=TEXTS,
    on_event=on_event,
    rules=frozenset(SEVERITY_OF),
)
