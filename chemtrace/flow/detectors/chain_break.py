"""D4 chain break: the ledger's own records contradict themselves, or a submitter's stream has a hole.

A fault found by the audit or at start-up (index gap, chain, tree, epoch, checkpoint, entry, guard) is critical at
once, and only a person closes it.

A statement whose `prev` the subject never had (refusal `prev.unknown`) says that a statement of the signer never got
here, or was never made. Three such statements of one key within 7 days are held 24 h and then raised as major: the
ledger itself is whole. Not counted: a predecessor that was itself refused and kept, for then nothing is missing.
Explained when the key gets a statement on each of these subjects admitted: it has signed again on the true head.
Basis: anomaly reference D4.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from chemtrace.core.events import ITEM_KINDS
from chemtrace.flow import evidence
from chemtrace.flow.detector import ANY_REFUSAL, Detector, Text
from chemtrace.flow.device import DAY_US, WATERMARK_US
from chemtrace.flow.memory import Memory, Value
from chemtrace.flow.observation import Fault, Observation, RefusalSeen
from chemtrace.flow.signal import Draft, Evidence, Explain, Hold, Raise, Signal
from chemtrace.flow.wording import local_minute

ID: Final = "D4"
GAP_CODE: Final = "prev.unknown"
GAPS: Final = 3
"""Statements with an unknown predecessor before the stream counts as broken: one or two are a client that retries."""

GAP_MEMORY_US: Final = 7 * DAY_US
REFUSED_MEMORY_US: Final = 3 * DAY_US
"""How long a refused statement is remembered as a known predecessor: the longest wait for an outbox, 72 h."""

TEXTS: Final = {
    "fault": Text(
        "账链核验失败：{code}，首个错误条目 {index}。{detail}",
        "The ledger failed verification: {code}, first wrong entry {index}. {detail}",
    ),
    "gap": Text(
        "{actor} 的密钥 {kid} 已有 {count} 份报文引用了账上从未有过的前序事件（最近一次 {at}，对象 {subject}）；"
        "该密钥的报文可能有遗失。",
        "Key {kid} of {actor} sent {count} statements that name predecessors the ledger never had (last at {at},"
        " subject {subject}); statements of this key may be missing.",
    ),
}


def on_event(obs: Observation, memory: Memory) -> Sequence[Signal]:
    """An admitted statement on the same subject closes the hole there."""
    key = f"{ID}|{obs.kid}"
    gaps = _gaps(memory.get(key))
    if not gaps:
        return ()
    named = {*obs.event.codes, f"waybill:{obs.event.waybill}"}
    left = tuple([gap for gap in gaps if gap[1] not in named])
    if len(left) == len(gaps):
        return ()
    memory.put(key, left, obs.event.received_us + GAP_MEMORY_US)
    if left:
        return ()
    index = obs.event.index
    return (
        Explain(
            key,
            index,
            obs.event.event_id.hex(),
            f"该密钥已在第 {index} 条按真实前序重新报送。",
            f"The key has signed again on the true head, at index {index}.",
        ),
    )


def on_refusal(refusal: RefusalSeen, memory: Memory) -> Sequence[Signal]:
    """Remember every refused statement; count those whose predecessor nobody knows."""
    event_id = refusal.event_id.hex()
    memory.put(f"{ID}-refused|{event_id}", refusal.received_us, refusal.received_us + REFUSED_MEMORY_US)
    missing = refusal.sides.get("prev", "")
    if refusal.code != GAP_CODE or memory.get(f"{ID}-refused|{missing}") is not None:
        return ()
    key = f"{ID}|{refusal.kid}"
    subject = refusal.sides.get("subject", "")
    gaps = _gaps(memory.get(key))
    if event_id not in {gap[0] for gap in gaps}:
        gaps = (*gaps, (event_id, subject, refusal.id))
        memory.put(key, gaps, refusal.received_us + GAP_MEMORY_US)
    if len(gaps) < GAPS:
        return ()
    return (Hold(key, "gap", refusal.received_us + WATERMARK_US, _gap_draft(refusal, subject, gaps)),)


def _gap_draft(refusal: RefusalSeen, subject: str, gaps: tuple[tuple[str, str, int], ...]) -> Draft:
    earlier = [Evidence("gap", None, number, event, "") for event, _, number in gaps if number != refusal.id]
    return Draft(
        detector=ID,
        variant="gap",
        severity=2,
        enterprise=refusal.enterprise,
        facts={
            "actor": refusal.enterprise,
            "kid": refusal.kid[:16],
            "count": str(len(gaps)),
            "at": local_minute(refusal.at_us),
            "subject": subject,
        },
        evidence=(evidence.refused(refusal, "gap"), *earlier),
        evidence_us=refusal.received_us,
        at_us=refusal.at_us,
        observed=str(len(gaps)),
        threshold=str(GAPS),
        parties=(refusal.enterprise,),
        claimant=refusal.enterprise,
        rule=GAP_CODE,
    )


def _gaps(value: Value | None) -> tuple[tuple[str, str, int], ...]:
    if not isinstance(value, tuple):
        return ()
    return tuple([(str(gap[0]), str(gap[1]), int(str(gap[2]))) for gap in value if isinstance(gap, tuple)])


def on_fault(fault: Fault) -> Sequence[Signal]:
    """Our records contradict themselves: at once, and once for each kind of fault and entry."""
    index = str(fault.index) if fault.index >= 0 else "—"
    draft = Draft(
        detector=ID,
        variant="fault",
        severity=1,
        enterprise="",
        facts={"code": fault.code, "index": index, "detail": fault.detail},
        evidence=(Evidence("fault", fault.index if fault.index >= 0 else None, None, _fault_id(fault), ""),),
        evidence_us=fault.found_us,
        at_us=fault.found_us,
        observed=fault.code,
        threshold="exact",
        rule=fault.code,
    )
    return (Raise(f"{ID}|{fault.code}|{fault.index}", "fault", draft),)


def _fault_id(fault: Fault) -> str:
    """A fault is no event: its name and place stand in for one, so that finding it twice is one alert."""
    return f"{fault.code}@{fault.index}".encode().hex()


DETECTOR: Final = Detector(
    id=ID,
    version="1",
    severity=1,
    name=Text("账链断裂", "chain break"),
    basis=Text(
        "账本各项哈希、序号与检查点必须完全一致；同一密钥 7 天内 3 份报文的前序不明视为报送流断裂。",
        "Hashes, indexes and checkpoints agree exactly; three statements of a key with unknown predecessors within 7"
        " days are a hole in its stream.",
    ),
    texts=TEXTS,
    on_event=on_event,
    kinds=ITEM_KINDS | {"waybill"},
    on_refusal=on_refusal,
    refusals=frozenset({ANY_REFUSAL}),
    on_fault=on_fault,
    first_hand=False,
    correctable=False,
)
