"""Judging one event against the ledger: what it changes, what it breaks, whether it is refused.

Steps, numbered in the code: (1) what concerns the event as a whole, (2) every item's own step, late ones by folding
their history again, (3) the waybill, (4) the mass balance, (5) a refusal ends it or, under stance `exception`, becomes
a critical finding. Form, identity and signatures are admission's; so is the order of `prev`.
"""

from __future__ import annotations

from typing import Final

import msgspec

from chemtrace.core.events.items import Produce
from chemtrace.core.times import MAX_US, format_utc
from chemtrace.trace.balance import check_chemicals, weigh
from chemtrace.trace.consignment import Match, match_arrival, match_load, refuse_stranger
from chemtrace.trace.containment import first_in_ring, has_in_hand, outermost, resolve
from chemtrace.trace.correction import judge_correction
from chemtrace.trace.custody import is_offered_elsewhere
from chemtrace.trace.event import ItemEvent
from chemtrace.trace.finding import Finding, Refusal, find, find_item
from chemtrace.trace.fold import Revision, revise_late, without_effect
from chemtrace.trace.freight import contents
from chemtrace.trace.judgement import Judgement
from chemtrace.trace.lifecycle import IN_HAND, advance
from chemtrace.trace.maker import as_at_hand, is_makers_word
from chemtrace.trace.outsiders import Outsider, judge_outsider, remember
from chemtrace.trace.stages.trade import AGGREGATE
from chemtrace.trace.state import ItemState
from chemtrace.trace.step import Facts, Issue, Resolved, Role
from chemtrace.trace.view import ItemsView
from chemtrace.trace.waybill import WaybillState
from chemtrace.trace.waybill_events import advance_waybill

FUTURE_LIMIT_US: Final = 24 * 3_600 * 1_000_000
"""An event may claim a time up to 24 h after it was received: wrong zones and clocks, no more."""

_BIRTHS: Final = frozenset(
    {
        ("produce", "make"),
        ("produce", "fill"),
        ("produce", "repack"),
        ("transform", "done"),
        ("store", "opening"),
    }
)
_LABELS: Final = frozenset({("report", "void"), ("report", "reprint")})
_OWN_GROUND: Final = frozenset({"produce", "use", "transform", "pack", "unpack"})
"""Kinds done at a site of one's own; storing, counting, moving and looking may be done at another's."""
_OF_SOMETHING: Final = frozenset(
    {
        ("produce", "make"), ("produce", "fill"), ("produce", "repack"), ("transform", "done"), ("trade", "sell"),
        ("trade", "buy"), ("transport", "load"), ("use", "consume"), ("report", "spill"),
    }
)  # fmt: skip
"""What is done with an amount; what is weighed may have come to nothing."""
_INSIDE: Final = frozenset(
    {
        ("use", "consume"), ("use", "return"), ("dispose", "hand_over"), ("dispose", "done"), ("dispose", "empty"),
        ("store", "in"), ("store", "out"), ("transport", "arrive"), ("count", "done"),
        ("report", "loss"), ("report", "theft"), ("report", "spill"), ("report", "reprint"),
    }
)  # fmt: skip
"""What happens to a packed item only in the hands of who has its container; a fold relies on that."""


class _Case:
    """The event under judgement and what has come out so far; lives for one call of `judge`."""

    __slots__ = (
        "after", "before", "effect", "event", "findings", "outsiders", "refusals", "resolved", "view", "waybill",
    )  # fmt: skip

    def __init__(self, event: ItemEvent, view: ItemsView, waybill: WaybillState | None) -> None:
        self.event = event
        self.view = view
        self.waybill = waybill
        self.before: dict[str, ItemState] = {}
        self.after: dict[str, ItemState] = {}
        self.effect: dict[str, bool] = {}
        self.outsiders: dict[str, Outsider] = {}
        self.findings: list[Finding] = []
        self.refusals: list[Refusal] = []
        self.resolved: tuple[Resolved, ...] = ()

    def refuse(self, refusal: Refusal) -> None:
        """Stop a normal event; of an exception keep the refusal as a critical finding."""
        if not self.event.exception:
            raise refusal.error()
        self.refusals.append(refusal)
        self.findings.append(refusal.excepted())


def judge(event: ItemEvent, view: ItemsView) -> Judgement:
    """Say what an event does to every item and waybill it names.

    Pure: the same event and the same answers of `view` give the same judgement. `view` is left as it is.

    Raises:
        RuleError: a rule refuses a normal event; fields `rule_id`, `item`, `sides`, `text_zh`, `text_en`.
        EventNotFoundError: a correction of an event that is not there.
        FormError: a quantity in another dimension than the item's.
    """
    _check_time(event)
    _check_amounts(event)
    if event.kind == "waybill":
        return _judge_waybill(event, view)
    if event.site is not None:
        _check_site(event, view)
    if event.kind == "correct":
        return judge_correction(event, view)
    case = _Case(event, view, None if event.waybill is None else _named_waybill(event, view))
    if event.waybill is not None and case.waybill is None:
        case.refuse(Refusal(find("waybill.unknown", event, event.waybill, found=event.waybill)))
    if event.inputs:
        for code, drawn in event.inputs:
            _judge_item(case, code, Facts("input", drawn))
    if event.container is not None:
        _judge_item(case, event.container, Facts("container"))
    for code, quantity in event.lines:
        _judge_item(case, code, Facts("line", quantity, "unchecked", case.waybill))
    if event.inputs:
        _judge_balance(case)
    _judge_containers(case)
    waybills = _judge_transport(case) if event.kind == "transport" or event.waybill is not None else {}
    if case.refusals and (event.inputs or event.container is not None) and not all(case.effect.values()):
        _undo_all(case)
    for code, state in case.before.items():
        case.after[code] = remember(state, case.after[code], case.outsiders.get(code))
    return Judgement(
        before=case.before,
        after=case.after,
        waybills=waybills,
        findings=tuple(case.findings),
        resolved=case.resolved,
        effect=case.effect,
    )


# (1) the event as a whole


def _check_time(event: ItemEvent) -> None:
    if event.at_us <= event.received_us + FUTURE_LIMIT_US:
        return
    limit = format_utc(min(event.received_us + FUTURE_LIMIT_US, MAX_US))
    raise Refusal(find("time.future", event, "", expected=limit, found=format_utc(event.at_us))).error()


def _check_amounts(event: ItemEvent) -> None:
    """Nothing is not made, sold, loaded or used: a drum of nothing would use its code up."""
    if (event.kind, event.phase) not in _OF_SOMETHING:
        return
    for code, amount in (*event.inputs, *event.lines):
        if amount is not None and amount.value == 0:
            said = f"{amount.value:f} {amount.unit}"
            raise Refusal(find("item.nothing", event, code, found=said)).error()


def _check_site(event: ItemEvent, view: ItemsView) -> None:
    """The site must be registered; what is done on one's own ground must be done at one's own site."""
    site = event.site or ""
    owner = view.site_owner(site)
    if owner is None:
        raise Refusal(find("site.unknown", event, "", found=site)).error()
    if owner != event.actor and event.kind in _OWN_GROUND and not event.exception:
        raise Refusal(find("site.foreign", event, "", expected=owner, found=site)).error()


def _named_waybill(event: ItemEvent, view: ItemsView) -> WaybillState | None:
    return None if event.waybill is None else view.waybill(event.waybill)


# (2) every item


def _judge_item(case: _Case, code: str, facts: Facts) -> None:
    event, view = case.event, case.view
    state = view.state(code)
    if (event.kind, event.phase) in _ASKING:
        facts = _with_answers(event, view, state, facts)
    case.before[code] = state
    outsider = None if event.actor == state.holder else judge_outsider(event, state, view, case.waybill)
    _judge_step(case, state, facts)
    if outsider is not None:
        case.outsiders[code] = outsider
        if outsider.finding is not None and not any(found.code == code for found in case.findings):
            case.findings.append(outsider.finding)


def _judge_step(case: _Case, state: ItemState, facts: Facts) -> None:
    event, code = case.event, state.code
    if event.phase == "void" and not case.view.is_issuer(code, event.actor):
        # Told late or in time, it has no effect for ever: a fold does not ask again to whom a code was issued.
        case.after[code] = without_effect(state, event)
        case.effect[code] = False
        case.findings.extend(advance(state, event, facts).findings)
        return
    if event.effective_us < state.effective_us:
        _judge_late(case, state, facts)
        return
    if state.parent is not None and not is_makers_word(state, event, facts) and _is_beyond_reach(case, state):
        return
    step = advance(state, event, facts)
    case.after[code] = step.state
    case.effect[code] = True
    if step.refusal is not None:
        case.refuse(step.refusal)
    if step.findings:
        case.findings.extend(step.findings)
    if step.resolved:
        case.resolved += step.resolved


def _is_beyond_reach(case: _Case, state: ItemState) -> bool:
    """Find a stranger's event about an item in somebody else's container, and leave the item as it is."""
    event = case.event
    if (event.kind, event.phase) not in _INSIDE:
        return False
    outer = outermost(state, case.view.state)
    if has_in_hand(outer, event) or (
        event.kind == "count" and event.site is not None and event.site == outer.site
    ):
        return False
    case.after[state.code] = without_effect(state, event)
    case.effect[state.code] = False
    case.findings.append(find_item("item.not-holder", event, resolve(state, case.view.state)))
    return True


def _judge_late(case: _Case, state: ItemState, facts: Facts) -> None:
    revision = revise_late(case.event, facts, state, case.view)
    if revision.effect and any(found.rule == "item.packed" for found in revision.findings):
        outer = outermost(state, case.view.state)
        if case.event.actor != state.holder and not has_in_hand(outer, case.event):
            told = find_item("item.not-holder", case.event, resolve(state, case.view.state))
            revision = Revision(without_effect(state, case.event), (told,), effect=False)
    case.after[state.code] = revision.state
    case.effect[state.code] = revision.effect
    if revision.refusal is not None:
        case.refuse(revision.refusal)
    case.findings.extend(revision.findings)
    case.resolved += revision.resolved


_ASKING: Final = _BIRTHS | _LABELS | {("pack", "done"), ("transport", "load"), ("report", "found")}
"""Kinds whose step needs more than the item and the event."""


def _with_answers(event: ItemEvent, view: ItemsView, state: ItemState, facts: Facts) -> Facts:
    """Ask the ledger what this kind of event needs to know, and nothing more."""
    pair = (event.kind, event.phase)
    role: Role = facts.role
    issue: Issue = "unchecked"
    chemical: str | None = None
    born = (pair in _BIRTHS and role == "line") or (pair == ("pack", "done") and role == "container")
    if (born and not state.proven) or pair in _LABELS:
        issue = view.issue_status(state.code, event.actor)
    payload = event.payload
    if isinstance(payload, Produce) and payload.chemical is not None and view.catalogue is not None:
        entry = view.catalogue.by_slot.get(state.slot)
        chemical = None if entry is None else entry.cas
    privileged = pair == ("report", "found") and view.is_authority(event.actor)
    return Facts(role, facts.quantity, issue, facts.waybill, chemical, privileged)


def _judge_containers(case: _Case) -> None:
    if case.event.container is not None:
        _judge_ring(case)
        _judge_promises(case)
    elif case.event.kind == "trade" and case.event.phase == "sell":
        _judge_contents(case)


def _judge_ring(case: _Case) -> None:
    """Refuse to put a container into what stands inside it: told late, each step by itself may look right."""
    ringed = first_in_ring(case.after, case.view.state)
    if ringed is None:
        return
    case.refuse(Refusal(find_item("item.packed", case.event, ringed)))
    _undo_all(case)


def _judge_promises(case: _Case) -> None:
    """Refuse to pack what is sold to one into a container that is sold to another."""
    container = case.before[case.event.container or ""]
    offer = outermost(container, case.view.state).offer
    if case.event.kind == "pack" and offer is not None and offer[1] != container.holder:
        _refuse_sold(case, offer[1], container.holder)


def _judge_contents(case: _Case) -> None:
    """Refuse to sell a container with something in it that is sold to another already."""
    _refuse_sold(case, case.event.counterparty or "", case.event.actor)


def _refuse_sold(case: _Case, buyer: str, holder: str | None) -> None:
    """Refuse where a line, or what is inside it, is sold to another than `buyer`; lines themselves see to a sale."""
    event = case.event
    for code, _ in event.lines:
        inside = contents(code, case.view) if code[3] == AGGREGATE else ()
        for sold in (*inside, *([case.before[code]] if event.kind == "pack" else [])):
            if sold.offer is not None and is_offered_elsewhere(sold, buyer) and sold.offer[1] != holder:
                told = find_item("item.double-sale", event, sold, expected=sold.offer[1], found=buyer)
                case.refuse(Refusal(told))


# (3) the waybill


def _judge_transport(case: _Case) -> dict[str, WaybillState]:
    event = case.event
    facts = Facts("line", None, "unchecked", case.waybill)
    at_hand = {code: as_at_hand(state, event, facts) for code, state in case.before.items()}
    if (event.kind, event.phase) == ("transport", "load"):
        match = match_load(event, case.waybill, at_hand, case.view)
    elif event.kind == "transport":
        match = match_arrival(event, case.waybill, at_hand, case.view)
    else:
        match = _named_by_the_way(event, case.waybill, case.view)
    if match.refusal is not None:
        case.refuse(match.refusal)
    case.findings.extend(match.findings)
    if match.waybill is None:
        return {}
    if event.kind == "transport" and not all(case.effect.values()) and case.waybill is not None:
        return {match.waybill.number: msgspec.structs.replace(case.waybill, last_index=event.index)}
    return {match.waybill.number: match.waybill}


def _named_by_the_way(event: ItemEvent, waybill: WaybillState | None, view: ItemsView) -> Match:
    """A sale or purchase that names the waybill of its goods stands in its record, and changes nothing in it."""
    if waybill is None:
        return Match()
    after = msgspec.structs.replace(waybill, last_index=event.index)
    return Match(after, refusal=refuse_stranger(event, waybill, view))


def _judge_waybill(event: ItemEvent, view: ItemsView) -> Judgement:
    match = advance_waybill(_named_waybill(event, view), event, view)
    findings = match.findings
    if match.refusal is not None:
        if not event.exception or match.waybill is None:
            raise match.refusal.error()
        findings = (match.refusal.excepted(), *findings)
    waybills = {} if match.waybill is None else {match.waybill.number: match.waybill}
    return Judgement({}, {}, waybills, findings, (), {})


# (4) the mass balance


def _judge_balance(case: _Case) -> None:
    event = case.event
    if event.kind == "produce":
        refusal = check_chemicals(event)
        if refusal is not None:
            case.refuse(refusal)
    case.findings.extend(weigh(event))


# (5) exceptions


def _undo_all(case: _Case) -> None:
    """Inputs, outputs and containers belong together: where one has no effect, none has."""
    for code, state in case.before.items():
        case.after[code] = without_effect(state, case.event)
        case.effect[code] = False
    case.resolved = ()


__all__ = ["FUTURE_LIMIT_US", "IN_HAND", "Judgement", "judge"]
