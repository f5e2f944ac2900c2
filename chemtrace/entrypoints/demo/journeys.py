"""The journeys of lots through the city: made, sold, carried, stored, used, emptied, disposed of."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from chemtrace.entrypoints.demo.city import Firm
from chemtrace.entrypoints.demo.lots import Lot
from chemtrace.entrypoints.demo.week import DAY, HOUR, MINUTE, Cargo, Idle, Planner, Trip, kilograms, line

OPENING_HOUR: Final = 7
PALLET_FROM: Final = 9
"""Drums of a lot from which on a dealer's delivery travels on a pallet with a code of its own."""
Held = list[tuple[str, Decimal]]
"""Codes with the kilograms still in each."""


def play_lot(planner: Planner, lot: Lot) -> None:
    """Plan the whole life of a lot, as far as the week lasts."""
    lot.codes = planner.new_codes(lot.maker, lot.kind, lot.chemical.slot, lot.count)
    first_us = planner.start_us + planner.random.randint(0, 3) * DAY + 6 * HOUR
    made_us = produce(planner, lot, first_us + planner.random.randint(0, 200) * MINUTE)
    goods = [(code, lot.fill) for code in lot.codes]
    if lot.kind == "T" or planner.random.random() < 0.3:
        user = planner.random.choice(planner.city.of_role("user"))
        at_us = deliver(planner, lot, (lot.maker, user), goods, made_us)
        use_up(planner, lot, user, goods, at_us)
        return
    dealer = planner.random.choice(planner.city.of_role("trader"))
    on_pallet = lot.kind == "P" and lot.count >= PALLET_FROM
    pallet = planner.new_codes(lot.maker, "A", "000", 1)[0] if on_pallet else None
    at_us = deliver(planner, lot, (lot.maker, dealer), goods, made_us, pallet=pallet)
    if planner.random.random() < 0.15:
        at_us = warehouse_stay(planner, lot, dealer, goods, at_us)
    distribute(planner, lot, dealer, goods, at_us)


def produce(planner: Planner, lot: Lot, at_us: int) -> int:
    """Fill every item on the line, one scan each, and put the lot into the maker's store."""
    batch = f"L{lot.chemical.slot}-{planner.random.randint(10_000, 99_999)}"
    for code in lot.codes:
        payload: dict[str, Any] = {
            "site": lot.maker.site.id,
            "items": [line(code, lot.fill)],
            "batch": batch,
        }
        if lot.chemical.cas is not None:
            payload["chemical"] = lot.chemical.cas
        planner.act(at_us, lot.maker, "produce", "fill" if lot.kind == "C" else "make", payload)
        at_us += 2 * MINUTE
    store(planner, lot.maker, "in", lot.codes, at_us + 10 * MINUTE)
    return at_us + 30 * MINUTE


def store(planner: Planner, firm: Firm, phase: str, codes: Sequence[str], at_us: int) -> None:
    """One scan of several items into or out of a storage unit."""
    payload = {"site": firm.site.id, "unit": "A1", "items": [line(code) for code in codes]}
    planner.act(at_us, firm, "store", phase, payload)


def deliver(
    planner: Planner,
    lot: Lot,
    route: tuple[Firm, Firm],
    goods: Held,
    at_us: int,
    *,
    pallet: str | None = None,
) -> int:
    """Sell, load, carry, receive, buy, store; returns when the goods stand in the buyer's store."""
    seller, buyer = route
    at_us = next_opening(planner, at_us)
    codes = [code for code, _ in goods]
    number = planner.trips + 1
    trade: dict[str, Any] = {"items": [line(code) for code in codes], "contract": f"HT-{number:05d}"}
    planner.act(
        at_us, seller, "trade", "sell", {**trade, "counterparty": buyer.credit_code, "purpose": "生产"}
    )
    if pallet is not None:
        packing = {"site": seller.site.id, "container": pallet, "items": [line(code) for code in codes]}
        planner.act(at_us + 15 * MINUTE, seller, "pack", "done", packing)
    trip = carry(planner, lot, route, goods, at_us + 50 * MINUTE, pallet=pallet)
    done_us = trip.arrive_us + (len(goods) + 5) * MINUTE
    if pallet is not None:
        unpacking = {"site": buyer.site.id, "container": pallet, "items": [line(code) for code in codes]}
        planner.act(done_us, buyer, "unpack", "done", unpacking)
    planner.act(done_us + 5 * MINUTE, buyer, "trade", "buy", {**trade, "counterparty": seller.credit_code})
    for code in codes:
        done_us += MINUTE
        store(planner, buyer, "in", [code], done_us + 6 * MINUTE)
    return done_us + 20 * MINUTE


def carry(
    planner: Planner,
    lot: Lot,
    route: tuple[Firm, Firm],
    goods: Held,
    at_us: int,
    *,
    pallet: str | None = None,
    return_of: str | None = None,
) -> Trip:
    """Load and arrive under a waybill, each package scanned at both ends; tank loads are weighed twice."""
    sender, receiver = route
    listed = (pallet,) if pallet is not None else ()
    trip = planner.trip(at_us, sender, receiver, Cargo(lot, tuple(goods), listed), return_of=return_of)
    scans: Held = (
        [(pallet, sum((amount for _, amount in goods), Decimal(0)))] if pallet is not None else goods
    )
    for place, (code, weighed) in enumerate(scans):
        loading = {
            "site": sender.site.id,
            "waybill": trip.number,
            "vehicle": trip.plate,
            "items": [line(code, weighed)],
            "counterparty": receiver.credit_code,
        }
        planner.act(trip.load_us + place * 20_000_000, sender, "transport", "load", loading)
        received = weighed
        if lot.kind == "T":
            received = (weighed * (1000 + planner.random.randint(-1, 1)) / 1000).quantize(Decimal(1))
            goods[place] = (code, received)
        arrival = {**loading, "site": receiver.site.id, "counterparty": sender.credit_code}
        arrival["items"] = [line(code, received)]
        planner.act(trip.arrive_us + place * 20_000_000, receiver, "transport", "arrive", arrival)
    return trip


def warehouse_stay(planner: Planner, lot: Lot, owner: Firm, goods: Held, at_us: int) -> int:
    """A night in somebody else's licensed store, and back to the owner."""
    warehouse = planner.random.choice(planner.city.of_role("warehouse"))
    codes = [code for code, _ in goods]
    there = carry(planner, lot, (owner, warehouse), goods, next_opening(planner, at_us))
    store(planner, warehouse, "in", codes, there.arrive_us + 30 * MINUTE)
    leave_us = next_opening(planner, there.arrive_us + 10 * HOUR)
    store(planner, warehouse, "out", codes, leave_us)
    back = carry(planner, lot, (warehouse, owner), goods, leave_us + 30 * MINUTE, return_of=there.number)
    return back.arrive_us + 30 * MINUTE


def distribute(planner: Planner, lot: Lot, dealer: Firm, goods: Held, at_us: int) -> None:
    """The dealer sells the lot on in parts of two to five items."""
    users = list(planner.city.of_role("user"))
    planner.random.shuffle(users)
    rest = list(goods)
    for user in users:
        if not rest:
            return
        size = planner.random.randint(3, 5)
        part, rest = rest[:size], rest[size:]
        at_us = next_opening(planner, at_us + planner.random.randint(20, 90) * MINUTE)
        if at_us > planner.end_us - 10 * HOUR:
            return
        there_us = deliver(planner, lot, (dealer, user), part, at_us)
        use_up(planner, lot, user, part, there_us)


def use_up(planner: Planner, lot: Lot, user: Firm, goods: Held, at_us: int) -> None:
    """Draw each item down in one to three steps; some stay in stock, some empties go on."""
    emptied: list[str] = []
    latest_us = at_us
    for code, amount in goods:
        if planner.random.random() < 0.25:
            planner.idle.append(Idle(lot, user, code, amount, at_us))
            continue
        moment_us = next_opening(planner, at_us + planner.random.randint(10, 300) * MINUTE)
        left = amount
        steps = planner.random.randint(1, 3)
        for step in range(steps):
            drawn = left if step == steps - 1 else (left / 2).quantize(Decimal("0.1"))
            left -= drawn
            payload = {
                "site": user.site.id,
                "items": [{"code": code, "quantity": kilograms(drawn)}],
                "purpose": "清洗" if step % 2 else "反应投料",
            }
            planner.act(moment_us, user, "use", "consume", payload)
            latest_us = max(latest_us, moment_us)
            moment_us = next_opening(planner, moment_us + planner.random.randint(60, 500) * MINUTE)
        emptied.append(code)
    if emptied:
        after_life(planner, lot, user, emptied, latest_us + 30 * MINUTE)


def after_life(planner: Planner, lot: Lot, user: Firm, codes: list[str], at_us: int) -> None:
    """Cylinders go home to be filled again; empty drums are declared empty or handed to a disposer."""
    at_us = next_opening(planner, at_us)
    if at_us > planner.end_us - 12 * HOUR:
        return
    goods: Held = [(code, Decimal(0)) for code in codes]
    if lot.kind == "C":
        items = [line(code, Decimal(0)) for code in codes]
        payload = {"site": user.site.id, "items": items, "counterparty": lot.maker.credit_code}
        planner.act(at_us, user, "use", "return", payload)
        carry_empty(planner, lot, (user, lot.maker), goods, at_us + HOUR, refill=True)
    elif lot.kind == "P" and planner.random.random() < 0.6:
        disposer = planner.random.choice(planner.city.of_role("disposer"))
        items = [line(code) for code in codes]
        payload = {"site": user.site.id, "items": items, "counterparty": disposer.credit_code}
        planner.act(at_us, user, "dispose", "hand_over", payload)
        carry_empty(planner, lot, (user, disposer), goods, at_us + HOUR, refill=False)
    else:
        payload = {"site": user.site.id, "items": [line(code, Decimal(0)) for code in codes]}
        planner.act(at_us, user, "dispose", "empty", payload)


def carry_empty(
    planner: Planner, lot: Lot, route: tuple[Firm, Firm], goods: Held, at_us: int, *, refill: bool
) -> None:
    """Empties travel on a waybill too; a filler fills them again, a disposer ends their life."""
    user, receiver = route
    trip = planner.trip(at_us, user, receiver, Cargo(lot, tuple(goods)))
    codes = [code for code, _ in goods]
    common = {"waybill": trip.number, "vehicle": trip.plate, "items": [line(code) for code in codes]}
    loading = {**common, "site": user.site.id, "counterparty": receiver.credit_code}
    planner.act(trip.load_us, user, "transport", "load", loading)
    arrival = {**common, "site": receiver.site.id, "counterparty": user.credit_code}
    planner.act(trip.arrive_us, receiver, "transport", "arrive", arrival)
    if not refill:
        payload = {"site": receiver.site.id, "items": common["items"], "method": "焚烧 incineration"}
        planner.act(next_opening(planner, trip.arrive_us + 2 * HOUR), receiver, "dispose", "done", payload)
        return
    fill_us = next_opening(planner, trip.arrive_us + 3 * HOUR)
    for place, code in enumerate(codes):
        payload = {"site": receiver.site.id, "items": [line(code, lot.fill)], "batch": f"R-{trip.number}"}
        planner.act(fill_us + place * 3 * MINUTE, receiver, "produce", "fill", payload)


def next_opening(planner: Planner, at_us: int) -> int:
    """The moment itself between 07:00 and 19:00 of the city, else the next morning."""
    since = (at_us - planner.start_us) % DAY
    morning = at_us - since + OPENING_HOUR * HOUR
    if since < OPENING_HOUR * HOUR:
        return morning + planner.random.randint(0, 40) * MINUTE
    if since > 19 * HOUR:
        return morning + DAY + planner.random.randint(0, 40) * MINUTE
    return at_us
