"""correct/done: an event was wrong and has no effect any more; nothing is edited (rule R-22)."""

from __future__ import annotations

from msgspec.structs import replace

from chemtrace.core.errors import EventNotFoundError, PayloadError
from chemtrace.core.events.items import Correct
from chemtrace.trace.consignment import undo
from chemtrace.trace.containment import first_in_ring
from chemtrace.trace.event import ItemEvent
from chemtrace.trace.finding import Finding, Refusal, find, find_item
from chemtrace.trace.fold import Revision, revise_corrected, without_effect
from chemtrace.trace.judgement import Judgement
from chemtrace.trace.outsiders import judge_outsider, remember
from chemtrace.trace.rules import RULES
from chemtrace.trace.state import ItemState
from chemtrace.trace.step import Resolved
from chemtrace.trace.view import ItemsView
from chemtrace.trace.waybill import WaybillState


def judge_correction(event: ItemEvent, view: ItemsView) -> Judgement:
    """Fold every item of the event named again without it; all of them, or none where others' work would be undone.

    Raises:
        EventNotFoundError: there is no such item event (correct.unknown).
        RuleError: it is another party's event, and the sender is not the authority (correct.foreign).
    """
    target = _target(event, view)
    if target.actor != event.actor and not view.is_authority(event.actor):
        told = find("correct.foreign", event, "", expected=target.actor, found=event.actor)
        raise Refusal(told).error()
    before = {code: view.state(code) for code in target.codes}
    outsiders = {code: judge_outsider(event, state, view) for code, state in before.items()}
    judged = _judged(event, target, before, view)
    after = {code: remember(before[code], state, outsiders[code]) for code, state in judged.after.items()}
    return replace(judged, after=after)


def _judged(event: ItemEvent, target: ItemEvent, before: dict[str, ItemState], view: ItemsView) -> Judgement:
    revisions = {code: revise_corrected(event, target, state, view) for code, state in before.items()}
    ringed = first_in_ring({code: each.state for code, each in revisions.items()}, view.state)
    if ringed is not None:
        return _without_effect(event, target, before, (_ring(event, ringed),), view)
    if all(revision.effect for revision in revisions.values()):
        return _applied(event, target, before, revisions, view)
    findings = [found for revision in revisions.values() for found in revision.findings]
    superseded = tuple([found for found in findings if found.rule == "correct.superseded"])
    return _without_effect(event, target, before, superseded, view)


def _without_effect(
    event: ItemEvent,
    target: ItemEvent,
    before: dict[str, ItemState],
    findings: tuple[Finding, ...],
    view: ItemsView,
) -> Judgement:
    return Judgement(
        before=before,
        after={code: without_effect(state, event) for code, state in before.items()},
        waybills=_touched(event, target, view, undone=False),
        findings=findings,
        resolved=(),
        effect=dict.fromkeys(before, False),
    )


def _ring(event: ItemEvent, ringed: ItemState) -> Finding:
    """The correction would put a container into what was packed into it since."""
    said = f"pack/done, {ringed.holder}, item.packed"
    return find_item("correct.superseded", event, ringed, expected=ringed.last_index, found=said)


def _target(event: ItemEvent, view: ItemsView) -> ItemEvent:
    payload = event.payload
    if not isinstance(payload, Correct):
        raise PayloadError(
            "correct/done needs the payload of a correction", kind=event.kind, phase=event.phase
        )
    target = view.event(bytes.fromhex(payload.event))
    if target is None or target.kind == "waybill":
        rule = RULES["correct.unknown"]
        raise EventNotFoundError(
            rule.text_en.format(found=payload.event),
            rule_id=rule.id,
            event=payload.event,
            text_zh=rule.text_zh.format(found=payload.event),
        )
    return target


def _applied(
    event: ItemEvent,
    target: ItemEvent,
    before: dict[str, ItemState],
    revisions: dict[str, Revision],
    view: ItemsView,
) -> Judgement:
    resolved: tuple[Resolved, ...] = ()
    for revision in revisions.values():
        resolved += revision.resolved
    return Judgement(
        before=before,
        after={code: revision.state for code, revision in revisions.items()},
        waybills=_touched(event, target, view, undone=True),
        findings=tuple([found for revision in revisions.values() for found in revision.findings]),
        resolved=resolved,
        effect=dict.fromkeys(before, True),
    )


def _touched(
    event: ItemEvent, target: ItemEvent, view: ItemsView, *, undone: bool
) -> dict[str, WaybillState]:
    waybill = None if target.waybill is None else view.waybill(target.waybill)
    if waybill is None:
        return {}
    after = undo(waybill, target=target, by=event) if undone else replace(waybill, last_index=event.index)
    return {waybill.number: after}
