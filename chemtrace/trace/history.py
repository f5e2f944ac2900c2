"""The history of an item: its state as of any index or time, and who answered for it, where, since when."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from chemtrace.trace.event import ItemEvent
from chemtrace.trace.finding import Finding
from chemtrace.trace.fold import Folded, PartyCheck, WaybillLookup, fold, past_facts, standing_events
from chemtrace.trace.lifecycle import advance
from chemtrace.trace.state import ItemState, unborn
from chemtrace.trace.view import Past


class Moment(msgspec.Struct, frozen=True):
    """One event of an item in effective order, the state after it, and what it was found to break."""

    event: ItemEvent
    state: ItemState
    findings: tuple[Finding, ...]


class CustodySpan(msgspec.Struct, frozen=True):
    """One stretch of custody: who answered for the item, where, in which status; `to_us` None: until now.

    Times are effective times in microseconds UTC; `from_index` is the event that began it.
    """

    holder: str | None
    site: str | None
    status: str
    parent: str | None
    from_us: int
    to_us: int | None
    from_index: int


def as_of(
    code: str,
    history: Iterable[Past],
    *,
    waybill: WaybillLookup,
    is_authority: PartyCheck,
    index: int | None = None,
    time_us: int | None = None,
) -> Folded:
    """The item as the ledger knew it at `index` (inclusive), or as it was at `time_us`, or both; None: no limit.

    By index, later events and corrections are not known yet; by time, all that is known now is used.
    """
    known = [past.event for past in history if past.effect and (index is None or past.event.index <= index)]
    if time_us is not None:
        known = [e for e in standing_events(known) if e.effective_us <= time_us and e.kind != "correct"]
    return fold(code, known, waybill=waybill, is_authority=is_authority)


def timeline(
    code: str, history: Iterable[Past], *, waybill: WaybillLookup, is_authority: PartyCheck
) -> tuple[Moment, ...]:
    """Every event with effect in effective order, with the state after it."""
    events = [past.event for past in history if past.effect]
    folded = fold(code, events, waybill=waybill, is_authority=is_authority)
    state = unborn(code)
    moments = []
    for event in standing_events(events):
        state = advance(
            state, event, past_facts(event, code, waybill=waybill, is_authority=is_authority)
        ).state
        moments.append(Moment(event, state, folded.findings.get(event.index, ())))
    return tuple(moments)


def custody(moments: Iterable[Moment]) -> tuple[CustodySpan, ...]:
    """The stretches of custody that a timeline shows, without gaps, oldest first."""
    spans: list[CustodySpan] = []
    for moment in moments:
        state, at_us = moment.state, moment.event.effective_us
        key = (state.holder, state.site, state.status, state.parent)
        if spans:
            last = spans[-1]
            if key == (last.holder, last.site, last.status, last.parent):
                continue
            spans[-1] = msgspec.structs.replace(last, to_us=at_us)
        spans.append(CustodySpan(*key, from_us=at_us, to_us=None, from_index=moment.event.index))
    return tuple(spans)
