"""Statements: what is signed is what was received; every defect has its name and changes nothing."""

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chemtrace.core.base64url import encode_base64url
from chemtrace.core.canonical import encode_canonical
from chemtrace.core.errors import (
    CodeCheckError,
    CodeFormatError,
    CreditCodeError,
    HeaderError,
    HeaderTooLargeError,
    JSONCanonicalError,
    JSONFloatError,
    JSONSyntaxError,
    KeyUnknownError,
    OpeningError,
    PayloadDigestError,
    PayloadError,
    PayloadTooLargeError,
    RefusedError,
    SignatureCountError,
    SignatureInvalidError,
    SubjectError,
    TimeFormatError,
    WireError,
    WireTooLargeError,
)
from chemtrace.core.header import encode_header
from chemtrace.core.statement import (
    MAX_WIRE_BYTES,
    Opening,
    Subject,
    check_openings,
    check_payload_digest,
    encode_wire,
    make_statement,
    parse_header,
    parse_payload_object,
    parse_wire,
    verify_signatures,
)
from chemtrace.core.subjects import is_item, parse_subject
from tests.specimens import CODE, ED25519, ENTERPRISE, KEYS, OPENING, P256, PAYLOAD, SM2, make_specimen

HEADER: dict[str, Any] = json.loads(make_specimen().header_bytes)
DIGEST = "ab" * 32


def changed(**members: Any) -> bytes:
    return encode_canonical({**HEADER, **members})


def test_a_statement_passes_every_check() -> None:
    statement = make_specimen(signers=(ED25519, P256, SM2))
    received = parse_wire(encode_wire(statement))
    assert statement == received
    check_payload_digest(received)
    verify_signatures(received, KEYS)
    assert parse_payload_object(received) == PAYLOAD
    assert received.event_id == hashlib.sha256(received.header_bytes).digest()
    assert received.signed_bytes.startswith(b"DSSEv1 37 application/vnd.chemtrace.header+json 6")


def test_the_header_is_kept_as_received_and_written_back_the_same() -> None:
    statement = make_specimen()
    assert encode_header(parse_header(statement.header_bytes)) == statement.header_bytes


def test_a_wire_dict_is_taken_as_its_bytes_are() -> None:
    wire = encode_wire(make_specimen(payload={**PAYLOAD, "who": OPENING.digest}, openings=(OPENING,)))
    assert parse_wire(json.loads(wire)) == parse_wire(wire)


# --- header ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"typ": "chemtrace/event/2"},
        {"kind": "Produce"},
        {"kind": ""},
        {"phase": "a" * 40},
        {"phase": None},
        {"enterprise": "91110000MA000001"},
        {"enterprise": "9111 0000MA0000018"},
        {"signers": []},
        {"signers": [DIGEST] * 2},
        {"signers": [DIGEST.upper()]},
        {"signers": [f"{at:064x}" for at in range(9)]},
        {"subjects": []},
        {"subjects": [{"id": CODE, "prev": None}] * 2},
        {"subjects": [{"id": CODE}]},
        {"subjects": [{"id": CODE, "prev": DIGEST[:-1]}]},
        {"subjects": [{"id": CODE, "prev": DIGEST + "\n"}]},
        {"subjects": [{"id": CODE, "prev": None, "seq": 1}]},
        {"subjects": [{"id": f"site:S{at}", "prev": None} for at in range(257)]},
        {"payload": {**HEADER["payload"], "size": 1}},
        {"payload": {**HEADER["payload"], "size": 256 * 1024 + 1}},
        {"payload": {**HEADER["payload"], "size": "173"}},
        {"payload": {**HEADER["payload"], "type": "text/plain"}},
        {"payload": {**HEADER["payload"], "sha256": ""}},
        {"rules": ""},
        {"stance": "odd"},
        {"iat": "2026-03-01T08:30:00+08:00"},
        {"alg": "ed25519"},
        {"iat": 1},
    ],
    ids=str,
)
def test_a_header_member_of_a_wrong_form_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(HeaderError):
        parse_header(changed(**change))


@pytest.mark.parametrize("member", sorted(HEADER))
def test_every_header_member_is_required(member: str) -> None:
    with pytest.raises(HeaderError, match=member):
        parse_header(encode_canonical({name: value for name, value in HEADER.items() if name != member}))


@pytest.mark.parametrize(
    "iat", ["", "2026-03-01T00:30:00", "2026-02-30T00:00:00Z", "2026-03-01T00:00:60Z", "nowZ"]
)
def test_a_header_time_that_names_no_moment_is_refused(iat: str) -> None:
    with pytest.raises((TimeFormatError, HeaderError)):
        parse_header(changed(iat=iat))


def test_the_path_of_the_defect_is_named() -> None:
    with pytest.raises(HeaderError, match=r"\$\.subjects\[\.\.\.\]\.prev|\$\.subjects\[0\]\.prev"):
        parse_header(changed(subjects=[{"id": CODE, "prev": 1}]))


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (json.dumps(HEADER).encode(), JSONCanonicalError),
        (make_specimen().header_bytes + b"\n", JSONCanonicalError),
        (make_specimen().header_bytes.replace(b'"kind"', b'"kind":"produce","kind"'), JSONCanonicalError),
        (make_specimen().header_bytes.replace(b"produce", b"\\u0070roduce"), JSONCanonicalError),
        (make_specimen().header_bytes.replace(b'"size":', b'"size":1.'), JSONFloatError),
        (make_specimen().header_bytes[:-1], JSONSyntaxError),
        (b"\xff", JSONSyntaxError),
        (b"[]", HeaderError),
        (b"null", HeaderError),
    ],
)
def test_a_header_in_another_spelling_is_refused(data: bytes, error: type[RefusedError]) -> None:
    with pytest.raises(error):
        parse_header(data)


def test_a_header_beyond_its_limit_is_refused_unread() -> None:
    with pytest.raises(HeaderTooLargeError) as caught:
        parse_header(b"[" * (48 * 1024 + 1))
    assert caught.value.fields == {"size": 49153, "limit": 49152}


def test_the_largest_header_fits_its_limit() -> None:
    subjects = tuple(Subject(f"batch:{at:064X}", DIGEST) for at in range(256))
    assert len(make_specimen(subjects=subjects).header_bytes) <= 48 * 1024


# --- subjects --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [CODE, f"enterprise:{ENTERPRISE}", "site:S-01.B", "licence:BJ2026.1", "device:GATE-7", "batch:2026-0001",
     "waybill:YD-2026-001", f"key:{DIGEST}", f"alert:{DIGEST}"],
)  # fmt: skip
def test_canonical_subjects_pass(text: str) -> None:
    assert text == parse_subject(text)
    assert is_item(text) == (text == CODE)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (CODE.lower(), CodeFormatError),
        (CODE[:-1], CodeFormatError),
        (f" {CODE}", CodeFormatError),
        (CODE[:-1] + "G", CodeCheckError),
        ("", CodeFormatError),
        ("enterprise:91110000MA0000018A", CreditCodeError),
        ("site:s-01", SubjectError),
        ("Site:S-01", SubjectError),
        ("site:", SubjectError),
        ("site:S 01", SubjectError),
        ("site:S01\n", SubjectError),
        ("key:" + DIGEST.upper(), SubjectError),
        ("waybill:" + "A" * 40, SubjectError),
        ("person:1", SubjectError),
        (f"item:{CODE}", SubjectError),
    ],
    ids=repr,
)
def test_other_spellings_of_a_subject_are_refused(text: str, error: type[RefusedError]) -> None:
    with pytest.raises(error):
        parse_subject(text)
    with pytest.raises(error):
        parse_header(changed(subjects=[{"id": text, "prev": None}]))


# --- payload and openings --------------------------------------------------------------------------------


def test_another_payload_is_refused_with_both_digests() -> None:
    statement = make_specimen()
    other = make_statement(statement.header_bytes, statement.payload_bytes + b" ", statement.signatures)
    with pytest.raises(PayloadDigestError) as caught:
        check_payload_digest(other)
    assert caught.value.fields["expected"] == statement.header.payload.sha256
    assert caught.value.fields["found"] == hashlib.sha256(other.payload_bytes).hexdigest()


def test_a_header_that_lies_about_the_size_is_refused() -> None:
    statement = make_specimen()
    header = changed(payload={**HEADER["payload"], "size": HEADER["payload"]["size"] + 1})
    with pytest.raises(PayloadDigestError):
        check_payload_digest(make_statement(header, statement.payload_bytes, statement.signatures))


@pytest.mark.parametrize(
    ("payload", "error"), [(b"[]", PayloadError), (b"{ }", JSONCanonicalError), (b"{", JSONSyntaxError)]
)
def test_a_payload_that_is_no_canonical_object_is_refused(payload: bytes, error: type[RefusedError]) -> None:
    statement = make_specimen()
    with pytest.raises(error):
        parse_payload_object(make_statement(statement.header_bytes, payload, statement.signatures))


def test_a_payload_beyond_its_limit_is_refused() -> None:
    statement = make_specimen()
    with pytest.raises(PayloadTooLargeError):
        make_statement(statement.header_bytes, bytes(256 * 1024 + 1), statement.signatures)


def test_an_opening_must_open_something() -> None:
    payload = {**PAYLOAD, "people": [{"driver": OPENING.digest}]}
    statement = make_specimen(payload=payload, openings=(OPENING,))
    check_openings(parse_wire(encode_wire(statement)), payload)
    with pytest.raises(OpeningError) as caught:
        check_openings(statement, PAYLOAD)
    assert caught.value.fields == {"opening": 0, "found": OPENING.digest}
    with pytest.raises(OpeningError):
        make_specimen(openings=(OPENING,))


def test_an_opening_does_not_open_a_member_name() -> None:
    with pytest.raises(OpeningError):
        check_openings(
            make_specimen(payload={**PAYLOAD, "w": OPENING.digest}, openings=(OPENING,)), {OPENING.digest: 1}
        )


def test_the_digest_of_an_opening_is_of_salt_and_text() -> None:
    assert Opening(b"s" * 16, "张").digest == hashlib.sha256(b"s" * 16 + "张".encode()).hexdigest()


# --- signatures ------------------------------------------------------------------------------------------


def test_signatures_are_one_for_each_signer() -> None:
    statement = make_specimen(signers=(ED25519, P256))
    for signatures in ((), statement.signatures[:1], (*statement.signatures, b"")):
        with pytest.raises(SignatureCountError):
            make_statement(statement.header_bytes, statement.payload_bytes, signatures)


def test_signatures_in_another_order_are_refused() -> None:
    statement = make_specimen(signers=(ED25519, P256))
    swapped = make_statement(statement.header_bytes, statement.payload_bytes, statement.signatures[::-1])
    with pytest.raises(SignatureInvalidError):
        verify_signatures(swapped, KEYS)


def test_an_unknown_signer_is_refused_by_name() -> None:
    with pytest.raises(KeyUnknownError) as caught:
        verify_signatures(make_specimen(), {})
    assert caught.value.fields["kid"] == ED25519.kid.hex()


@given(st.data())
def test_any_flipped_bit_of_header_or_signature_is_refused(data: st.DataObject) -> None:
    statement = make_specimen()
    parts = [statement.header_bytes, statement.signatures[0]]
    which = data.draw(st.integers(0, 1))
    bit = data.draw(st.integers(0, len(parts[which]) * 8 - 1))
    forged = bytearray(parts[which])
    forged[bit // 8] ^= 1 << bit % 8
    parts[which] = bytes(forged)
    with pytest.raises(RefusedError):
        verify_signatures(make_statement(parts[0], statement.payload_bytes, (parts[1],)), KEYS)


@given(st.data())
def test_any_flipped_bit_of_the_payload_is_refused(data: st.DataObject) -> None:
    statement = make_specimen()
    forged = bytearray(statement.payload_bytes)
    bit = data.draw(st.integers(0, len(forged) * 8 - 1))
    forged[bit // 8] ^= 1 << bit % 8
    with pytest.raises(PayloadDigestError):
        check_payload_digest(make_statement(statement.header_bytes, bytes(forged), statement.signatures))


# --- wire ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"header": None},
        {"header": "====", "payload": "e30"},
        {"header": "e30="},
        {"payload": "e31"},
        {"payload": "e3 0"},
        {"signatures": "AA"},
        {"signatures": ["AA"] * 9},
        {"openings": [{"salt": "AA", "value": "x"}]},
        {"openings": [{"salt": encode_base64url(bytes(16)), "value": "x" * 4097}]},
        {"openings": [{"salt": encode_base64url(bytes(16)), "value": "\ud800"}]},
        {"openings": [{"salt": encode_base64url(bytes(16))}]},
        {"openings": [{"salt": encode_base64url(bytes(16)), "value": "x"}] * 65},
        {"extra": 1},
    ],
    ids=lambda change: str(change)[:60],
)
def test_a_malformed_wire_object_is_refused(change: dict[str, Any]) -> None:
    wire = json.loads(encode_wire(make_specimen()))
    with pytest.raises(WireError):
        parse_wire({**wire, **change})


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"\xff", b"null", b"[" * 5000])
def test_wire_bytes_that_are_no_statement_are_refused(data: bytes) -> None:
    with pytest.raises(WireError):
        parse_wire(data)


def test_wire_bytes_beyond_their_limit_are_refused_unread() -> None:
    with pytest.raises(WireTooLargeError):
        parse_wire(b" " * (MAX_WIRE_BYTES + 1))


def test_a_huge_signature_is_refused() -> None:
    wire = json.loads(encode_wire(make_specimen()))
    with pytest.raises(WireTooLargeError):
        parse_wire({**wire, "signatures": [encode_base64url(bytes(9000))]})


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_by_name(data: bytes) -> None:
    with pytest.raises(RefusedError):
        parse_wire(data)
    with pytest.raises(RefusedError):
        parse_header(data)


def test_building_refuses_what_parsing_refuses() -> None:
    with pytest.raises(HeaderError):
        make_specimen(kind="PRODUCE")
    with pytest.raises(JSONFloatError):
        make_specimen(payload={"x": 1.5})
