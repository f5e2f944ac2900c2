"""Fills a ledger fast with real rows: signed statements through the real writer, without a door before it.

What is left out is the door: HTTP, the wire form and the check of signatures that this process has just made itself.
Everything is as after ingest: signatures and receipts verify, epochs and tiles are cut, detectors follow.
"""

from __future__ import annotations

import gc
import hashlib
import itertools
import secrets
from collections.abc import Iterator

from nacl.bindings import crypto_sign, crypto_sign_seed_keypair

from chemtrace.bootstrap import open_application
from chemtrace.core.entry import leaf_hash
from chemtrace.core.events import parse_payload
from chemtrace.core.keys import PrivateKey
from chemtrace.core.pae import HEADER_TYPE, encode_pae
from chemtrace.core.statement import NO_RULES, encode_wire, make_statement
from chemtrace.core.times import format_utc, parse_rfc3339
from chemtrace.ledger.admit import Checked, entry_of
from chemtrace.ledger.outcome import Admitted
from tests.seeded_ledger import DEALER, MAKER, Seeded, now_us

GROUP = 1000
EPOCH_EVERY = 20_000

STEPS = (
    (MAKER, "produce", "make", "25", '"site":"S-MAKER"'),
    (MAKER, "inspect", "done", None, '"result":"pass"'),
    (MAKER, "store", "in", None, '"site":"S-MAKER"'),
    (MAKER, "trade", "sell", None, f'"counterparty":"{DEALER}"'),
    (DEALER, "trade", "buy", None, f'"counterparty":"{MAKER}"'),
    (DEALER, "store", "in", None, '"site":"S-DEALER"'),
    (DEALER, "inspect", "done", None, '"result":"pass"'),
    (DEALER, "use", "consume", "5", '"site":"S-DEALER"'),
    (DEALER, "use", "consume", "5", '"site":"S-DEALER"'),
    (DEALER, "use", "consume", "5", '"site":"S-DEALER"'),
)
"""Ten events of a drum: who, kind, phase, kilograms, and the other member of the payload."""


class FastSigner:
    """Builds statements of one enterprise from text patterns; the ledger's own parsers read them back."""

    def __init__(self, party: str, key: PrivateKey) -> None:
        self._party = party
        self._kid = key.kid.hex()
        _, self._expanded = crypto_sign_seed_keypair(key.secret)

    def checked(
        self, code: str, step: tuple[str, str, str, str | None, str], prev: str | None, at: str
    ) -> Checked:
        """One event, as admission hands it on after its check."""
        _, kind, phase, mass, member = step
        quantity = "" if mass is None else f',"quantity":{{"unit":"KGM","value":"{mass}"}}'
        items, nonce = f'"items":[{{"code":"{code}"{quantity}}}]', f'"nonce":"{secrets.token_hex(16)}"'
        # Members in the order of their names: `counterparty` stands before `items`, `result` and `site` behind.
        ends = (f"{member},{items},{nonce}", f"{items},{nonce},{member}")
        payload = f'{{"at":"{at}",{ends[not member.startswith(chr(34) + "counterparty")]}}}'.encode()
        named = "null" if prev is None else f'"{prev}"'
        header = (
            f'{{"enterprise":"{self._party}","iat":"{at}","kind":"{kind}","payload":{{"sha256":'
            f'"{hashlib.sha256(payload).hexdigest()}","size":{len(payload)},"type":'
            f'"application/vnd.chemtrace.event+json"}},"phase":"{phase}","rules":"{NO_RULES}","signers":'
            f'["{self._kid}"],"stance":"normal","subjects":[{{"id":"{code}","prev":{named}}}],'
            '"typ":"chemtrace/event/1"}'
        ).encode()
        signature = crypto_sign(encode_pae(HEADER_TYPE, header), self._expanded)[:64]
        statement = make_statement(header, payload, (signature,))
        at_us = parse_rfc3339(at)
        wire = b"" if prev is not None else encode_wire(statement)
        body = entry_of(statement)
        made = parse_payload(kind, phase, payload)
        return Checked(statement, made, at_us, at_us, wire, True, body, leaf_hash(body))


def fill(seeded: Seeded, events: int) -> list[str]:
    """Append `events` events, ten a drum, in groups of 1,000; returns the codes."""
    application = open_application(seeded.settings)
    gc.collect()
    gc.freeze()
    try:
        codes = seeded.take_codes(events // len(STEPS))
        stream = events_of(seeded, codes)
        submit = (
            application.ledger._committer.submit
        )  # behind the check, which this process has done by signing
        for number in itertools.count(1):
            group = list(itertools.islice(stream, GROUP))
            if not group:
                break
            outcomes = submit(group).result()
            refused = next((one for one in outcomes if not isinstance(one, Admitted)), None)
            if refused is not None:
                raise SystemExit(f"not admitted: {refused.error.problem()}")
            if number * GROUP % EPOCH_EVERY == 0:
                application.ledger.publish()
        application.ledger.publish(force=True)
    finally:
        application.close()
    return codes


def events_of(seeded: Seeded, codes: list[str]) -> Iterator[Checked]:
    """Ten events for each code: a hundred drums side by side, step by step, as a working day mixes them."""
    signers = {party: FastSigner(party, seeded.hands.keys[party]) for party in (MAKER, DEALER)}
    for at in range(0, len(codes), 100):
        heads: dict[str, str] = {}
        for step in STEPS:
            now = format_utc(now_us())
            for code in codes[at : at + 100]:
                checked = signers[step[0]].checked(code, step, heads.get(code), now)
                heads[code] = checked.statement.event_id.hex()
                yield checked
