"""Deeds for the tests of proof files: drums made, packed, sold; keys rotated and ended; proofs fetched over HTTP."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any

import httpx

from chemtrace.core.bundle.trust import Trust, parse_trust
from chemtrace.core.bundle.verdict import Verdict
from chemtrace.core.bundle.verify import verify_bundle, verify_status
from chemtrace.core.credit_code import make_credit_code
from chemtrace.core.keys import PrivateKey, generate_key, make_key_request
from chemtrace.core.statement import Statement
from chemtrace.registry import office
from tests.api.life import Life, _issue
from tests.seeded_ledger import MAKER, Hands, item_lines

CBOR = {"Accept": "application/vnd.chemtrace.bundle+cbor"}


@dataclass
class Town:
    """Who lives here, and a supply of drums and new parties that no other test uses."""

    life: Life
    numbers: Any = field(default_factory=lambda: itertools.count(1))
    drums: Any = None

    def found(self) -> None:
        """Issue codes for drums and one pallet."""
        _issue(self.life)
        self.drums = iter([name for name in self.life.codes if name != "pallet"])
        self.publish()

    @property
    def http(self) -> httpx.Client:
        return self.life.http

    def publish(self) -> int:
        """Publish; returns the size of the tree."""
        self.life.application.ledger.publish(force=True)
        return self.life.application.ledger.size

    def drum(self) -> str:
        """The code of a drum that nobody has made yet."""
        return self.life.codes[next(self.drums)]

    def make(self, who: str = MAKER, *, signer: PrivateKey | None = None) -> str:
        """Make a drum of 25 kg; returns its code."""
        code = self.drum()
        self.tell(self.made(code, who, signer=signer))
        return code

    def made(self, code: str, who: str = MAKER, *, signer: PrivateKey | None = None) -> Statement:
        """The statement that makes a drum."""
        payload = {"items": item_lines((code, "25")), "site": self.site(who)}
        signers = None if signer is None else (signer,)
        return self.hands.statement(who, "produce", "make", payload, signers=signers)

    def inspect(self, code: str, who: str, *, signer: PrivateKey | None = None) -> Statement:
        """The statement that somebody looked at a drum."""
        payload = {"items": item_lines((code, None)), "result": "pass", "site": self.site(who)}
        signers = None if signer is None else (signer,)
        return self.hands.statement(who, "inspect", "done", payload, signers=signers)

    @property
    def hands(self) -> Hands:
        return self.life.seeded.hands

    def site(self, who: str) -> str:
        return "S-MAKER" if who == MAKER else f"S-{who[8:17]}"

    def tell(self, statement: Statement) -> Statement:
        """Send over HTTP what must be admitted."""
        return self.life.tell(f"told {next(self.numbers)}", statement)

    def newcomer(self) -> tuple[str, PrivateKey]:
        """A new enterprise with a key and a site of its own; it may inspect, and use up its keys."""
        number = next(self.numbers)
        party = make_credit_code(f"91110000MB{number:07d}")
        key = self.hands.keys[party] = generate_key("ed25519")
        by = self.life.application.authority.signing
        words = {"name_zh": "新来者", "name_en": "Newcomer"}
        self.tell(office.register_enterprise(by(), enterprise=party, roles=("trader",), **words))
        self.tell(office.register_key(by(), request=make_key_request(key, party, "enterprise")))
        place = (39_905_000, 116_400_000)
        self.tell(office.register_site(by(), site=self.site(party), enterprise=party, place=place, **words))
        return party, key

    # ------------------------------------------------------------------ proofs

    def trust(self) -> Trust:
        """What the log states of itself."""
        answer = self.life.stranger.get("/log/trust")
        assert answer.status_code == 200, answer.text
        return parse_trust(answer.content)

    def bundle(self, subject: str, *, compact: bool = False) -> bytes:
        """The bundle of a subject over HTTP."""
        answer = self.http.get(f"/v1/subjects/{subject}/bundle", headers=CBOR if compact else {})
        assert answer.status_code == 200, answer.text
        return answer.content

    def verdict(self, subject: str) -> Verdict:
        """The verdict about a fresh bundle; text and compact form must say the same."""
        trust = self.trust()
        verdict = verify_bundle(self.bundle(subject), trust)
        assert verify_bundle(self.bundle(subject, compact=True), trust) == verdict
        return verdict

    def status(self, subject: str, **query: str) -> httpx.Response:
        answer = self.http.get(f"/v1/subjects/{subject}/status", params=query)
        assert answer.status_code == 200, answer.text
        return answer

    def status_verdict(self, subject: str) -> Verdict:
        return verify_status(self.status(subject).content, self.trust())
