"""Payloads of what happens to items: the six stages, packing, transforming, looking, reporting, correcting."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from chemtrace.core.events.fields import (
    Amounts,
    Cas,
    Code,
    DecimalText,
    Hex32,
    Line,
    Lines,
    Party,
    Payload,
    Plate,
    Text,
    WaybillNumber,
)


class Produce(Payload, frozen=True, kw_only=True):
    """produce/make and produce/fill: items come to life, or a returnable is filled again."""

    items: Amounts
    chemical: Cas | None = None
    batch: Line | None = None
    concentration: DecimalText | None = None


class Repack(Payload, frozen=True, kw_only=True):
    """produce/repack: parts of `inputs` go into new `items` of the same chemical."""

    inputs: Amounts
    items: Amounts
    batch: Line | None = None


class Trade(Payload, frozen=True, kw_only=True):
    """trade/sell (counterparty: the buyer) and trade/buy (counterparty: the seller)."""

    items: Lines
    counterparty: Party
    waybill: WaybillNumber | None = None
    purpose: Line | None = None
    contract: Line | None = None


class Store(Payload, frozen=True, kw_only=True):
    """store/in and store/out: items enter or leave a storage unit of the site; `counterparty` is their owner."""

    items: Lines
    unit: Line | None = None
    counterparty: Party | None = None


class Opening(Payload, frozen=True, kw_only=True):
    """store/opening: items that were there before the record begins, with what was in each."""

    items: Amounts


class Transport(Payload, frozen=True, kw_only=True):
    """transport/load (counterparty: the consignee) and transport/arrive (counterparty: the consignor)."""

    items: Lines
    waybill: WaybillNumber | None = None
    vehicle: Plate | None = None
    counterparty: Party | None = None


class Consume(Payload, frozen=True, kw_only=True):
    """use/consume: what was drawn from each item."""

    items: Amounts
    purpose: Line | None = None


class ReturnEmpty(Payload, frozen=True, kw_only=True):
    """use/return: emptied packages on their way back; a quantity is the residue left inside."""

    items: Lines
    counterparty: Party | None = None


class Dispose(Payload, frozen=True, kw_only=True):
    """dispose/hand_over (counterparty: the disposer), dispose/done and dispose/empty (quantity: the residue)."""

    items: Lines
    counterparty: Party | None = None
    method: Line | None = None
    manifest: Line | None = None


class Pack(Payload, frozen=True, kw_only=True):
    """pack/done and unpack/done: items go into, or come out of, a container that has a code of its own."""

    container: Code
    items: Lines


class Transform(Payload, frozen=True, kw_only=True):
    """transform/done: inputs become outputs (dilute, mix, react); chemicals may differ."""

    inputs: Amounts
    items: Amounts
    process: Line | None = None


class Inspect(Payload, frozen=True, kw_only=True):
    """inspect/done: somebody looked at items; changes no custody."""

    items: Lines
    result: Literal["pass", "fail", "note"]


class Count(Payload, frozen=True, kw_only=True):
    """count/done: stock-taking of a site; the codes that were seen."""

    items: Lines
    pieces: Annotated[int, Meta(ge=0, le=1_000_000)] | None = None


class Report(Payload, frozen=True, kw_only=True):
    """report/loss, theft, spill, found; report/reprint and report/void concern the label alone."""

    items: Lines
    remark: Text | None = None


class Correct(Payload, frozen=True, kw_only=True):
    """correct/done: `event` was wrong and has no effect any more; nothing is edited (rule R-22)."""

    event: Hex32
    reason: Text
    replacement: Hex32 | None = None
