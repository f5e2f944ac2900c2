"""A small city for the pages: real signatures through `Ledger.submit`, a lawful life, and a few things gone wrong.

Four enterprises, one waybill, drums of acetone, a chlorine cylinder, a pallet; a cylinder that turns up in strange
hands, one that is lost, a sale that is refused, an event that came late. Nothing in it names a real party.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chemtrace.bootstrap import Application, DemoClock, init_ledger, open_application
from chemtrace.config import Settings
from chemtrace.core.credit_code import make_credit_code
from chemtrace.core.keys import PrivateKey, generate_key, make_key_request
from chemtrace.core.statement import build_statement, encode_wire
from chemtrace.core.times import format_utc, parse_rfc3339
from chemtrace.ledger.outcome import Admitted, Outcome, Refused

START = "2026-11-16T00:00:00Z"
MINUTE = 60_000_000
HOUR = 60 * MINUTE
LABEL_HOST = "TRACE.EXAMPLE.CN"
ACETONE, CHLORINE, CYANIDE = "034", "005", "009"

FIRMS = {
    "maker": ("房山甲子化工有限公司", "Jiazi Chemical Works", ("producer",), "0001", "房山", (39_735_000, 115_993_000)),
    "dealer": ("朝阳乙丑化工经营有限公司", "Yichou Trading", ("trader",), "0002", "朝阳", (39_921_000, 116_486_000)),
    "carrier": ("通州丙寅危货运输有限公司", "Bingyin Transport", ("carrier",), None, "通州", (39_902_000, 116_663_000)),
    "user": ("顺义丁卯制造有限公司", "Dingmao Works", ("user", "disposer"), None, "顺义", (40_128_000, 116_654_000)),
}  # fmt: skip


@dataclass
class Seeded:
    """The seeded ledger and where its interesting things are."""

    application: Application
    token: str
    clock: DemoClock
    firms: dict[str, str] = field(default_factory=dict)
    sites: dict[str, str] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    waybill: str = "BJ20261117-0001"


class Play:
    """Signs what the firms say upon the heads they know, one event at a time."""

    def __init__(self, seeded: Seeded) -> None:
        self.seeded = seeded
        self.keys: dict[str, PrivateKey] = {}
        self._numbers = itertools.count(1)

    def say(
        self,
        who: str,
        kind: str,
        phase: str,
        payload: dict[str, Any],
        *,
        prev: dict[str, str | None] | None = None,
        claimed: str | None = None,
    ) -> Outcome:
        """One event of a firm, now by the clock unless the payload has its own time.

        With `claimed` the firm signs in the name of another.
        """
        seeded, app = self.seeded, self.seeded.application
        now_us = seeded.clock.now_us()
        document = {
            "at": format_utc(now_us // 1_000_000 * 1_000_000),
            "nonce": f"{next(self._numbers):032x}",
            **payload,
        }
        subjects = self._subjects(document)
        heads = app.reads.heads(subjects)
        known = {name: None if head is None else str(head["event"]) for name, head in heads.items()}
        statement = build_statement(
            kind=kind,
            phase=phase,
            enterprise=seeded.firms[claimed or who],
            signers=(self.keys[who],),
            iat=format_utc(now_us),
            subjects=[(name, (known | (prev or {}))[name]) for name in subjects],
            payload=document,
        )
        outcome = app.ledger.submit(encode_wire(statement))
        seeded.clock.move_to(seeded.clock.now_us() + 7 * MINUTE)
        return outcome

    def done(self, who: str, kind: str, phase: str, payload: dict[str, Any], **more: Any) -> Admitted:
        """An event that must be admitted."""
        outcome = self.say(who, kind, phase, payload, **more)
        if isinstance(outcome, Refused):
            raise outcome.error
        return outcome

    @staticmethod
    def _subjects(document: dict[str, Any]) -> list[str]:
        names = [line["code"] for part in ("inputs", "items") for line in document.get(part) or ()]
        names += [document["container"]] if "container" in document else []
        names += [f"waybill:{document['waybill']}"] if "waybill" in document else []
        names += [f"waybill:{document['number']}"] if "number" in document else []
        return list(dict.fromkeys(names))


def line(code: str, kilograms: str | None = None) -> dict[str, Any]:
    """One line of items."""
    return (
        {"code": code}
        if kilograms is None
        else {"code": code, "quantity": {"value": kilograms, "unit": "KGM"}}
    )


def seed(folder: Path) -> Seeded:
    """Found a ledger in `folder` and let the small city live for six days."""
    clock = DemoClock(parse_rfc3339(START), demo=True)
    settings = Settings(data_dir=folder / "data")
    made = init_ledger(
        settings,
        authority_name_zh="示例市应急管理局",
        authority_name_en="Example City Emergency Management Bureau",
        credit_code=make_credit_code("11110199000000001"),
        origin="trace.example.cn/log",
        label_host=LABEL_HOST,
        clock=clock,
    )
    application = open_application(settings, clock=clock)
    seeded = Seeded(application, made.token, clock)
    play = Play(seeded)
    _register(play)
    _issue(play)
    _live(play)
    return seeded


def _register(play: Play) -> None:
    seeded, authority = play.seeded, play.seeded.application.authority
    for number, (name, (zh, en, roles, issuer, district, place)) in enumerate(FIRMS.items()):
        code = seeded.firms[name] = make_credit_code(f"91110199{number + 1:09d}")
        authority.register_enterprise(
            code, name_zh=zh, name_en=f"{en} Co., Ltd.", roles=roles, issuer=issuer, district=district
        )
        key = play.keys[name] = generate_key("ed25519")
        authority.register_key(make_key_request(key, code, "enterprise"))
        site = seeded.sites[name] = f"110199-{number + 1:03d}"
        authority.register_site(
            site,
            enterprise=code,
            name_zh=f"{district}库区",
            name_en=f"{en.split()[0]} yard",
            place=place,
            district=district,
        )


def _issue(play: Play) -> None:
    seeded, authority = play.seeded, play.seeded.application.authority
    wanted = {
        "drum": ("P", ACETONE, 7),
        "cylinder": ("C", CHLORINE, 4),
        "pallet": ("A", "000", 1),
        "toxic": ("P", CYANIDE, 1),
    }
    for name, (kind, slot, count) in wanted.items():
        batch = authority.issue(
            batch=f"B-{name.upper()}",
            enterprise=seeded.firms["maker"],
            kind=kind,
            slot=slot,
            count=count,
            seal_year=2026,
        )
        codes = authority.codes(kind=kind, slot=slot, issuer=batch.issuer, start=batch.start, count=count)
        seeded.codes |= {f"{name}{place}": code for place, code in enumerate(codes)}


def _live(play: Play) -> None:
    seeded = play.seeded
    codes, firms, sites = seeded.codes, seeded.firms, seeded.sites
    drums = [codes[f"drum{place}"] for place in range(5)]
    cylinders = [codes[f"cylinder{place}"] for place in range(3)]
    for code in drums:
        play.done(
            "maker",
            "produce",
            "make",
            {"site": sites["maker"], "items": [line(code, "160")], "batch": "L034-11"},
        )
    for code in cylinders:
        play.done(
            "maker",
            "produce",
            "fill",
            {"site": sites["maker"], "items": [line(code, "50")], "batch": "L005-04"},
        )
    play.done("maker", "produce", "make", {"site": sites["maker"], "items": [line(codes["toxic0"], "25")]})
    play.done(
        "maker",
        "store",
        "in",
        {"site": sites["maker"], "unit": "A1", "items": [line(code) for code in drums]},
    )
    seeded.application.ledger.publish()
    _trip(play, drums[:3], "160")
    play.done(
        "dealer",
        "trade",
        "buy",
        {"items": [line(code, "160") for code in drums[:3]], "counterparty": firms["maker"]},
    )
    play.done(
        "dealer",
        "store",
        "in",
        {"site": sites["dealer"], "unit": "B2", "items": [line(code) for code in drums[:3]]},
    )
    for amount in ("60", "100"):
        play.done(
            "dealer",
            "use",
            "consume",
            {"site": sites["dealer"], "items": [line(drums[0], amount)], "purpose": "清洗"},
        )
    play.done("dealer", "dispose", "empty", {"site": sites["dealer"], "items": [line(drums[0], "0")]})
    play.done(
        "maker",
        "pack",
        "done",
        {"site": sites["maker"], "container": codes["pallet0"], "items": [line(drums[3]), line(drums[4])]},
    )
    play.done(
        "maker",
        "report",
        "loss",
        {"site": sites["maker"], "items": [line(cylinders[2])], "remark": "盘点未见"},
    )
    play.done("maker", "use", "consume", {"site": sites["maker"], "items": [line(cylinders[1], "50")]})
    play.done("maker", "report", "void", {"site": sites["maker"], "items": [line(codes["drum6"])]})
    seeded.application.ledger.publish()
    _contradict(play, drums, cylinders)
    for _ in range(4):
        seeded.clock.move_to(seeded.clock.now_us() + 25 * HOUR)
        seeded.application.ledger.publish(force=True)


def _trip(play: Play, codes: list[str], kilograms: str) -> None:
    seeded = play.seeded
    firms, sites, now_us = seeded.firms, seeded.sites, seeded.clock.now_us()
    items = [line(code, kilograms) for code in codes]
    play.done("maker", "trade", "sell", {"items": items, "counterparty": firms["dealer"], "purpose": "经营"})
    play.done(
        "carrier",
        "waybill",
        "scheduled",
        {
            "number": seeded.waybill,
            "consignor": firms["maker"],
            "consignee": firms["dealer"],
            "carrier": firms["carrier"],
            "origin": sites["maker"],
            "destination": sites["dealer"],
            "load_at": format_utc(now_us + 30 * MINUTE),
            "arrive_by": format_utc(now_us + 6 * HOUR),
            "vehicle": {"plate": "京A00001挂"},
            "emergency_phone": "010-00000119",
            "goods": [
                {
                    "un": "1090", "name": "丙酮 acetone", "class": "3", "packing_group": "II", "package": "钢桶",
                    "count": len(codes), "mass": {"value": str(len(codes) * int(kilograms)), "unit": "KGM"},
                    "codes": codes,
                }
            ],
        },
    )  # fmt: skip
    common = {"waybill": seeded.waybill, "vehicle": "京A00001挂", "items": items}
    play.done(
        "maker", "transport", "load", {**common, "site": sites["maker"], "counterparty": firms["dealer"]}
    )
    play.done("carrier", "waybill", "loaded", {"number": seeded.waybill})
    play.done("carrier", "waybill", "in_transit", {"number": seeded.waybill})
    seeded.clock.move_to(seeded.clock.now_us() + 3 * HOUR)
    play.done(
        "dealer", "transport", "arrive", {**common, "site": sites["dealer"], "counterparty": firms["maker"]}
    )
    play.done("dealer", "waybill", "arrived", {"number": seeded.waybill})
    play.done("dealer", "waybill", "closed", {"number": seeded.waybill})


def _contradict(play: Play, drums: list[str], cylinders: list[str]) -> None:
    """A cylinder in strange hands, a sale of what is another's, an event that came late, a code never produced."""
    seeded = play.seeded
    sites, firms = seeded.sites, seeded.firms
    position = {"lat_e6": 40_128_000, "lon_e6": 116_654_000}
    play.done(
        "user", "use", "consume",
        {"site": sites["user"], "position": position, "items": [line(cylinders[0], "12.5")], "purpose": "水处理"},
    )  # fmt: skip
    outcome = play.say(
        "user", "trade", "sell", {"items": [line(drums[1], "160")], "counterparty": firms["dealer"]}
    )
    if isinstance(outcome, Refused):
        seeded.refused.append(outcome.error.code)
    forged = play.say(
        "user", "inspect", "done", {"items": [line(drums[1])], "result": "pass"}, claimed="dealer"
    )
    if isinstance(forged, Refused):
        seeded.refused.append(forged.error.code)
    earlier = format_utc((seeded.clock.now_us() - 30 * HOUR) // 1_000_000 * 1_000_000)
    heads = seeded.application.reads.history(drums[2])
    play.done(
        "dealer", "inspect", "done",
        {"at": earlier, "site": sites["dealer"], "items": [line(drums[2])], "result": "pass", "note": "离线终端补传"},
        prev={drums[2]: heads[-2].event_id},
    )  # fmt: skip
    play.done("user", "use", "consume", {"site": sites["user"], "items": [line(seeded.codes["drum5"], "10")]})
