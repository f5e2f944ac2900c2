"""Pieces of evidence, made where they are seen; ids and leaves of older entries are filled in by the casebook."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias

from chemtrace.flow.observation import Observation, RefusalSeen
from chemtrace.flow.signal import Evidence

if TYPE_CHECKING:
    from chemtrace.trace.state import ItemState

Sides: TypeAlias = Mapping[str, str]
"""Both sides of a mismatch by name: `expected` is what the ledger knows, `found` what was stated."""


def seen(obs: Observation, role: str) -> Evidence:
    """The observed event itself."""
    return Evidence(role, obs.event.index, None, obs.event.event_id.hex(), obs.leaf)


def refused(refusal: RefusalSeen, role: str) -> Evidence:
    """A kept refusal: its number and the event id of the statement; it has no leaf."""
    return Evidence(role, None, refusal.id, refusal.event_id.hex(), "")


def recorded(state: ItemState, role: str = "recorded") -> tuple[Evidence, ...]:
    """The last event that the ledger holds of an item before this one; empty for an item without a history.

    Whatever it is: the state does not say which event brought about which part of it.
    """
    if state.last_index < 0:
        return ()
    return (Evidence(role, state.last_index, None, state.last_event_id.hex(), ""),)


def entry(index: int, role: str) -> tuple[Evidence, ...]:
    """An entry known by its index only; empty where the index is none (below 0)."""
    return (Evidence(role, index, None, "", ""),) if index >= 0 else ()
