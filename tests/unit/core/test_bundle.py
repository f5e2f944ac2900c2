"""Bundles and status proofs beyond the vectors: bounds, mirrors and their times, post-quantum lines, honest growth."""

from __future__ import annotations

import msgspec
import pytest

from chemtrace.core.bundle import model, shape, text
from chemtrace.core.bundle.compact import encode_bundle_compact, encode_status_compact, parse_bundle_compact
from chemtrace.core.bundle.qr import MAX_QR_SIGNS, encode_status_qr, parse_status_qr
from chemtrace.core.bundle.text import encode_bundle_text, encode_status_text, parse_bundle_text
from chemtrace.core.bundle.verdict import Claim, Gap, Verdict, beijing, utc
from chemtrace.core.bundle.verify import verify_bundle, verify_status
from chemtrace.core.cosignature import MAX_TIME_S, cosign, cosigner
from chemtrace.core.errors import (
    BundleFormatError,
    EventOmittedError,
    FormError,
    PolicyUnmetError,
    ProofStaleError,
    SectionMissingError,
    SubjectRootError,
)
from chemtrace.core.ml_dsa import MLDSAKey
from chemtrace.core.note import Note
from tests.honest_log import HOUR_US, MAKER, City, Witness, amount

ONE, TWO, MIRROR = Witness("one"), Witness("two"), Witness("mirror")
ALL = (ONE, TWO, MIRROR)


@pytest.fixture(scope="module")
def city() -> City:
    return City()


def texts(verdict: Verdict) -> list[str]:
    claims: tuple[Claim | Gap, ...] = (
        verdict.authentic,
        verdict.included,
        verdict.complete,
        verdict.current,
        *verdict.not_checked,
    )
    return [text for claim in claims for text in (claim.zh, claim.en)]


def test_the_four_statements_stand_in_both_languages(city: City) -> None:
    trust = city.log.trust(ALL, mirrors=[MIRROR], quorum=2)
    verdict = verify_bundle(encode_bundle_text(city.log.bundle(city.drum, witnesses=ALL)), trust)
    assert [verdict.authentic.value, verdict.included.value] == ["yes", "yes"]
    assert [verdict.complete.value, verdict.current.value] == ["yes", "as_of"]
    assert all(text and text[-1] in "。." for text in texts(verdict))
    assert "mirror" in verdict.complete.zh
    assert "mirror" in verdict.complete.en
    assert [event.kind for event in verdict.events] == ["produce", "pack", "trade", "transport", "store"]


def test_without_a_mirror_completeness_is_the_operators_word(city: City) -> None:
    trust = city.log.trust(ALL, mirrors=[MIRROR], quorum=2)
    verdict = verify_bundle(encode_bundle_text(city.log.bundle(city.drum, witnesses=[ONE, TWO])), trust)
    assert verdict.complete.value == verdict.current.value == "as_operator_states"
    assert verdict.as_of_us == verdict.log_time_us
    assert "mirror" in [gap.code for gap in verdict.not_checked]


def test_the_newest_time_of_a_mirror_counts(city: City) -> None:
    trust = city.log.trust(ALL, mirrors=[ONE, MIRROR], quorum=1)
    verdict = verify_bundle(
        encode_bundle_text(city.log.bundle(city.drum, witnesses=ALL, time_s=2_000_000_000)), trust
    )
    assert verdict.as_of_us == 2_000_000_002_000_000


def test_authentic_says_whose_word_the_histories_of_the_keys_rest_on(city: City) -> None:
    trust = city.log.trust(ALL, mirrors=[MIRROR], quorum=2)
    for witnesses, by_operator in ((ALL, False), ((ONE, TWO), True)):
        data = encode_bundle_text(city.log.bundle(city.drum, witnesses=witnesses))
        claim = verify_bundle(data, trust).authentic
        assert claim.value == "yes"
        assert ("as the operator states" in claim.en) is by_operator
        assert ("运营方" in claim.zh) is by_operator


def test_a_mirror_whose_clock_is_ahead_is_named_and_does_not_count(city: City) -> None:
    trust = city.log.trust(ALL, mirrors=[ONE, MIRROR], quorum=1)
    data = encode_bundle_text(city.log.bundle(city.drum, witnesses=ALL, time_s=2_000_000_000))
    just = verify_bundle(data, trust, now_us=1_999_999_700_000_000)
    assert just.as_of_us == 2_000_000_000_000_000
    assert "mirror (" not in just.complete.en
    (gap,) = [gap for gap in just.not_checked if gap.code == "mirror-clock"]
    assert "mirror (2033-05-18 03:33:22 UTC)" in gap.en
    assert "mirror（2033-05-18 11:33:22（北京时间））" in gap.zh
    assert "one (" not in gap.en
    alone = verify_bundle(data, trust, now_us=1_999_999_699_999_999)
    assert (alone.current.value, alone.as_of_us) == ("as_operator_states", alone.log_time_us)
    assert "as the operator states" in alone.authentic.en
    assert all(text and text[-1] in "。." for text in texts(alone))
    assert alone.cosigners == just.cosigners


@pytest.mark.parametrize("lie_s", [4_000_000_000, MAX_TIME_S])
def test_one_mirror_cannot_make_an_old_proof_new(city: City, lie_s: int) -> None:
    trust = city.log.trust(ALL, mirrors=[ONE, MIRROR], quorum=1, max_age_s=86_400)
    proof = city.log.status(city.drum, witnesses=[ONE])
    note = Note(proof.note.text, (*proof.note.signatures, MIRROR.cosign(proof.note.text, lie_s)))
    data = encode_status_text(msgspec.structs.replace(proof, note=note))
    verify_status(data, trust, now_us=city.log.now_us)
    with pytest.raises(ProofStaleError) as caught:
        verify_status(data, trust, now_us=city.log.now_us + 3 * 365 * 24 * HOUR_US)
    assert caught.value.fields["as_of_us"] == city.log.now_us // 1_000_000 * 1_000_000


def test_a_status_proof_never_says_authentic(city: City) -> None:
    trust = city.log.trust(ALL, mirrors=[MIRROR], quorum=2)
    verdict = verify_status(encode_status_text(city.log.status(city.drum, witnesses=ALL)), trust)
    assert verdict.authentic.value == "not_said"
    assert (verdict.form, verdict.count, verdict.events) == ("status", 5, ())


def test_age_is_judged_to_the_microsecond(city: City) -> None:
    trust = city.log.trust(ALL, mirrors=[MIRROR], quorum=2, max_age_s=3600)
    data = encode_status_text(city.log.status(city.drum, witnesses=ALL, time_s=1_800_000_000))
    limit = 1_800_000_002_000_000 + HOUR_US
    verify_status(data, trust, now_us=limit)
    with pytest.raises(ProofStaleError) as caught:
        verify_status(data, trust, now_us=limit + 1)
    assert caught.value.fields["limit_s"] == 3600


def test_a_post_quantum_mirror_counts_but_not_in_a_qr_code(city: City) -> None:
    key = MLDSAKey(bytes(range(32)))
    vkey = cosigner("pq.example", key).vkey
    proof = city.log.status(city.drum)
    line = cosign(proof.note.text, "pq.example", key, 1_800_000_000)
    cosigned = msgspec.structs.replace(proof, note=Note(proof.note.text, (*proof.note.signatures, line)))
    policy = f"witness pq {vkey}\nquorum pq\n"
    trust = msgspec.structs.replace(city.log.trust(), policy=policy, mirrors=("pq",))
    for data in (encode_status_text(cosigned), encode_status_compact(cosigned)):
        assert verify_status(data, trust).complete.value == "yes"
    with pytest.raises(BundleFormatError):
        encode_status_qr(cosigned)
    with pytest.raises(PolicyUnmetError):
        verify_status(encode_status_text(proof), trust)


def test_a_status_proof_with_three_cosignatures_is_one_qr_code(city: City) -> None:
    code = encode_status_qr(city.log.status(city.drum, witnesses=ALL))
    assert len(code) < MAX_QR_SIGNS / 2
    assert parse_status_qr(code.encode()) == city.log.status(city.drum, witnesses=ALL)
    with pytest.raises(BundleFormatError):
        parse_status_qr(code.encode() + b"0" * MAX_QR_SIGNS)


def test_hidden_payloads_hide_nothing_of_the_keys(city: City) -> None:
    bundle = city.log.bundle(city.drum, hide=lambda _: True)
    assert [section.subject[:4] for section in bundle.sections[1:]] == ["key:"] * (len(bundle.sections) - 1)
    verdict = verify_bundle(encode_bundle_text(bundle), city.log.trust())
    assert {"payloads", "containers"} <= {gap.code for gap in verdict.not_checked}
    assert all(event.payload is None for event in verdict.events)


def test_any_single_payload_may_be_taken_away_afterwards(city: City) -> None:
    """A reader without the right gets null; the rest stays a bundle, but where it led elsewhere."""
    bundle = city.log.bundle(city.busy)
    first, *others = bundle.sections
    for at, shown in enumerate(first.entries):
        entries = list(first.entries)
        entries[at] = msgspec.structs.replace(shown, payload=None)
        section = msgspec.structs.replace(first, entries=tuple(entries))
        changed = msgspec.structs.replace(bundle, sections=(section, *others))
        assert verify_bundle(encode_bundle_compact(changed), city.log.trust()).count == 10


@pytest.mark.parametrize("at", range(10))
def test_no_event_can_be_left_out(city: City, at: int) -> None:
    bundle = city.log.bundle(city.busy)
    first, *others = bundle.sections
    entries = (*first.entries[:at], *first.entries[at + 1 :])
    changed = msgspec.structs.replace(
        bundle, sections=(msgspec.structs.replace(first, entries=entries), *others)
    )
    with pytest.raises((EventOmittedError, SubjectRootError)):
        verify_bundle(encode_bundle_text(changed), city.log.trust())


def test_no_history_of_a_key_can_be_left_out(city: City) -> None:
    bundle = city.log.bundle(city.fresh)
    for at in range(1, len(bundle.sections)):
        sections = (*bundle.sections[:at], *bundle.sections[at + 1 :])
        with pytest.raises(SectionMissingError):
            verify_bundle(
                encode_bundle_text(msgspec.structs.replace(bundle, sections=sections)), city.log.trust()
            )


def test_a_compact_form_of_parts_that_do_not_fit_is_not_written(city: City) -> None:
    bundle = city.log.bundle(city.short)
    other = city.log.bundle(city.busy)
    with pytest.raises(FormError):
        encode_bundle_compact(msgspec.structs.replace(bundle, record=other.record, path=other.path[1:]))


@pytest.mark.parametrize(("name", "limit"), [("MAX_ENTRIES", 12), ("MAX_SECTIONS", 5), ("MAX_TICKS", 1)])
def test_what_passes_a_bound_is_refused(
    city: City, monkeypatch: pytest.MonkeyPatch, name: str, limit: int
) -> None:
    data = {
        "MAX_ENTRIES": encode_bundle_text(city.log.bundle(city.busy)),
        "MAX_SECTIONS": encode_bundle_text(city.log.bundle(city.drum)),
        "MAX_TICKS": encode_bundle_text(city.log.bundle(city.late)),
    }[name]
    monkeypatch.setattr(shape, name, limit)
    with pytest.raises(BundleFormatError) as caught:
        parse_bundle_text(data)
    assert caught.value.fields["limit"] == limit


@pytest.mark.parametrize("first", [b"{", b"\x88"])
def test_a_file_beyond_its_size_is_not_read(first: bytes) -> None:
    read = parse_bundle_text if first == b"{" else parse_bundle_compact
    with pytest.raises(BundleFormatError):
        read(first + bytes(model.MAX_BUNDLE_BYTES))


@pytest.mark.parametrize("piece", [b"[],", b"{},", b'"x",'])
def test_a_large_file_that_is_no_bundle_is_refused_at_its_first_wrong_value(
    monkeypatch: pytest.MonkeyPatch, piece: bytes
) -> None:
    """Eight megabytes of brackets would be millions of values in memory, for no better message."""

    def never(data: bytes, limit: int) -> object:
        raise AssertionError((len(data), limit))

    monkeypatch.setattr(text, "parse_canonical", never)
    data = b'{"a":[' + piece * 2_000_000 + b"1]}"
    with pytest.raises(BundleFormatError):
        parse_bundle_text(data[: model.MAX_BUNDLE_BYTES])


def test_a_bundle_of_an_hour_ago_still_verifies_after_the_log_grew() -> None:
    city = City("growing")
    data = encode_bundle_text(city.log.bundle(city.drum))
    before = verify_bundle(data, city.log.trust())
    facts = {"items": [amount(city.drum)]}
    city.log.tell("use/consume", [city.drum], facts, by=city.new, enterprise=MAKER)
    city.log.epoch()
    after = verify_bundle(encode_bundle_text(city.log.bundle(city.drum)), city.log.trust())
    assert verify_bundle(data, city.log.trust()) == before
    assert (before.count, after.count) == (5, 6)


def test_moments_are_told_in_beijing_time_and_utc() -> None:
    assert utc(1_772_325_000_999_999) == "2026-03-01 00:30:00 UTC"
    assert beijing(1_772_325_000_000_000) == "2026-03-01 08:30:00（北京时间）"
    assert utc(2**63) == f"{2**63} µs UTC"
