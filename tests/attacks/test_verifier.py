"""What a lying log puts into a proof file: the verifier, with no network, ends in a named error each time."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from chemtrace.core.bundle.model import Bundle
from chemtrace.core.bundle.text import encode_bundle_text, encode_status_text
from chemtrace.core.bundle.verify import verify_bundle, verify_status
from chemtrace.core.canonical import encode_canonical
from chemtrace.core.errors import (
    ChemtraceError,
    EventOmittedError,
    KeyEarlyError,
    KeyRevokedError,
    NoteSignatureError,
    PayloadDigestError,
    PolicyUnmetError,
    ProofStaleError,
    RootMismatchError,
    SectionMissingError,
    SignatureInvalidError,
    SubjectRootError,
)
from chemtrace.core.note import Note
from tests.attacks.double import Double
from tests.honest_log import HOUR_US, MAKER, Witness, amount, fixed_key, item

DRUM = item(1)
Change = Callable[[Bundle], Bundle]


def refuses(error: type[ChemtraceError], double: Double, bundle: Bundle, **trust: Any) -> ChemtraceError:
    with pytest.raises(error) as raised:
        verify_bundle(encode_bundle_text(bundle), double.log.trust(**trust))
    assert error is type(raised.value)
    return raised.value


def drum_of(bundle: Bundle, **changes: Any) -> Bundle:
    """The bundle with another first section."""
    first = msgspec.structs.replace(bundle.sections[0], **changes)
    return msgspec.structs.replace(bundle, sections=(first, *bundle.sections[1:]))


@pytest.fixture
def grown(double: Double) -> Double:
    double.tell("store/in", DRUM)
    double.tell("store/out", DRUM)
    double.log.epoch()
    return double


def test_an_honest_bundle_is_taken(grown):
    assert 3 == verify_bundle(encode_bundle_text(grown.log.bundle(DRUM)), grown.log.trust()).count


@pytest.mark.parametrize("left_out", [0, 1, 2])
def test_an_event_left_out_of_a_history_is_refused(grown, left_out):
    bundle = grown.log.bundle(DRUM)
    entries = list(bundle.sections[0].entries)
    del entries[left_out]
    with pytest.raises((EventOmittedError, SubjectRootError)):
        verify_bundle(encode_bundle_text(drum_of(bundle, entries=tuple(entries))), grown.log.trust())


def test_an_event_edited_is_refused(grown):
    bundle = grown.log.bundle(DRUM)
    last = bundle.sections[0].entries[-1]
    forged = msgspec.structs.replace(last, entry=last.entry[:-1] + bytes([last.entry[-1] ^ 1]))
    refuses(SubjectRootError, grown, drum_of(bundle, entries=(*bundle.sections[0].entries[:-1], forged)))


def test_events_exchanged_are_refused(grown):
    bundle = grown.log.bundle(DRUM)
    first, second, third = bundle.sections[0].entries
    swapped = (
        first,
        msgspec.structs.replace(second, entry=third.entry, payload=third.payload),
        msgspec.structs.replace(third, entry=second.entry, payload=second.payload),
    )
    with pytest.raises(ChemtraceError) as raised:
        verify_bundle(encode_bundle_text(drum_of(bundle, entries=swapped)), grown.log.trust())
    assert "bundle.event-omitted" == raised.value.code


def test_a_payload_exchanged_for_another_is_refused(grown):
    bundle = grown.log.bundle(DRUM)
    entries = list(bundle.sections[0].entries)
    payload = json.loads(entries[0].payload or b"")
    payload["items"][0]["quantity"]["value"] = "26"
    entries[0] = msgspec.structs.replace(entries[0], payload=encode_canonical(payload))
    refuses(PayloadDigestError, grown, drum_of(bundle, entries=tuple(entries)))


def test_content_that_was_erased_is_said_to_be_missing(grown):
    bundle = grown.log.bundle(DRUM, hide=lambda _: True)
    verdict = verify_bundle(encode_bundle_text(bundle), grown.log.trust())
    assert "payloads" in {gap.code for gap in verdict.not_checked}


def test_the_history_of_another_drum_is_refused(grown):
    bundle = grown.log.bundle(DRUM)
    other = grown.log.bundle(item(2)).sections[0]
    with pytest.raises(ChemtraceError):
        verify_bundle(
            encode_bundle_text(drum_of(bundle, entries=other.entries, map=other.map)), grown.log.trust()
        )


def test_a_key_whose_history_is_withheld_is_missed(grown):
    bundle = grown.log.bundle(DRUM)
    key = f"key:{grown.maker.kid.hex()}"
    kept = tuple([section for section in bundle.sections if section.subject != key])
    refuses(SectionMissingError, grown, msgspec.structs.replace(bundle, sections=kept))


def test_the_end_of_a_key_left_out_of_its_history_is_refused(grown):
    grown.log.end(grown.maker, MAKER, "compromised")
    grown.tell("store/in", DRUM)
    grown.log.epoch()
    bundle = grown.log.bundle(DRUM)
    key = f"key:{grown.maker.kid.hex()}"
    sections = [
        msgspec.structs.replace(section, entries=section.entries[:1]) if section.subject == key else section
        for section in bundle.sections
    ]
    refuses(SubjectRootError, grown, msgspec.structs.replace(bundle, sections=tuple(sections)))


def test_a_key_that_signs_after_it_was_compromised_is_refused(grown):
    grown.log.end(grown.maker, MAKER, "compromised")
    grown.tell("store/in", DRUM)
    grown.log.epoch()
    refuses(KeyRevokedError, grown, grown.log.bundle(DRUM))


def test_a_key_that_signs_before_its_registration_is_refused(double):
    early = fixed_key("early")
    double.log.tell("store/in", [DRUM], {"items": [amount(DRUM)]}, by=early, enterprise=MAKER)
    double.log.register(early, MAKER)
    double.log.epoch()
    refuses(KeyEarlyError, double, double.log.bundle(DRUM))


def test_a_signature_made_up_by_the_log_is_refused(double):
    index = double.tell("store/in", DRUM)
    double.log.bodies[index] = double.log.bodies[index][:-64] + bytes(64)
    double.log.epoch()
    refuses(SignatureInvalidError, double, double.log.bundle(DRUM))


def test_another_history_under_a_checkpoint_is_refused(double):
    other = double.clone()
    for one, what in ((double, "store/in"), (other, "store/out")):
        one.tell(what, DRUM)
        one.log.epoch()
    bundle = double.log.bundle(DRUM)
    refuses(RootMismatchError, double, msgspec.structs.replace(bundle, note=other.log.note()))


# ------------------------------------------------------------------ witnesses and age


def test_a_checkpoint_without_the_witnesses_asked_for_is_refused(grown):
    one, two = Witness("one"), Witness("two")
    bundle = grown.log.bundle(DRUM, witnesses=[one])
    refuses(PolicyUnmetError, grown, bundle, witnesses=[one, two], quorum=2)


def test_a_cosignature_forged_in_a_witnesss_name_is_refused(grown):
    one = Witness("one")
    note = grown.log.note([one])
    line = note.signatures[1]
    forged = msgspec.structs.replace(line, signature=line.signature[:-64] + bytes(64))
    bundle = grown.log.bundle(DRUM, witnesses=[one])
    note = Note(note.text, (note.signatures[0], forged))
    refuses(NoteSignatureError, grown, msgspec.structs.replace(bundle, note=note), witnesses=[one])


def test_a_cosignature_moved_from_an_older_checkpoint_is_refused(grown):
    one = Witness("one")
    older = grown.log.note([one]).signatures[1]
    grown.tell("store/in", DRUM)
    grown.log.epoch()
    bundle = grown.log.bundle(DRUM, witnesses=[one])
    note = Note(bundle.note.text, (bundle.note.signatures[0], older))
    refuses(NoteSignatureError, grown, msgspec.structs.replace(bundle, note=note), witnesses=[one])


def test_an_old_but_honest_proof_is_refused_where_age_counts(grown):
    one = Witness("one")
    bundle = encode_bundle_text(grown.log.bundle(DRUM, witnesses=[one]))
    trust = grown.log.trust([one], mirrors=[one], max_age_s=600)
    verify_bundle(bundle, trust, now_us=grown.log.now_us)
    with pytest.raises(ProofStaleError):
        verify_bundle(bundle, trust, now_us=grown.log.now_us + HOUR_US)


def test_an_old_but_honest_status_is_refused_where_age_counts(grown):
    one = Witness("one")
    status = encode_status_text(grown.log.status(DRUM, witnesses=[one]))
    trust = grown.log.trust([one], mirrors=[one], max_age_s=600)
    assert 3 == verify_status(status, trust, now_us=grown.log.now_us).count
    with pytest.raises(ProofStaleError):
        verify_status(status, trust, now_us=grown.log.now_us + HOUR_US)


def test_a_status_that_counts_fewer_events_is_refused(grown):
    status = grown.log.status(DRUM)
    with pytest.raises(ChemtraceError) as raised:
        verify_status(
            encode_status_text(msgspec.structs.replace(status, count=status.count - 1)), grown.log.trust()
        )
    assert "map.proof" == raised.value.code


def test_nothing_of_a_refused_file_is_handed_back(grown):
    """The error holds both sides of what differs, never a verdict."""
    bundle = grown.log.bundle(DRUM)
    short = drum_of(bundle, entries=copy.copy(bundle.sections[0].entries[:-1]))
    error = refuses(SubjectRootError, grown, short)
    assert "verdict" not in error.fields
