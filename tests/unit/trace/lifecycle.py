"""Walks every pair of what an item is and what happens to it, and writes the outcome as the page does.

Run as a program it prints the tables of docs/reference/lifecycle.md.
"""

from __future__ import annotations

from typing import Any

from chemtrace.core.errors import RuleError
from tests.unit.trace.world import BUYER, CARRIER, MAKER, STRANGER, WAYBILL, World, code, line

ITEM, PALLET, FRESH = code(1), code(9, kind="A", slot="000"), code(5)

COLUMNS = ("unborn", "held", "offered", "packed", "in_transit", "spent", "closed", "missing", "void")

_ONE = {"items": [line(ITEM)]}
_SOME = {"items": [line(ITEM, 50)]}
_REPACK_IN = {"inputs": [line(ITEM, 50)], "items": [line(code(7), 50)]}
_REPACK_OUT = {"inputs": [line(FRESH, 200)], "items": [line(ITEM, 200)]}

ROWS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "produce/make": ("produce/make", MAKER, {"items": [line(ITEM, 200)]}),
    "produce/fill": ("produce/fill", MAKER, {"items": [line(ITEM, 200)]}),
    "produce/repack (output)": ("produce/repack", MAKER, _REPACK_OUT),
    "produce/repack (input)": ("produce/repack", MAKER, _REPACK_IN),
    "transform/done (output)": ("transform/done", MAKER, _REPACK_OUT),
    "transform/done (input)": ("transform/done", MAKER, _REPACK_IN),
    "trade/sell": ("trade/sell", MAKER, {**_ONE, "counterparty": BUYER}),
    "trade/buy": ("trade/buy", BUYER, {**_ONE, "counterparty": MAKER}),
    "store/in": ("store/in", MAKER, {**_ONE, "site": "M1"}),
    "store/out": ("store/out", MAKER, {**_ONE, "site": "M1"}),
    "store/opening": ("store/opening", MAKER, {"items": [line(ITEM, 200)]}),
    "transport/load": ("transport/load", MAKER, {**_ONE, "counterparty": BUYER}),
    "transport/arrive": ("transport/arrive", BUYER, {**_ONE, "site": "B1"}),
    "use/consume": ("use/consume", MAKER, _SOME),
    "use/return": ("use/return", MAKER, {**_ONE, "counterparty": BUYER}),
    "dispose/hand_over": ("dispose/hand_over", MAKER, {**_ONE, "counterparty": BUYER}),
    "dispose/done": ("dispose/done", MAKER, _ONE),
    "dispose/empty": ("dispose/empty", MAKER, _ONE),
    "pack/done (item)": ("pack/done", MAKER, {**_ONE, "container": code(8, kind="A", slot="000")}),
    "pack/done (into it)": ("pack/done", MAKER, {"items": [line(FRESH)], "container": ITEM}),
    "unpack/done (item)": ("unpack/done", MAKER, {**_ONE, "container": PALLET}),
    "inspect/done": ("inspect/done", MAKER, {**_ONE, "result": "pass"}),
    "count/done": ("count/done", MAKER, _ONE),
    "report/loss": ("report/loss", MAKER, _ONE),
    "report/theft": ("report/theft", MAKER, _ONE),
    "report/spill": ("report/spill", MAKER, _SOME),
    "report/found": ("report/found", MAKER, _ONE),
    "report/reprint": ("report/reprint", MAKER, _ONE),
    "report/void": ("report/void", MAKER, _ONE),
}


_OF_THE_TRIP = ("waybill.missing", "waybill.not-named")


def world_at(column: str, actor: str) -> World:
    """A ledger in which the item is what the column says; beside it a fresh drum of the actor, the maker's pallet."""
    world = World()
    world.make(FRESH, actor=actor)
    world.make(code(6))
    world.do("pack/done", MAKER, items=[line(code(6))], container=PALLET)
    if column == "void":
        world.do("report/void", MAKER, items=[line(ITEM)])
    elif column != "unborn":
        world.make(ITEM)
        _bring(world, column)
    return world


def _bring(world: World, column: str) -> None:
    if column == "offered":
        world.do("trade/sell", MAKER, items=[line(ITEM)], counterparty=BUYER)
    elif column == "packed":
        world.do("pack/done", MAKER, items=[line(ITEM)], container=PALLET)
    elif column == "in_transit":
        world.do("waybill/scheduled", MAKER, **WAYBILL)
        world.do("transport/load", CARRIER, items=[line(ITEM)], waybill="W-1001")
    elif column == "spent":
        world.do("use/consume", MAKER, items=[line(ITEM, 200)])
    elif column == "closed":
        world.do("dispose/done", MAKER, items=[line(ITEM)])
    elif column == "missing":
        world.do("report/loss", MAKER, items=[line(ITEM)])


def outcome(row: str, column: str, *, stranger: bool) -> str:
    """The cell: `→ status`, `! rule → status`, or `✗ rule`."""
    what, actor, fields = ROWS[row]
    actor = STRANGER if stranger else actor
    world = world_at(column, actor)
    if stranger:
        fields = {name: "X1" if name == "site" else value for name, value in fields.items()}
    try:
        judgement = world.do(what, actor, **fields)
    except RuleError as refused:
        return f"✗ {refused.fields['rule_id']}"
    about = [f.rule for f in judgement.findings if f.code == ITEM and f.rule not in _OF_THE_TRIP]
    after = world.state(ITEM)
    place = "packed" if after.parent is not None else after.status
    if after.status == "held" and after.offer is not None and after.parent is None:
        place = "offered"
    return " ".join([*(f"! {rule}" for rule in about), "→", place])


def table(*, stranger: bool) -> list[str]:
    """The Markdown lines of one table."""
    lines = ["| kind/phase | " + " | ".join(COLUMNS) + " |", "|---" * (len(COLUMNS) + 1) + "|"]
    for row in ROWS:
        cells = [outcome(row, column, stranger=stranger) for column in COLUMNS]
        lines.append(f"| {row} | " + " | ".join(cells) + " |")
    return lines


if __name__ == "__main__":
    for stranger in (False, True):
        print("\n".join(table(stranger=stranger)), "\n")  # noqa: T201  # this program prints the page's tables
