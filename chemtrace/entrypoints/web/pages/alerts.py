"""Alerts: what a regulator must look at, with the evidence of both sides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from fastapi import APIRouter, Response

from chemtrace.core.errors import EntryUnknownError
from chemtrace.entrypoints.web.context import PAGE_ROWS, Cursor, DeskPage, Filter
from chemtrace.entrypoints.web.rendering import Page
from chemtrace.entrypoints.web.route import PageRoute
from chemtrace.entrypoints.web.timeline import codes_of

router = APIRouter(prefix="/desk/alerts", route_class=PageRoute)

STATUSES: Final = ("open", "acknowledged", "assigned", "explained", "confirmed", "dismissed", "withdrawn")
DETECTORS: Final = ("C1", "C2", "C3", "C4", "C5", "Q1", "Q2", "Q3", "T1", "T2", "T3", "D1", "D4")
SEVERITIES: Final = ("1", "2", "3", "4")
RECORDED: Final = 3
"""Events shown of the recorded chain where the evidence itself names none."""
CHAINS: Final = ("chain-a", "chain-b")
"""Roles of evidence where two parties contradict each other: what was on record, and what was said against it."""


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One piece of evidence with the event or refusal behind it (None: not to be found any more)."""

    role: str
    index: int | None
    refusal: int | None
    event_id: str
    event: Any
    problem: Mapping[str, Any] | None
    codes: tuple[str, ...]


@router.get("")
def get_alerts(
    page: DeskPage,
    status: Filter = "",
    detector: Filter = "",
    severity: Filter = "",
    enterprise: Filter = "",
    chemical: Filter = "",
    cursor: Cursor = "",
) -> Response:
    """Alerts by status, detector, severity, enterprise and substance."""
    found = page.app.reads.alerts(
        status=status or None,
        detector=detector or None,
        severity=int(severity) if severity in SEVERITIES else None,
        enterprise=enterprise or None,
        chemical=chemical or None,
        cursor=cursor or None,
        limit=PAGE_ROWS,
    )
    wanted = {
        "status": status, "detector": detector, "severity": severity, "enterprise": enterprise,
        "chemical": chemical,
    }  # fmt: skip
    return page.render(
        "alerts.html",
        found=found,
        wanted=wanted,
        statuses=STATUSES,
        detectors=DETECTORS,
        severities=SEVERITIES,
        chemicals=page.app.catalogue.chemicals,
    )


@router.get("/{alert_id}")
def get_alert(alert_id: str, page: DeskPage) -> Response:
    """Observed, threshold, basis, explanation in both languages, evidence by side, and how it was handled."""
    alert = page.app.reads.alert(alert_id)
    exhibits = tuple(_exhibit(page, piece) for piece in alert.get("evidence") or ())
    sides = {chain: tuple(each for each in exhibits if _chain_of(each.role) == chain) for chain in CHAINS}
    recorded = () if sides["chain-a"] or not sides["chain-b"] else _recorded(page, alert, sides["chain-b"])
    others = tuple(each for each in exhibits if _chain_of(each.role) not in CHAINS)
    return page.render(
        "alert.html",
        alert=alert,
        sides=sides | ({"chain-a": recorded} if recorded else {}),
        others=others,
        is_from_history=bool(recorded),
    )


def _recorded(page: Page, alert: Mapping[str, Any], against: tuple[Exhibit, ...]) -> tuple[Exhibit, ...]:
    """The last events on record for the item when the other side spoke: a refusal names none of them itself."""
    codes = alert.get("codes") or ()
    places = [
        each.index if each.index is not None else (each.problem or {}).get("at_size") for each in against
    ]
    before = min((place for place in places if place is not None), default=None)
    if not codes or before is None:
        return ()
    own = {each.index for each in against}
    lines = [
        line for line in page.app.reads.history(codes[0]) if line.index < before and line.index not in own
    ]
    return tuple(_exhibit(page, {"role": "chain-a", "index": line.index}) for line in lines[-RECORDED:])


def _chain_of(role: str) -> str:
    """The side of a role; evidence that another detector saw is marked `C5:chain-b`."""
    return role.rpartition(":")[2]


def _exhibit(page: Page, piece: Mapping[str, Any]) -> Exhibit:
    index, number = piece.get("index"), piece.get("refusal")
    event, problem = None, None
    if index is not None:
        try:
            event = page.app.reads.entry(index)
        except EntryUnknownError:
            event = None
    elif number is not None:
        # The page of refusals below the next number begins with this one.
        rows = page.app.reads.refusals(cursor=str(number + 1), limit=1).rows
        problem = rows[0] if rows and rows[0]["id"] == number else None
    return Exhibit(
        role=str(piece.get("role", "")),
        index=index,
        refusal=number,
        event_id=str(piece.get("event_id", "")),
        event=event,
        problem=problem,
        codes=() if event is None else codes_of(event.payload),
    )
