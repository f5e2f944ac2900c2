"""What judging an event needs to know of the ledger: a port that admission implements over its caches."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from chemtrace.core.catalogue import Catalogue
from chemtrace.trace.event import ItemEvent
from chemtrace.trace.state import ItemState
from chemtrace.trace.step import Issue
from chemtrace.trace.waybill import WaybillState


class Past(NamedTuple):
    """An admitted event of an item, and whether it takes part in the fold of that item's state."""

    event: ItemEvent
    effect: bool


class ItemsView(Protocol):
    """The ledger as of just before the event judged, including what the same batch has admitted already.

    Only `state` is asked for every item; the rest when a rule needs it. All answers come without waiting long:
    judging happens inside the writer.
    """

    @property
    def catalogue(self) -> Catalogue | None:
        """The catalogue in force; None where none is loaded (its rules then do not apply)."""
        ...

    def state(self, code: str) -> ItemState:
        """The present state; `unborn(code)` for a code without events."""
        ...

    def history(self, code: str) -> tuple[Past, ...]:
        """All admitted item events that name the code, by index; seldom asked.

        Late events, corrections and containers that travel need it.
        """
        ...

    def waybill(self, number: str) -> WaybillState | None:
        """The present state of a waybill, or None."""
        ...

    def open_waybills_of(self, vehicle: str) -> tuple[str, ...]:
        """The numbers of the waybills in `OPEN_STATES` of this vehicle."""
        ...

    def issue_status(self, code: str, actor: str) -> Issue:
        """Whether the code was issued, and to `actor`; `unchecked` where the issuing is not in this ledger."""
        ...

    def is_issuer(self, code: str, actor: str) -> bool:
        """Tell whether the code carries the issuer number of `actor`: nobody needs the master key to know."""
        ...

    def site_owner(self, site: str) -> str | None:
        """The enterprise of a registered, open site, or None."""
        ...

    def is_authority(self, party: str) -> bool:
        """Tell whether the party is the authority of this ledger."""
        ...

    def may_inspect(self, party: str) -> bool:
        """Tell whether looking at other people's items is the party's office: the authority, and regulators."""
        ...

    def event(self, event_id: bytes) -> ItemEvent | None:
        """The admitted item event of this id, or None."""
        ...
