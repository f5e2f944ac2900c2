"""Who has no part in an item may still speak of it: so that all can see it, and not without end.

Found property, a count of one's own yard, a spill in the street: anybody may say what it saw, and is admitted. It is
told that it has no part in the item (`item.foreign-report`), and after `FOREIGN_LIMIT` events it is refused
(`item.foreign-limit`) until another answers for the item: every event about an item goes into its proof, and nobody
may make the proof of another's drum too long to be carried. Decided in docs/adr/0025.
"""

from __future__ import annotations

from typing import Final

import msgspec

from chemtrace.trace.containment import has_in_hand, outermost, resolve
from chemtrace.trace.event import ItemEvent
from chemtrace.trace.finding import Finding, Refusal, find_item
from chemtrace.trace.lifecycle import IN_HAND
from chemtrace.trace.state import ItemState
from chemtrace.trace.view import ItemsView
from chemtrace.trace.waybill import WaybillState

FOREIGN_LIMIT: Final = 16
"""Events of one enterprise about an item in which it has no part, until another answers for the item.

Whoever works with a drum whose receipt nobody has told uses it some dozen times; sixteen headers of at most 48 KiB are
0.75 MiB, so that eleven enterprises must conspire to make a history longer than the 8 MiB of one proof file."""

LATE_LIMIT: Final = 64
"""The same for what one who has held the item tells late: a telephone may come back with weeks of work."""

MOST_VOICES: Final = 64
"""Outsiders that an item remembers; who spoke longest ago is forgotten first. So many could fill a proof anyhow."""

FOREIGN: Final = "item.foreign-report"
LIMIT: Final = "item.foreign-limit"

_EXTERNAL: Final = "ext:"
_WITHOUT_HANDS: Final = frozenset({"inspect", "report", "correct"})


class Outsider(msgspec.Struct, frozen=True, gc=False):
    """A word about an item by somebody with no part in it: under which name it counts, and what is found, if anything.

    Who held the item before has no part in it now, and is not blamed for speaking of it; neither is a warehouse that
    takes it in for its holder, nor a party of the waybill under which the holder sends it.
    """

    voice: str
    finding: Finding | None


def judge_outsider(
    event: ItemEvent, state: ItemState, view: ItemsView, waybill: WaybillState | None = None
) -> Outsider | None:
    """Say whether the actor has no part in the item of `state`, which is the item before the event; None: it has.

    Raises:
        RuleError: it has said `FOREIGN_LIMIT` things of the item since another answers for it (item.foreign-limit).
            Stance `exception` does not lift this: an exception records what has happened, and that stands by then.
    """
    if not _is_mere_word(event, state) or _has_part(event, state, view):
        return None
    voice = _voice(event.actor)
    words = dict(state.outside).get(voice, 0)
    keeps_place = _keeps_place(event, state, view)
    if keeps_place and not words:
        return None
    limit = LATE_LIMIT if event.late and event.actor in state.former else FOREIGN_LIMIT
    if words >= limit:
        seen = resolve(state, view.state)
        raise Refusal(find_item(LIMIT, event, seen, expected=limit, found=str(words))).error()
    if keeps_place or event.actor in state.former or _is_at_its_service(event, state, waybill):
        return Outsider(voice, None)
    return Outsider(voice, find_item(FOREIGN, event, resolve(state, view.state)))


def remember(before: ItemState, after: ItemState, outsider: Outsider | None) -> ItemState:
    """The item after an event, with the words of outsiders counted: anew when another answers for it.

    They are counted as they arrive, with effect or without: a fold by effective time leaves them out.
    """
    outside = before.outside if before.holder == after.holder else ()
    if outsider is not None:
        words = dict(outside).get(outsider.voice, 0)
        others = [known for known in outside if known[0] != outsider.voice]
        outside = (*others[1 - MOST_VOICES :], (outsider.voice, words + 1))
    return after if after.outside == outside else msgspec.structs.replace(after, outside=outside)


def _is_mere_word(event: ItemEvent, state: ItemState) -> bool:
    """Tell whether the event is admitted whoever says it, and leaves the item in the hands of another.

    What is still in hand is refused to outsiders anyhow. Of an unproven item at rest the latest word about hands
    counts: it makes its actor the holder.
    """
    if (event.kind, event.phase) in IN_HAND:
        return event.exception and state.status != "unborn"
    return state.proven or state.status not in ("held", "spent") or event.kind in _WITHOUT_HANDS


def _is_at_its_service(event: ItemEvent, state: ItemState, waybill: WaybillState | None) -> bool:
    """Tell whether the actor says that it acts for the holder, who may contradict it."""
    if event.kind == "store" and state.holder is not None and event.counterparty == state.holder:
        return True
    return (
        waybill is not None
        and state.holder == waybill.consignor
        and event.actor in (waybill.carrier, waybill.consignee, waybill.loader)
    )


def _has_part(event: ItemEvent, state: ItemState, view: ItemsView) -> bool:
    """Tell whether the item concerns the actor now: its parties, who keeps its place, and who inspects by office.

    Parties are named by the word of others: a claim of its own makes nobody a party.
    """
    actor = event.actor
    named = (state.holder, state.producer, state.shipper, state.consignee, *(state.offer or ()))
    if actor in named or view.may_inspect(actor):
        return True
    if has_in_hand(outermost(state, view.state), event):
        return True
    return not state.proven and view.is_issuer(state.code, actor)


def _keeps_place(event: ItemEvent, state: ItemState, view: ItemsView) -> bool:
    """Tell whether the item stands at a site of the actor: the holder's word, unless the actor spoke as an outsider."""
    site = outermost(state, view.state).site
    return site is not None and view.site_owner(site) == event.actor


def _voice(actor: str) -> str:
    """Who is behind a name: one importer can speak for any number of parties of its namespace."""
    return ":".join(actor.split(":")[:2]) if actor.startswith(_EXTERNAL) else actor
