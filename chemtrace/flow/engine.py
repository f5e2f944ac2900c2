"""The fold: what admission decided goes in, alerts and watches come out.

Order of input: every entry of the log by index; a kept refusal before the entry of its `at_size`; a tick at each
epoch with its log time. `observe`, `refused`, `handled` and `broken` change the state at once; `tick` releases what
is due and hands over everything that changed since the tick before, to be written in one transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

import msgspec

from chemtrace.flow.alert import DECIDED, HANDLED, Alert, Step
from chemtrace.flow.casebook import Casebook, Changes, EntryLookup
from chemtrace.flow.detector import ANY_REFUSAL, Detector
from chemtrace.flow.device import note_event
from chemtrace.flow.observation import Fault, Handling, Observation, RefusalSeen
from chemtrace.flow.retrospect import looked_back, own_findings
from chemtrace.flow.signal import Explain, Hold, Raise, Signal
from chemtrace.flow.state import State

CORRECTED_ZH: Final = "该事件已被第 {index} 条更正。"
CORRECTED_EN: Final = "The event was corrected at index {index}."
RESOLVED_ZH: Final = "迟到的第 {index} 条消除了这一矛盾。"
RESOLVED_EN: Final = "The event at index {index}, which came late, resolves the contradiction."

WITHOUT_EFFECT: Final = "correct.superseded"
"""What is found of a correction that corrects nothing."""

FOREIGN: Final = "ext:"
"""How a party of another namespace begins: an importer speaks for it."""


def _no_entry(_index: int) -> tuple[str, str]:
    return "", ""


class Engine:
    """One engine per ledger, driven by one thread; detectors are asked in the order given."""

    def __init__(
        self, detectors: Sequence[Detector], state: State | None = None, *, lookup: EntryLookup = _no_entry
    ) -> None:
        """Take the detectors, the state to go on from, and where to find event id and leaf of older entries."""
        self._detectors = {detector.id: detector for detector in detectors}
        self._by_kind = _wakers(detectors, lambda detector: detector.kinds)
        self._by_rule = _wakers(detectors, lambda detector: detector.rules)
        self._by_refusal = _wakers(detectors, lambda detector: detector.refusals)
        self._on_fault = [detector.on_fault for detector in detectors if detector.on_fault is not None]
        self._state = State() if state is None else state
        self._lookup = lookup
        self._cases = Casebook(self._detectors, self._state, lookup)

    @property
    def state(self) -> State:
        """What the engine remembers now; encode it only right after a tick."""
        return self._state

    def observe(self, obs: Observation) -> None:
        """Take one admitted event."""
        if obs.findings and any(finding.index != obs.event.index for finding in obs.findings):
            self._look_back(obs)
            obs = own_findings(obs)
        event, memory = obs.event, self._state.memory
        told_first_hand = not event.actor.startswith(FOREIGN)
        for detector in self._asked(obs) if obs.findings else self._by_kind.get(event.kind, ()):
            if told_first_hand or not detector.first_hand:
                signals = detector.on_event(obs, memory)
                if signals:
                    self._apply(signals, event.received_us)
        if obs.resolved:
            self._resolve(obs)
        if event.kind == "correct" and not any(found.rule == WITHOUT_EFFECT for found in obs.findings):
            self._correct(obs)
        if told_first_hand and obs.kid:
            note_event(
                memory, kid=obs.kid, actor=event.actor, at_us=event.at_us, received_us=event.received_us
            )

    def refused(self, refusal: RefusalSeen) -> None:
        """Take one kept refusal."""
        told_first_hand = not refusal.enterprise.startswith(FOREIGN)
        for detector in (*self._by_refusal.get(refusal.code, ()), *self._by_refusal.get(ANY_REFUSAL, ())):
            if detector.on_refusal is not None and (told_first_hand or not detector.first_hand):
                self._apply(detector.on_refusal(refusal, self._state.memory), refusal.received_us)

    def broken(self, fault: Fault) -> None:
        """Take a contradiction in our own records."""
        for on_fault in self._on_fault:
            self._apply(on_fault(fault), fault.found_us)

    def handled(self, handling: Handling, stored: Alert | None = None) -> Alert | None:
        """Take a person's decision and return the alert as it is now; None when there is no such alert.

        `stored` is the alert as the table has it, for one that is not live any more.
        """
        alert = self._state.alerts.get(handling.alert, stored)
        status = HANDLED.get(handling.phase)
        if alert is None or status is None:
            return None
        if handling.phase == "explain" and alert.status in DECIDED:
            status = alert.status
        note = handling.remark or ""
        step = Step(status, handling.index, handling.event_id, handling.actor, handling.at_us, note, note)
        decided = msgspec.structs.replace(
            alert, status=status, assignee=handling.assignee or alert.assignee, steps=(*alert.steps, step)
        )
        self._cases.decide(decided)
        return decided

    def tick(self, log_time_us: int) -> Changes:
        """Release what is due at this log time and return everything that changed since the last tick."""
        self._cases.release(log_time_us)
        self._state.memory.forget(log_time_us)
        return self._cases.changes()

    def _look_back(self, obs: Observation) -> None:
        """Ask the detectors that a finding on an older event wakes; what else that event did was seen in its time."""
        for index in sorted({finding.index for finding in obs.findings if finding.index in obs.older}):
            again = looked_back(obs, index, self._lookup(index)[1])
            woken = {detector.id for f in again.findings for detector in self._by_rule.get(f.rule, ())}
            for detector in self._detectors.values():
                if detector.id in woken and not (
                    detector.first_hand and again.event.actor.startswith(FOREIGN)
                ):
                    self._apply(detector.on_event(again, self._state.memory), obs.event.received_us)

    def _asked(self, obs: Observation) -> list[Detector]:
        """Those woken by the event's kind or by one of its findings, in the order of all."""
        woken = {detector.id for detector in self._by_kind.get(obs.event.kind, ())}
        for finding in obs.findings:
            woken.update([detector.id for detector in self._by_rule.get(finding.rule, ())])
        return [detector for detector in self._detectors.values() if detector.id in woken]

    def _apply(self, signals: Iterable[Signal], now_us: int) -> None:
        for signal in signals:
            match signal:
                case Raise():
                    self._cases.raise_now(signal, now_us)
                case Hold():
                    self._cases.hold(signal)
                case Explain():
                    self._cases.explain(signal, now_us)

    def _resolve(self, obs: Observation) -> None:
        """End every claim that rests on an older finding which this event explained away.

        What rests on the very event that a correction names is for `_correct`.
        """
        step = _step(obs, RESOLVED_ZH, RESOLVED_EN)
        corrected = getattr(obs.event.payload, "event", None) if obs.event.kind == "correct" else None
        for index, code, rule in obs.resolved:
            for name in self._detectors:
                for claim in self._state.claims_of(f"{name}|{code}"):
                    proof = claim.draft.evidence[0]
                    if claim.draft.rule == rule and proof.index == index and proof.event_id != corrected:
                        self._cases.end(claim, step, obs.event.received_us)

    def _correct(self, obs: Observation) -> None:
        """End what rests on a corrected event; see `Detector.correctable` for what is raised already."""
        named = getattr(obs.event.payload, "event", "")
        step = _step(obs, CORRECTED_ZH, CORRECTED_EN)
        for claim_id in sorted(self._state.by_event.get(named, ())):
            claim = self._state.claims.get(claim_id)
            if claim is not None and (
                claim.place == "held" or self._detectors[claim.draft.detector].correctable
            ):
                self._cases.end(claim, step, obs.event.received_us)


def _wakers(
    detectors: Sequence[Detector], words: Callable[[Detector], frozenset[str]]
) -> dict[str, tuple[Detector, ...]]:
    found: dict[str, tuple[Detector, ...]] = {}
    for detector in detectors:
        for word in words(detector):
            found[word] = (*found.get(word, ()), detector)
    return found


def _step(obs: Observation, zh: str, en: str) -> Step:
    event = obs.event
    noted = {"note_zh": zh.format(index=event.index), "note_en": en.format(index=event.index)}
    return Step("withdrawn", event.index, event.event_id.hex(), event.actor, event.received_us, **noted)
