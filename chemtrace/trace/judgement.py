"""What judging an event gives: the value that admission stores."""

from __future__ import annotations

import msgspec

from chemtrace.trace.finding import Finding
from chemtrace.trace.state import ItemState
from chemtrace.trace.step import Resolved
from chemtrace.trace.waybill import WaybillState


class Judgement(msgspec.Struct, frozen=True, gc=False):
    """States before and after by code, waybills by number, findings, and what an event explains.

    `resolved` lists older findings (index, code, rule) that the event explains away. `effect` says by code whether
    the event takes part in the fold of that item's state; without effect it is only the item's newest entry.
    """

    before: dict[str, ItemState]
    after: dict[str, ItemState]
    waybills: dict[str, WaybillState]
    findings: tuple[Finding, ...]
    resolved: tuple[Resolved, ...]
    effect: dict[str, bool]
