"""The planted dozen: one story for each kind of flow anomaly, which the detectors must find."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from chemtrace.core.catalogue import Catalogue, Chemical
from chemtrace.entrypoints.demo.city import Firm
from chemtrace.entrypoints.demo.journeys import deliver, next_opening, produce, store
from chemtrace.entrypoints.demo.lots import Lot
from chemtrace.entrypoints.demo.week import DAY, HOUR, MINUTE, Cargo, Planner, line


@dataclass(frozen=True, slots=True)
class Planted:
    """What was done on purpose: the detector that must speak, the item (a name of the plan), its trip, the story."""

    detector: str
    code: str
    waybill: str | None
    zh: str
    en: str


@dataclass(slots=True)
class Stage:
    """The players of one story: an item already made, who made it, and two users who do not know each other."""

    planner: Planner
    lot: Lot
    dealer: Firm
    user: Firm
    other: Firm
    waybill: str | None = None

    @property
    def code(self) -> str:
        """The name of the item."""
        return self.lot.codes[0]

    def bought(self) -> int:
        """Make the item and bring it lawfully to the user; returns when it stands in the user's store."""
        made_us = self.made()
        goods = [(self.code, self.lot.fill)]
        return deliver(self.planner, self.lot, (self.lot.maker, self.user), goods, made_us)

    def made(self) -> int:
        """Make the item on the first morning; returns when it stands in the maker's store."""
        self.lot.codes = self.planner.new_codes(self.lot.maker, self.lot.kind, self.lot.chemical.slot, 1)
        return produce(self.planner, self.lot, self.planner.start_us + 6 * HOUR + 20 * MINUTE)

    def use(self, at_us: int, who: Firm, amount: Decimal, **rest: Any) -> None:
        """Somebody draws from the item at his site."""
        payload = {"site": who.site.id, "items": [line(self.code, amount)], "purpose": "反应投料"}
        self.planner.act(at_us, who, "use", "consume", payload, **rest)

    def sell(self, at_us: int, seller: Firm, buyer: Firm, **rest: Any) -> None:
        """An offer of the item."""
        payload = {"items": [line(self.code)], "counterparty": buyer.credit_code, "purpose": "生产"}
        self.planner.act(at_us, seller, "trade", "sell", payload, **rest)


def unknown_code(stage: Stage) -> tuple[str, str]:
    """C1."""
    planner = stage.planner
    stage.lot.codes = planner.new_codes(stage.lot.maker, "P", stage.lot.chemical.slot, 1)
    store(planner, stage.user, "in", [stage.code], planner.start_us + 9 * HOUR)
    return "用户入库一只从未登记生产的桶", "a user stores a drum that nobody ever reported as made"


def cloned_code(stage: Stage) -> tuple[str, str]:
    """C2."""
    at_us = next_opening(stage.planner, stage.bought() + DAY)
    stage.use(at_us, stage.user, Decimal(5))
    stage.use(at_us + 15 * MINUTE, stage.other, Decimal(5))
    return (
        "同一追溯码 15 分钟内在两家相距很远的用户处被取用",
        "one code is used at two distant firms within 15 minutes",
    )


def revived_code(stage: Stage) -> tuple[str, str]:
    """C3."""
    planner, at_us = stage.planner, next_opening(stage.planner, stage.bought() + 2 * HOUR)
    stage.use(at_us, stage.user, stage.lot.fill)
    empty = {"site": stage.user.site.id, "items": [line(stage.code, Decimal(0))]}
    planner.act(at_us + HOUR, stage.user, "dispose", "empty", empty)
    stage.use(next_opening(planner, at_us + 2 * DAY), stage.user, Decimal(10))
    return "已处置的空桶两天后又被取用", "a drum that was disposed of is used again two days later"


def double_sale(stage: Stage) -> tuple[str, str]:
    """C4."""
    at_us = next_opening(stage.planner, stage.made() + HOUR)
    stage.sell(at_us, stage.lot.maker, stage.user)
    stage.sell(at_us + HOUR, stage.lot.maker, stage.other, expected="item.double-sale")
    return "同一只桶先后卖给两家", "one drum is sold to two buyers"


def skipped_step(stage: Stage) -> tuple[str, str]:
    """C5."""
    planner, made_us = stage.planner, stage.made()
    at_us = next_opening(planner, made_us + HOUR)
    stage.sell(at_us, stage.lot.maker, stage.user)
    trip = planner.trip(
        at_us + HOUR, stage.lot.maker, stage.user, Cargo(stage.lot, ((stage.code, stage.lot.fill),))
    )
    arrival = {
        "site": stage.user.site.id,
        "waybill": trip.number,
        "vehicle": trip.plate,
        "items": [line(stage.code)],
        "counterparty": stage.lot.maker.credit_code,
    }
    planner.act(trip.arrive_us, stage.user, "transport", "arrive", arrival)
    return "没有装车记录就到货", "a drum arrives that nobody loaded"


def over_use(stage: Stage) -> tuple[str, str]:
    """Q1."""
    at_us = next_opening(stage.planner, stage.bought() + 3 * HOUR)
    stage.use(at_us, stage.user, stage.lot.fill * 6 / 10)
    stage.use(next_opening(stage.planner, at_us + 5 * HOUR), stage.user, stage.lot.fill * 6 / 10)
    return "从一只桶中取出装量的 120%", "120 % of its fill is drawn from a drum"


def repack_gain(stage: Stage) -> tuple[str, str]:
    """Q2."""
    planner, at_us = stage.planner, next_opening(stage.planner, stage.bought() + 3 * HOUR)
    codes = planner.new_codes(stage.user, "P", stage.lot.chemical.slot, 5)
    payload = {
        "site": stage.user.site.id,
        "inputs": [line(stage.code, Decimal(25))],
        "items": [line(code, Decimal(6)) for code in codes],
    }
    planner.act(at_us, stage.user, "produce", "repack", payload)
    return "25 千克分装出 30 千克", "25 kg are repacked into 30 kg"


def receipt_difference(stage: Stage) -> tuple[str, str]:
    """Q3."""
    planner, made_us = stage.planner, stage.made()
    at_us = next_opening(planner, made_us + HOUR)
    stage.sell(at_us, stage.lot.maker, stage.user)
    fill = stage.lot.fill
    trip = planner.trip(at_us + HOUR, stage.lot.maker, stage.user, Cargo(stage.lot, ((stage.code, fill),)))
    move = {"waybill": trip.number, "vehicle": trip.plate}
    loading = {**move, "site": stage.lot.maker.site.id, "items": [line(stage.code, fill)]}
    loading["counterparty"] = stage.user.credit_code
    planner.act(trip.load_us, stage.lot.maker, "transport", "load", loading)
    short = (fill * 97 / 100).quantize(Decimal(1))
    arrival = {**move, "site": stage.user.site.id, "items": [line(stage.code, short)]}
    arrival["counterparty"] = stage.lot.maker.credit_code
    planner.act(trip.arrive_us, stage.user, "transport", "arrive", arrival)
    bought = {"items": [line(stage.code)], "counterparty": stage.lot.maker.credit_code}
    planner.act(trip.arrive_us + 20 * MINUTE, stage.user, "trade", "buy", bought)
    return "槽车到货比装车少 3%", "a tank load arrives 3 % short"


def overdue_transit(stage: Stage) -> tuple[str, str]:
    """T1."""
    planner, made_us = stage.planner, stage.made()
    at_us = next_opening(planner, made_us + HOUR)
    stage.sell(at_us, stage.lot.maker, stage.user)
    before = len(planner.acts)
    trip = planner.trip(
        at_us + HOUR, stage.lot.maker, stage.user, Cargo(stage.lot, ((stage.code, stage.lot.fill),))
    )
    planner.acts[before:] = [
        act for act in planner.acts[before:] if act.phase in ("scheduled", "loaded", "in_transit")
    ]
    planner.free_at[trip.plate] = planner.end_us + DAY
    loading = {
        "site": stage.lot.maker.site.id,
        "waybill": trip.number,
        "vehicle": trip.plate,
        "items": [line(stage.code, stage.lot.fill)],
        "counterparty": stage.user.credit_code,
    }
    planner.act(trip.load_us, stage.lot.maker, "transport", "load", loading)
    return "装车后一直没有到货", "a drum is loaded and never arrives"


def no_waybill(stage: Stage) -> tuple[str, str]:
    """T2."""
    planner, made_us = stage.planner, stage.made()
    at_us = next_opening(planner, made_us + HOUR)
    maker, user = stage.lot.maker, stage.user
    stage.sell(at_us, maker, user)
    items = [line(stage.code, stage.lot.fill)]
    loading = {"site": maker.site.id, "items": items, "vehicle": "京B00001", "counterparty": user.credit_code}
    planner.act(at_us + HOUR, maker, "transport", "load", loading)
    arrival = {"site": user.site.id, "items": items, "vehicle": "京B00001", "counterparty": maker.credit_code}
    planner.act(at_us + 5 * HOUR, user, "transport", "arrive", arrival)
    bought = {"items": [line(stage.code)], "counterparty": maker.credit_code}
    planner.act(at_us + 5 * HOUR + 20 * MINUTE, user, "trade", "buy", bought)
    return "没有运单就运输 200 千克", "200 kg travel without a waybill"


def waybill_mismatch(stage: Stage) -> tuple[str, str]:
    """T3."""
    planner, made_us = stage.planner, stage.made()
    at_us = next_opening(planner, made_us + HOUR)
    stage.sell(at_us, stage.lot.maker, stage.user)
    cargo = Cargo(stage.lot, ((stage.code, stage.lot.fill),))
    trip = planner.trip(at_us + HOUR, stage.lot.maker, stage.user, cargo)
    stage.waybill = trip.number
    move = {"waybill": trip.number, "items": [line(stage.code, stage.lot.fill)]}
    loading = {
        **move,
        "site": stage.lot.maker.site.id,
        "vehicle": trip.plate,
        "counterparty": stage.user.credit_code,
    }
    planner.act(trip.load_us, stage.lot.maker, "transport", "load", loading)
    arrival = {
        **move,
        "site": stage.user.site.id,
        "vehicle": "京C77777",
        "counterparty": stage.lot.maker.credit_code,
    }
    planner.act(trip.arrive_us, stage.user, "transport", "arrive", arrival)
    bought = {"items": [line(stage.code)], "counterparty": stage.lot.maker.credit_code}
    planner.act(trip.arrive_us + 20 * MINUTE, stage.user, "trade", "buy", bought)
    return "到货车辆不是运单上的车辆", "the vehicle that arrives is not the one on the waybill"


def backdated(stage: Stage) -> tuple[str, str]:
    """D1."""
    at_us = next_opening(stage.planner, stage.bought() + 2 * HOUR)
    stage.use(at_us, stage.user, Decimal(5), held_us=5 * DAY)
    return (
        "五天前的取用今天才补录,设备其间一直在线",
        "a use is entered five days late by a device that was online",
    )


_STORIES: Final[tuple[tuple[str, str, Callable[[Stage], tuple[str, str]]], ...]] = (
    ("C1", "P", unknown_code),
    ("C2", "P", cloned_code),
    ("C3", "P", revived_code),
    ("C4", "P", double_sale),
    ("C5", "P", skipped_step),
    ("Q1", "P", over_use),
    ("Q2", "P", repack_gain),
    ("Q3", "T", receipt_difference),
    ("T1", "P", overdue_transit),
    ("T2", "P", no_waybill),
    ("T3", "P", waybill_mismatch),
    ("D1", "P", backdated),
)


def play_planted(planner: Planner, catalogue: Catalogue) -> list[Planted]:
    """Plan the twelve stories, each with a chemical, a maker and users of its own choosing."""
    liquids = [chemical for chemical in catalogue.chemicals if not (chemical.tdg_class or "").startswith("2")]
    planted = []
    for number, (detector, kind, story) in enumerate(_STORIES):
        stage = _stage(planner, liquids[number * 2 % len(liquids)], kind, number)
        zh, en = story(stage)
        planted.append(Planted(detector, stage.code, stage.waybill, zh, en))
    return planted


def _stage(planner: Planner, chemical: Chemical, kind: str, number: int) -> Stage:
    """Players: users of the far ends of the city, so that a clone is far from its original."""
    makers, users = planner.city.of_role("producer"), planner.city.of_role("user")
    fill = Decimal(18_000) if kind == "T" else Decimal(200)
    lot = Lot(makers[number % len(makers)], chemical, kind, 1, fill)
    return Stage(
        planner, lot, planner.city.of_role("trader")[0], users[number], users[(number + 11) % len(users)]
    )
