"""Bad input by who says it and what it claims: keys, signatures, predecessors, parties, items, waybills, times."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from chemtrace.core.keys import generate_key
from chemtrace.core.p256 import ORDER as P256_ORDER
from chemtrace.core.pae import HEADER_TYPE, encode_pae
from chemtrace.core.statement import Statement
from chemtrace.core.times import format_utc
from tests.api.bad_case import World, bad, canonical, encode_wire, wire, with_payload
from tests.api.bad_world import waybill_payload
from tests.seeded_ledger import AUTHORITY, CARRIER, CLOSED, DEALER, HOUR_US, MAKER, USER, item_lines, now_us

ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493


def _make(world: World, **how: Any) -> Statement:
    payload = {"items": item_lines((world.codes["fresh"], "25")), "site": "S-MAKER", **how.pop("payload", {})}
    return world.hands.statement(MAKER, "produce", "make", payload, **how)


def _say(world: World, who: str, what: str, name: str, mass: str | None, **payload: Any) -> bytes:
    kind, phase = what.split("/")
    return encode_wire(world.hands.items(who, kind, phase, (world.codes[name], mass), **payload))


# ------------------------------------------------------------------ signatures


@bad("signature.count")
def no_signature(world: World) -> bytes:
    statement = _make(world)
    return wire(statement.header_bytes, statement.payload_bytes)


@bad("signature.count")
def two_signatures_of_one_signer(world: World) -> bytes:
    statement = _make(world)
    return wire(statement.header_bytes, statement.payload_bytes, *statement.signatures * 2)


@bad("signature.invalid")
def signature_with_a_flipped_bit(world: World) -> bytes:
    statement = _make(world)
    flipped = bytes([statement.signatures[0][0] ^ 1]) + statement.signatures[0][1:]
    return wire(statement.header_bytes, statement.payload_bytes, flipped)


@bad("signature.invalid")
def signature_of_the_wrong_length(world: World) -> bytes:
    statement = _make(world)
    return wire(statement.header_bytes, statement.payload_bytes, statement.signatures[0][:63])


@bad("signature.invalid")
def signature_by_another_key(world: World) -> bytes:
    statement = _make(world)
    other = world.hands.keys[DEALER].sign(statement.signed_bytes)
    return wire(statement.header_bytes, statement.payload_bytes, other)


@bad("signature.invalid")
def signature_over_the_bare_header(world: World) -> bytes:
    statement = _make(world)
    bare = world.hands.keys[MAKER].sign(statement.header_bytes)
    return wire(statement.header_bytes, statement.payload_bytes, bare)


@bad("signature.invalid")
def signature_with_a_low_order_nonce_point(world: World) -> bytes:
    """R is the neutral element and S fits the equation: only the strict rule refuses it."""
    statement, key = _make(world), world.hands.keys[MAKER]
    digest = hashlib.sha512(key.secret).digest()
    scalar = (int.from_bytes(digest[:32], "little") & ((1 << 254) - 8)) | (1 << 254)
    neutral = (1).to_bytes(32, "little")
    challenge = hashlib.sha512(neutral + key.public.raw + statement.signed_bytes).digest()
    answer = int.from_bytes(challenge, "little") * scalar % ED25519_ORDER
    return wire(statement.header_bytes, statement.payload_bytes, neutral + answer.to_bytes(32, "little"))


@bad("signature.invalid")
def signature_with_s_beyond_the_order(world: World) -> bytes:
    statement = _make(world)
    signature = statement.signatures[0]
    large = int.from_bytes(signature[32:], "little") + ED25519_ORDER
    return wire(
        statement.header_bytes, statement.payload_bytes, signature[:32] + large.to_bytes(32, "little")
    )


@bad("signature.invalid")
def p256_signature_with_high_s(world: World) -> bytes:
    statement = _make(world, signers=[world.keys["p256"]])
    signature = statement.signatures[0]
    high = P256_ORDER - int.from_bytes(signature[32:], "big")
    return wire(statement.header_bytes, statement.payload_bytes, signature[:32] + high.to_bytes(32, "big"))


@bad("signature.invalid")
def signature_of_another_algorithm(world: World) -> bytes:
    """Ed25519 bytes where the key's record says P-256: the record decides, never the message."""
    statement = _make(world, signers=[world.keys["p256"]])
    other = world.hands.keys[MAKER].sign(statement.signed_bytes)
    return wire(statement.header_bytes, statement.payload_bytes, other)


# ------------------------------------------------------------------ keys and parties


@bad("key.unknown")
def key_that_is_not_registered(world: World) -> bytes:
    return encode_wire(_make(world, signers=[generate_key("ed25519", b"nobody's key, 32 bytes at least.")]))


@bad("key.unknown")
def event_before_its_key_in_the_batch(world: World) -> bytes:
    """A key that is about to be registered does not speak before."""
    return encode_wire(_make(world, signers=[world.keys["coming"]]))


@bad("key.revoked", kept=True)
def revoked_key(world: World) -> bytes:
    return encode_wire(_make(world, signers=[world.keys["revoked"]]))


@bad("key.retired", kept=True)
def retired_key_after_its_grace(world: World) -> bytes:
    return encode_wire(_make(world, signers=[world.keys["retired"]], iat_us=now_us() - 30 * 24 * HOUR_US))


@bad("key.retired", kept=True)
def retired_key_signs_anew_within_its_grace(world: World) -> bytes:
    return encode_wire(_make(world, signers=[world.keys["leaving"]]))


@bad("key.foreign", kept=True)
def key_of_another_enterprise(world: World) -> bytes:
    return encode_wire(_make(world, signers=[world.hands.keys[DEALER]]))


@bad("key.foreign", kept=True)
def second_signer_of_another_enterprise(world: World) -> bytes:
    return encode_wire(_make(world, signers=[world.hands.keys[MAKER], world.hands.keys[DEALER]]))


@bad("key.foreign", kept=True)
def on_behalf_of_without_namespace(world: World) -> bytes:
    return encode_wire(_make(world, payload={"on_behalf_of": "ext:erp:42"}))


@bad("key.foreign", kept=True)
def on_behalf_of_in_another_namespace(world: World) -> bytes:
    payload = {"items": item_lines((world.codes["fresh"], "25")), "on_behalf_of": "ext:other:42"}
    return encode_wire(
        world.hands.statement(DEALER, "store", "opening", payload, signers=[world.keys["importer"]])
    )


@bad("key.foreign", kept=True)
def on_behalf_of_a_registered_enterprise(world: World) -> bytes:
    return encode_wire(_make(world, payload={"on_behalf_of": DEALER}))


@bad("enterprise.unknown", kept=True)
def closed_enterprise(world: World) -> bytes:
    return _say(world, CLOSED, "inspect/done", "made", None, result="pass")


@bad("key.role", kept=True)
def authority_kind_by_an_enterprise(world: World) -> bytes:
    facts = {"enterprise": MAKER, "name_zh": "甲", "name_en": "A", "roles": ["producer"], "issuer": "7K2M"}
    return encode_wire(world.hands.statement(MAKER, "enterprise", "update", facts))


@bad("key.role", kept=True)
def business_by_the_authority_key(world: World) -> bytes:
    return encode_wire(_make(world, signers=[world.keys["authority"]], enterprise=AUTHORITY))


@bad("key.role", kept=True)
def log_key_speaks_for_the_authority(world: World) -> bytes:
    return encode_wire(_make(world, signers=[world.keys["log"]], enterprise=AUTHORITY))


@bad("key.role", kept=True)
def new_authority_key_by_the_authority_key(world: World) -> bytes:
    """Only the recovery key replaces the authority's own."""
    return encode_wire(world.events["new authority key"])


@bad("header.invalid")
def enterprise_that_is_no_credit_code(world: World) -> bytes:
    header = json.loads(_make(world).header_bytes) | {"enterprise": "../../../../etc/pw"}
    statement = _make(world)
    key = world.hands.keys[MAKER]
    data = canonical(header)
    return wire(data, statement.payload_bytes, key.sign(encode_pae(HEADER_TYPE, data)))


@bad("alert.not-found", kept=True)
def alert_that_is_not_there(world: World) -> bytes:
    return encode_wire(world.hands.statement(MAKER, "alert", "explain", {"alert": "0" * 64}))


# ------------------------------------------------------------------ predecessors


@bad("prev.unknown", kept=True)
def unknown_predecessor(world: World) -> bytes:
    return encode_wire(_make(world, prevs={world.codes["fresh"]: "ab" * 32}))


@bad("prev.unknown", kept=True)
def predecessor_of_another_item(world: World) -> bytes:
    prevs = {world.codes["made"]: world.hands.heads[world.codes["offered"]]}
    payload = {"items": item_lines((world.codes["made"], None)), "result": "pass"}
    return encode_wire(world.hands.statement(MAKER, "inspect", "done", payload, prevs=prevs))


@bad("prev.stale", kept=True)
def stale_predecessor_of_a_sale(world: World) -> bytes:
    prevs = {world.codes["counted"]: world.events["counted made"].event_id.hex()}
    payload = {"items": item_lines((world.codes["counted"], None)), "counterparty": DEALER}
    return encode_wire(world.hands.statement(MAKER, "trade", "sell", payload, prevs=prevs))


@bad("prev.stale", kept=True)
def sale_without_a_predecessor(world: World) -> bytes:
    payload = {"items": item_lines((world.codes["made"], None)), "counterparty": DEALER}
    return encode_wire(world.hands.statement(MAKER, "trade", "sell", payload, prevs={}))


# ------------------------------------------------------------------ times and places


@bad("time.future", kept=True)
def signed_in_the_future(world: World) -> bytes:
    return encode_wire(_make(world, iat_us=now_us() + 25 * HOUR_US))


@bad("time.future", kept=True)
def happened_in_the_future(world: World) -> bytes:
    return encode_wire(_make(world, payload={"at": format_utc(now_us() + 25 * HOUR_US)}))


@bad("time.future", kept=True)
def happened_in_the_last_second_of_9999(world: World) -> bytes:
    return encode_wire(_make(world, payload={"at": "9999-12-31T23:59:59.999999Z"}))


@bad("site.unknown", kept=True)
def unknown_site(world: World) -> bytes:
    return encode_wire(_make(world, payload={"site": "S-NOWHERE"}))


@bad("site.foreign", kept=True)
def site_of_another_enterprise(world: World) -> bytes:
    return encode_wire(_make(world, payload={"site": "S-DEALER"}))


# ------------------------------------------------------------------ items


@bad("item.already-produced", kept=True)
def double_produce(world: World) -> bytes:
    return _say(world, MAKER, "produce/make", "made", "25", site="S-MAKER")


@bad("item.not-issued", kept=True)
def code_that_was_never_issued(world: World) -> bytes:
    return _say(world, MAKER, "produce/make", "never issued", "25", site="S-MAKER")


@bad("item.foreign-issuer", kept=True)
def code_of_another_issuer(world: World) -> bytes:
    return _say(world, DEALER, "produce/make", "fresh", "25", site="S-DEALER")


@bad("item.chemical", kept=True)
def another_chemical_than_the_code_says(world: World) -> bytes:
    return _say(world, MAKER, "produce/make", "fresh", "25", site="S-MAKER", chemical="67-64-1")


@bad("item.unknown", kept=True)
def sale_of_an_unknown_code(world: World) -> bytes:
    return _say(world, MAKER, "trade/sell", "fresh", None, counterparty=DEALER)


@bad("item.not-holder", kept=True)
def sale_of_what_another_holds(world: World) -> bytes:
    return _say(world, DEALER, "trade/sell", "made", None, counterparty=USER)


@bad("item.insufficient", kept=True)
def sale_of_more_than_there_is(world: World) -> bytes:
    return _say(world, MAKER, "trade/sell", "made", "26", counterparty=DEALER)


@bad("item.double-sale", kept=True)
def double_sale(world: World) -> bytes:
    return _say(world, MAKER, "trade/sell", "offered", None, counterparty=USER)


@bad("item.closed", kept=True)
def sale_of_a_closed_item(world: World) -> bytes:
    return _say(world, MAKER, "trade/sell", "closed", None, counterparty=DEALER)


@bad("item.missing", kept=True)
def sale_of_a_stolen_item(world: World) -> bytes:
    return _say(world, MAKER, "trade/sell", "stolen", None, counterparty=DEALER)


@bad("item.packed", kept=True)
def sale_of_a_packed_item(world: World) -> bytes:
    return _say(world, MAKER, "trade/sell", "packed", None, counterparty=DEALER)


@bad("item.void", kept=True)
def production_under_a_void_code(world: World) -> bytes:
    return _say(world, MAKER, "produce/make", "void", "25", site="S-MAKER")


@bad("quantity.unit", kept=True)
def quantity_of_another_dimension(world: World) -> bytes:
    items = [{"code": world.codes["made"], "quantity": {"unit": "LTR", "value": "1"}}]
    return encode_wire(world.hands.statement(MAKER, "use", "consume", {"items": items, "site": "S-MAKER"}))


# ------------------------------------------------------------------ corrections and waybills


@bad("event.not-found", kept=True)
def correction_of_an_unknown_event(world: World) -> bytes:
    facts = {"event": "cd" * 32, "reason": "typing error"}
    return encode_wire(world.hands.statement(MAKER, "correct", "done", facts, subjects=[world.codes["made"]]))


@bad("correct.foreign", kept=True)
def correction_of_anothers_event(world: World) -> bytes:
    facts = {"event": world.hands.heads[world.codes["made"]], "reason": "not mine"}
    return encode_wire(
        world.hands.statement(DEALER, "correct", "done", facts, subjects=[world.codes["made"]])
    )


@bad("subject.invalid", kept=True)
def correction_with_other_subjects(world: World) -> bytes:
    facts = {"event": world.hands.heads[world.codes["made"]], "reason": "wrong item"}
    codes = [world.codes["offered"]]
    return encode_wire(world.hands.statement(MAKER, "correct", "done", facts, subjects=codes))


@bad("waybill.unknown", kept=True)
def load_on_an_unknown_waybill(world: World) -> bytes:
    return _say(world, MAKER, "transport/load", "made", None, waybill="WB-404", counterparty=DEALER)


@bad("waybill.state", kept=True)
def waybill_scheduled_twice(world: World) -> bytes:
    return encode_wire(world.hands.statement(MAKER, "waybill", "scheduled", waybill_payload(world, "WB-2")))


@bad("waybill.state", kept=True)
def waybill_arrived_before_it_left(world: World) -> bytes:
    return encode_wire(world.hands.statement(CARRIER, "waybill", "arrived", {"number": "WB-2"}))


@bad("waybill.vehicle-busy", kept=True)
def load_on_a_busy_vehicle(world: World) -> bytes:
    return _say(world, MAKER, "transport/load", "on WB-2", None, waybill="WB-2", counterparty=DEALER)


@bad("waybill.code-not-listed", kept=True)
def load_of_what_the_waybill_does_not_list(world: World) -> bytes:
    return _say(world, MAKER, "transport/load", "made", None, waybill="WB-3", counterparty=DEALER)


@bad("waybill.carrier", kept=True)
def load_by_no_party_of_the_waybill(world: World) -> bytes:
    return _say(world, MAKER, "transport/load", "on WB-4", None, waybill="WB-4", counterparty=DEALER)


@bad("payload.invalid")
def plate_with_a_nul(world: World) -> bytes:
    note = waybill_payload(world, "WB-5") | {"vehicle": {"plate": "京A\x0001"}}
    statement = world.hands.statement(MAKER, "waybill", "scheduled", waybill_payload(world, "WB-5"))
    payload = json.loads(statement.payload_bytes) | note
    return with_payload(world.hands.keys[MAKER], statement, canonical(payload))


@bad("waybill.party", kept=True)
def waybill_moved_by_a_stranger(world: World) -> bytes:
    return encode_wire(world.hands.statement(USER, "waybill", "loaded", {"number": "WB-3"}))
