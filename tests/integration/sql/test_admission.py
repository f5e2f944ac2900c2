"""What the ledger admits and refuses, in which order, and what it keeps: on SQLite and PostgreSQL alike."""

import secrets

import pytest

from chemtrace.core.base64url import encode_base64url
from chemtrace.core.receipt import parse_receipt
from chemtrace.core.statement import build_statement, encode_wire, parse_wire
from chemtrace.core.times import format_utc
from chemtrace.ledger.outcome import Admitted, Refused
from tests.integration.audit.town import AUTHORITY, DEALER, MAKER, MINUTE_US, USER, Town

HOUR_US = 60 * MINUTE_US


@pytest.fixture
def town(database_url):
    """A founded ledger with three enterprises."""
    town = Town(database_url)
    yield town
    town.close()


def refused(outcome) -> str:
    """The code of a refusal, or the rule behind it."""
    assert isinstance(outcome, Refused), outcome
    return str(outcome.error.fields.get("rule_id", outcome.error.code))


def statement(
    town, who, kind, phase, subjects, /, *, signer=None, stance="normal", iat_us=None, at_us=None, **payload
):
    """A statement with every part of it at the test's choice; subjects are (id, prev)."""
    return build_statement(
        kind=kind,
        phase=phase,
        enterprise=who,
        signers=[town.keys[signer or who]],
        iat=format_utc(iat_us or town.clock.us),
        subjects=subjects,
        payload={"at": format_utc(at_us or town.clock.us), "nonce": secrets.token_hex(16), **payload},
        stance=stance,
    )


def drum(code, mass="25"):
    return {"code": code, "quantity": {"value": mass, "unit": "KGM"}}


def make(town, code, **more):
    return statement(
        town, MAKER, "produce", "make", [(code, None)], items=[drum(code)], site="S-MAKER", **more
    )


def count(town, table):
    with town.database.read() as connection:
        return connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar()


# ------------------------------------------------------------------ sending again


def test_a_known_event_gets_its_first_receipt_byte_for_byte(town):
    [code] = town.issue(1)
    wire = encode_wire(make(town, code))
    first = town.ledger.submit(wire)
    town.clock.us += HOUR_US
    again = town.ledger.submit(wire)
    assert isinstance(first, Admitted)
    assert isinstance(again, Admitted)
    assert (first.receipt_bytes, first.signature, first.index) == (
        again.receipt_bytes,
        again.signature,
        again.index,
    )
    assert (False, True) == (first.duplicate, again.duplicate)


def test_a_known_event_is_answered_whatever_signature_comes_with_it(town):
    """The look-up comes before everything else: a broken signature on a known header is no refusal."""
    [code] = town.issue(1)
    made = make(town, code)
    first = town.ledger.submit(encode_wire(made))
    broken = encode_wire(made).replace(encode_base64url(made.signatures[0]).encode(), b"A" * 86)
    again = town.ledger.submit(broken)
    assert again.duplicate
    assert first.receipt_bytes == again.receipt_bytes


def test_a_known_event_is_answered_after_its_key_was_compromised(town):
    [code] = town.issue(1)
    wire = encode_wire(make(town, code))
    first = town.ledger.submit(wire)
    end_key(town, MAKER, "compromised")
    assert first.receipt_bytes == town.ledger.submit(wire).receipt_bytes


def test_the_same_statement_twice_in_one_batch_is_admitted_once(town):
    [code] = town.issue(1)
    wire = encode_wire(make(town, code))
    size = town.ledger.size
    first, second = town.ledger.submit_many([wire, wire])
    assert (False, True) == (first.duplicate, second.duplicate)
    assert first.receipt_bytes == second.receipt_bytes
    assert size + 1 == town.ledger.size


# ------------------------------------------------------------------ form, identity, signature


def test_refuses_bytes_that_are_no_statement_and_keeps_nothing(town):
    before = town.ledger.size, count(town, "refusal")
    assert "wire.invalid" == refused(town.ledger.submit(b"{}"))
    assert "wire.invalid" == refused(town.ledger.submit(b"\xff\x00"))
    assert before == (town.ledger.size, count(town, "refusal"))


def test_refuses_a_signature_that_does_not_verify_and_keeps_nothing(town):
    [code] = town.issue(1)
    made = make(town, code)
    broken = encode_wire(made).replace(encode_base64url(made.signatures[0]).encode(), b"B" * 84 + b"Qw")
    assert refused(town.ledger.submit(broken)) == "signature.invalid"
    assert 0 == count(town, "refusal")


def test_refuses_a_key_that_nobody_registered(town):
    [code] = town.issue(1)
    from chemtrace.core.keys import generate_key

    town.keys["stranger"] = generate_key("ed25519")
    assert "key.unknown" == refused(town.ledger.submit(encode_wire(make(town, code, signer="stranger"))))
    assert 0 == count(town, "refusal")


def test_refuses_the_key_of_another_enterprise_and_keeps_the_evidence(town):
    [code] = town.issue(1)
    wire = encode_wire(make(town, code, signer=DEALER))
    assert "key.foreign" == refused(town.ledger.submit(wire))
    assert 1 == count(town, "refusal")


def test_refuses_the_authority_key_for_what_enterprises_do(town):
    [code] = town.issue(1)
    made = statement(
        town, AUTHORITY, "inspect", "done", [(code, None)], items=[{"code": code}], result="pass"
    )
    assert "key.role" == refused(town.ledger.submit(encode_wire(made)))


def test_refuses_what_only_the_authority_may_say(town):
    made = statement(
        town, MAKER, "site", "register", [("site:S-MINE", None)],
        id="S-MINE", enterprise=MAKER, name_zh="库", name_en="store", place={"lat_e6": 1, "lon_e6": 1},
    )  # fmt: skip
    assert "key.role" == refused(town.ledger.submit(encode_wire(made)))


def test_refuses_subjects_that_are_not_those_the_payload_moves(town):
    one, two = town.issue(2)
    made = statement(
        town, MAKER, "produce", "make", [(one, None), (two, None)], items=[drum(one)], site="S-MAKER"
    )
    assert "subject.invalid" == refused(town.ledger.submit(encode_wire(made)))


def test_a_key_and_its_first_event_may_come_in_one_batch(town):
    """The batch is judged in order: what is unknown at the door may be registered by the line before."""
    from chemtrace.core.keys import generate_key, make_key_request

    [code] = town.issue(1)
    key = town.keys["phone"] = generate_key("ed25519", b"phone of the maker, only for this test")
    register = statement(
        town, AUTHORITY, "key", "register", [(f"key:{key.kid.hex()}", None)],
        kid=key.kid.hex(), party=MAKER, role="device", algorithm="ed25519",
        spki=encode_base64url(key.public.spki),
        request=encode_base64url(make_key_request(key, MAKER, "device")),
    )  # fmt: skip
    outcomes = town.ledger.submit_many([encode_wire(register), encode_wire(make(town, code, signer="phone"))])
    assert [True, True] == [isinstance(outcome, Admitted) for outcome in outcomes]


def test_refuses_a_key_registered_without_proof_of_possession(town):
    from chemtrace.core.keys import generate_key

    key = generate_key("ed25519")
    made = statement(
        town, AUTHORITY, "key", "register", [(f"key:{key.kid.hex()}", None)],
        kid=key.kid.hex(), party=MAKER, role="device", algorithm="ed25519",
        spki=encode_base64url(key.public.spki),
    )  # fmt: skip
    assert "key.possession" == refused(town.ledger.submit(encode_wire(made)))


# ------------------------------------------------------------------ the life of keys


def end_key(town, name, phase, **more):
    key = town.keys[name]
    town.do(
        AUTHORITY, "key", phase, [f"key:{key.kid.hex()}"],
        kid=key.kid.hex(), party=name, role="enterprise", algorithm="ed25519",
        spki=encode_base64url(key.public.spki), **more,
    )  # fmt: skip


def test_a_compromised_key_ends_at_once(town):
    [code] = town.issue(1)
    wire = encode_wire(make(town, code))
    end_key(town, MAKER, "compromised")
    assert "key.revoked" == refused(town.ledger.submit(wire))


def test_a_retired_key_speaks_for_what_was_signed_before_until_its_grace_ends(town):
    early, late, after = town.issue(3)
    signed_before = encode_wire(make(town, early))
    also_before = encode_wire(make(town, late))
    town.clock.us += MINUTE_US
    end_key(town, MAKER, "retire", grace_end=format_utc(town.clock.us + 2 * HOUR_US))
    town.clock.us += MINUTE_US
    assert isinstance(town.ledger.submit(signed_before), Admitted)
    assert "key.retired" == refused(town.ledger.submit(encode_wire(make(town, after))))
    town.clock.us += 3 * HOUR_US
    town.ledger.publish()
    assert "key.retired" == refused(town.ledger.submit(also_before))


def test_refuses_a_grace_of_more_than_72_hours(town):
    key = town.keys[MAKER]
    subject = f"key:{key.kid.hex()}"
    made = statement(
        town, AUTHORITY, "key", "retire", [(subject, town.heads[subject])],
        kid=key.kid.hex(), party=MAKER, role="enterprise", algorithm="ed25519",
        spki=encode_base64url(key.public.spki), grace_end=format_utc(town.clock.us + 73 * HOUR_US),
    )  # fmt: skip
    assert "registry.conflict" == refused(town.ledger.submit(encode_wire(made)))


# ------------------------------------------------------------------ prev


def test_refuses_a_predecessor_that_the_subject_never_had_and_names_the_heads(town):
    [code] = town.issue(1)
    first = make(town, code)
    town.ledger.submit(encode_wire(first))
    made = statement(
        town, MAKER, "inspect", "done", [(code, "ab" * 32)], items=[{"code": code}], result="pass"
    )
    outcome = town.ledger.submit(encode_wire(made))
    assert "prev.unknown" == refused(outcome)
    assert {code: first.event_id.hex()} == outcome.error.fields["heads"]


def test_an_older_predecessor_makes_an_event_late(town):
    [code] = town.issue(1)
    first = make(town, code)
    town.ledger.submit(encode_wire(first))
    for minutes in (1, 2):
        town.clock.us += minutes * MINUTE_US
        prev = first.event_id.hex()
        made = statement(
            town, MAKER, "inspect", "done", [(code, prev)], items=[{"code": code}], result="pass"
        )
        outcome = town.ledger.submit(encode_wire(made))
        assert isinstance(outcome, Admitted)
        assert (minutes == 2) == parse_receipt(outcome.receipt_bytes).late


def test_an_unknown_head_makes_an_event_late_but_not_the_first_of_its_subject(town):
    [code] = town.issue(1)
    first = town.ledger.submit(encode_wire(make(town, code)))
    made = statement(town, MAKER, "inspect", "done", [(code, None)], items=[{"code": code}], result="pass")
    second = town.ledger.submit(encode_wire(made))
    assert [False, True] == [parse_receipt(outcome.receipt_bytes).late for outcome in (first, second)]


def test_a_sale_must_name_the_head(town):
    [code] = town.issue(1)
    town.ledger.submit(encode_wire(make(town, code)))
    made = statement(
        town, MAKER, "trade", "sell", [(code, None)], items=[{"code": code}], counterparty=DEALER
    )
    assert "prev.stale" == refused(town.ledger.submit(encode_wire(made)))


def test_effective_time_never_lies_before_that_of_the_predecessor(town):
    """An honest clock may lag: the event counts from its predecessor's time on."""
    [code] = town.issue(1)
    first = make(town, code)
    town.ledger.submit(encode_wire(first))
    made = statement(
        town, MAKER, "inspect", "done", [(code, first.event_id.hex())],
        items=[{"code": code}], result="pass", at_us=town.clock.us - HOUR_US,
    )  # fmt: skip
    index = town.ledger.submit(encode_wire(made)).index
    with town.database.read() as connection:
        sql = f"SELECT effective_us FROM entry WHERE idx = {index}"
        assert town.clock.us == connection.exec_driver_sql(sql).scalar()


@pytest.mark.parametrize("name", ["iat_us", "at_us"])
def test_refuses_a_time_more_than_a_day_ahead(town, name):
    [code] = town.issue(1)
    wire = encode_wire(make(town, code, **{name: town.clock.us + 25 * HOUR_US}))
    assert "time.future" == refused(town.ledger.submit(wire))


# ------------------------------------------------------------------ rules and refusals


def test_a_refusal_changes_nothing_and_is_kept_once(town):
    [code] = town.issue(1)
    town.ledger.submit(encode_wire(make(town, code)))
    size = town.ledger.size
    wire = encode_wire(make(town, code))
    for _ in range(3):
        assert "item.already-produced" == refused(town.ledger.submit(wire))
    assert size == town.ledger.size
    assert 1 == count(town, "refusal")


def test_refuses_a_code_that_was_never_issued(town):
    town.issue(1)
    from chemtrace.core.serials import issue_codes
    from tests.integration.audit.town import MASTER

    [code] = issue_codes(master=MASTER, kind="P", slot="005", issuer="7K2M", start=7, count=1)
    assert "item.not-issued" == refused(town.ledger.submit(encode_wire(make(town, code))))


def test_refuses_a_gap_in_the_numbers_of_a_series(town):
    town.issue(5)
    made = statement(
        town, AUTHORITY, "issue", "batch", [("batch:B-GAP", None)],
        batch="B-GAP", enterprise=MAKER, issuer="7K2M", kind="P", slot="005", start=6, count=1, root="0" * 64,
        seal_year=2026,
    )  # fmt: skip
    assert "registry.conflict" == refused(town.ledger.submit(encode_wire(made)))


def test_what_happened_is_admitted_and_the_contradiction_becomes_a_finding(town):
    [code] = town.issue(1)
    town.ledger.submit(encode_wire(make(town, code)))
    made = statement(town, USER, "use", "consume", [(code, None)], items=[drum(code, "5")], site="S-USER")
    outcome = town.ledger.submit(encode_wire(made))
    assert isinstance(outcome, Admitted)
    assert "item.not-holder" in outcome.findings
    assert outcome.findings == parse_receipt(outcome.receipt_bytes).findings
    assert len(outcome.findings) == count(town, "finding")


def test_one_refused_line_keeps_the_others_of_a_batch_in(town):
    codes = town.issue(5)
    wires = [encode_wire(make(town, code)) for code in codes]
    wires[2] = b"not a statement"
    outcomes = town.ledger.submit_many(wires)
    assert [True, True, False, True, True] == [isinstance(outcome, Admitted) for outcome in outcomes]
    indexes = [outcome.index for outcome in outcomes if isinstance(outcome, Admitted)]
    assert list(range(indexes[0], indexes[0] + 4)) == indexes


def test_a_correction_in_the_same_batch_finds_its_event(town):
    [code] = town.issue(1)
    made = make(town, code)
    correction = statement(
        town,
        MAKER,
        "correct",
        "done",
        [(code, made.event_id.hex())],
        event=made.event_id.hex(),
        reason="typo",
    )
    outcomes = town.ledger.submit_many([encode_wire(made), encode_wire(correction)])
    assert [True, True] == [isinstance(outcome, Admitted) for outcome in outcomes]
    with town.store.read() as transaction:
        [data] = transaction.item_states([code]).values()
    assert b'"status"' not in data


def test_a_correction_names_exactly_the_subjects_of_its_event(town):
    one, two = town.issue(2)
    made = make(town, one)
    town.ledger.submit(encode_wire(made))
    correction = statement(
        town, MAKER, "correct", "done", [(two, None)], event=made.event_id.hex(), reason="typo"
    )
    assert "subject.invalid" == refused(town.ledger.submit(encode_wire(correction)))


def test_erasing_removes_the_openings_and_nothing_else(town):
    """The personal value is gone, its digest and the entry stay."""
    import hashlib

    from chemtrace.core.statement import Opening

    [code] = town.issue(1)
    opening = Opening(b"s" * 16, "a person's name")
    made = build_statement(
        kind="produce", phase="make", enterprise=MAKER, signers=[town.keys[MAKER]],
        iat=format_utc(town.clock.us), subjects=[(code, None)], openings=(opening,),
        payload={
            "at": format_utc(town.clock.us), "nonce": secrets.token_hex(16), "items": [drum(code)],
            "site": "S-MAKER", "note": hashlib.sha256(opening.salt + opening.value.encode()).hexdigest(),
        },
    )  # fmt: skip
    town.ledger.submit(encode_wire(made))
    assert 1 == count(town, "opening")
    erase = statement(
        town, AUTHORITY, "erase", "openings", [(code, made.event_id.hex())],
        event=made.event_id.hex(), reason="asked for by the person",
    )  # fmt: skip
    assert isinstance(town.ledger.submit(encode_wire(erase)), Admitted)
    assert 0 == count(town, "opening")
    assert count(town, "payload") == count(town, "entry") - count(town, "epoch")


def test_refuses_to_handle_an_alert_that_does_not_exist(town):
    made = statement(town, AUTHORITY, "alert", "acknowledge", [(f"alert:{'a' * 64}", None)], alert="a" * 64)
    assert "alert.not-found" == refused(town.ledger.submit(encode_wire(made)))


def test_a_wire_from_the_store_is_what_was_sent(town):
    [code] = town.issue(1)
    made = make(town, code)
    town.ledger.submit(encode_wire(made))
    town.ledger.submit(encode_wire(make(town, code)))
    with town.database.read() as connection:
        [kept] = connection.exec_driver_sql("SELECT statement FROM refusal").scalars().all()
    assert "produce" == parse_wire(bytes(kept)).header.kind
