"""A small real ledger for the tests that read one: real keys, real signatures, every event through the real writer."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any

from chemtrace.adapters.data_files import contracts_dir
from chemtrace.adapters.sql.engine import Database
from chemtrace.adapters.sql.store import SQLStore
from chemtrace.core.base64url import encode_base64url
from chemtrace.core.catalogue import parse_catalogue
from chemtrace.core.chain import CHAIN_START
from chemtrace.core.checkpoint import Checkpoint, sign_checkpoint
from chemtrace.core.credit_code import make_credit_code
from chemtrace.core.keys import PrivateKey, generate_key, make_key_request
from chemtrace.core.serials import issue_codes
from chemtrace.core.statement import build_statement, encode_wire
from chemtrace.core.subjects import is_item
from chemtrace.core.times import format_utc
from chemtrace.core.types import RootHash
from chemtrace.ledger.ledger import Ledger, Parts
from chemtrace.ledger.outcome import Admitted
from chemtrace.ledger.ports import Head

ORIGIN = "log.test/chemtrace"
MASTER = bytes(range(32))
START_US = 1_772_323_200_000_000  # 2026-03-01T00:00:00Z
MINUTE_US = 60_000_000
CATALOGUE = parse_catalogue((contracts_dir() / "chemicals" / "beijing-35.json").read_bytes())

AUTHORITY = make_credit_code("11110000MB0000001")
MAKER = make_credit_code("91110000MA0000011")
DEALER = make_credit_code("91110000MA0000022")
USER = make_credit_code("91110000MA0000033")
NAMES = {AUTHORITY: "authority", MAKER: "maker", DEALER: "dealer", USER: "user"}


class StepClock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.us = START_US

    def now_us(self) -> int:
        return self.us


@dataclass
class ReceiptKey:
    key: PrivateKey

    @property
    def kid(self) -> bytes:
        return self.key.kid

    def sign(self, message: bytes) -> bytes:
        return self.key.sign(message)


@dataclass
class Vault:
    key: PrivateKey
    last: tuple[int, bytes] | None = None

    @property
    def public(self) -> Any:
        return self.key.public

    def last_signed(self) -> tuple[int, bytes] | None:
        return self.last

    def sign(self, *, origin: str, size: int, root: bytes, path: Any) -> bytes:
        self.last = (size, root)
        return sign_checkpoint(Checkpoint(origin, size, RootHash(root)), self.key)


@dataclass
class Town:
    """One ledger with an authority, a maker, a dealer and a user, and what they know of the heads."""

    url: str
    clock: StepClock = field(default_factory=StepClock)
    keys: dict[str, PrivateKey] = field(default_factory=dict)
    heads: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.database = Database(self.url)
        self.store = SQLStore(self.database)
        with self.store.write() as transaction:
            transaction.set_head(
                Head(
                    size=0,
                    chain=CHAIN_START,
                    epoch_number=-1,
                    epoch_index=-1,
                    log_time_us=0,
                    registry_index=-1,
                    subjects=0,
                )
            )
            transaction.set_fact("origin", ORIGIN)
        for name in ("authority", "recovery", "log", "receipt", MAKER, DEALER, USER):
            self.keys[name] = generate_key("ed25519", f"test key of {name:<32}".encode())
        self.keys[AUTHORITY] = self.keys["authority"]
        self.vault = Vault(self.keys["log"])
        self.ledger = Ledger(
            Parts(
                store=self.store,
                clock=self.clock,
                origin=ORIGIN,
                catalogue=CATALOGUE,
                master=MASTER,
                receipt_signer=ReceiptKey(self.keys["receipt"]),
                vault=self.vault,
                threads=1,
            )
        )
        self._found()

    def close(self) -> None:
        self.ledger.close()
        self.database.close()

    def wire(self, who: str, kind: str, phase: str, subjects: list[str], /, **payload: Any) -> bytes:
        """A signed statement upon the heads that the town knows."""
        now = format_utc(self.clock.us)
        statement = build_statement(
            kind=kind,
            phase=phase,
            enterprise=who,
            signers=[self.keys[who]],
            iat=now,
            subjects=[(subject, self.heads.get(subject)) for subject in subjects],
            payload={"at": now, "nonce": secrets.token_hex(16), **payload},
        )
        self.heads.update(dict.fromkeys(subjects, statement.event_id.hex()))
        return encode_wire(statement)

    def do(self, who: str, kind: str, phase: str, subjects: list[str], /, **payload: Any) -> Admitted:
        """Submit one event and insist that it is admitted."""
        self.clock.us += MINUTE_US
        outcome = self.ledger.submit(self.wire(who, kind, phase, subjects, **payload))
        assert isinstance(outcome, Admitted), outcome.error.problem()
        return outcome

    def do_items(
        self, who: str, kind: str, phase: str, lines: list[tuple[str, str | None]], /, **payload: Any
    ) -> Admitted:
        """Submit one event about items: (code, kilograms or None)."""
        items = [
            {"code": code} if mass is None else {"code": code, "quantity": {"value": mass, "unit": "KGM"}}
            for code, mass in lines
        ]
        return self.do(who, kind, phase, [code for code, _ in lines if is_item(code)], items=items, **payload)

    def publish(self) -> None:
        self.clock.us += MINUTE_US
        self.ledger.publish(force=True)

    def register_key(self, name: str, party: str, role: str) -> None:
        key = self.keys[name]
        request = make_key_request(key, party, role)
        self.do(
            AUTHORITY, "key", "register", [f"key:{key.kid.hex()}"],
            kid=key.kid.hex(), party=party, role=role, algorithm="ed25519",
            spki=encode_base64url(key.public.spki), request=encode_base64url(request),
        )  # fmt: skip

    def _found(self) -> None:
        self.register_key("authority", AUTHORITY, "authority")
        self.register_key("recovery", AUTHORITY, "recovery")
        self._enterprise(AUTHORITY, "regulator", None)
        self.register_key("log", AUTHORITY, "log")
        self.register_key("receipt", AUTHORITY, "receipt")
        for party, role, issuer in (
            (MAKER, "producer", "7K2M"),
            (DEALER, "trader", None),
            (USER, "user", None),
        ):
            self._enterprise(party, role, issuer)
            self.register_key(party, party, "enterprise")
            self._site(party)
        self.publish()

    def _enterprise(self, party: str, role: str, issuer: str | None) -> None:
        name = NAMES[party]
        more = {} if issuer is None else {"issuer": issuer}
        self.do(
            AUTHORITY, "enterprise", "register", [f"enterprise:{party}"],
            enterprise=party, name_zh=f"测试{name}", name_en=f"Test {name}", roles=[role], **more,
        )  # fmt: skip

    def _site(self, party: str) -> None:
        site = f"S-{NAMES[party].upper()}"
        self.do(
            AUTHORITY, "site", "register", [f"site:{site}"],
            id=site, enterprise=party, name_zh="库", name_en="store",
            place={"lat_e6": 39_900_000 + len(site) * 1000, "lon_e6": 116_400_000},
        )  # fmt: skip

    def issue(self, count: int, *, kind: str = "P", start: int = 0) -> list[str]:
        """Issue codes of one chemical to the maker."""
        self.do(
            AUTHORITY, "issue", "batch", [f"batch:B-{kind}-{start}"],
            batch=f"B-{kind}-{start}", enterprise=MAKER, issuer="7K2M", kind=kind, slot="005", start=start,
            count=count, root="0" * 64, seal_year=2026,
        )  # fmt: skip
        return list(
            issue_codes(master=MASTER, kind=kind, slot="005", issuer="7K2M", start=start, count=count)
        )

    def live(self, drums: int = 6) -> list[str]:
        """Play a little life: make, sell, buy, use, and a contradiction that becomes a finding."""
        codes = self.issue(drums)
        for code in codes:
            self.do_items(MAKER, "produce", "make", [(code, "25")], site="S-MAKER")
        self.publish()
        for code in codes[:-1]:
            self.do_items(MAKER, "trade", "sell", [(code, None)], counterparty=DEALER)
            self.do_items(DEALER, "trade", "buy", [(code, None)], counterparty=MAKER, site="S-DEALER")
        self.publish()
        self.do_items(DEALER, "use", "consume", [(codes[0], "5")], site="S-DEALER")
        self.do_items(USER, "use", "consume", [(codes[1], "5")], site="S-USER")
        self.publish()
        return codes
