"""What a detector may say: raise now, hold until a due time, or explain away what was said before."""

from __future__ import annotations

from typing import TypeAlias

import msgspec


class Evidence(msgspec.Struct, frozen=True):
    """One piece of evidence: its role, its place in the log or the refusal's number, event id and leaf in hex.

    `leaf` is empty for a refusal, which is kept but not in the log.
    """

    role: str
    index: int | None
    refusal: int | None
    event_id: str
    leaf: str


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """Everything an alert needs, drawn up when the evidence was seen.

    `variant` picks the detector's text, `facts` are its numbers; a fact `NAME_us` is a moment, shown as `NAME`.
    `enterprise` is who reported the evidence, which accuses nobody; `parties` are all sides. `claimant` is whose
    word would be made good by an explanation. `evidence[0]` is the event or refusal that the alert's id is made
    from. `steps` are later times with the severity from then on; `repeat` is (pieces of evidence, severity from
    then on).
    """

    detector: str
    variant: str
    severity: int
    enterprise: str
    facts: dict[str, str | int]
    evidence: tuple[Evidence, ...]
    evidence_us: int
    at_us: int
    observed: str = ""
    threshold: str = ""
    code: str = ""
    parties: tuple[str, ...] = ()
    waybill: str | None = None
    claimant: str = ""
    rule: str = ""
    steps: tuple[tuple[int, int], ...] = ()
    repeat: tuple[int, int] | None = None


class Raise(msgspec.Struct, frozen=True):
    """Alert at once. `key` names the incident, `claim` this reason for it."""

    key: str
    claim: str
    draft: Draft


class Hold(msgspec.Struct, frozen=True):
    """Alert at the first tick whose log time has reached `due_us`, unless it is explained before."""

    key: str
    claim: str
    due_us: int
    draft: Draft


class Explain(msgspec.Struct, frozen=True):
    """The event at `index` explains claims of `key`: what is held is dropped, what is raised is withdrawn.

    Only claims that pass every filter given are meant: their name, whose they are, by which rules they arose,
    and that the claimed time of their evidence is not before `since_us`.
    """

    key: str
    index: int
    event_id: str
    reason_zh: str
    reason_en: str
    claim: str | None = None
    claimant: str | None = None
    rules: frozenset[str] | None = None
    since_us: int | None = None


Signal: TypeAlias = Raise | Hold | Explain
