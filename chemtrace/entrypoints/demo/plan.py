"""The whole plan of the week from one seed: city, journeys, oddities, slips, and the planted dozen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Final

from chemtrace.core.catalogue import Catalogue
from chemtrace.entrypoints.demo.cast import CITY_TIME
from chemtrace.entrypoints.demo.city import City, make_city
from chemtrace.entrypoints.demo.journeys import play_lot
from chemtrace.entrypoints.demo.lots import plan_lots
from chemtrace.entrypoints.demo.oddities import play_oddities
from chemtrace.entrypoints.demo.planted import Planted, play_planted
from chemtrace.entrypoints.demo.slips import play_slips
from chemtrace.entrypoints.demo.week import Act, Planner, Wanted

WEEK_START_US: Final = int(datetime(2026, 3, 2, tzinfo=CITY_TIME).timestamp()) * 1_000_000
"""A Monday, midnight in the city."""


@dataclass(frozen=True, slots=True)
class Plan:
    """City, acts in the order they happen, codes wanted, what was planted; times in microseconds UTC."""

    seed: int
    city: City
    acts: tuple[Act, ...]
    wanted: tuple[Wanted, ...]
    planted: tuple[Planted, ...]
    start_us: int
    end_us: int


def plan_week(seed: int, catalogue: Catalogue) -> Plan:
    """Plan everything; the same seed gives the same plan."""
    random = Random(seed)  # a play, not a secret
    city = make_city(random)
    planner = Planner(random, city, WEEK_START_US)
    planted = play_planted(planner, catalogue)
    first = len(planner.acts)
    for lot in plan_lots(random, city, catalogue):
        play_lot(planner, lot)
    planner.acts[first:] = [act for act in planner.acts[first:] if act.at_us < planner.end_us]
    play_oddities(planner)
    play_slips(planner)
    acts = [act for act in planner.acts if act.at_us < planner.end_us]
    acts.sort(key=lambda act: act.at_us)
    return Plan(
        seed, city, tuple(acts), tuple(planner.wanted), tuple(planted), planner.start_us, planner.end_us
    )
