"""The closed union of event kinds: which payload belongs to which kind and phase, and which subjects it moves.

Events are frozen msgspec structs: decoding, type checks and the published JSON Schemas come from one definition.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import Final

import msgspec

from chemtrace.core.errors import HeaderError, PayloadError
from chemtrace.core.events.authority import (
    Alert,
    Anchor,
    Device,
    Enterprise,
    Erase,
    Issue,
    Key,
    Licence,
    Rules,
    Site,
)
from chemtrace.core.events.fields import Payload, in_words
from chemtrace.core.events.items import (
    Consume,
    Correct,
    Count,
    Dispose,
    Inspect,
    Opening,
    Pack,
    Produce,
    Repack,
    Report,
    ReturnEmpty,
    Store,
    Trade,
    Transform,
    Transport,
)
from chemtrace.core.events.waybills import WaybillScheduled, WaybillState

PAYLOADS: Final[dict[tuple[str, str], type[Payload]]] = {
    ("produce", "make"): Produce,
    ("produce", "fill"): Produce,
    ("produce", "repack"): Repack,
    ("trade", "sell"): Trade,
    ("trade", "buy"): Trade,
    ("store", "in"): Store,
    ("store", "out"): Store,
    ("store", "opening"): Opening,
    ("transport", "load"): Transport,
    ("transport", "arrive"): Transport,
    ("use", "consume"): Consume,
    ("use", "return"): ReturnEmpty,
    ("dispose", "hand_over"): Dispose,
    ("dispose", "done"): Dispose,
    ("dispose", "empty"): Dispose,
    ("pack", "done"): Pack,
    ("unpack", "done"): Pack,
    ("transform", "done"): Transform,
    ("inspect", "done"): Inspect,
    ("count", "done"): Count,
    **{("report", phase): Report for phase in ("loss", "theft", "spill", "found", "reprint", "void")},
    ("correct", "done"): Correct,
    ("waybill", "scheduled"): WaybillScheduled,
    **{("waybill", phase): WaybillState for phase in ("loaded", "in_transit", "arrived", "closed", "void")},
    **{("alert", phase): Alert for phase in ("acknowledge", "assign", "explain", "confirm", "dismiss")},
    ("erase", "openings"): Erase,
    **{("enterprise", phase): Enterprise for phase in ("register", "update", "close")},
    **{("site", phase): Site for phase in ("register", "update", "close")},
    ("licence", "grant"): Licence,
    ("licence", "revoke"): Licence,
    **{("key", phase): Key for phase in ("register", "retire", "compromised")},
    ("device", "register"): Device,
    ("device", "revoke"): Device,
    ("issue", "batch"): Issue,
    ("rules", "publish"): Rules,
    ("anchor", "timestamp"): Anchor,
}
"""Payload type by (kind, phase). The operator's `epoch` is no event: see `core.epoch`."""

AUTHORITY_KINDS: Final = frozenset(
    {"enterprise", "site", "licence", "key", "device", "issue", "rules", "erase", "anchor"}
)
ITEM_KINDS: Final = frozenset(
    {
        "produce", "trade", "store", "transport", "use", "dispose", "pack", "unpack", "transform",
        "inspect", "count", "report", "correct",
    }
)  # fmt: skip
IN_ORDER: Final = frozenset({("trade", "sell"), ("transport", "load")})
"""Item events that must name the head: elsewhere an older `prev` means late, here it means 409."""

_DECODERS: Final = {key: msgspec.json.Decoder(type_, strict=True) for key, type_ in PAYLOADS.items()}


def _no_such_event(kind: str, phase: str) -> HeaderError:
    """Says which phases the kind has, or else which kind was meant."""
    phases = [known for of, known in PAYLOADS if of == kind]
    if phases:
        return HeaderError(
            f"there is no event {kind}/{phase}: {kind} has {', '.join(phases)}",
            kind=kind,
            phase=phase,
            known=phases,
        )
    kinds = list(dict.fromkeys(of for of, _ in PAYLOADS))
    near = get_close_matches(kind[:40], kinds, 1)
    meant = f"did you mean {near[0]}?" if near else f"kinds are {', '.join(kinds)}"
    return HeaderError(f"there is no event {kind}/{phase}: {meant}", kind=kind, phase=phase)


def parse_payload(kind: str, phase: str, data: bytes) -> Payload:
    """Decode payload bytes (already known to be canonical) of one kind and phase.

    Raises:
        HeaderError: no such kind and phase.
        PayloadError: a field is missing, unknown, or outside its type; names the path and what was expected.
    """
    decoder = _DECODERS.get((kind, phase))
    if decoder is None:
        raise _no_such_event(kind, phase)
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise PayloadError(
            f"payload of {kind}/{phase}: {in_words(str(error))}", kind=kind, phase=phase, detail=str(error)
        ) from error


def moved_subjects(payload: Payload, enterprise: str = "") -> tuple[str, ...]:  # noqa: C901, PLR0911 one case for each member of a closed union
    """The subject ids that an event with this payload must name in its header, in any order.

    What begins or ends the validity of a key belongs to that key's history: the device that holds it, the key that
    replaces it. For `Correct` and `Erase` they are the subjects of the event named, which only the ledger knows: empty
    here. Rule sets and anchors belong to the history of who publishes them: the header's `enterprise`.
    """
    match payload:
        case Repack() | Transform():
            return tuple(line.code for line in (*payload.inputs, *payload.items))
        case Pack():
            return (payload.container, *(line.code for line in payload.items))
        case Trade() | Transport():
            codes = tuple(line.code for line in payload.items)
            return codes if payload.waybill is None else (*codes, f"waybill:{payload.waybill}")
        case (
            Produce()
            | Opening()
            | Store()
            | Consume()
            | ReturnEmpty()
            | Dispose()
            | Inspect()
            | Count()
            | Report()
        ):
            return tuple(line.code for line in payload.items)
        case WaybillScheduled() | WaybillState():
            return (f"waybill:{payload.number}",)
        case Enterprise():
            return (f"enterprise:{payload.enterprise}",)
        case Site():
            return (f"site:{payload.id}",)
        case Licence():
            return (f"licence:{payload.id}",)
        case Key():
            former = () if payload.replaces is None else (f"key:{payload.replaces}",)
            return (f"key:{payload.kid}", *former)
        case Device():
            held = () if payload.kid is None else (f"key:{payload.kid}",)
            return (f"device:{payload.id}", *held)
        case Issue():
            return (f"batch:{payload.batch}",)
        case Alert():
            return (f"alert:{payload.alert}",)
        case Rules() | Anchor():
            return (f"enterprise:{enterprise}",)
        case _:
            return ()
