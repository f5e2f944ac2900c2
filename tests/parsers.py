"""Every parser that meets bytes from outside, with good inputs to begin from: for the laws and for the fuzzer.

What is read again after being written is the same: a parser that takes two spellings of one thing, or lets out an
error that is not of the tree, is wrong whatever it parses.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from chemtrace.core.add_checkpoint import encode_add_checkpoint, parse_add_checkpoint
from chemtrace.core.base45 import decode_base45, encode_base45
from chemtrace.core.base64url import decode_base64url, encode_base64url
from chemtrace.core.bundle.compact import (
    encode_bundle_compact,
    encode_status_compact,
    parse_bundle_compact,
    parse_status_compact,
)
from chemtrace.core.bundle.qr import encode_status_qr, parse_status_qr
from chemtrace.core.bundle.text import (
    encode_bundle_text,
    encode_status_text,
    parse_bundle_text,
    parse_status_text,
)
from chemtrace.core.bundle.trust import encode_trust, parse_trust
from chemtrace.core.bundle.verify import verify_bundle, verify_status
from chemtrace.core.canonical import encode_canonical, parse_canonical
from chemtrace.core.cbor import decode_cbor, encode_cbor
from chemtrace.core.checkpoint import parse_checkpoint
from chemtrace.core.cosignature import parse_witness_vkey
from chemtrace.core.entry import encode_entry, parse_entry
from chemtrace.core.epoch import encode_epoch, parse_epoch
from chemtrace.core.errors import WireError
from chemtrace.core.header import encode_header, parse_header
from chemtrace.core.keys import verify_key_request
from chemtrace.core.note import encode_note, parse_note, parse_signature_lines, parse_vkey
from chemtrace.core.policy import parse_policy
from chemtrace.core.receipt import encode_receipt, parse_receipt, parse_signed_receipt
from chemtrace.core.statement import parse_wire
from chemtrace.core.subjects import parse_subject
from chemtrace.core.times import parse_rfc3339
from chemtrace.core.tlog_proof import encode_tlog_proof, parse_tlog_proof

VECTORS = Path(__file__).parents[1] / "contracts" / "vectors"


class Parser(NamedTuple):
    """`read` takes bytes; `write` gives the one spelling of what was read, or None where there is more than one."""

    read: Callable[[bytes], Any]
    write: Callable[[Any], bytes] | None
    seeds: tuple[bytes, ...]


def _text(read: Callable[[str], Any]) -> Callable[[bytes], Any]:
    """A parser of text, given bytes: what is no UTF-8 it never sees."""

    def decoded(data: bytes) -> Any:
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise WireError("not UTF-8") from error
        return read(text)

    return decoded


def _vector(name: str) -> dict[str, Any]:
    given: dict[str, Any] = json.loads((VECTORS / "bundle" / f"{name}.json").read_text(encoding="utf-8"))[
        "input"
    ]
    return given


def _inputs(area: str, member: str, *, is_hex: bool) -> tuple[bytes, ...]:
    """One member of every vector's input in an area."""
    found = []
    for path in sorted((VECTORS / area).glob("*.json")):
        value = json.loads(path.read_text(encoding="utf-8"))["input"].get(member)
        if isinstance(value, str):
            found.append(bytes.fromhex(value) if is_hex else value.encode())
    return tuple(found)


@cache
def parsers() -> dict[str, Parser]:
    """All of them by name."""
    bundle = _vector("good-one-event")["text"].encode()
    graced = _vector("good-retired-in-grace")["text"].encode()
    compact = bytes.fromhex(_vector("good-compact")["bytes"])
    status = _vector("status-good")["text"].encode()
    small = bytes.fromhex(_vector("status-good-compact")["bytes"])
    code = _vector("status-good-qr")["text"].encode()
    trusts = (_vector("trust-good")["trust"].encode(), _vector("trust-good-without-policy")["trust"].encode())
    pinned = parse_trust(_vector("status-good")["trust"].encode())
    plain = parse_trust(_vector("good-one-event")["trust"].encode())
    first = parse_bundle_text(bundle)
    entry = parse_entry(first.sections[0].entries[0].entry)
    note = parse_status_text(status).note
    proof = json.loads(bundle)["proof"].encode()
    policy = (pinned.policy or "").encode()
    return {
        "bundle text": Parser(parse_bundle_text, encode_bundle_text, (bundle, graced)),
        "bundle compact": Parser(parse_bundle_compact, encode_bundle_compact, (compact,)),
        "bundle verified": Parser(lambda data: verify_bundle(data, plain), None, (bundle, compact)),
        "status text": Parser(parse_status_text, encode_status_text, (status,)),
        "status compact": Parser(parse_status_compact, encode_status_compact, (small,)),
        "status code": Parser(parse_status_qr, lambda proof: encode_status_qr(proof).encode(), (code,)),
        "status verified": Parser(lambda data: verify_status(data, pinned), None, (status, small, code)),
        "trust": Parser(parse_trust, lambda trust: encode_trust(trust)[:-1], trusts),
        "policy": Parser(parse_policy, None, (policy, *_inputs("policy", "policy", is_hex=False))),
        "note": Parser(parse_note, encode_note, (encode_note(note),)),
        "signature lines": Parser(parse_signature_lines, None, (encode_note(note).split(b"\n\n")[1],)),
        "checkpoint": Parser(_text(parse_checkpoint), None, (note.text.encode(),)),
        "tlog-proof": Parser(parse_tlog_proof, encode_tlog_proof, (proof,)),
        "add-checkpoint": Parser(
            parse_add_checkpoint, encode_add_checkpoint, (b"old 0\n\n" + encode_note(note),)
        ),
        "log key": Parser(_text(parse_vkey), lambda key: key.vkey.encode(), (plain.log.encode(),)),
        "witness key": Parser(_text(parse_witness_vkey), lambda key: key.vkey.encode(), (policy.split()[4],)),
        "cbor": Parser(decode_cbor, encode_cbor, (small,)),
        "base45": Parser(_text(decode_base45), lambda data: encode_base45(data).encode(), (code[5:],)),
        "base64url": Parser(
            _text(decode_base64url), lambda data: encode_base64url(data).encode(), (b"AAEC_-8",)
        ),
        "canonical JSON": Parser(
            lambda data: parse_canonical(data, 1_000_000), encode_canonical, (bundle, entry.header_bytes)
        ),
        "entry": Parser(
            parse_entry,
            lambda one: encode_entry(one.header_bytes, one.signatures),
            (first.sections[0].entries[0].entry, *_inputs("entry", "bytes", is_hex=True)),
        ),
        "header": Parser(parse_header, encode_header, (entry.header_bytes,)),
        "epoch record": Parser(parse_epoch, encode_epoch, (first.record,)),
        "statement": Parser(parse_wire, None, _inputs("statement", "wire", is_hex=False)),
        "signed receipt": Parser(parse_signed_receipt, None, _inputs("receipt", "receipt", is_hex=False)),
        "receipt": Parser(
            parse_receipt,
            encode_receipt,
            (
                parse_signed_receipt(
                    json.loads((VECTORS / "receipt" / "good.json").read_text())["input"]["receipt"].encode()
                ).receipt_bytes,
            ),
        ),
        "key request": Parser(verify_key_request, None, _inputs("key-requests", "request", is_hex=False)),
        "subject": Parser(_text(parse_subject), str.encode, (b"site:S-1", first.subject.encode())),
        "time": Parser(_text(parse_rfc3339), None, (b"2026-03-01T08:30:00.5+08:00",)),
    }
