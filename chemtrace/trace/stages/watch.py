"""inspect/done and count/done: somebody saw the item; custody does not change."""

from __future__ import annotations

from chemtrace.trace.custody import contradiction, found_by, standing
from chemtrace.trace.event import ItemEvent
from chemtrace.trace.state import ItemState
from chemtrace.trace.step import Changes, Facts, Move, note


def inspect(state: ItemState, event: ItemEvent, facts: Facts) -> Move:
    """Anybody may look. Found: item.unknown (the code stays unborn), closed, missing, void."""
    del facts
    stands = standing(state, event)
    if stands in ("unborn", "closed", "missing", "void"):
        return contradiction(state, event, stands)
    return Move({})


def count(state: ItemState, event: ItemEvent, facts: Facts) -> Move:
    """Stock-taking by the holder, or by whoever counts the site where the item is recorded.

    Found: item.unknown, closed, missing, void, not-received, not-holder.
    """
    stands = standing(state, event)
    if stands == "unborn":
        return note("item.unknown", event, state, found_by(event, facts))
    if state.parent is not None:
        return Move({})
    if stands == "own":
        if state.status == "in_transit" or event.site is None:
            return Move({})
        changes: Changes = {"site": event.site}
        return Move(changes)
    if stands == "stranger" and event.site is not None and event.site == state.site:
        return Move({})
    return contradiction(state, event, stands)
