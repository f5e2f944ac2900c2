"""The short look at a header takes only what the full one takes, and reads the same in it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chemtrace.core.canonical import encode_canonical
from chemtrace.core.errors import ChemtraceError
from chemtrace.core.header import Header, match_plain_header, parse_header, read_header
from tests.specimens import CODE, make_specimen

HEADER: dict[str, Any] = json.loads(make_specimen().header_bytes)
HEADER["signers"] = HEADER["signers"][:1]
HEADER["subjects"] = [{"id": CODE, "prev": None}]
DATA = encode_canonical(HEADER)

PIECES = st.sampled_from(
    [b"", b" ", b"\n", b"\\", b'"', b",", b"0", b"1", b"Z", b"z", b"a", b"-", b"\x00", b"\xff", "１".encode()]
)
VALUES = st.sampled_from(
    [
        "",
        CODE,
        CODE.lower(),
        "site:S-1",
        "enterprise:1",
        "waybill:W-1",
        "a:b",
        "2026-01-01T00:00:00Z",
        "normal",
        "Z",
        "ab" * 32,
        "AB" * 32,
        "2026-02-30T00:00:00Z",
        "2026-01-01T00:00:00+08:00",
        "produce",
        "x" * 33,
    ]
)
NUMBERS = st.sampled_from([0, 1, 2, 3, 262_144, 262_145, 999_999, 1_000_000, -2, True, None])


def outcome(parse: Callable[[bytes], Header], data: bytes) -> Header | str:
    try:
        return parse(data)
    except ChemtraceError as error:
        return error.code


def agree(data: bytes) -> bool:
    """Whether the short look took `data`; what it took, the full one takes and reads alike, and names its defect."""
    assert outcome(parse_header, data) == outcome(read_header, data)
    try:
        found = match_plain_header(data)
    except ChemtraceError:
        with pytest.raises(ChemtraceError):
            read_header(data)
        return False
    if found is None:
        return False
    header = read_header(data)
    assert found == (*header.signers, header.payload.sha256, header.payload.size)
    return True


def test_a_header_of_one_signer_and_one_subject_is_taken():
    assert agree(DATA)


def test_of_several_defects_the_first_is_named_as_before():
    payload = {**HEADER["payload"], "size": 1}
    subjects = [{"id": "site:s", "prev": None}]
    iat = "2026-01-01T00:00:60Z"
    assert not agree(encode_canonical({**HEADER, "payload": payload, "iat": iat}))
    assert not agree(encode_canonical({**HEADER, "payload": payload, "subjects": subjects}))
    assert not agree(encode_canonical({**HEADER, "subjects": subjects, "iat": iat}))


def test_a_header_of_two_subjects_is_left_to_the_full_parser():
    two = encode_canonical({**HEADER, "subjects": [*HEADER["subjects"], {"id": "site:S-1", "prev": None}]})
    assert match_plain_header(two) is None
    assert read_header(two)


@given(st.integers(0, len(DATA)), st.integers(0, 3), PIECES)
def test_bytes_changed_anywhere_are_taken_by_both_or_left(at: int, gone: int, piece: bytes):
    agree(DATA[:at] + piece + DATA[at + gone :])


@given(st.sampled_from(sorted(set(HEADER) - {"payload", "subjects", "signers"})), VALUES)
def test_a_member_of_another_value_is_taken_by_both_or_left(name: str, value: str):
    agree(encode_canonical({**HEADER, name: value}))


@given(VALUES, st.one_of(st.none(), VALUES), VALUES, NUMBERS, VALUES)
def test_inner_members_of_other_values_are_taken_by_both_or_left(
    subject: str, prev: str | None, signer: str, size: int | None, digest: str
):
    payload = {**HEADER["payload"], "size": size, "sha256": digest}
    agree(encode_canonical({**HEADER, "payload": payload, "subjects": [{"id": subject, "prev": prev}]}))
    agree(encode_canonical({**HEADER, "payload": {**HEADER["payload"], "size": size}}))
    agree(encode_canonical({**HEADER, "signers": [signer], "subjects": [{"id": subject, "prev": prev}]}))
