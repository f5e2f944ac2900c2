"""Mistakes of a normal week that the door must refuse, each with its own code, and that raise no alert."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from chemtrace.entrypoints.demo.journeys import next_opening
from chemtrace.entrypoints.demo.week import DAY, HOUR, Idle, Planner, line

REVOKED: Final = "revoked"
"""Name of the key that was reported stolen before the week began."""


def play_slips(planner: Planner) -> None:
    """Plan two of each kind of mistake, on items that stand unopened at a user's."""
    drums = sorted((idle for idle in planner.idle if idle.lot.kind == "P"), key=lambda idle: idle.since_us)
    for number in range(2):
        one, two = drums[number], drums[2 + number]
        _spoiled(planner, one)
        _misstated(planner, two)


def _draw(idle: Idle, amount: Decimal, unit: str = "KGM") -> dict[str, Any]:
    item = line(idle.code, amount)
    item["quantity"]["unit"] = unit
    return {"site": idle.user.site.id, "items": [item], "purpose": "试验"}


def _spoiled(planner: Planner, idle: Idle) -> None:
    """What goes wrong around the statement: signature, key, predecessor, clock."""
    at_us = next_opening(planner, idle.since_us + HOUR)
    stranger = next(firm for firm in planner.city.of_role("user") if firm is not idle.user)
    draw = _draw(idle, Decimal(1))
    for twist, code in (("bad-signature", "signature.invalid"), ("unknown-prev", "prev.unknown")):
        planner.act(at_us, idle.user, "use", "consume", draw, twist=twist, expected=code)
    planner.act(
        at_us, idle.user, "use", "consume", draw, payload_key=stranger.credit_code, expected="key.foreign"
    )
    planner.act(at_us, idle.user, "use", "consume", draw, payload_key=REVOKED, expected="key.revoked")
    sale = {"items": [line(idle.code)], "counterparty": stranger.credit_code}
    planner.act(at_us, idle.user, "trade", "sell", sale, twist="stale-prev", expected="prev.stale")
    planner.act(at_us + 2 * DAY, idle.user, "use", "consume", draw, held_us=-2 * DAY, expected="time.future")


def _misstated(planner: Planner, idle: Idle) -> None:
    """What is wrong in the statement: unit, amount, place, chemical, waybill."""
    at_us = next_opening(planner, idle.since_us + HOUR)
    stranger = next(firm for firm in planner.city.of_role("user") if firm is not idle.user)
    planner.act(at_us, idle.user, "use", "consume", _draw(idle, Decimal(1), "LTR"), expected="quantity.unit")
    much = {"items": [line(idle.code, idle.amount * 3)], "counterparty": stranger.credit_code}
    planner.act(at_us, idle.user, "trade", "sell", much, expected="item.insufficient")
    elsewhere = {**_draw(idle, Decimal(1)), "site": planner.city.of_role("warehouse")[0].site.id}
    planner.act(at_us, idle.user, "use", "consume", elsewhere, expected="site.foreign")
    code = planner.new_codes(idle.lot.maker, "P", idle.lot.chemical.slot, 1)[0]
    other = "7440-59-7" if idle.lot.chemical.cas != "7440-59-7" else "7440-37-1"
    made = {"site": idle.lot.maker.site.id, "items": [line(code, Decimal(25))], "chemical": other}
    planner.act(at_us, idle.lot.maker, "produce", "make", made, expected="item.chemical")
    loading = {"site": idle.user.site.id, "items": [line(idle.code)], "waybill": "BJ-2026-999999"}
    planner.act(at_us, idle.user, "transport", "load", loading, expected="waybill.unknown")
