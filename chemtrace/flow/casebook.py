"""Claims becoming alerts: raised, joined, covered by a better explanation, withdrawn, uncovered again."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping

import msgspec

from chemtrace.core.codes import CODE_SIGNS
from chemtrace.flow.alert import CLOSED, Alert, Step
from chemtrace.flow.detector import Detector
from chemtrace.flow.incident import add_evidence, open_alert, restate
from chemtrace.flow.precedence import COVERED_BY, WAITS_FOR
from chemtrace.flow.signal import Evidence, Explain, Hold, Raise
from chemtrace.flow.state import (
    NEVER_US,
    Claim,
    ClaimId,
    State,
    Watch,
    claim_row,
    encode_claim,
    encode_memo,
    memo_row,
)

EntryLookup = Callable[[int], tuple[str, str]]
"""Event id and leaf in hex of the entry at an index, empty where there is none; asked for older evidence only."""

SUPERSEDED_ZH = "已并入对同一追溯码更能说明原因的预警。"
SUPERSEDED_EN = "Taken over by the alert on the same code that explains the cause."


class Changes(msgspec.Struct, frozen=True):
    """What to write in one transaction: alerts by what became of them, watch rows to set, watch keys to delete.

    An alert stands in exactly one of the four lists, in its latest form.
    """

    raised: tuple[Alert, ...] = ()
    updated: tuple[Alert, ...] = ()
    withdrawn: tuple[Alert, ...] = ()
    handled: tuple[Alert, ...] = ()
    held: tuple[Watch, ...] = ()
    released: tuple[str, ...] = ()

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """Every alert that changed."""
        return (*self.raised, *self.updated, *self.withdrawn, *self.handled)


class Casebook:
    """Moves claims through their places and keeps alerts in step; notes what has to be written."""

    def __init__(self, detectors: Mapping[str, Detector], state: State, lookup: EntryLookup) -> None:
        """Work on `state` in place."""
        self._detectors = detectors
        self._state = state
        self._lookup = lookup
        self._due = [(claim.due_us, claim.id) for claim in state.claims.values() if claim.due_us < NEVER_US]
        heapq.heapify(self._due)
        self._fates: dict[str, str] = {}
        self._gone: dict[str, Alert] = {}
        self._touched: set[ClaimId] = set()

    # ---------------------------------------------------------------- what is said

    def raise_now(self, signal: Raise, now_us: int) -> None:
        """Take a claim that waits for nothing."""
        self._submit(Claim(key=signal.key, name=signal.claim, draft=signal.draft, place="held"), now_us)

    def hold(self, signal: Hold) -> None:
        """Keep a claim until it is due; one that stands already keeps its place and its due time."""
        if (signal.key, signal.claim) not in self._state.claims:
            self._store(
                Claim(
                    key=signal.key, name=signal.claim, draft=signal.draft, place="held", due_us=signal.due_us
                )
            )

    def explain(self, signal: Explain, now_us: int) -> None:
        """End every claim of the key that the explanation means."""
        if signal.key not in self._state.by_key:
            return
        step = Step(
            "withdrawn", signal.index, signal.event_id, "", now_us, signal.reason_zh, signal.reason_en
        )
        for claim in self._state.claims_of(signal.key):
            if _is_meant(signal, claim):
                self.end(claim, step, now_us)

    def end(self, claim: Claim, step: Step, now_us: int) -> None:
        """Drop a claim that was explained; its alert is withdrawn with the last one, and what it covered stands."""
        self._drop(claim.id)
        if claim.place == "live":
            self._leave(claim, step)
        if claim.key not in self._state.by_key:
            self._uncover(claim.key, now_us)

    def release(self, log_time_us: int) -> None:
        """Raise held claims that are due, and take due steps of live ones, in the order of their due times."""
        while self._due and self._due[0][0] <= log_time_us:
            due_us, claim_id = heapq.heappop(self._due)
            claim = self._state.claims.get(claim_id)
            if claim is None or claim.due_us != due_us:
                continue
            if claim.place == "held":
                self._submit(claim, log_time_us)
            else:
                self._store(_at_step(claim, claim.step + 1))
                self._restate(self._state.alerts[claim.under], "updated")

    def decide(self, alert: Alert) -> None:
        """Take an alert as a person left it. A dismissal takes with it what the alert covered."""
        if alert.status in CLOSED:
            for claim_id in sorted(self._state.by_alert.get(alert.id, ())):
                self._drop(claim_id)
                self._drop_covered(claim_id[0])
        self._set(alert, "handled")

    # ---------------------------------------------------------------- raising and covering

    def _submit(self, claim: Claim, now_us: int) -> None:
        host = self._host(claim)
        if host is not None:
            self._cover(claim, host)
            return
        alert = self._state.live_alert(claim.key)
        if alert is not None:
            self._join(claim, alert)
            return
        fresh = open_alert(self._detectors[claim.draft.detector], claim.draft, key=claim.key, now_us=now_us)
        known = self._state.alerts.get(fresh.id)
        self._join(claim, known or fresh, fate="updated" if known else "raised")
        self._take_over(claim, now_us)

    def _join(self, claim: Claim, alert: Alert, *, fate: str = "updated") -> None:
        self._store(_at_step(msgspec.structs.replace(claim, place="live", under=alert.id), claim.step))
        grown = add_evidence(alert, claim.draft, self._evidence(claim))
        for covered in sorted(self._state.by_cover.get(claim.key, ())):
            other = self._state.claims[covered]
            grown = add_evidence(grown, other.draft, self._evidence(other), role=other.draft.detector)
        self._restate(grown, fate)

    def _host(self, claim: Claim) -> str | None:
        """The incident key that covers this claim, if one stands."""
        code, detector = claim.draft.code, claim.draft.detector
        if len(code) != CODE_SIGNS:
            return None
        for name in COVERED_BY.get(detector, ()):
            if self._state.live_alert(f"{name}|{code}") is not None:
                return f"{name}|{code}"
        for name in WAITS_FOR.get(detector, ()):
            if any(other.place == "held" for other in self._state.claims_of(f"{name}|{code}")):
                return f"{name}|{code}"
        return None

    def _cover(self, claim: Claim, host: str) -> None:
        """Put a claim under the incident that explains it, as more evidence of it."""
        self._store(msgspec.structs.replace(claim, place="covered", under=host, due_us=NEVER_US))
        alert = self._state.live_alert(host)
        if alert is not None:
            grown = add_evidence(alert, claim.draft, self._evidence(claim), role=claim.draft.detector)
            self._restate(grown, "updated")

    def _take_over(self, claim: Claim, now_us: int) -> None:
        """Let a new incident take in the standing claims on its code that it covers."""
        detector, code = claim.draft.detector, claim.draft.code
        step = Step("withdrawn", -1, "", "", now_us, SUPERSEDED_ZH, SUPERSEDED_EN)
        for name, hosts in COVERED_BY.items():
            if detector in hosts and len(code) == CODE_SIGNS:
                for lesser in self._state.claims_of(f"{name}|{code}"):
                    if lesser.place == "live":
                        self._drop(lesser.id)
                        self._leave(lesser, step)
                        self._cover(lesser, claim.key)

    def _leave(self, claim: Claim, step: Step) -> None:
        """Let an alert go on without a claim already dropped; without any it is withdrawn, unless confirmed."""
        alert = self._state.alerts.get(claim.under)
        if alert is None:
            return
        if self._state.by_alert.get(alert.id) or alert.status == "confirmed":
            noted = msgspec.structs.replace(step, status=alert.status)
            self._restate(msgspec.structs.replace(alert, steps=(*alert.steps, noted)), "updated")
        else:
            self._set(
                msgspec.structs.replace(alert, status="withdrawn", steps=(*alert.steps, step)), "withdrawn"
            )

    def _uncover(self, host: str, now_us: int) -> None:
        """Let what an incident covered stand on its own again."""
        for claim_id in sorted(self._state.by_cover.get(host, ())):
            claim = self._state.claims[claim_id]
            self._drop(claim_id)
            self._submit(msgspec.structs.replace(claim, place="held", under=""), now_us)

    def _drop_covered(self, host: str) -> None:
        for claim_id in sorted(self._state.by_cover.get(host, ())):
            self._drop(claim_id)
            self._drop_covered(claim_id[0])

    # ---------------------------------------------------------------- keeping

    def _store(self, claim: Claim) -> None:
        self._state.store(claim)
        self._touched.add(claim.id)
        if claim.due_us < NEVER_US:
            heapq.heappush(self._due, (claim.due_us, claim.id))

    def _drop(self, claim_id: ClaimId) -> None:
        self._state.drop(claim_id)
        self._touched.add(claim_id)

    def _restate(self, alert: Alert, fate: str) -> None:
        claims = [self._state.claims[claim_id] for claim_id in sorted(self._state.by_alert.get(alert.id, ()))]
        self._set(restate(alert, self._detectors[alert.detector], claims), fate)

    def _set(self, alert: Alert, fate: str) -> None:
        """Keep an alert's latest form: in the state while a claim stands for it, else only until it is written."""
        if self._state.by_alert.get(alert.id):
            self._state.alerts[alert.id] = alert
            self._gone.pop(alert.id, None)
        else:
            self._state.alerts.pop(alert.id, None)
            self._gone[alert.id] = alert
        if fate != "updated" or alert.id not in self._fates:
            self._fates[alert.id] = fate

    def _evidence(self, claim: Claim) -> tuple[Evidence, ...]:
        """The claim's evidence, with ids and leaves of older entries filled in."""
        return tuple([self._completed(piece) for piece in claim.draft.evidence])

    def _completed(self, piece: Evidence) -> Evidence:
        if piece.index is None or piece.index < 0 or piece.leaf:
            return piece
        event_id, leaf = self._lookup(piece.index)
        return msgspec.structs.replace(piece, event_id=event_id or piece.event_id, leaf=leaf)

    def changes(self) -> Changes:
        """Everything that changed since the last call."""
        lists: dict[str, list[Alert]] = {"raised": [], "updated": [], "withdrawn": [], "handled": []}
        for name, fate in self._fates.items():
            lists[fate].append(self._state.alerts.get(name) or self._gone[name])
        held, released = self._rows()
        self._fates.clear()
        self._gone.clear()
        return Changes(
            tuple(lists["raised"]),
            tuple(lists["updated"]),
            tuple(lists["withdrawn"]),
            tuple(lists["handled"]),
            held,
            released,
        )

    def _rows(self) -> tuple[tuple[Watch, ...], tuple[str, ...]]:
        held: list[Watch] = []
        released: list[str] = []
        for claim_id in sorted(self._touched):
            claim = self._state.claims.get(claim_id)
            if claim is None:
                released.append(claim_row(claim_id))
            else:
                held.append(encode_claim(claim))
        for key, memo in self._state.memory.changes():
            if memo is None:
                released.append(memo_row(key))
            else:
                held.append(encode_memo(key, memo))
        self._touched.clear()
        return tuple(held), tuple(released)


def _at_step(claim: Claim, step: int) -> Claim:
    """A live claim that waits for this step of its draft, if there is one."""
    steps = claim.draft.steps
    return msgspec.structs.replace(claim, step=step, due_us=steps[step][0] if step < len(steps) else NEVER_US)


def _is_meant(signal: Explain, claim: Claim) -> bool:
    return (
        (signal.claim is None or signal.claim == claim.name)
        and (signal.claimant is None or signal.claimant == claim.draft.claimant)
        and (signal.rules is None or claim.draft.rule in signal.rules)
        and (signal.since_us is None or claim.draft.at_us >= signal.since_us)
    )
