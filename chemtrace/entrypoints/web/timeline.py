"""The history of an item as rows of a page: what happened, who, where, when, how much, and what was found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from chemtrace.core.errors import TimeFormatError
from chemtrace.core.times import parse_rfc3339
from chemtrace.entrypoints.web.wording import STAGES, stage_of

HOUR_US: Final = 3_600_000_000


class FindingLike(Protocol):
    """A finding of the reading side."""

    @property
    def rule(self) -> str:
        """The id of the rule."""

    @property
    def resolved_by(self) -> int | None:
        """The index that explained it away."""


class LineLike(Protocol):
    """One event of a history or list, as the reading side gives it."""

    @property
    def index(self) -> int:
        """Place in the log."""

    @property
    def event_id(self) -> str:
        """The event's id in hex."""

    @property
    def kind(self) -> str:
        """Kind of event."""

    @property
    def phase(self) -> str:
        """Phase of the kind."""

    @property
    def actor(self) -> str:
        """Who says so."""

    @property
    def counterparty(self) -> str | None:
        """The other hand."""

    @property
    def at(self) -> str | None:
        """Claimed time."""

    @property
    def received(self) -> str:
        """When the ledger got it."""

    @property
    def effective(self) -> str:
        """The time that counts."""

    @property
    def late(self) -> bool:
        """Whether the ledger knew later events already."""

    @property
    def payload(self) -> dict[str, Any] | None:
        """What it says; None once erased."""


class HistoryLike(LineLike, Protocol):
    """One event of an item's history."""

    @property
    def effect(self) -> bool:
        """Whether it changes the item's state."""

    @property
    def via(self) -> str | None:
        """The container through which it reached the item."""

    @property
    def findings(self) -> tuple[Any, ...]:
        """Broken rules."""


@dataclass(frozen=True, slots=True)
class Row:
    """One event on a page. `late_hours` is None in order; `amount` is what is said of the item at hand."""

    line: LineLike
    stage: str
    at: str
    amount: Mapping[str, Any] | None
    late_hours: int | None
    effect: bool
    via: str | None
    findings: tuple[Any, ...]
    is_corrected: bool
    facts: Mapping[str, Any]


def history_rows(history: Iterable[HistoryLike], code: str) -> tuple[Row, ...]:
    """The rows of an item's history in the order of effective time, ties by place in the log."""
    lines = tuple(history)
    corrected = {str((line.payload or {}).get("event")) for line in lines if line.kind == "correct"}
    ordered = sorted(lines, key=lambda line: (line.effective, line.index))
    return tuple(
        _row(
            line, code, effect=line.effect, via=line.via, findings=line.findings,
            is_corrected=line.event_id in corrected,
        )
        for line in ordered
    )  # fmt: skip


def list_rows(lines: Iterable[LineLike]) -> tuple[Row, ...]:
    """The rows of a list of events, in the order given."""
    return tuple(_row(line, None) for line in lines)


def stage_counts(rows: Iterable[Row]) -> tuple[tuple[str, int], ...]:
    """How many events each of the six stages has."""
    counts = dict.fromkeys(STAGES, 0)
    for row in rows:
        if row.stage in counts:
            counts[row.stage] += 1
    return tuple(counts.items())


def codes_of(payload: Mapping[str, Any] | None) -> tuple[str, ...]:
    """The item codes that a payload names, inputs first."""
    document = payload or {}
    named = [line["code"] for part in ("inputs", "items") for line in document.get(part) or ()]
    container = document.get("container")
    return tuple(dict.fromkeys([*named, container] if container else named))


def _row(
    line: LineLike,
    code: str | None,
    *,
    effect: bool = True,
    via: str | None = None,
    findings: tuple[Any, ...] = (),
    is_corrected: bool = False,
) -> Row:
    payload = line.payload or {}
    return Row(
        line=line,
        stage=stage_of(line.kind, line.phase),
        at=line.at or line.effective,
        amount=_amount(payload, code),
        late_hours=_hours_between(line.at, line.received) if line.late else None,
        effect=effect,
        via=via,
        findings=findings,
        is_corrected=is_corrected,
        facts=payload,
    )


def _amount(payload: Mapping[str, Any], code: str | None) -> Mapping[str, Any] | None:
    """What is said of `code`; without a code, of the only item."""
    for part in ("items", "inputs"):
        lines = payload.get(part) or ()
        for line in lines:
            if line.get("code") == code or (code is None and len(lines) == 1):
                quantity: Mapping[str, Any] | None = line.get("quantity")
                return quantity
    return None


def _hours_between(claimed: str | None, received: str) -> int:
    try:
        return max(0, (parse_rfc3339(received) - parse_rfc3339(claimed or received)) // HOUR_US)
    except TimeFormatError:
        return 0
