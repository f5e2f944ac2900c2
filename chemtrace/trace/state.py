"""The state of one item: who answers for it, where it is, how much is in it, what it is inside of."""

from __future__ import annotations

from decimal import Decimal
from typing import Final, Literal, TypeAlias

import msgspec

from chemtrace.core.errors import EntryCorruptError
from chemtrace.trace.exact import plain

Status: TypeAlias = Literal["unborn", "held", "in_transit", "spent", "closed", "missing", "void"]
"""unborn: nothing stands behind the code; spent: empty, the package lives; closed: its life has ended."""

ZERO: Final = Decimal(0)
MOST_FORMER: Final = 8
"""Former holders that an item remembers, the newest."""
NEVER: Final = -1
"""Index of what has not happened."""


class Claim(msgspec.Struct, frozen=True, gc=False):
    """A receipt that nothing explains yet: since `index` `party` says it has the item that `source` answered for.

    A sale or load that `source` reports afterwards completes it.
    """

    kind: Literal["buy", "arrive"]
    party: str
    source: str
    index: int
    site: str | None = None


class ItemState(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Custody, place, quantity and containment of one item after the events folded so far.

    Quantities are in `unit` (empty until the first quantity is known) and never below zero. `slot` and `kind` are
    those of the code. `producer` gave the item its present fill, `holder` answers for it now. `filled` is the amount
    of the present fill, `drawn` what was taken from it since, `loaded` what went onto the vehicle. `proven` says that
    a production stands behind the item; without it, it is known only from events that found it. `emptied` says that
    the package was given back as empty. `seen` is the last place: (claimed time in microseconds, latitude and
    longitude in millionths of a degree, index). `offer` is (seller, buyer); an offer to the present holder is a
    delivery whose purchase is not booked yet. `early` are the events of the expected receiver before its receipt.
    For a proven item `quantity` is `filled` less `drawn`, but never below zero. `former` are the last
    holders before the present one; `outside` counts the events of each outsider since the present holder answers for
    the item, in the order in which they arrived. `made` is the fill of an item that others had before its production
    was told, as its maker stated it, until the maker says where it went (see `trace.maker`).
    """

    code: str
    slot: str
    kind: str
    status: Status = "unborn"
    producer: str | None = None
    holder: str | None = None
    site: str | None = None
    quantity: Decimal = ZERO
    filled: Decimal = ZERO
    drawn: Decimal = ZERO
    unit: str = ""
    parent: str | None = None
    offer: tuple[str, str] | None = None
    claims: tuple[Claim, ...] = ()
    early: tuple[int, ...] = ()
    shipper: str | None = None
    consignee: str | None = None
    waybill: str | None = None
    vehicle: str | None = None
    loaded: Decimal | None = None
    proven: bool = False
    emptied: bool = False
    born_index: int = NEVER
    closed_index: int = NEVER
    last_index: int = NEVER
    last_event_id: bytes = b""
    effective_us: int = 0
    seen: tuple[int, int, int, int] | None = None
    stored_unit: str | None = None
    former: tuple[str, ...] = ()
    outside: tuple[tuple[str, int], ...] = ()
    made: Decimal | None = None


_ENCODER: Final = msgspec.json.Encoder(order="sorted", decimal_format="string")
_DECODER: Final = msgspec.json.Decoder(ItemState)
_QUANTITIES: Final = ("quantity", "filled", "drawn", "loaded", "made")


def unborn(code: str) -> ItemState:
    """The state of a code before its first event; `code` is a canonical 19-sign trace code."""
    return ItemState(code=code, slot=code[4:7], kind=code[3])


def encode_state(state: ItemState) -> bytes:
    """Canonical JSON of a state: sorted members, defaults left out, one spelling for each quantity."""
    return _ENCODER.encode(_with_plain_quantities(state))


def decode_state(data: bytes) -> ItemState:
    """Read what `encode_state` wrote.

    Raises:
        EntryCorruptError: the stored bytes are not a state.
    """
    try:
        return _DECODER.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise EntryCorruptError(
            "a stored item state is damaged; verify the log", detail=str(error)
        ) from error


def _with_plain_quantities(state: ItemState) -> ItemState:
    """Give every quantity its one spelling; most have it already, so the state is seldom rebuilt."""
    changes: dict[str, Decimal] = {}
    for name in _QUANTITIES:
        value: Decimal | None = getattr(state, name)
        if value is not None and value is not ZERO and (simple := plain(value)) is not value:
            changes[name] = simple
    return msgspec.structs.replace(state, **changes) if changes else state
