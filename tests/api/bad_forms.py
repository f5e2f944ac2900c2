"""Bad input by its form: JSON, encodings, sizes, headers, payloads, openings; the names of the makers say which."""

from __future__ import annotations

import gzip
import json

from chemtrace.core.base64url import encode_base64url
from chemtrace.core.statement import Statement
from tests.api.bad_case import (
    NDJSON,
    World,
    bad,
    canonical,
    encode_wire,
    signed,
    wire,
    with_header,
    with_payload,
    with_payload_members,
)
from tests.seeded_ledger import MAKER


def _good(world: World, **payload: object) -> Statement:
    """What would be admitted: the maker produces a fresh drum."""
    line = (world.codes["fresh"], "25")
    return world.hands.items(MAKER, "produce", "make", line, site="S-MAKER", **payload)


def _key(world: World):
    return world.hands.keys[MAKER]


# ------------------------------------------------------------------ the wire object


@bad("wire.invalid")
def empty_body(world: World) -> bytes:
    return b""


@bad("wire.invalid")
def malformed_json(world: World) -> bytes:
    return encode_wire(_good(world))[:-1]


@bad("wire.invalid")
def trailing_bytes_behind_the_object(world: World) -> bytes:
    return encode_wire(_good(world)) + b"{}"


@bad("wire.invalid")
def byte_order_mark(world: World) -> bytes:
    return b"\xef\xbb\xbf" + encode_wire(_good(world))


@bad("wire.invalid")
def not_utf8(world: World) -> bytes:
    return encode_wire(_good(world)).replace(b'"payload"', b'"pay\xff\xfeoad"')


@bad("wire.invalid")
def nul_in_the_wire(world: World) -> bytes:
    return encode_wire(_good(world)).replace(b'"header":"', b'"header":"\x00')


@bad("wire.invalid")
def array_instead_of_object(world: World) -> bytes:
    return b"[" + encode_wire(_good(world)) + b"]"


@bad("wire.invalid")
def unknown_wire_member(world: World) -> bytes:
    return encode_wire(_good(world)).replace(b'{"header"', b'{"admin":true,"header"')


@bad("wire.invalid")
def missing_wire_member(world: World) -> bytes:
    return json.dumps({"header": "e30", "signatures": []}).encode()


@bad("wire.invalid")
def deeply_nested_wire(world: World) -> bytes:
    return b'{"header":' + b"[" * 100_000 + b"]" * 100_000 + b"}"


@bad("wire.invalid")
def gzip_bomb(world: World) -> bytes:
    return gzip.compress(b" " * 50_000_000)


@bad("wire.invalid")
def padded_base64(world: World) -> bytes:
    statement = _good(world)
    return wire(statement.header_bytes, statement.payload_bytes, *statement.signatures, header="e30=")


@bad("wire.invalid")
def standard_base64_alphabet(world: World) -> bytes:
    statement = _good(world)
    return wire(statement.header_bytes, statement.payload_bytes, *statement.signatures, payload="e+/e")


@bad("wire.invalid")
def stray_bits_in_base64(world: World) -> bytes:
    statement = _good(world)
    text = encode_base64url(statement.signatures[0])
    stray = text[:-1] + chr(ord(text[-1]) + 1)
    return wire(statement.header_bytes, statement.payload_bytes, signatures=[stray])


@bad("wire.invalid")
def line_break_in_base64(world: World) -> bytes:
    statement = _good(world)
    text = encode_base64url(statement.header_bytes)
    return wire(
        statement.header_bytes,
        statement.payload_bytes,
        *statement.signatures,
        header=text[:40] + "\n" + text[40:],
    )


@bad("wire.too-large", path="/v1/events/batch", media_type=NDJSON)
def oversize_statement_in_a_batch(world: World) -> bytes:
    return b'{"header":"' + b"A" * 700_000 + b'"}'


@bad("request.too-large", status=413)
def oversize_body(world: World) -> bytes:
    return b'{"header":"' + b"A" * 700_000 + b'"}'


@bad("request.too-large", path="/v1/events/batch", media_type=NDJSON, status=413)
def oversize_batch(world: World) -> bytes:
    line = encode_wire(_good(world)) + b"\n"
    return line * (9_000_000 // len(line))


@bad("wire.invalid", path="/v1/events/batch", media_type=NDJSON, status=422)
def too_many_lines(world: World) -> bytes:
    return b"{}\n" * 1001


@bad("wire.invalid", path="/v1/events/batch", media_type=NDJSON, status=422)
def batch_without_lines(world: World) -> bytes:
    return b"\n\n"


@bad("request.media-type", media_type="text/plain")
def wrong_content_type(world: World) -> bytes:
    return encode_wire(_good(world))


@bad("request.media-type", path="/v1/events/batch")
def json_type_for_a_batch(world: World) -> bytes:
    return encode_wire(_good(world))


@bad("payload.invalid", path="/v1/waybills")
def another_kind_at_the_waybill_door(world: World) -> bytes:
    return encode_wire(_good(world))


# ------------------------------------------------------------------ the header


@bad("header.invalid")
def header_with_another_type(world: World) -> bytes:
    return with_header(_key(world), _good(world), typ="chemtrace/event/2")


@bad("header.invalid")
def header_without_a_member(world: World) -> bytes:
    header = json.loads(_good(world).header_bytes)
    del header["rules"]
    return signed(_key(world), canonical(header), _good(world).payload_bytes)


@bad("header.invalid")
def header_with_an_unknown_member(world: World) -> bytes:
    return with_header(_key(world), _good(world), zz=1)


@bad("json.not-canonical")
def duplicate_keys_in_the_header(world: World) -> bytes:
    statement = _good(world)
    header = statement.header_bytes.replace(b'"kind":', b'"kind":"trade","kind":', 1)
    return signed(_key(world), header, statement.payload_bytes)


@bad("json.not-canonical")
def spaces_in_the_header(world: World) -> bytes:
    statement = _good(world)
    header = statement.header_bytes.replace(b'"kind":', b'"kind": ', 1)
    return signed(_key(world), header, statement.payload_bytes)


@bad("json.syntax")
def trailing_bytes_behind_the_header(world: World) -> bytes:
    statement = _good(world)
    return signed(_key(world), statement.header_bytes + b"\x00", statement.payload_bytes)


@bad("header.too-large")
def oversize_header(world: World) -> bytes:
    statement = _good(world)
    subjects = [{"id": world.codes["fresh"], "prev": None}] * 1500
    header = json.loads(statement.header_bytes) | {"subjects": subjects}
    return signed(_key(world), canonical(header), statement.payload_bytes)


@bad("header.invalid")
def subject_named_twice(world: World) -> bytes:
    subjects = [{"id": world.codes["fresh"], "prev": None}] * 2
    return with_header(_key(world), _good(world), subjects=subjects)


@bad("header.invalid")
def no_subject(world: World) -> bytes:
    return with_header(_key(world), _good(world), subjects=[])


@bad("header.invalid")
def signer_named_twice(world: World) -> bytes:
    statement, key = _good(world), _key(world)
    header = canonical(json.loads(statement.header_bytes) | {"signers": [key.kid.hex()] * 2})
    signature = statement.signatures[0]
    return wire(header, statement.payload_bytes, signature, signature)


@bad("header.invalid")
def time_without_zone(world: World) -> bytes:
    return with_header(_key(world), _good(world), iat="2026-03-01T08:30:00")


@bad("time.format")
def month_thirteen(world: World) -> bytes:
    return with_header(_key(world), _good(world), iat="2026-13-01T08:30:00Z")


@bad("header.invalid")
def year_ten_thousand(world: World) -> bytes:
    return with_header(_key(world), _good(world), iat="10000-01-01T00:00:00.000000Z")


@bad("header.invalid")
def unknown_kind(world: World) -> bytes:
    return with_header(_key(world), _good(world), kind="teleport")


@bad("header.invalid")
def unknown_phase(world: World) -> bytes:
    return with_header(_key(world), _good(world), phase="vanish")


@bad("header.invalid")
def epoch_by_an_enterprise(world: World) -> bytes:
    return with_header(_key(world), _good(world), kind="epoch", phase="publish")


@bad("code.check")
def code_with_a_bad_check_sign(world: World) -> bytes:
    return _with_subject(world, _with_other_check_sign(world.codes["fresh"]))


@bad("code.format")
def code_in_lower_case(world: World) -> bytes:
    return _with_subject(world, world.codes["fresh"].lower())


@bad("code.format")
def code_of_18_signs(world: World) -> bytes:
    return _with_subject(world, world.codes["fresh"][:-1])


@bad("subject.invalid")
def path_traversal_in_a_subject(world: World) -> bytes:
    return _with_subject(world, "site:../../etc/passwd")


@bad("subject.invalid")
def sql_in_a_subject(world: World) -> bytes:
    return _with_subject(world, "waybill:WB-1'; DROP TABLE entry;--")


@bad("subject.invalid")
def subject_that_the_payload_does_not_move(world: World) -> bytes:
    return _with_subject(world, world.codes["other fresh"])


@bad("subject.invalid")
def subject_missing_for_a_moved_item(world: World) -> bytes:
    lines = ((world.codes["fresh"], "25"), (world.codes["other fresh"], "25"))
    statement = world.hands.items(MAKER, "produce", "make", *lines, site="S-MAKER")
    return with_header(_key(world), statement, subjects=[{"id": world.codes["fresh"], "prev": None}])


def _with_subject(world: World, subject: str) -> bytes:
    return with_header(_key(world), _good(world), subjects=[{"id": subject, "prev": None}])


def _with_other_check_sign(code: str) -> str:
    return code[:-1] + ("0" if code[-1] != "0" else "1")


# ------------------------------------------------------------------ the payload


@bad("payload.digest-mismatch")
def payload_of_another_digest(world: World) -> bytes:
    statement = _good(world)
    payload = statement.payload_bytes.replace(b'"25"', b'"26"')
    return wire(statement.header_bytes, payload, *statement.signatures)


@bad("payload.too-large")
def oversize_payload(world: World) -> bytes:
    statement = _good(world)
    return wire(statement.header_bytes, b" " * (256 * 1024 + 1), *statement.signatures)


@bad("payload.invalid")
def payload_is_an_array(world: World) -> bytes:
    return with_payload(_key(world), _good(world), b"[1,2]")


@bad("json.not-canonical")
def duplicate_keys_in_the_payload(world: World) -> bytes:
    statement = _good(world)
    payload = statement.payload_bytes.replace(b'"site":"S-MAKER"', b'"site":"S-DEALER","site":"S-MAKER"')
    return with_payload(_key(world), statement, payload)


@bad("json.float")
def float_in_the_payload(world: World) -> bytes:
    position = {"lat_e6": 39.9, "lon_e6": 116_400_000}
    return with_payload_members(_key(world), _good(world), position=position)


@bad("json.syntax")
def nan_in_the_payload(world: World) -> bytes:
    position = {"lat_e6": float("nan"), "lon_e6": 116_400_000}
    return with_payload_members(_key(world), _good(world), position=position)


@bad("json.integer-range")
def big_integer(world: World) -> bytes:
    return with_payload_members(_key(world), _good(world), position={"lat_e6": 2**53, "lon_e6": 0})


@bad("json.integer-range")
def integer_of_ten_thousand_digits(world: World) -> bytes:
    statement = _good(world)
    payload = statement.payload_bytes.replace(b'"site"', b'"n":' + b"9" * 10_000 + b',"site"')
    return with_payload(_key(world), statement, payload)


@bad("json.depth")
def deeply_nested_payload(world: World) -> bytes:
    payload = b'{"note":' + b"[" * 40 + b"]" * 40 + b"}"
    return with_payload(_key(world), _good(world), payload)


@bad("json.depth")
def very_deeply_nested_payload(world: World) -> bytes:
    payload = b'{"note":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    return with_payload(_key(world), _good(world), payload)


@bad("json.key-not-ascii")
def key_that_is_not_ascii(world: World) -> bytes:
    return with_payload_members(_key(world), _good(world), 场所="S-MAKER")


@bad("json.syntax")
def lone_surrogate(world: World) -> bytes:
    statement = _good(world)
    payload = statement.payload_bytes.replace(b'"site"', b'"note":"\\ud800","site"')
    return with_payload(_key(world), statement, payload)


@bad("payload.invalid")
def unknown_payload_member(world: World) -> bytes:
    return with_payload_members(_key(world), _good(world), price="1")


@bad("payload.invalid")
def no_items(world: World) -> bytes:
    return with_payload_members(_key(world), _good(world), items=[])


@bad("payload.invalid")
def unknown_unit(world: World) -> bytes:
    return _with_quantity(world, "25", "LBS")


@bad("payload.invalid")
def negative_quantity(world: World) -> bytes:
    return _with_quantity(world, "-25", "KGM")


@bad("payload.invalid")
def quantity_with_a_trailing_zero(world: World) -> bytes:
    return _with_quantity(world, "25.0", "KGM")


@bad("payload.invalid")
def quantity_with_an_exponent(world: World) -> bytes:
    return _with_quantity(world, "1e9", "KGM")


@bad("payload.invalid")
def quantity_in_arabic_digits(world: World) -> bytes:
    return _with_quantity(world, "٢٥", "KGM")


@bad("payload.invalid")
def path_traversal_in_a_site(world: World) -> bytes:
    return with_payload_members(_key(world), _good(world), site="../../S-MAKER")


@bad("payload.invalid")
def nul_in_a_text(world: World) -> bytes:
    return with_payload_members(_key(world), _good(world), batch="LOT\x001")


@bad("payload.invalid")
def terminal_escape_in_a_text(world: World) -> bytes:
    return with_payload_members(_key(world), _good(world), note="\x1b[2J\x1b[1;31mverified")


@bad("time.format")
def claimed_time_of_year_ten_thousand(world: World) -> bytes:
    return with_payload_members(_key(world), _good(world), at="10000-01-01T00:00:00Z")


@bad("opening.mismatch")
def opening_that_the_payload_does_not_hold(world: World) -> bytes:
    statement = _good(world)
    opening = {"salt": encode_base64url(bytes(16)), "value": "somebody"}
    return wire(statement.header_bytes, statement.payload_bytes, *statement.signatures, openings=[opening])


@bad("wire.invalid")
def opening_with_a_short_salt(world: World) -> bytes:
    statement = _good(world)
    opening = {"salt": encode_base64url(bytes(15)), "value": "somebody"}
    return wire(statement.header_bytes, statement.payload_bytes, *statement.signatures, openings=[opening])


@bad("wire.invalid")
def nul_in_an_opening(world: World) -> bytes:
    statement = _good(world)
    opening = {"salt": encode_base64url(bytes(16)), "value": "some\x00body"}
    return wire(statement.header_bytes, statement.payload_bytes, *statement.signatures, openings=[opening])


def _with_quantity(world: World, value: str, unit: str) -> bytes:
    items = [{"code": world.codes["fresh"], "quantity": {"unit": unit, "value": value}}]
    return with_payload_members(_key(world), _good(world), items=items)
