"""Bundles of a real ledger, fetched over HTTP: every one verifies and no changed one does."""

from __future__ import annotations

import json
import secrets
import threading
from pathlib import Path
from typing import Any

import pytest

from chemtrace.adapters.keys.files import load_private_key
from chemtrace.adapters.sql.engine import asking
from chemtrace.adapters.sql.reads.bundles import StoredProofs
from chemtrace.bootstrap import open_application
from chemtrace.core.bundle.text import encode_bundle_text, parse_bundle_text
from chemtrace.core.bundle.verify import verify_bundle
from chemtrace.core.errors import (
    ChemtraceError,
    EventOmittedError,
    SectionMissingError,
)
from chemtrace.core.keys import generate_key, make_key_request
from chemtrace.core.statement import encode_wire
from chemtrace.ledger import bundles
from chemtrace.ledger.bundles import build_bundle
from chemtrace.ledger.outcome import Admitted
from chemtrace.ledger.published import HistoryRow, open_published
from chemtrace.registry import office
from tests.proofs.town import Town
from tests.seeded_ledger import AUTHORITY, DEALER, HOUR_US, MAKER, item_lines, now_us, seed_ledger


def sections_of(data: bytes) -> list[str]:
    return [section.subject for section in parse_bundle_text(data).sections]


def test_a_drums_bundle_proves_each_of_its_events(town: Town) -> None:
    code = town.make()
    town.tell(
        town.hands.statement(MAKER, "trade", "sell", {"items": [{"code": code}], "counterparty": DEALER})
    )
    size = town.publish()
    verdict = town.verdict(code)
    assert (verdict.authentic.value, verdict.included.value) == ("yes", "yes")
    assert (verdict.complete.value, verdict.current.value) == ("as_operator_states", "as_operator_states")
    assert [(event.kind, event.enterprise) for event in verdict.events] == [
        ("produce", MAKER),
        ("trade", MAKER),
    ]
    assert verdict.size == size
    assert "payloads" not in {gap.code for gap in verdict.not_checked}


def test_the_item_route_gives_the_same_bundle_under_any_spelling_of_the_code(town: Town) -> None:
    code = town.make()
    town.publish()
    answer = town.http.get(f"/v1/items/{code.lower()}/bundle")
    assert answer.headers["content-type"] == "application/vnd.chemtrace.bundle+json"
    assert f'filename="{code}.bundle.json"' in answer.headers["content-disposition"]
    assert answer.content == town.bundle(code)


def test_a_bundle_follows_the_drum_into_its_container_and_into_the_containers_container(town: Town) -> None:
    code, pallet = town.make(), town.life.codes["pallet"]
    inside = {"container": pallet, "items": [{"code": code}], "site": "S-MAKER"}
    town.tell(town.hands.statement(MAKER, "pack", "done", inside))
    town.tell(
        town.hands.statement(MAKER, "trade", "sell", {"items": [{"code": pallet}], "counterparty": DEALER})
    )
    town.publish()
    assert pallet in sections_of(town.bundle(code))
    assert "containers" not in {gap.code for gap in town.verdict(code).not_checked}
    town.tell(town.hands.statement(MAKER, "unpack", "done", inside))
    town.publish()
    assert [event.kind for event in town.verdict(code).events] == ["produce", "pack", "unpack"]


def test_every_subject_of_the_ledger_has_a_bundle_that_verifies(town: Town) -> None:
    code = town.make()
    town.publish()
    key = town.hands.keys[MAKER].kid.hex()
    for subject in (f"enterprise:{MAKER}", f"key:{key}", "site:S-MAKER", "batch:B-LIFE", code):
        verdict = town.verdict(subject)
        assert verdict.subject == subject
        assert verdict.authentic.value == "yes"


# ------------------------------------------------------------------ keys


def test_what_a_key_signed_before_it_was_retired_counts_until_its_grace_ends(town: Town) -> None:
    party, key = town.newcomer()
    code = town.make()
    before = town.inspect(code, party)
    town.publish()
    town.life.application.authority.end_key(key.kid.hex(), phase="retire", grace_end_us=now_us() + HOUR_US)
    town.publish()
    town.tell(before)
    town.publish()
    data = town.bundle(code)
    assert town.verdict(code).authentic.value == "yes"
    ticks = parse_bundle_text(data).ticks
    assert ticks, "the time at which the event came in is proved by the records around it"
    document = json.loads(data)
    document["ticks"] = []
    with pytest.raises(SectionMissingError):
        verify_bundle(json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode(), town.trust())
    town.tell(town.hands.statement(MAKER, "inspect", "done", {"items": [{"code": code}], "result": "pass"}))
    town.publish()
    assert town.verdict(code).count == 3


def test_the_history_before_a_key_was_stolen_stays_proved(town: Town) -> None:
    party, key = town.newcomer()
    code = town.make()
    town.tell(town.inspect(code, party))
    town.life.application.authority.end_key(key.kid.hex(), phase="compromised")
    fresh = generate_key("p256")
    by = town.life.application.authority.signing()
    town.tell(office.register_key(by, request=make_key_request(fresh, party, "enterprise")))
    town.tell(town.inspect(code, party, signer=fresh))
    town.publish()
    verdict = town.verdict(code)
    assert (verdict.count, verdict.authentic.value) == (3, "yes")


def test_a_revoked_device_stands_in_the_history_of_its_key(town: Town) -> None:
    party, _ = town.newcomer()
    phone, authority = generate_key("ed25519"), town.life.application.authority
    authority.register_key(make_key_request(phone, party, "device"))
    authority.register_device("D-PHONE", enterprise=party, kind="phone", kid=phone.kid.hex())
    code = town.make()
    town.tell(town.inspect(code, party, signer=phone))
    authority.register_device("D-PHONE", enterprise=party, kind="phone", kid=phone.kid.hex(), phase="revoke")
    town.publish()
    assert town.verdict(code).authentic.value == "yes"
    shown = {section.subject: section for section in parse_bundle_text(town.bundle(code)).sections}
    assert len(shown[f"key:{phone.kid.hex()}"].entries) == 3


# ------------------------------------------------------------------ what is not shown


def hidden(town: Town, subject: str, may_see: Any) -> bytes:
    with town.life.application.reads._database.read() as connection:
        published = open_published(StoredProofs(asking(connection)))
        return encode_bundle_text(build_bundle(published, subject, may_see=may_see))


def test_a_payload_that_the_reader_may_not_see_leaves_a_hole_and_is_named(town: Town) -> None:
    code = town.make()
    town.publish()
    verdict = verify_bundle(hidden(town, code, lambda row: False), town.trust())
    assert verdict.authentic.value == "yes"
    assert "payloads" in {gap.code for gap in verdict.not_checked}
    assert [event.payload for event in verdict.events] == [None]


def test_a_hidden_packing_is_said_and_its_container_not_told(town: Town) -> None:
    code, pallet = town.make(), town.life.codes["pallet"]
    inside = {"container": pallet, "items": [{"code": code}], "site": "S-MAKER"}
    for kind in ("pack", "unpack"):
        town.tell(town.hands.statement(MAKER, kind, "done", inside))
    town.publish()

    def may_see(row: HistoryRow) -> bool:
        return b'"kind":"pack"' not in row.body

    data = hidden(town, code, may_see)
    assert pallet not in sections_of(data)
    codes = {gap.code for gap in verify_bundle(data, town.trust()).not_checked}
    assert {"payloads", "containers"} <= codes


# ------------------------------------------------------------------ refused


def test_a_subject_without_published_entries_has_no_bundle(town: Town) -> None:
    code = town.drum()
    for path in (f"/v1/items/{code}/bundle", f"/v1/subjects/{code}/status"):
        answer = town.http.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "subject.not-found")
    town.tell(town.made(code))
    assert town.http.get(f"/v1/items/{code}/bundle").status_code == 404
    town.publish()
    assert town.verdict(code).count == 1


def test_proofs_of_histories_are_for_readers_and_the_trust_file_for_everybody(town: Town) -> None:
    code = town.make()
    town.publish()
    for path in (f"/v1/items/{code}/bundle", f"/v1/subjects/{code}/bundle", f"/v1/subjects/{code}/status"):
        assert town.life.stranger.get(path).status_code == 401
    assert town.life.stranger.get("/log/trust").status_code == 200
    assert town.http.get("/v1/subjects/nothing:1/status").status_code == 422


def test_an_event_left_out_or_a_changed_byte_is_refused(town: Town) -> None:
    code = town.make()
    town.tell(town.hands.statement(MAKER, "inspect", "done", {"items": [{"code": code}], "result": "pass"}))
    town.publish()
    trust, data = town.trust(), town.bundle(code)
    document = json.loads(data)
    del document["sections"][0]["entries"][0]
    with pytest.raises(EventOmittedError):
        verify_bundle(json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode(), trust)
    for compact in (False, True):
        whole = town.bundle(code, compact=compact)
        for at in range(0, len(whole), 97):
            changed = bytearray(whole)
            changed[at] ^= 1
            with pytest.raises(ChemtraceError):
                verify_bundle(bytes(changed), trust)


@pytest.mark.parametrize(
    ("name", "limit"), [("MAX_ENTRIES", 2), ("MAX_BUNDLE_BYTES", 2_000), ("MAX_SECTIONS", 1)]
)
def test_a_history_beyond_the_limits_of_a_file_is_named_and_still_has_its_status(
    town: Town, monkeypatch: pytest.MonkeyPatch, name: str, limit: int
) -> None:
    code = town.make()
    for _ in range(3):
        payload = {"items": [{"code": code}], "result": "pass"}
        town.tell(town.hands.statement(MAKER, "inspect", "done", payload))
    town.publish()
    monkeypatch.setattr(bundles, name, limit)
    monkeypatch.setattr(bundles, "ROWS_A_PIECE", 1)
    answer = town.http.get(f"/v1/items/{code}/bundle")
    assert (answer.status_code, answer.json()["code"]) == (413, "bundle.too-large")
    assert town.status_verdict(code).count == 4
    monkeypatch.undo()
    monkeypatch.setattr(bundles, "ROWS_A_PIECE", 2)
    assert town.verdict(code).count == 4


# ------------------------------------------------------------------ one moment


def test_no_bundle_mixes_two_moments_while_the_ledger_is_written(town: Town) -> None:
    """Statements and epochs come as fast as they can; every bundle and status proof fetched meanwhile verifies."""
    code = town.make()
    town.publish()
    trust, ended, faults = town.trust(), threading.Event(), list[BaseException]()

    def write() -> None:
        try:
            for _ in range(40):
                payload = {"items": [{"code": code}], "result": "pass"}
                town.tell(town.hands.statement(MAKER, "inspect", "done", payload))
                town.publish()
        except BaseException as error:  # noqa: BLE001  # whatever it is, the test must fail with it
            faults.append(error)
        finally:
            ended.set()

    writer = threading.Thread(target=write)
    writer.start()
    counts: list[int] = []
    while not ended.is_set():
        counts.append(verify_bundle(town.bundle(code), trust).count)
        status = town.status_verdict(code)
        assert status.count >= counts[-1]
    writer.join()
    assert not faults
    assert counts == sorted(counts)
    assert len(set(counts)) > 3
    assert verify_bundle(town.bundle(code), trust).count == 41


def test_a_replaced_authority_is_followed_from_the_pinned_key_on(tmp_path: Path) -> None:
    """The recovery key hands over to a new authority key, which registers a newcomer; pinned is the first."""
    seeded = seed_ledger(tmp_path / "ledger")
    application = open_application(seeded.settings)
    try:
        recovery = load_private_key(Path(seeded.founded.recovery_key_file))
        fresh, newcomer = generate_key("ed25519"), generate_key("sm2")
        former = application.authority.kid
        for signer, request, replaces in (
            (recovery, make_key_request(fresh, AUTHORITY, "authority"), former),
            (fresh, make_key_request(newcomer, MAKER, "enterprise"), None),
        ):
            prev = None if replaces is None else application.authority.head(f"key:{replaces}")
            by = office.Signing(
                key=signer, enterprise=AUTHORITY, now_us=now_us(), nonce=secrets.token_hex(16)
            )
            statement = office.register_key(by, request=request, replaces=replaces, replaces_prev=prev)
            assert isinstance(application.ledger.submit(encode_wire(statement)), Admitted)
        code = seeded.take_codes(1)[0]
        made = seeded.hands.statement(
            MAKER, "produce", "make", {"items": item_lines((code, "25"))}, signers=(newcomer,)
        )
        assert isinstance(application.ledger.submit(encode_wire(made)), Admitted)
        application.ledger.publish(force=True)
        assert application.trust.authority == former
        data = encode_bundle_text(application.reads.bundle(code))
        assert verify_bundle(data, application.trust).authentic.value == "yes"
        keys = {f"key:{key}" for key in (former, fresh.kid.hex(), recovery.kid.hex(), newcomer.kid.hex())}
        assert set(sections_of(data)) == {code} | keys
    finally:
        application.close()
