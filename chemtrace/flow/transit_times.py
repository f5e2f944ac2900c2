"""How long goods usually take between a shipper and a consignee: the 99th percentile of their latest trips.

Counted from the first loading to the arrival of its first code with the consignee, in the times that events claim; a
load is one trip, however many codes it carries. What strangers say of it, goods taken back, and what took no time, tell
nothing. The last hundred
trips of the last half year are kept; from thirty on they are believed (anomaly reference 2.3: due times from the
pair's own distribution).
"""

from __future__ import annotations

from typing import Final, NamedTuple

from chemtrace.flow.device import DAY_US
from chemtrace.flow.memory import Memory
from chemtrace.flow.observation import Observation

FEWEST: Final = 30
"""Trips from which on their distribution says more than a rule for all: under them the percentile is the largest."""
MOST: Final = 100
PAIR_MEMORY_US: Final = 180 * DAY_US
ROAD_MEMORY_US: Final = 30 * DAY_US
"""What is on the road for longer than 30 days is no trip any more that others are measured by."""
SHORTEST_US: Final = 60_000_000
"""One minute: who scans load and arrival in one go has measured nothing."""


class Usual(NamedTuple):
    """What 99 of 100 trips take at most, in microseconds, and of how many that is known."""

    us: int
    trips: int


def note(obs: Observation, memory: Memory) -> None:
    """Begin a trip at a load, and measure it at its arrival."""
    event = obs.event
    if event.phase == "load" and event.lines:
        code = event.lines[0][0]
        if obs.before[code].status != "in_transit" == obs.after[code].status:
            memory.put(_road(code), event.effective_us, event.received_us + ROAD_MEMORY_US)
    elif event.phase == "arrive":
        for code, before in obs.before.items():
            if before.status != "in_transit" or event.actor != before.consignee or before.shipper is None:
                continue
            loaded_us = memory.get(_road(code))
            if isinstance(loaded_us, int):
                _measured(obs, memory, _pair(before.shipper, event.actor), event.effective_us - loaded_us)


def usual(memory: Memory, shipper: str | None, consignee: str | None) -> Usual | None:
    """What trips between the two usually take; None while too few are known."""
    if shipper is None or consignee is None:
        return None
    trips = memory.get(_pair(shipper, consignee))
    if not isinstance(trips, tuple) or len(trips) < FEWEST:
        return None
    ranked = sorted(trip for trip in trips if isinstance(trip, int))
    return Usual(ranked[(99 * len(ranked) + 99) // 100 - 1], len(ranked))


def _measured(obs: Observation, memory: Memory, pair: str, took_us: int) -> None:
    known = memory.get(pair)
    trips = known if isinstance(known, tuple) else ()
    if took_us >= SHORTEST_US:
        memory.put(pair, (*trips[1 - MOST :], took_us), obs.event.received_us + PAIR_MEMORY_US)


def _road(code: str) -> str:
    return f"T1|road|{code}"


def _pair(shipper: str, consignee: str) -> str:
    return f"T1|pair|{shipper}|{consignee}"
