"""A small founded ledger in a folder, as `chemtrace init` and the authority's desk leave it, and hands to sign for it.

Used where a real ledger is wanted behind a real door: bad input, kills, the soak, the benchmarks. Names are invented.
"""

from __future__ import annotations

import contextlib
import itertools
import secrets
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn

from chemtrace.bootstrap import Application, InitResult, init_ledger, open_application
from chemtrace.config import Settings
from chemtrace.core.canonical import encode_canonical
from chemtrace.core.credit_code import make_credit_code
from chemtrace.core.events import moved_subjects, parse_payload
from chemtrace.core.keys import PrivateKey, generate_key, make_key_request
from chemtrace.core.statement import Opening, Statement, build_statement
from chemtrace.core.times import format_utc
from chemtrace.entrypoints.server import create_server_app, open_socket, url_of

ORIGIN = "log.test/seeded"
AUTHORITY = make_credit_code("11110000MB0000001")
MAKER = make_credit_code("91110000MA0000011")
DEALER = make_credit_code("91110000MA0000022")
USER = make_credit_code("91110000MA0000033")
CARRIER = make_credit_code("91110000MA0000044")
CLOSED = make_credit_code("91110000MA0000055")
NAMES = {MAKER: "MAKER", DEALER: "DEALER", USER: "USER", CARRIER: "CARRIER", CLOSED: "CLOSED"}
ROLES = {MAKER: "producer", DEALER: "trader", USER: "user", CARRIER: "carrier", CLOSED: "trader"}
ISSUER = "7K2M"
SLOT = "005"
HOUR_US = 3_600_000_000


def now_us() -> int:
    return time.time_ns() // 1000


def settings_of(folder: Path, **changes: Any) -> Settings:
    """Settings of a ledger that publishes only when it is told to."""
    quiet: dict[str, Any] = {
        "publish_interval_s": 3600.0,
        "max_publish_delay_s": 7200,
        "heartbeat_s": 86_400.0,
    }
    return Settings(data_dir=folder, **(quiet | changes))


@dataclass
class Hands:
    """Who signs, and the heads they know; needs no ledger at hand."""

    keys: dict[str, PrivateKey]
    heads: dict[str, str] = field(default_factory=dict)

    def statement(
        self,
        who: str,
        kind: str,
        phase: str,
        payload: Mapping[str, Any],
        *,
        subjects: Sequence[str] | None = None,
        prevs: Mapping[str, str | None] | None = None,
        signers: Sequence[PrivateKey] | None = None,
        openings: tuple[Opening, ...] = (),
        stance: str = "normal",
        iat_us: int | None = None,
        enterprise: str | None = None,
    ) -> Statement:
        """A signed statement upon the heads known here; `follow` takes note of it once it is admitted."""
        whole = {"at": format_utc(now_us()), "nonce": secrets.token_hex(16), **payload}
        if subjects is None:
            subjects = moved_subjects(parse_payload(kind, phase, encode_canonical(whole)))
        known = self.heads if prevs is None else prevs
        return build_statement(
            kind=kind,
            phase=phase,
            enterprise=enterprise or who,
            signers=signers or (self.keys[who],),
            iat=format_utc(now_us() if iat_us is None else iat_us),
            subjects=[(subject, known.get(subject)) for subject in dict.fromkeys(subjects)],
            payload=whole,
            openings=openings,
            stance=stance,
        )

    def follow(self, statement: Statement) -> None:
        """The statement is admitted: it is the head of its subjects now."""
        for subject in statement.header.subjects:
            self.heads[subject.id] = statement.event_id.hex()

    def items(
        self, who: str, kind: str, phase: str, /, *lines: tuple[str, str | None], **payload: Any
    ) -> Statement:
        """A statement about items: (code, kilograms or None)."""
        return self.statement(who, kind, phase, {"items": item_lines(*lines), **payload})


def item_lines(*lines: tuple[str, str | None]) -> list[dict[str, Any]]:
    return [
        {"code": code} if mass is None else {"code": code, "quantity": {"unit": "KGM", "value": mass}}
        for code, mass in lines
    ]


@dataclass
class Seeded:
    """The folder of the ledger, what founding it told, who signs, and codes that were issued to the maker."""

    settings: Settings
    founded: InitResult
    hands: Hands
    codes: Iterator[str]
    series: Mapping[str, Any]

    @property
    def folder(self) -> Path:
        return self.settings.data_dir

    def take_codes(self, count: int) -> list[str]:
        return list(itertools.islice(self.codes, count))


def seed_ledger(folder: Path, *, codes: int = 1000, database_url: str = "", **changes: Any) -> Seeded:
    """Found a ledger in `folder`: four enterprises with key and site, one closed, `codes` codes issued to the maker."""
    settings = settings_of(folder, database_url=database_url, **changes)
    founded = init_ledger(
        settings,
        authority_name_zh="测试主管机关",
        authority_name_en="Test authority",
        credit_code=AUTHORITY,
        origin=ORIGIN,
        label_host="cx.example.cn",
    )
    hands = Hands(
        {
            party: generate_key("ed25519", f"seeded key of {name:<32}".encode())
            for party, name in NAMES.items()
        }
    )
    application = open_application(settings)
    try:
        _register(application, hands)
        batch = application.authority.issue(
            batch="B-1", enterprise=MAKER, kind="P", slot=SLOT, count=codes, seal_year=2026
        )
        series = {"kind": "P", "slot": SLOT, "issuer": ISSUER, "start": batch.start, "count": codes}
        issued = list(application.authority.codes(**series))
        application.ledger.publish(force=True)
    finally:
        application.close()
    return Seeded(settings, founded, hands, iter(issued), series)


def _register(application: Application, hands: Hands) -> None:
    authority = application.authority
    for number, (party, name) in enumerate(NAMES.items()):
        authority.register_enterprise(
            party,
            name_zh=f"测试{name}",
            name_en=f"Test {name}",
            roles=(ROLES[party],),
            issuer=ISSUER if party == MAKER else None,
        )
        authority.register_key(make_key_request(hands.keys[party], party, "enterprise"))
        authority.register_site(
            f"S-{name}",
            enterprise=party,
            name_zh="库",
            name_en="store",
            place=(39_900_000 + number * 1000, 116_400_000),
        )
    authority.register_enterprise(
        CLOSED, name_zh="测试CLOSED", name_en="Test CLOSED", roles=(ROLES[CLOSED],), phase="close"
    )


@contextlib.contextmanager
def serving(application: Application) -> Iterator[str]:
    """A real uvicorn on a free port of the loopback, in a thread of this process; gives its address."""
    listener = open_socket("127.0.0.1", 0)
    config = uvicorn.Config(create_server_app(application), log_config=None, access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="uvicorn", daemon=True)
    thread.start()
    try:
        deadline = time.monotonic() + 20
        while not server.started:
            if time.monotonic() > deadline or not thread.is_alive():
                raise RuntimeError("uvicorn does not start")
            time.sleep(0.01)
        yield url_of(listener)
    finally:
        server.should_exit = True
        thread.join(20)
        listener.close()
