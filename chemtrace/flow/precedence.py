"""One cause, one alert: which detector answers for a contradiction, and which alert takes in which other.

A cloned drum also looks like a skipped step, is used beyond its fill and comes back after it was emptied. Two tables
decide, both read from the top: `cause` within one event, `COVERED_BY` between events about the same code.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, cast

import msgspec

from chemtrace.flow.observation import Observation
from chemtrace.trace.finding import NOBODY

if TYPE_CHECKING:
    from chemtrace.trace.event import ItemEvent
    from chemtrace.trace.state import ItemState, Status


class Case(msgspec.Struct, frozen=True):
    """One event seen from one of its codes: the state before it and the rules it breaks there."""

    event: ItemEvent
    before: ItemState
    rules: frozenset[str]
    event_rules: frozenset[str]


WITHOUT_HANDS: Final = frozenset({"inspect", "report", "correct"})
"""Kinds that say nothing about who has the item: anybody may look at it or report on it."""

CLOSED_RULES: Final = frozenset({"item.closed", "item.void", "item.missing"})
UNKNOWN_RULES: Final = frozenset({"item.unknown", "item.not-issued", "item.foreign-issuer"})
HANDS_RULES: Final = frozenset({"item.not-holder", "item.no-offer", "item.reclaimed"})
SKIPPED_RULES: Final = frozenset({"item.not-loaded", "item.not-received", *HANDS_RULES})
USED_RULES: Final = frozenset({"item.over-use", "item.closed"})


def _same_user_goes_on(case: Case) -> bool:
    """Drawing more from an item that one's own use has emptied is a question of quantity, not of identity."""
    return (
        case.event.kind == "use" and case.before.status == "spent" and case.before.holder == case.event.actor
    )


def _is_over_use(case: Case) -> bool:
    return bool(case.rules & USED_RULES) and ("item.over-use" in case.rules or _same_user_goes_on(case))


def _is_revived(case: Case) -> bool:
    if case.rules & CLOSED_RULES:
        return not _same_user_goes_on(case)
    return bool(case.rules & HANDS_RULES) and case.before.status == "spent" and case.event.phase == "consume"


def _is_unknown(case: Case) -> bool:
    return bool(case.rules & UNKNOWN_RULES)


def _is_misdelivered(case: Case) -> bool:
    """The waybill names another consignee: the receiver's lack of custody has the same cause."""
    return "waybill.consignee" in case.event_rules and bool(case.rules & SKIPPED_RULES)


def _is_in_foreign_hands(case: Case) -> bool:
    """Somebody has the item to whom it never passed, and does not say that the holder gave it."""
    before, event = case.before, case.event
    if not case.rules & HANDS_RULES or before.holder is None or event.kind in WITHOUT_HANDS:
        return False
    if event.kind == "count" and event.site is not None and event.site == before.site:
        return False
    known = {before.holder, before.shipper, before.consignee, *(before.offer or ())} - {None}
    return event.actor not in known and event.counterparty not in known


def _is_skipped(case: Case) -> bool:
    before, event = case.before, case.event
    if not case.rules & SKIPPED_RULES or event.kind in WITHOUT_HANDS:
        return False
    # What the holder says again where the item is already is a retry under a new id, not a step left out.
    said_again = event.actor == before.holder and (event.kind == "trade" or event.site == before.site)
    comes_from_outside = event.kind == "trade" and (event.counterparty or "").startswith(("OUTSIDE", "ext:"))
    return not (said_again or comes_from_outside)


CAUSES: Final[tuple[tuple[str, Callable[[Case], bool]], ...]] = (
    ("C3", _is_revived),
    ("C1", _is_unknown),
    ("T3", _is_misdelivered),
    ("C2", _is_in_foreign_hands),
    ("Q1", _is_over_use),
    ("C5", _is_skipped),
)
"""Within one event and code the first that fits is the cause; the others are not asked."""


def cause(obs: Observation, code: str) -> tuple[str, frozenset[str]]:
    """The detector that answers for what this event breaks on `code` (empty for none), and the rules it breaks."""
    rules = frozenset([finding.rule for finding in obs.findings if finding.code == code])
    before = obs.before.get(code)
    if before is None or not rules:
        return "", rules
    if obs.event.late:
        before = as_of(before, obs)
    case = Case(obs.event, before, rules, frozenset([finding.rule for finding in obs.findings]))
    return next((name for name, fits in CAUSES if fits(case)), ""), rules


def as_of(state: ItemState, obs: Observation) -> ItemState:
    """Who held the item, and in which status, when a late event counts: its findings say so, the state does not.

    Offers and consignments of that moment are not known; who expects the item breaks another rule than a stranger.
    """
    for finding in obs.findings:
        sides = dict(finding.sides)
        if finding.code == state.code and "holder" in sides:
            holder = None if sides["holder"] == NOBODY else sides["holder"]
            status = cast("Status", sides.get("status", state.status))
            return msgspec.structs.replace(
                state, holder=holder, status=status, offer=None, shipper=None, consignee=None
            )
    return state


COVERED_BY: Final[dict[str, tuple[str, ...]]] = {
    "C2": ("C1", "C3"),
    "C3": ("C1", "C2"),
    "C5": ("C1", "C3", "C2", "T2", "T1"),
    "Q1": ("C1", "C3", "C2"),
    "Q3": ("C1", "C3", "C2"),
    "T1": ("C1", "C3", "C2", "C5"),
}
"""Detector -> those whose live alert on the same code takes in its claims. Raising one of them later takes over
claims that already stand; C2 and C3, and T1 and C5, cover each other: the first one stands."""

WAITS_FOR: Final[dict[str, tuple[str, ...]]] = {
    "C5": ("C1", "C2"),
    "Q1": ("C1", "C2"),
    "Q3": ("C1", "C2"),
    "T1": ("C1", "C2"),
}
"""Detector -> those whose held claim on the same code it waits for: it is raised when that one is explained away."""
