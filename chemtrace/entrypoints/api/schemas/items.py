"""Answers about items: one now, lists, stock of a place, and the tree of where matter came from or went."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field

from chemtrace.entrypoints.api.schemas.fields import (
    Amount,
    Code,
    Finding,
    Hex32,
    Index,
    Next,
    Party,
    Slot,
    Unit,
)

STATUSES = ("unborn", "held", "in_transit", "spent", "closed", "missing", "void")
Status = Annotated[str, Field(json_schema_extra={"enum": list(STATUSES)})]


class ItemLine(BaseModel):
    """One item in a list; `parent` is the container it is in."""

    code: Code
    chemical: Slot
    status: Status
    holder: Party | None
    site: str | None
    quantity: Amount
    unit: Unit
    parent: Code | None
    offered_to: Party | None
    waybill: str | None
    last_index: Index


class ItemPage(BaseModel):
    """Some items in the order of their codes."""

    items: list[ItemLine]
    next: Next


class Item(BaseModel):
    """One item now. Holder, site and waybill are those of the outermost of its `containers` (innermost first).

    `head` and `events` are what a signer needs to know; `state` is the whole folded state, for those who recompute it.
    """

    code: Code
    chemical: Slot
    name_zh: str | None
    name_en: str | None
    status: Status
    holder: Party | None
    site: str | None
    quantity: Amount
    unit: Unit
    offered_to: Party | None
    waybill: str | None
    containers: list[Code]
    contents: list[Code]
    last_index: Index
    head: Hex32
    events: Annotated[int, Field(ge=1)]
    findings: list[Finding]
    state: Annotated[dict[str, Any], Field(description="docs/reference/lifecycle.md")]


class Edge(BaseModel):
    """Matter went from `source` to `target` in one event; the quantity is what was said of the source."""

    source: Code
    target: Code
    relation: Annotated[str, Field(json_schema_extra={"enum": ["repack", "transform", "pack"]})]
    index: Index
    event_id: Hex32
    quantity: Amount | None
    unit: Unit | None
    depth: Annotated[int, Field(ge=1)]


class Lineage(BaseModel):
    """The tree of one item in one direction, nearest first; `truncated`: there is more than one answer holds."""

    code: Code
    direction: Annotated[str, Field(json_schema_extra={"enum": ["up", "down"]})]
    edges: list[Edge]
    truncated: bool


class StockLine(BaseModel):
    """What is at a site of one chemical: pieces and exact sum, with what a fire brigade asks first."""

    chemical: Slot
    name_zh: str | None
    name_en: str | None
    un: Annotated[str | None, Field(description="UN number")]
    hazard_class: str | None
    subsidiary: list[str]
    ghs: list[str]
    pieces: Annotated[int, Field(ge=0)]
    missing: Annotated[int, Field(ge=0, description="reported lost or stolen, not in the sum")]
    quantity: Amount
    unit: Unit
    items: list[ItemLine]
