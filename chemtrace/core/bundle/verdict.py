"""What a verifier says about a bundle or status proof: four statements, and what was not checked, in both languages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

YES: Final = "yes"
NOT_SAID: Final = "not_said"
AS_OF: Final = "as_of"
AS_OPERATOR_STATES: Final = "as_operator_states"


class Claim(msgspec.Struct, frozen=True):
    """One of the four statements: a stable value, and a sentence in Chinese and in English."""

    value: str
    zh: str
    en: str


class Gap(msgspec.Struct, frozen=True):
    """Something that was not checked: a stable code, and a sentence in Chinese and in English."""

    code: str
    zh: str
    en: str


class Cosigner(msgspec.Struct, frozen=True):
    """A witness whose cosignature verified: its name in the policy, its time (seconds since 1970, 0 for none)."""

    name: str
    time_s: int
    mirror: bool


class VerifiedEvent(msgspec.Struct, frozen=True):
    """One event of the subject, after everything about it was verified; `payload` None where it is not shown."""

    index: int
    event_id: str
    kind: str
    phase: str
    enterprise: str
    iat: str
    stance: str
    payload: bytes | None


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """The answer. `form` is "bundle" or "status"; indexes and sizes are the log's, times microseconds UTC."""

    form: str
    origin: str
    size: int
    subject: str
    count: int
    last: int
    log_time_us: int
    as_of_us: int
    cosigners: tuple[Cosigner, ...]
    authentic: Claim
    included: Claim
    complete: Claim
    current: Claim
    not_checked: tuple[Gap, ...]
    events: tuple[VerifiedEvent, ...] = ()


def claim_authentic(count: int | None, signatures: int, mirrors: Sequence[Cosigner]) -> Claim:
    """authentic: `count` events of the subject, `signatures` checked in all; None for a status proof.

    Which keys were entitled is read from their histories: that those are complete is the mirrors' word, or only the
    operator's.
    """
    if count is None:
        return Claim(
            NOT_SAID,
            "真实性：未作说明。状态证明不含事件，无法说明由谁签署。",
            "Authentic: not said. A status proof shows no event, so it cannot say who signed.",
        )
    zh = "" if mirrors else "密钥历史是否完整，仅据运营方声明。"
    en = "" if mirrors else " That the histories of these keys are complete is as the operator states."
    return Claim(
        YES,
        f"真实：{count} 个事件均由当时有权的密钥签署，共核对 {signatures} 个签名。{zh}",
        f"Authentic: every event ({count}) is signed by keys that were entitled to sign then; "
        f"signatures checked: {signatures}.{en}",
    )


def claim_included(origin: str, size: int) -> Claim:
    """included: in the signed log of `size` entries."""
    return Claim(
        YES,
        f"在册：在账本 {origin} 已签名的 {size} 条记录之内。",
        f"Included: within the {size} signed entries of the log {origin}.",
    )


def claim_complete(count: int, mirrors: Sequence[Cosigner]) -> Claim:
    """complete: `count` events and no more, by the mirrors' word or only the operator's."""
    if not mirrors:
        return Claim(
            AS_OPERATOR_STATES,
            f"完整性：据运营方声明，共 {count} 个事件，没有更多；没有独立镜像重新核算。",
            f"Complete: as the operator states, {_events(count)} and no more; no independent mirror has recomputed it.",
        )
    zh, en = said_when(mirrors)
    return Claim(
        YES,
        f"完整：共 {count} 个事件，没有更多；独立镜像已重新核算：{zh}。",
        f"Complete: {_events(count)} and no more; recomputed by independent mirrors: {en}.",
    )


def _events(count: int) -> str:
    return "1 event" if count == 1 else f"{count} events"


def claim_current(as_of_us: int, mirrors: Sequence[Cosigner]) -> Claim:
    """current: as of when, by a mirror's clock or only the operator's."""
    if not mirrors:
        return Claim(
            AS_OPERATOR_STATES,
            f"最新：据运营方声明，截至 {beijing(as_of_us)}。",
            f"Current: as the operator states, as of {utc(as_of_us)}.",
        )
    return Claim(
        AS_OF,
        f"最新：截至 {beijing(as_of_us)}，由独立镜像见证。",
        f"Current: as of {utc(as_of_us)}, witnessed by an independent mirror.",
    )


_GAPS: Final = {
    "truth": (
        "签署的内容本身是否属实，实物、标签与内容物是否相符：须由人查验。",
        "Whether what was signed is true, and whether drum, label and content match: people must look.",
    ),
    "later": (
        "上述时间之后发生的事。",
        "What happened after the time stated above.",
    ),
    "rules": (
        (
            "法规与业务规则，以及当时该企业是否已登记且未注销。"
            "账本是否对它有预警或矛盾记录：请在联网时查看履历页，或向主管部门核实。"
        ),
        (
            "Rules of law and business, and whether the enterprise was registered and open then. "
            "Whether the ledger has alerts or contradictions about it: "
            "look at its history page when online, or ask the authority."
        ),
    ),
    "mirror": (
        "完整性与时间仅凭运营方声明：没有可采信的独立镜像会签。",
        "Completeness and time rest on the operator's word: no cosignature of an independent mirror counts.",
    ),
    "payloads": (
        "未出示的内容：其所述事项，以及是否代他方行事。",
        "Payloads that are not shown: what they say, and whether they speak for another party.",
    ),
    "containers": (
        "装入了哪个容器未出示：该容器的经历不在此文件中。",
        "Into which container it was packed is not shown: that container's history is not in this file.",
    ),
    "events": (
        "事件及其签名：状态证明不含事件。",
        "Events and their signatures: a status proof shows none.",
    ),
    "age": (
        "证明是否过旧：没有可靠时钟，或未规定期限。",
        "Whether the proof is too old: no reliable clock, or no limit set.",
    ),
}


def gaps(codes: Sequence[str]) -> tuple[Gap, ...]:
    """The sentences of what was not checked, in the order given; unknown codes raise `KeyError`."""
    return tuple([Gap(code, *_GAPS[code]) for code in codes])


def clock_gap(mirrors: Sequence[Cosigner]) -> Gap:
    """`mirror-clock`: the mirrors whose cosignatures do not count, for their time is after the verifier's."""
    zh, en = said_when(mirrors)
    return Gap(
        "mirror-clock",
        f"镜像 {zh} 的会签时间晚于本机时间，不予采信：镜像的时钟有误，或本机的时钟有误。",
        f"Cosigned at a time after the clock here, which does not count: {en}. "
        "That mirror's clock is wrong, or the one here.",
    )


def said_when(mirrors: Sequence[Cosigner]) -> tuple[str, str]:
    """Names and times of mirrors, in Chinese and in English."""
    zh = "、".join([f"{one.name}（{beijing(one.time_s * 1_000_000)}）" for one in mirrors])
    return zh, ", ".join([f"{one.name} ({utc(one.time_s * 1_000_000)})" for one in mirrors])


_START: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
_LAST_SECOND: Final = 253_402_300_799


def beijing(at_us: int) -> str:
    """A moment in Beijing time, to the second."""
    return f"{_second(at_us, 8 * 3600)}（北京时间）"


def utc(at_us: int) -> str:
    """A moment in UTC, to the second."""
    return f"{_second(at_us, 0)} UTC"


def _second(at_us: int, offset_s: int) -> str:
    # What no calendar can write is shown as the number it is.
    second = at_us // 1_000_000 + offset_s
    if not 0 <= second <= _LAST_SECOND:
        return f"{at_us} µs"
    return (_START + timedelta(seconds=second)).strftime("%Y-%m-%d %H:%M:%S")
