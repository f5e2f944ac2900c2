"""Brings a seeded ledger into the states that the cases of bad input start from, and takes its picture."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from chemtrace.adapters.sql.engine import Database
from chemtrace.adapters.sql.tables import metadata
from chemtrace.bootstrap import Application, load_private_key
from chemtrace.core.keys import PrivateKey, generate_key, make_key_request
from chemtrace.core.statement import Statement, encode_wire
from chemtrace.core.times import format_utc
from chemtrace.ledger.outcome import Admitted
from chemtrace.registry import office
from tests.api.bad_case import World
from tests.seeded_ledger import (
    AUTHORITY,
    CARRIER,
    DEALER,
    HOUR_US,
    ISSUER,
    MAKER,
    SLOT,
    Seeded,
    item_lines,
    now_us,
)

PRODUCED = (
    "witness",
    "made",
    "offered",
    "counted",
    "closed",
    "stolen",
    "packed",
    "on WB-1",
    "on WB-2",
    "on WB-3",
    "on WB-4",
)


def fill_world(seeded: Seeded, application: Application) -> World:
    """Keys, items and waybills by name; published, so that nothing is waiting."""
    world = World(seeded)
    world.codes = dict(zip((*PRODUCED, "fresh", "other fresh", "void"), seeded.codes, strict=False))
    beyond = {"kind": "P", "slot": SLOT, "issuer": ISSUER, "start": 5_000_000, "count": 1}
    world.codes["never issued"] = next(application.authority.codes(**beyond))
    pallet = application.authority.issue(
        batch="B-A", enterprise=MAKER, kind="A", slot=SLOT, count=1, seal_year=2026
    )
    series = {"kind": "A", "slot": SLOT, "issuer": ISSUER, "start": pallet.start, "count": 1}
    world.codes["pallet"] = next(application.authority.codes(**series))
    _fill_keys(world, application)
    _fill_items(world, application)
    _fill_waybills(world, application)
    application.ledger.publish(force=True)
    return world


def submit(application: Application, world: World, statement: Statement) -> Statement:
    """Submit what must be admitted."""
    outcome = application.ledger.submit(encode_wire(statement))
    assert isinstance(outcome, Admitted), outcome.error.problem()
    world.hands.follow(statement)
    return statement


def _fill_keys(world: World, application: Application) -> None:
    authority = application.authority
    folder = world.seeded.folder / "keys"
    world.keys["authority"] = load_private_key(folder / "authority.pem")
    world.keys["log"] = load_private_key(folder / "log.pem")
    for name, algorithm in (
        ("p256", "p256"),
        ("revoked", "ed25519"),
        ("retired", "ed25519"),
        ("leaving", "ed25519"),
    ):
        world.keys[name] = _key(name, algorithm)
        authority.register_key(make_key_request(world.keys[name], MAKER, "enterprise"))
    world.keys["importer"], world.keys["coming"] = _key("importer"), _key("coming")
    request = make_key_request(world.keys["importer"], DEALER, "enterprise")
    authority.register_key(request, namespaces=("erp",))
    authority.end_key(world.keys["revoked"].kid.hex(), phase="compromised")
    authority.end_key(world.keys["retired"].kid.hex(), phase="retire")
    authority.end_key(
        world.keys["leaving"].kid.hex(), phase="retire", grace_end_us=application.clock.now_us() + HOUR_US
    )
    successor = make_key_request(_key("successor"), AUTHORITY, "authority")
    world.events["new authority key"] = office.register_key(
        authority.signing(),
        request=successor,
        replaces=authority.kid,
        replaces_prev=authority.head(f"key:{authority.kid}"),
    )


def _key(name: str, algorithm: str = "ed25519") -> PrivateKey:
    return generate_key(algorithm, f"bad input, key {name:<32}".encode())


def _fill_items(world: World, application: Application) -> None:
    def say(kind: str, phase: str, name: str, mass: str | None = None, **payload: Any) -> Statement:
        statement = world.hands.items(MAKER, kind, phase, (world.codes[name], mass), **payload)
        return submit(application, world, statement)

    for name in PRODUCED:
        world.events[f"{name} made"] = say("produce", "make", name, "25", site="S-MAKER")
    say("trade", "sell", "offered", counterparty=DEALER)
    say("inspect", "done", "counted", result="pass")
    say("dispose", "done", "closed", site="S-MAKER")
    say("report", "theft", "stolen", site="S-MAKER")
    say("report", "void", "void")
    pack = {
        "container": world.codes["pallet"],
        "items": item_lines((world.codes["packed"], None)),
        "site": "S-MAKER",
    }
    submit(application, world, world.hands.statement(MAKER, "pack", "done", pack))


def waybill_payload(world: World, number: str) -> dict[str, Any]:
    """A note of one drum; WB-1 and WB-2 want the same vehicle, WB-4 is the dealer's."""
    plate = "京A00001" if number in ("WB-1", "WB-2") else f"京A{number.replace('-', '')}"
    now = now_us()
    goods = {
        "un": "1830",
        "name": "硫酸",
        "class": "8",
        "package": "drum",
        "count": 1,
        "mass": {"unit": "KGM", "value": "25"},
        "codes": [world.codes.get(f"on {number}", world.codes["made"])],
    }
    return {
        "number": number,
        "consignor": DEALER if number == "WB-4" else MAKER,
        "consignee": DEALER,
        "carrier": CARRIER,
        "origin": "S-MAKER",
        "destination": "S-DEALER",
        "load_at": format_utc(now),
        "arrive_by": format_utc(now + 24 * HOUR_US),
        "goods": [goods],
        "vehicle": {"plate": plate},
    }


def _fill_waybills(world: World, application: Application) -> None:
    for number in ("WB-1", "WB-2", "WB-3", "WB-4"):
        who = DEALER if number == "WB-4" else MAKER
        note = world.hands.statement(who, "waybill", "scheduled", waybill_payload(world, number))
        submit(application, world, note)
    line = (world.codes["on WB-1"], None)
    load = world.hands.items(MAKER, "transport", "load", line, waybill="WB-1", counterparty=DEALER)
    submit(application, world, load)


def picture(database: Database) -> Mapping[str, str]:
    """SHA-256 over all rows of each table; two equal pictures mean that nothing has changed."""
    with database.read() as connection:
        return {table: _digest(connection, table) for table in sorted(metadata.tables)}


def _digest(connection: Connection, table: str) -> str:
    digest = hashlib.sha256()
    for row in sorted(repr(tuple(row)) for row in connection.exec_driver_sql(f'SELECT * FROM "{table}"')):
        digest.update(row.encode() + b"\n")
    return digest.hexdigest()
