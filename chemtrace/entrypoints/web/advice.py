"""What anybody should do near a leak or fire, by hazard class: short, generic, sourced, in both languages.

`advice.json` holds, for each class, the first distance and a few sentences, with the guide they follow. It replaces
neither the safety data sheet nor the fire brigade, and the page says so.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

ADVICE_FILE: Final = Path(__file__).with_name("advice.json")
DEFAULT: Final = "other"
"""Advice for what is in no class: keep away, call."""


@dataclass(frozen=True, slots=True)
class Advice:
    """Advice for one hazard class: metres to keep away at first, and sentences by language.

    `guides` are those of the Emergency Response Guidebook 2024 (US DOT, Transport Canada, CIQUIME) that it follows.
    """

    hazard: str
    metres: int
    zh: tuple[str, ...]
    en: tuple[str, ...]
    guides: str


@cache
def load_advice() -> dict[str, Advice]:
    """All advice by class, read once."""
    data: dict[str, dict[str, Any]] = json.loads(ADVICE_FILE.read_text(encoding="utf-8"))
    return {
        hazard: Advice(hazard, entry["metres"], tuple(entry["zh"]), tuple(entry["en"]), entry["guides"])
        for hazard, entry in data.items()
    }


def advice_for(hazards: tuple[str, ...]) -> tuple[Advice, ...]:
    """The advice for these classes and divisions, main hazard first, each once."""
    known = load_advice()
    found: dict[str, Advice] = {}
    for hazard in hazards:
        name = hazard if hazard in known else hazard.partition(".")[0]
        found.setdefault(name, known.get(name, known[DEFAULT]))
    return tuple(found.values()) or (known[DEFAULT],)
