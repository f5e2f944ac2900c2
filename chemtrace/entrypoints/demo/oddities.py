"""Lawful oddities of a real week, which must raise nothing: returns, slow phones, corrections, repacking, spills."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from chemtrace.entrypoints.demo.journeys import carry, next_opening
from chemtrace.entrypoints.demo.week import DAY, HOUR, MINUTE, Act, Idle, Planner, kilograms, line

RETURNS: Final = 6
CORRECTIONS: Final = 12
INSPECTIONS: Final = 25
COUNTS: Final = 12
REPRINTS: Final = 4
SPILLS: Final = 3
REPACKINGS: Final = 12
BLENDS: Final = 8
BOTTLES: Final = 8
BOTTLE_KG: Final = Decimal("2.5")
LATE_SHARE: Final = 0.06
RESENT_SHARE: Final = 0.02


def play_oddities(planner: Planner) -> None:
    """Plan all of them, each on items of its own that stand unopened at a user's."""
    for number in range(CORRECTIONS):
        if (idle := _take(planner, 4)) is not None:
            correct_a_slip(planner, idle, number)
    for _ in range(RETURNS):
        if (idle := _take(planner, 4)) is not None:
            give_back(planner, idle)
    for _ in range(REPACKINGS):
        if (idle := _take(planner, 5)) is not None:
            repack(planner, idle)
    for _ in range(BLENDS):
        if (idle := _take(planner, 5)) is not None:
            blend(planner, idle)
    for idle in planner.idle[:INSPECTIONS]:
        inspect(planner, idle)
    for idle in planner.idle[INSPECTIONS : INSPECTIONS + COUNTS]:
        payload = {"site": idle.user.site.id, "items": [line(idle.code)], "pieces": 1}
        planner.act(next_opening(planner, idle.since_us + 8 * HOUR), idle.user, "count", "done", payload)
    _report(planner, planner.idle[40 : 40 + REPRINTS], "reprint", None)
    _report(planner, planner.idle[50 : 50 + SPILLS], "spill", Decimal("0.4"))
    slow_phones(planner)
    resend(planner)


def _take(planner: Planner, latest_day: int, kind: str = "P") -> Idle | None:
    """An unopened item that is there early enough; nobody else plans with it afterwards."""
    for place, idle in enumerate(planner.idle):
        if idle.since_us < planner.start_us + latest_day * DAY and idle.lot.kind == kind:
            return planner.idle.pop(place)
    return None


def correct_a_slip(planner: Planner, idle: Idle, number: int) -> None:
    """A worker types the wrong amount, says so, and records the right one."""
    at_us = next_opening(planner, idle.since_us + 2 * HOUR)
    wrong = {"site": idle.user.site.id, "items": [line(idle.code, Decimal(20))], "purpose": "反应投料"}
    planner.act(at_us, idle.user, "use", "consume", wrong, name=f"slip-{number}")
    undo = {"reason": "数量录入错误 wrong amount typed", "site": idle.user.site.id}
    planner.act(at_us + 5 * MINUTE, idle.user, "correct", "done", undo, corrects=f"slip-{number}")
    right = {**wrong, "items": [line(idle.code, Decimal(2))]}
    planner.act(at_us + 9 * MINUTE, idle.user, "use", "consume", right)


def give_back(planner: Planner, idle: Idle) -> None:
    """Goods nobody needs go back to a dealer on a waybill."""
    dealer = planner.random.choice(planner.city.of_role("trader"))
    at_us = next_opening(planner, idle.since_us + 3 * HOUR)
    goods = [(idle.code, idle.amount)]
    trip = carry(planner, idle.lot, (idle.user, dealer), goods, at_us, return_of="BJ-2026-000001")
    payload = {"site": dealer.site.id, "unit": "B2", "items": [line(idle.code)]}
    planner.act(trip.arrive_us + 15 * MINUTE, dealer, "store", "in", payload)


def repack(planner: Planner, drum: Idle) -> None:
    """A drum becomes bottles with codes of their own; a little stays on the walls."""
    codes = planner.new_codes(drum.user, "P", drum.lot.chemical.slot, BOTTLES)
    payload: dict[str, Any] = {
        "site": drum.user.site.id,
        "inputs": [line(drum.code, BOTTLE_KG * BOTTLES + Decimal("0.02"))],
        "items": [line(code, BOTTLE_KG) for code in codes],
        "batch": f"FZ-{drum.lot.chemical.slot}",
    }
    planner.act(next_opening(planner, drum.since_us + 2 * HOUR), drum.user, "produce", "repack", payload)


def blend(planner: Planner, drum: Idle) -> None:
    """Part of a drum goes into a mixing tank with a code of its own."""
    code = planner.new_codes(drum.user, "T", drum.lot.chemical.slot, 1)[0]
    payload: dict[str, Any] = {
        "site": drum.user.site.id,
        "inputs": [line(drum.code, Decimal(15))],
        "items": [line(code, Decimal(15))],
        "process": "稀释调配 blending",
    }
    planner.act(next_opening(planner, drum.since_us + 2 * HOUR), drum.user, "transform", "done", payload)


def inspect(planner: Planner, idle: Idle) -> None:
    """An inspector looks at a drum in the user's store."""
    office = planner.city.of_role("regulator")[0]
    at_us = next_opening(planner, idle.since_us + planner.random.randint(3, 9) * HOUR)
    payload = {"site": idle.user.site.id, "items": [line(idle.code)], "result": "pass"}
    planner.act(at_us, office, "inspect", "done", payload)


def _report(planner: Planner, idles: list[Idle], phase: str, amount: Decimal | None) -> None:
    for idle in idles:
        remark = {
            "reprint": "标签破损重打 label worn, printed again",
            "spill": "少量泄漏已处置 small spill, cleaned",
        }[phase]
        item: dict[str, Any] = {"code": idle.code}
        if amount is not None:
            item["quantity"] = kilograms(amount)
        payload = {"site": idle.user.site.id, "items": [item], "remark": remark}
        planner.act(next_opening(planner, idle.since_us + 5 * HOUR), idle.user, "report", phase, payload)


def slow_phones(planner: Planner) -> None:
    """Some store scans are made in a cellar without signal and arrive hours later."""
    for act in planner.acts:
        if _is_lone_store_scan(act) and planner.random.random() < LATE_SHARE:
            act.held_us = planner.random.randint(2, 9) * HOUR


def _is_lone_store_scan(act: Act) -> bool:
    return (act.kind, act.phase) == ("store", "in") and len(act.payload["items"]) == 1


def resend(planner: Planner) -> None:
    """Networks drop answers: the same statement is sent twice and gets its first receipt again."""
    for act in planner.acts:
        if act.expected is None and act.kind != "waybill" and planner.random.random() < RESENT_SHARE:
            act.resend = True
