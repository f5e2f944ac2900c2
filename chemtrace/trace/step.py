"""What goes into one step of an item's life cycle, and what comes out of it."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import msgspec

from chemtrace.core.quantity import Quantity
from chemtrace.trace.event import ItemEvent
from chemtrace.trace.finding import Finding, Refusal, find_item
from chemtrace.trace.state import ItemState
from chemtrace.trace.waybill import WaybillState

Role: TypeAlias = Literal["line", "input", "container"]
Issue: TypeAlias = Literal["issued", "not-issued", "foreign-issuer", "unchecked"]
Resolved: TypeAlias = tuple[int, str, str]
"""An older finding that is explained now: (index, code, rule)."""

Changes: TypeAlias = dict[str, Any]
"""Fields of `ItemState` and their new values; Any because each field has its own type."""


class Facts(msgspec.Struct, frozen=True, gc=False):
    """What a step needs beyond the item: its part in the event, and what others know.

    `quantity` is what the event states for this item. `issue` is only looked up where a code is born or voided.
    `waybill` is the one the event names. `chemical` is the CAS number of the code's slot. `privileged` marks the
    authority.
    """

    role: Role = "line"
    quantity: Quantity | None = None
    issue: Issue = "unchecked"
    waybill: WaybillState | None = None
    chemical: str | None = None
    privileged: bool = False


class Move(msgspec.Struct, frozen=True, gc=False):
    """What a stage decides: changed fields, findings, a refusal, older findings explained.

    With a refusal, `changes` are what an event with stance `exception` brings about nevertheless.
    """

    changes: Changes
    findings: tuple[Finding, ...] = ()
    refusal: Refusal | None = None
    resolved: tuple[Resolved, ...] = ()


class Step(msgspec.Struct, frozen=True, gc=False):
    """The item after the event, and what was found, refused or explained on the way."""

    state: ItemState
    findings: tuple[Finding, ...] = ()
    refusal: Refusal | None = None
    resolved: tuple[Resolved, ...] = ()


def refuse(
    rule: str,
    event: ItemEvent,
    state: ItemState,
    changes: Changes | None = None,
    *,
    expected: str | int | None = None,
    found: str | None = None,
) -> Move:
    """Refuse by `rule`; `changes` is what happens if the event is an exception (default: nothing)."""
    told = find_item(rule, event, state, expected=expected, found=found)
    return Move(changes or {}, refusal=Refusal(told))


def note(
    rule: str,
    event: ItemEvent,
    state: ItemState,
    changes: Changes | None = None,
    *,
    expected: str | int | None = None,
    found: str | None = None,
) -> Move:
    """Admit with a finding of `rule`."""
    return Move(changes or {}, (find_item(rule, event, state, expected=expected, found=found),))
