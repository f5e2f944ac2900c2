"""A key speaks for one party, in one role, while it lives: everything else is refused and nothing is changed."""

from __future__ import annotations

from typing import Any

import pytest

from chemtrace.core.base64url import encode_base64url
from chemtrace.core.keys import generate_key, make_key_request
from chemtrace.core.times import format_utc
from chemtrace.ledger.outcome import Admitted, Outcome
from tests.integration.audit.town import AUTHORITY, DEALER, MAKER, MINUTE_US, USER, Town
from tests.security.attacker import findings, lines, refusal, say

PLATFORM = "ext:tms:C1"


@pytest.fixture
def drum(town: Town) -> str:
    (code,) = town.issue(1)
    town.do_items(MAKER, "produce", "make", [(code, "25")], site="S-MAKER")
    return code


def inspect(town: Town, who: str, code: str, **more: Any) -> Outcome:
    return say(town, who, "inspect", "done", [code], items=lines(code), result="note", **more)


@pytest.mark.parametrize("party", [MAKER, DEALER, USER, "OUTSIDE", "ext:toys:anybody"])
def test_nobody_speaks_on_behalf_of_others(town: Town, drum: str, party: str) -> None:
    assert refusal(inspect(town, DEALER, drum, on_behalf_of=party)) == "key.foreign"


def test_a_second_signer_of_another_enterprise_lends_no_authority(town: Town, drum: str) -> None:
    signers = [town.keys[DEALER], town.keys[MAKER]]
    assert refusal(inspect(town, DEALER, drum, signers=signers)) == "key.foreign"
    assert refusal(inspect(town, MAKER, drum, signers=[town.keys[DEALER]])) == "key.foreign"


def test_service_keys_and_the_authoritys_key_move_no_goods(town: Town, drum: str) -> None:
    for role in ("authority", "recovery", "log", "receipt"):
        assert refusal(inspect(town, AUTHORITY, drum, signers=[town.keys[role]])) == "key.role"


def test_an_enterprise_writes_no_records_of_the_authority(town: Town, drum: str) -> None:
    assert refusal(
        say(
            town, DEALER, "enterprise", "close", [f"enterprise:{MAKER}"],
            enterprise=MAKER, name_zh="甲", name_en="A", roles=["producer"], issuer="7K2M",
        )
    ) == "key.role"  # fmt: skip
    assert refusal(
        say(town, MAKER, "erase", "openings", [drum], event=town.heads[drum], reason="mine")
    ) == "key.role"  # fmt: skip
    other = say(town, DEALER, "correct", "done", [drum], event=town.heads[drum], reason="not mine")
    assert refusal(other) == "correct.foreign"


def test_a_key_request_of_another_enterprise_registers_nothing(town: Town) -> None:
    key = generate_key("ed25519", b"a key of the dealer".ljust(32))
    facts = {
        "kid": key.kid.hex(), "party": MAKER, "role": "enterprise", "algorithm": "ed25519",
        "spki": encode_base64url(key.public.spki),
        "request": encode_base64url(make_key_request(key, DEALER, "enterprise")),
    }  # fmt: skip
    assert (
        refusal(say(town, AUTHORITY, "key", "register", [f"key:{key.kid.hex()}"], **facts))
        == "key.possession"
    )


def test_the_key_of_a_revoked_device_is_silent(town: Town, drum: str) -> None:
    town.keys["phone"] = key = generate_key("ed25519", b"the key of a phone".ljust(32))
    town.register_key("phone", MAKER, "device")
    subjects = ["device:PHONE-1", f"key:{key.kid.hex()}"]
    device = {"id": "PHONE-1", "enterprise": MAKER, "kind": "phone", "kid": key.kid.hex()}
    town.do(AUTHORITY, "device", "register", subjects, **device)
    assert findings(inspect(town, MAKER, drum, signers=[key])) == ()
    town.do(AUTHORITY, "device", "revoke", subjects, **device)
    assert refusal(inspect(town, MAKER, drum, signers=[key])) == "key.revoked"
    assert findings(inspect(town, MAKER, drum)) == ()


# ------------------------------------------------------------------ waybills


@pytest.fixture
def platform(town: Town) -> str:
    """An importer's key of the dealer that may name parties `ext:tms:…`."""
    key = town.keys["platform"] = generate_key("ed25519", b"the key of a platform".ljust(32))
    town.do(
        AUTHORITY, "key", "register", [f"key:{key.kid.hex()}"],
        kid=key.kid.hex(), party=DEALER, role="enterprise", algorithm="ed25519", namespaces=["tms"],
        spki=encode_base64url(key.public.spki),
        request=encode_base64url(make_key_request(key, DEALER, "enterprise")),
    )  # fmt: skip
    return PLATFORM


def schedule(
    town: Town, who: str, number: str, carrier: str, *, plate: str = "京A12345", **more: Any
) -> Outcome:
    goods = {
        "name": "methanol", "class": "3", "package": "drum", "count": 1,
        "mass": {"value": "25", "unit": "KGM"},
    }  # fmt: skip
    return say(
        town, who, "waybill", "scheduled", [f"waybill:{number}"],
        number=number, consignor=MAKER, consignee=USER, carrier=carrier, origin="S-MAKER",
        load_at=format_utc(town.clock.us), arrive_by=format_utc(town.clock.us + 60 * MINUTE_US),
        goods=[goods], vehicle={"plate": plate}, **more,
    )  # fmt: skip


def test_a_platform_touches_no_waybill_of_registered_enterprises(town: Town, platform: str) -> None:
    as_platform = {"signers": [town.keys["platform"]], "on_behalf_of": platform}
    assert isinstance(schedule(town, MAKER, "W-1", USER), Admitted)
    for phase in ("void", "loaded", "in_transit"):
        ended = say(town, DEALER, "waybill", phase, ["waybill:W-1"], number="W-1", **as_platform)
        assert refusal(ended) == "waybill.party"
    assert refusal(schedule(town, DEALER, "W-2", USER, **as_platform)) == "waybill.party"


def test_a_platform_moves_the_waybills_of_its_own_parties(town: Town, platform: str) -> None:
    as_platform = {"signers": [town.keys["platform"]], "on_behalf_of": "ext:tms:desk"}
    assert isinstance(schedule(town, DEALER, "W-1", platform, **as_platform), Admitted)
    ended = say(town, DEALER, "waybill", "void", ["waybill:W-1"], number="W-1", **as_platform)
    assert findings(ended) == ()


@pytest.mark.parametrize(
    "plate", ["京a12345", "京A12345\u200b", "京\uff2112345", "京A\u00a012345", "京·A12345", "京\u041012345"]
)
def test_a_vehicle_has_one_spelling(town: Town, plate: str) -> None:
    assert refusal(schedule(town, MAKER, "W-1", USER, plate=plate)) == "payload.invalid"


@pytest.mark.parametrize("mark", ["\u202e", "\u2066", "\u200f", "\u2028", "\u061c"])
def test_marks_that_turn_text_around_are_refused(town: Town, drum: str, mark: str) -> None:
    assert refusal(inspect(town, DEALER, drum, note=f"passed {mark} deliaf")) == "payload.invalid"
    assert findings(inspect(town, DEALER, drum, note="合格 passed, 👨\u200d🔬")) == ("item.foreign-report",)
