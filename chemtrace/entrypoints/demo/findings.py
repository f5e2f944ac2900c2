"""What the detectors said, held against what was planted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chemtrace.entrypoints.demo.cast import Cast
from chemtrace.entrypoints.demo.plan import Plan
from chemtrace.entrypoints.demo.planted import Planted
from scanners.client import LedgerClient


@dataclass(frozen=True, slots=True)
class Judged:
    """Planted stories with the alert that found each (None: missed), alerts nobody planted, and withdrawn ones."""

    found: tuple[tuple[Planted, str, dict[str, Any] | None], ...]
    unexpected: tuple[dict[str, Any], ...]
    withdrawn: int

    @property
    def complete(self) -> bool:
        """Whether every story was found and nothing else was raised."""
        return not self.unexpected and all(alert is not None for _, _, alert in self.found)

    def to_json(self) -> dict[str, Any]:
        """`planted`, `found`, `unexpected`, as the command prints them."""
        return {
            "planted": [
                {"type": p.detector, "code": code, "zh": p.zh, "en": p.en} for p, code, _ in self.found
            ],
            "found": [
                {"type": alert["detector"], "code": code, "alert": alert["id"]}
                for _, code, alert in self.found
                if alert is not None
            ],
            "unexpected": [
                {"type": alert["detector"], "alert": alert["id"], "codes": list(alert["codes"])}
                for alert in self.unexpected
            ],
            "withdrawn": self.withdrawn,
        }


def judge_alerts(client: LedgerClient, plan: Plan, cast: Cast) -> Judged:
    """Read all alerts through the interface and match them by detector and item."""
    alerts = _all_alerts(client)
    standing = [alert for alert in alerts if alert["status"] != "withdrawn"]
    left = list(standing)
    found = []
    for planted in plan.planted:
        code = cast.codes[planted.code]
        match = next((alert for alert in left if _fits(alert, planted, code)), None)
        if match is not None:
            left.remove(match)
        found.append((planted, code, match))
    return Judged(tuple(found), tuple(left), len(alerts) - len(standing))


def _fits(alert: dict[str, Any], planted: Planted, code: str) -> bool:
    """An alert is about an item or, for what concerns a trip, about the waybill."""
    about = code in alert["codes"] or (planted.waybill is not None and alert["waybill"] == planted.waybill)
    return alert["detector"] == planted.detector and about


def _all_alerts(client: LedgerClient) -> list[dict[str, Any]]:
    alerts: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        page = client.alerts(limit=500) if cursor is None else client.alerts(limit=500, cursor=cursor)
        alerts += page["alerts"]
        cursor = page["next"]
        if cursor is None:
            return alerts
