"""What the city makes in its week: lots of items, chemical by chemical, before any code is known."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Final

from chemtrace.core.catalogue import Catalogue, Chemical
from chemtrace.entrypoints.demo.city import City, Firm

ITEMS_A_CHEMICAL: Final = 56
"""Items of each chemical: 35 times this, with pallets and repacked bottles on top, is the week's harvest."""
LOT_SIZES: Final = (6, 8, 9, 10, 12)
_CYLINDER_KG: Final = ("10", "12.5", "15", "40", "47")
_DRUM_KG: Final = ("25", "50", "160", "180", "200")
_TANK_KG: Final = ("8000", "12500", "18000")


@dataclass(slots=True)
class Lot:
    """Items of one fill: who made them, of what, how much in each; `codes` are names until labels are read."""

    maker: Firm
    chemical: Chemical
    kind: str
    count: int
    fill: Decimal
    codes: list[str] = field(default_factory=list)


def plan_lots(random: Random, city: City, catalogue: Catalogue) -> list[Lot]:
    """Lots of all chemicals; each chemical has two makers, and gases travel in cylinders."""
    makers = city.of_role("producer")
    lots: list[Lot] = []
    for number, chemical in enumerate(catalogue.chemicals):
        pair = (makers[number % len(makers)], makers[(number * 5 + 3) % len(makers)])
        left = ITEMS_A_CHEMICAL
        while left > 0:
            count = min(left, random.choice(LOT_SIZES))
            left -= count
            kind = _kind_of(random, chemical)
            count = min(count, 2) if kind == "T" else count
            lots.append(Lot(random.choice(pair), chemical, kind, count, _fill(random, kind)))
    return lots


def _kind_of(random: Random, chemical: Chemical) -> str:
    if (chemical.tdg_class or "").startswith("2"):
        return "C"
    return "T" if random.random() < 0.06 else "P"


def _fill(random: Random, kind: str) -> Decimal:
    return Decimal(random.choice({"C": _CYLINDER_KG, "P": _DRUM_KG, "T": _TANK_KG}[kind]))
