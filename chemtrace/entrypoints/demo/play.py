"""Playing the week: each slice of simulated time, everybody signs, sends, and the detectors tick."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Final, Protocol

from chemtrace.core.errors import ChemtraceError, EvidenceError, ServerRefusedError
from chemtrace.core.statement import Statement
from chemtrace.entrypoints.demo.cast import Cast
from chemtrace.entrypoints.demo.plan import Plan
from chemtrace.entrypoints.demo.week import DAY, HOUR, Act
from scanners.client import LedgerClient, Posted

SLICE_US: Final = HOUR
TAIL_US: Final = DAY
"""After the week's last act the clock runs on for a day, so that what is held for late events comes due."""


class Clock(Protocol):
    """The demonstration's clock."""

    def move_to(self, at_us: int) -> None:
        """Go forward."""
        ...


@dataclass(slots=True)
class Played:
    """What the doors answered: refusals by code, how often each was expected, and the duplicates answered again."""

    admitted: int = 0
    duplicates: int = 0
    late: int = 0
    refusals: Counter[str] = field(default_factory=Counter)
    surprises: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Player:
    """Sends the acts of a plan through a client, slice by slice."""

    client: LedgerClient
    cast: Cast
    clock: Clock
    publish: Callable[[], object]
    played: Played = field(default_factory=Played)

    def play(self, plan: Plan, progress: Callable[[int], None]) -> Played:
        """Play all acts in the order in which they are sent; every answer must be the one the plan expects.

        Raises:
            EvidenceError: an honest act was refused, or a mistake was taken: names the first ones.
        """
        sending = _sending_order(plan, self.cast)
        waiting = next(sending, None)
        end_us = plan.start_us + SLICE_US
        while waiting is not None or end_us <= plan.end_us + TAIL_US:
            batch: list[tuple[Act, Statement]] = []
            while waiting is not None and waiting[0] < end_us:
                batch.append((waiting[1], waiting[2]))
                waiting = next(sending, None)
            self.clock.move_to(end_us)
            self._send(batch)
            self.publish()
            progress(len(batch))
            end_us += SLICE_US
        if self.played.surprises:
            message = f"The week did not go as planned: {'; '.join(self.played.surprises[:5])}"
            raise EvidenceError(message, surprises=len(self.played.surprises))
        return self.played

    def _send(self, batch: list[tuple[Act, Statement]]) -> None:
        """Send one slice, then once more what the network is said to have lost."""
        self._judge(batch, again=False)
        self._judge([(act, statement) for act, statement in batch if act.resend], again=True)

    def _judge(self, batch: list[tuple[Act, Statement]], *, again: bool) -> None:
        results = self.client.post_batch([statement for _, statement in batch]) if batch else ()
        for (act, _), result in zip(batch, results, strict=True):
            if isinstance(result, Posted):
                self._admitted(act, result, again=again)
            else:
                self._refused(act, result)

    def _admitted(self, act: Act, posted: Posted, *, again: bool) -> None:
        if act.expected is not None or posted.duplicate != again:
            self.played.surprises.append(f"{act.kind}/{act.phase} was taken, expected {act.expected}")
        self.played.duplicates += posted.duplicate
        if not again:
            self.played.admitted += 1
            self.played.late += posted.receipt.late

    def _refused(self, act: Act, error: ChemtraceError) -> None:
        fields = error.fields if isinstance(error, ServerRefusedError) else {}
        code = _refusal_code(fields) or error.code
        self.played.refusals[code] += 1
        if code != act.expected:
            told = f"{act.kind}/{act.phase} of {act.firm}: {code} ({error.message}), expected {act.expected}"
            self.played.surprises.append(told)


def _refusal_code(fields: object) -> str | None:
    """The rule id of a refused rule, else the problem's code."""
    if not isinstance(fields, dict):
        return None
    remote = fields.get("remote")
    inner = remote.get("fields") if isinstance(remote, dict) else None
    rule = inner.get("rule_id") if isinstance(inner, dict) else None
    return rule or fields.get("remote_code")


def _sending_order(plan: Plan, cast: Cast) -> Iterator[tuple[int, Act, Statement]]:
    """(time sent, act, statement) in sending order; each is signed when it happens, upon the heads known then."""
    held: list[tuple[int, int, Act, Statement]] = []
    for number, act in enumerate(sorted(plan.acts, key=lambda act: min(act.at_us, act.at_us + act.held_us))):
        now_us = min(act.at_us, act.at_us + act.held_us)
        while held and held[0][0] <= now_us:
            sent_us, _, late_act, late_statement = heappop(held)
            cast.sent(late_act, late_statement)
            yield sent_us, late_act, late_statement
        statement = cast.sign(act)
        if act.held_us > 0:
            heappush(held, (act.at_us + act.held_us, number, act, statement))
            continue
        cast.sent(act, statement)
        yield now_us, act, statement
    while held:
        sent_us, _, late_act, late_statement = heappop(held)
        cast.sent(late_act, late_statement)
        yield sent_us, late_act, late_statement
