"""The published payload schemas say what the decoder does."""

import json
from pathlib import Path

import jsonschema
import msgspec
import pytest

from chemtrace.core.errors import HeaderError, PayloadError
from chemtrace.core.events import PAYLOADS, moved_subjects, parse_payload
from chemtrace.core.events.schema import event_schema, schema_name

SCHEMAS = Path(__file__).parents[3] / "contracts" / "events" / "v1"
CODE = "BJ1P0057K2M4QX9T3CF"
BASE = {"at": "2026-03-01T08:00:00+08:00", "nonce": "0" * 32}
LINES = [{"code": CODE, "quantity": {"value": "25.5", "unit": "KGM"}}]
SALE = {**BASE, "items": LINES, "counterparty": "91110105MA01XXXX8K", "waybill": "BJ-2026-0001"}

DEFECTS = {
    "missing time": {**SALE, "at": None},
    "unknown field": {**SALE, "price": 3},
    "no items": {**SALE, "items": []},
    "trailing zero": {**SALE, "items": [{"code": CODE, "quantity": {"value": "25.50", "unit": "KGM"}}]},
    "negative": {**SALE, "items": [{"code": CODE, "quantity": {"value": "-1", "unit": "KGM"}}]},
    "unknown unit": {**SALE, "items": [{"code": CODE, "quantity": {"value": "1", "unit": "LBR"}}]},
    "number as quantity": {**SALE, "items": [{"code": CODE, "quantity": {"value": 1, "unit": "KGM"}}]},
    "short nonce": {**SALE, "nonce": "00"},
    "lower-case code": {**SALE, "items": [{"code": CODE.lower()}]},
    "line break after a code": {**SALE, "items": [{"code": CODE + "\n"}]},
    "party of no form": {**SALE, "counterparty": "somebody"},
}


@pytest.mark.parametrize(("kind", "phase"), sorted(PAYLOADS))
def test_the_schema_on_disk_is_the_one_of_the_types(kind: str, phase: str) -> None:
    """A reader of contracts/ sees what the server enforces."""
    stored = json.loads((SCHEMAS / schema_name(kind, phase)).read_text("utf-8"))
    assert stored == json.loads(json.dumps(event_schema(kind, phase)))


def test_no_schema_is_left_over() -> None:
    """Each file belongs to a kind that exists."""
    assert {path.name for path in SCHEMAS.glob("*.json")} == {schema_name(*key) for key in PAYLOADS}


@pytest.mark.parametrize("defect", sorted(DEFECTS))
def test_schema_and_decoder_refuse_the_same_defect(defect: str) -> None:
    """One defect, two refusals."""
    body = DEFECTS[defect]
    validator = jsonschema.Draft202012Validator(event_schema("trade", "sell"))
    if (
        defect != "line break after a code"
    ):  # ECMA's $ and Python's re differ here; the decoder is the strict one
        assert not validator.is_valid(body)
    with pytest.raises(PayloadError):
        parse_payload("trade", "sell", msgspec.json.encode(body))


def test_schema_and_decoder_accept_the_same_sale() -> None:
    """The sound twin of the defects passes both."""
    jsonschema.Draft202012Validator(event_schema("trade", "sell")).validate(SALE)
    payload = parse_payload("trade", "sell", msgspec.json.encode(SALE))
    assert moved_subjects(payload) == (CODE, "waybill:BJ-2026-0001")


def test_refuses_a_kind_that_does_not_exist() -> None:
    """An unknown phase is an error of the header, not of the payload."""
    with pytest.raises(HeaderError):
        parse_payload("trade", "lend", b"{}")


def test_rule_sets_and_anchors_belong_to_who_publishes_them() -> None:
    """They move nothing but the publisher's own history."""
    rules = {**BASE, "digest": "0" * 64, "valid_from": BASE["at"], "title": "2026 v1"}
    payload = parse_payload("rules", "publish", msgspec.json.encode(rules))
    assert moved_subjects(payload, "91110105MA01XXXX8K") == ("enterprise:91110105MA01XXXX8K",)


@pytest.mark.parametrize("phase", ["register", "revoke"])
def test_a_device_is_named_with_the_key_in_it(phase: str) -> None:
    device = {"id": "D-1", "enterprise": "91110105MA01XXXX8K", "kind": "phone"}
    for more, moved in (({}, ("device:D-1",)), ({"kid": "ab" * 32}, ("device:D-1", "key:" + "ab" * 32))):
        payload = parse_payload("device", phase, msgspec.json.encode({**BASE, **device, **more}))
        assert moved_subjects(payload) == moved


def test_a_new_key_is_named_with_the_one_it_replaces() -> None:
    key = {
        "kid": "ab" * 32, "party": "91110105MA01XXXX8K", "role": "enterprise", "algorithm": "ed25519", "spki": "AA",
    }  # fmt: skip
    for more, moved in (
        ({}, ("key:" + "ab" * 32,)),
        ({"replaces": "cd" * 32}, ("key:" + "ab" * 32, "key:" + "cd" * 32)),
    ):
        payload = parse_payload("key", "register", msgspec.json.encode({**BASE, **key, **more}))
        assert moved_subjects(payload) == moved
