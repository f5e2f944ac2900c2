"""Impossible travel: one code in two places sooner than a vehicle could carry it."""

from __future__ import annotations

from math import isqrt
from typing import Final

from chemtrace.trace.event import ItemEvent
from chemtrace.trace.finding import Finding, find_item
from chemtrace.trace.state import ItemState

SPEED_KMH: Final = 120
"""Faster than any dangerous-goods vehicle may drive (anomaly C2, A-07)."""
NEAR_M: Final = 5_000
"""Nearer than this is one place: position error, one industrial park."""
SLACK_S: Final = 600
"""Clock skew of two devices, and time between scanning and driving off."""

_COSINE_E4: Final = (
    10000, 9998, 9994, 9986, 9976, 9962, 9945, 9925, 9903, 9877, 9848, 9816, 9781, 9744, 9703, 9659, 9613, 9563,
    9511, 9455, 9397, 9336, 9272, 9205, 9135, 9063, 8988, 8910, 8829, 8746, 8660, 8572, 8480, 8387, 8290, 8192,
    8090, 7986, 7880, 7771, 7660, 7547, 7431, 7314, 7193, 7071, 6947, 6820, 6691, 6561, 6428, 6293, 6157, 6018,
    5878, 5736, 5592, 5446, 5299, 5150, 5000, 4848, 4695, 4540, 4384, 4226, 4067, 3907, 3746, 3584, 3420, 3256,
    3090, 2924, 2756, 2588, 2419, 2250, 2079, 1908, 1736, 1564, 1392, 1219, 1045, 872, 698, 523, 349, 175, 0,
)  # fmt: skip
"""Cosine of whole degrees in 1/10000: integers give every machine the same answer."""

_DEGREE_MM: Final = 111_195
"""Millimetres in a millionth of a degree, times 1000: 111.195 mm of a great circle."""


def distance_m(first: tuple[int, int], second: tuple[int, int]) -> int:
    """Metres between two places (latitude, longitude in millionths of a degree), about 1 % exact in a region."""
    degree = abs(first[0] + second[0]) // 2_000_000
    east = abs(first[1] - second[1])
    if east > 180_000_000:
        east = 360_000_000 - east
    x = east * _COSINE_E4[degree] // 10_000
    y = abs(first[0] - second[0])
    return isqrt(x * x + y * y) * _DEGREE_MM // 1_000_000


def impossible_move(state: ItemState, event: ItemEvent) -> Finding | None:
    """The finding item.impossible-move where the event's place cannot be reached from the last one in time."""
    seen, place = state.seen, event.position
    if seen is None or place is None or (seen[1] == place[0] and seen[2] == place[1]):
        return None
    metres = distance_m((seen[1], seen[2]), place)
    if metres <= NEAR_M:
        return None
    seconds = abs(event.at_us - seen[0]) // 1_000_000
    if metres * 3_600 <= (seconds + SLACK_S) * SPEED_KMH * 1_000:
        return None
    return find_item(
        "item.impossible-move",
        event,
        state,
        expected=f"{_degrees(seen[1])},{_degrees(seen[2])} (#{seen[3]})",
        found=f"{_degrees(place[0])},{_degrees(place[1])}",
        metres=metres,
        seconds=seconds,
        before=seen[3],
    )


def _degrees(e6: int) -> str:
    sign = "-" if e6 < 0 else ""
    return f"{sign}{abs(e6) // 1_000_000}.{abs(e6) % 1_000_000:06d}"
