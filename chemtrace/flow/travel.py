"""Whether anything could have travelled from one sighting to the next, with both clocks given their error."""

from __future__ import annotations

from typing import Final

from chemtrace.trace.movement import NEAR_M, SLACK_S, SPEED_KMH

DEFAULT_SKEW_US: Final = 300_000_000
"""5 min for the clock of the device of the first sighting, whose lead is not at hand."""

_HOUR_US: Final = 3_600_000_000


def is_impossible(*, metres: int, apart_us: int, skew_us: int) -> bool:
    """Whether `metres` (over 5 km) in `apart_us` plus 10 min of slack and the clock error need over 120 km/h."""
    return metres > NEAR_M and metres * _HOUR_US > SPEED_KMH * 1_000 * _available_us(apart_us, skew_us)


def speed_kmh(*, metres: int, apart_us: int, skew_us: int) -> int:
    """The speed that it would take with the same allowances, in km/h, rounded down."""
    return metres * _HOUR_US // (1_000 * _available_us(apart_us, skew_us))


def _available_us(apart_us: int, skew_us: int) -> int:
    return apart_us + SLACK_S * 1_000_000 + skew_us
