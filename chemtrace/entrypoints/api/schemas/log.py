"""Answers about the log itself: an entry's proof, and the state of the service."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from chemtrace.entrypoints.api.schemas.fields import Base64Url, Hex32, Index, Moment


class EntryProof(BaseModel):
    """An entry, its audit path (lowest sibling first), and the signed checkpoint that the path leads to."""

    entry: Base64Url
    index: Index
    path: list[Hex32]
    checkpoint: Annotated[str, Field(description="C2SP signed note")]


class Alive(BaseModel):
    """The process answers."""

    status: Literal["ok"]


class Witnessing(BaseModel):
    """How it stands with the witnesses: newest size that satisfies the policy, and which ones have not cosigned it."""

    mode: Literal["open", "required"]
    quorum: Annotated[str, Field(description="what the policy asks for, written out")]
    satisfied: Annotated[bool, Field(description="the newest checkpoint has its quorum")]
    satisfied_size: Annotated[int, Field(ge=0)]
    size: Annotated[int, Field(ge=0, description="the checkpoint that is being cosigned")]
    failing: Annotated[
        dict[str, str], Field(description="witnesses that do not cosign, with the code of why")
    ]
    said: Annotated[
        dict[str, str],
        Field(description="what those that gave a reason say: its code and words, cut; data from outside"),
    ]


class Readiness(BaseModel):
    """`stopped` is the code of what ended the writing, or null; `detectors` is "ok" or what holds them up."""

    writable: bool
    size: Annotated[int, Field(ge=0)]
    log_time: Moment
    epoch: int
    stopped: str | None
    detectors: str
    witnesses: Witnessing | None
