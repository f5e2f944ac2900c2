"""What is known of a signing key's habits: when it was last heard, its last outage, how far its clock leads.

One key sits in one device. Lateness is judged against the device's own outages, speed against its own clock
(anomaly reference, sections 3.3 and 4).
"""

from __future__ import annotations

from typing import Final

import msgspec

from chemtrace.flow.memory import Memory, Value

HOUR_US: Final = 3_600_000_000
DAY_US: Final = 24 * HOUR_US

WATERMARK_US: Final = DAY_US
"""24 h: how long a late event is waited for at least (anomaly reference 3.3)."""

LONGEST_WATERMARK_US: Final = 3 * DAY_US
"""72 h: how long at most, also for a party whose devices were away for longer (anomaly reference 3.2: 24-72 h)."""

OUTAGE_US: Final = 2 * DAY_US
"""48 h of silence of a key count as an outage: with a day to send the outbox they make the 72 h of a late entry."""

FLUSH_US: Final = DAY_US
"""24 h: how long after an outage its outbox may still be arriving."""

ONLINE_DELAY_US: Final = HOUR_US // 4
"""15 min: an event no later than this was sent online, so that its delay tells the lead of the clock."""

KEY_MEMORY_US: Final = 90 * DAY_US
"""A key not heard for 90 days is forgotten: it was away, and whatever it brings then is explained by that."""

LAG_MEMORY_US: Final = 30 * DAY_US
"""How long a party's lateness lengthens the wait for it."""

_SAMPLES: Final = 5


class KeyActivity(msgspec.Struct, frozen=True, gc=False):
    """Last receipt, last outage (from, to; zeros where none was seen) and recent leads of the clock, all in us."""

    last_us: int
    offline_from_us: int = 0
    offline_to_us: int = 0
    leads: tuple[int, ...] = ()

    def lead_us(self) -> int:
        """Median lead of the clock over receipt of events sent online, as a distance from zero."""
        return abs(sorted(self.leads)[len(self.leads) // 2]) if self.leads else 0

    def was_away(self, at_us: int, received_us: int) -> bool:
        """Whether an event of `at_us` could not come before `received_us`: nothing came from this key in between.

        Either the key is silent since then until now, or its outbox of that outage is still arriving.
        """
        if self.last_us <= at_us + ONLINE_DELAY_US:
            return True
        return (
            self.offline_from_us <= at_us + ONLINE_DELAY_US and received_us <= self.offline_to_us + FLUSH_US
        )


def load_activity(memory: Memory, kid: str) -> KeyActivity | None:
    """What is remembered of a key, or None for a new one."""
    value = memory.get(f"key|{kid}")
    if not isinstance(value, tuple):
        return None
    last, away_from, away_to, leads = value
    return KeyActivity(_integer(last), _integer(away_from), _integer(away_to), _integers(leads))


def note_event(memory: Memory, *, kid: str, actor: str, at_us: int, received_us: int) -> None:
    """Remember that this key was heard, after the detectors have looked at the event."""
    key = f"key|{kid}"
    value = memory.get(key)
    lead = at_us - received_us
    online = -ONLINE_DELAY_US <= lead <= DAY_US
    if not isinstance(value, tuple):
        memory.put(key, (received_us, 0, 0, (lead,) if online else ()), received_us + KEY_MEMORY_US)
    else:
        last, away_from, away_to, leads = value
        if received_us - _integer(last) >= OUTAGE_US:
            away_from, away_to = last, received_us
        if online:
            leads = (*_integers(leads)[1 - _SAMPLES :], lead)
        memory.put(key, (received_us, away_from, away_to, leads), received_us + KEY_MEMORY_US)
    if lead < -WATERMARK_US:
        memory.put(f"lag|{actor}", -lead, received_us + LAG_MEMORY_US)


def watermark_us(memory: Memory, party: str | None) -> int:
    """How long to wait for events of `party`: 24 h, or its own recent lateness up to 72 h."""
    lag = memory.get(f"lag|{party}") if party else None
    return min(max(WATERMARK_US, lag if isinstance(lag, int) else 0), LONGEST_WATERMARK_US)


def _integer(value: Value) -> int:
    return value if isinstance(value, int) else 0


def _integers(value: Value) -> tuple[int, ...]:
    return tuple([_integer(item) for item in value]) if isinstance(value, tuple) else ()
