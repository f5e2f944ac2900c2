"""Answers about waybills: what was planned, loaded and received."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from chemtrace.entrypoints.api.schemas.events import HistoryLine
from chemtrace.entrypoints.api.schemas.fields import Amount, Code, Index, Micros, Next, Party

STATES = ("scheduled", "loaded", "in_transit", "arrived", "closed", "void")
Carried = Annotated[
    list[tuple[Code, Amount | None, Index]],
    Field(description="(code, kilograms or null where not known, index of the event)"),
]


class WaybillGoods(BaseModel):
    """One line of goods; `mass` in kilograms, null where it was stated otherwise."""

    un: str | None
    hazard_class: str
    mass: Amount | None
    codes: list[Code]


class WaybillLine(BaseModel):
    """A waybill as it stands; `loaded` and `arrived` are absent while nothing was."""

    number: str
    state: Annotated[str, Field(json_schema_extra={"enum": list(STATES)})]
    consignor: Party
    consignee: Party
    carrier: Party
    loader: Party | None
    origin: str
    destination: str | None
    vehicle: str
    load_at_us: Micros
    arrive_by_us: Micros
    goods: list[WaybillGoods]
    scheduled_index: Index
    scheduled_by: Party
    last_index: Index
    loaded: Carried = []
    arrived: Carried = []


class WaybillPage(BaseModel):
    """Some waybills in the order of their numbers."""

    waybills: list[WaybillLine]
    next: Next


class Waybill(WaybillLine):
    """One waybill with the items that travel under it now, and every statement about it."""

    aboard: list[Code]
    events: list[HistoryLine]
