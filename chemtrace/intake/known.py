"""What the log already holds of an import: found by the nonces of its events, nowhere else.

No file beside the ledger remembers how far an import came; so nothing can disagree with the log.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Protocol

import msgspec

PAGE: Final = 1000


class EventRow(Protocol):
    """One event in a list."""

    @property
    def event_id(self) -> str:
        """Hex."""
        ...

    @property
    def actor(self) -> str:
        """The party that speaks."""
        ...

    @property
    def payload(self) -> dict[str, Any] | None:
        """None once erased."""
        ...


class EventPage(Protocol):
    """Some events and where to go on."""

    @property
    def rows(self) -> Sequence[EventRow]:
        """The events."""
        ...

    @property
    def next(self) -> str | None:
        """Cursor of the next page."""
        ...


class LogReads(Protocol):
    """What an import asks of the log."""

    def events(self, *, actor: str | None = None, cursor: str | None = None, limit: int = ...) -> Any:
        """A page of events (`EventPage`), newest first."""
        ...

    def heads(self, subjects: Sequence[str]) -> Mapping[str, Mapping[str, object] | None]:
        """The heads of subjects, None for one without events."""
        ...

    def event(self, event_id: bytes) -> Any:
        """One event with its payload."""
        ...


class Known(msgspec.Struct, frozen=True):
    """An event of an import as the log has it; `value` in the unit it was said in."""

    event_id: str
    reporter: str
    code: str
    year: str
    value: str
    unit: str


def load_known(reads: LogReads, reporters: Iterable[str]) -> dict[str, Known]:
    """Every one-item event with a quantity that was said for these parties, by its nonce."""
    known: dict[str, Known] = {}
    for reporter in sorted(set(reporters)):
        cursor: str | None = None
        while True:
            page: EventPage = reads.events(actor=reporter, cursor=cursor, limit=PAGE)
            for row in page.rows:
                _take(known, row)
            cursor = page.next
            if cursor is None:
                break
    return known


def without_head(reads: LogReads, codes: Sequence[str]) -> list[str]:
    """The codes that no event of the log names yet, in their order."""
    free: list[str] = []
    for first in range(0, len(codes), PAGE):
        chunk = codes[first : first + PAGE]
        heads = reads.heads(chunk)
        free += [code for code in chunk if heads.get(code) is None]
    return free


def _take(known: dict[str, Known], row: EventRow) -> None:
    payload = row.payload
    items = (payload or {}).get("items")
    if payload is None or not items or len(items) != 1 or items[0].get("quantity") is None:
        return
    quantity = items[0]["quantity"]
    known[payload["nonce"]] = Known(
        row.event_id, row.actor, items[0]["code"], payload["at"][:4], quantity["value"], quantity["unit"]
    )
