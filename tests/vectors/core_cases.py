"""The core's own test vectors: how each file of `contracts/vectors` is made.

`python -m tests.vectors.core_cases` writes the files again; they are committed and never change once released.
A case is `{desc, op, input, want}` or `{desc, op, input, error}`; bytes stand in hex.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from chemtrace.core.base64url import encode_base64url
from chemtrace.core.canonical import encode_canonical
from chemtrace.core.checkpoint import Checkpoint, encode_checkpoint, sign_checkpoint
from chemtrace.core.entry import encode_entry
from chemtrace.core.epoch import EpochRecord, encode_epoch
from chemtrace.core.keys import generate_key, make_key_request
from chemtrace.core.merkle import (
    MemoryTree,
    consistency_path,
    hash_leaf,
    inclusion_path,
)
from chemtrace.core.note import make_verifier
from chemtrace.core.p256 import ORDER as P256_ORDER
from chemtrace.core.receipt import (
    Receipt,
    SignedReceipt,
    encode_receipt,
    encode_signed_receipt,
    sign_receipt,
)
from chemtrace.core.receipt_tree import sign_receipts
from chemtrace.core.sm2 import sign_sm2_python
from chemtrace.core.statement import (
    encode_wire,
)
from chemtrace.core.types import RootHash
from tests.specimens import CODE, ED25519, ENTERPRISE, KEYS, OPENING, P256, PAYLOAD, SM2, make_specimen
from tests.vectors.core_runner import run
from tests.vectors.map_cases import map_cases
from tests.vectors.witness_cases import witness_cases

FOLDER = Path(__file__).parents[2] / "contracts" / "vectors"
ORIGIN = "log.example/chemtrace"
Case = tuple[str, str, str, dict[str, Any]]


def _canonical_cases() -> Iterator[Case]:
    good = '{"a":[1,-1,true,null],"b":{"name":"硫酸 \\u0001\\n\\"\\\\/"},"c":9007199254740991}'
    cases = {
        "good": good.encode(),
        "empty": b"",
        "byte-order-mark": b"\xef\xbb\xbf{}",
        "not-utf-8": b'"\xff"',
        "lone-surrogate": b'"\\ud800"',
        "nan": b"[NaN]",
        "float": b"[1.0]",
        "exponent": b"[1e3]",
        "integer-beyond-2-53": b"[9007199254740992]",
        "minus-zero": b"[-0]",
        "name-not-ascii": '{"é":1}'.encode(),
        "names-out-of-order": b'{"b":1,"a":2}',
        "name-twice": b'{"a":1,"a":1}',
        "space": b'{"a": 1}',
        "newline-at-end": b"{}\n",
        "escape-not-needed": b'"\\u0041"',
        "escaped-slash": b'"\\/"',
        "escape-upper-case": b'"\\u001F"',
        "too-deep": b"[" * 33 + b"]" * 33,
        "deepest": b"[" * 32 + b"]" * 32,
    }
    for name, data in cases.items():
        yield "canonical", name, "canonical", {"bytes": data.hex()}


def _statement_cases() -> Iterator[Case]:
    opened = {**PAYLOAD, "driver": OPENING.digest}
    good = json.loads(encode_wire(make_specimen()))
    wire = {
        "good": good,
        "two-signers": json.loads(encode_wire(make_specimen(signers=(ED25519, P256)))),
        "opening": json.loads(encode_wire(make_specimen(payload=opened, openings=(OPENING,)))),
        "signatures-swapped": json.loads(encode_wire(make_specimen(signers=(ED25519, P256)))),
        "signature-missing": {**good, "signatures": []},
        "signature-of-another-event": {
            **good,
            "signatures": json.loads(encode_wire(make_specimen(phase="fill")))["signatures"],
        },
        "payload-changed": {
            **good,
            "payload": json.loads(encode_wire(make_specimen(payload=opened)))["payload"],
        },
        "opening-without-digest": {
            **good,
            "openings": [{"salt": "AAECAwQFBgcICQoLDA0ODw", "value": "nobody"}],
        },
        "base64-padded": {**good, "payload": good["payload"] + "="},
        "unknown-member": {**good, "alg": "none"},
        "unknown-key": json.loads(encode_wire(make_specimen(signers=(generate_key("ed25519", bytes(32)),)))),
    }
    wire["signatures-swapped"]["signatures"].reverse()
    spki = [KEYS[key.kid.hex()].spki.hex() for key in (ED25519, P256)]
    for name, value in wire.items():
        yield "statement", name, "statement", {"wire": encode_canonical(value).decode(), "spki": spki}


def _header_cases() -> Iterator[Case]:
    statement = make_specimen()
    header = json.loads(statement.header_bytes)
    changes: dict[str, dict[str, Any]] = {
        "header-subject-twice": {"subjects": header["subjects"] * 2},
        "header-subject-lower-case": {"subjects": [{"id": CODE.lower(), "prev": None}]},
        "header-check-sign-wrong": {"subjects": [{"id": CODE[:-1] + "0", "prev": None}]},
        "header-no-subject": {"subjects": []},
        "header-prev-missing": {"subjects": [{"id": CODE}]},
        "header-time-with-offset": {"iat": "2026-03-01T08:30:00+08:00"},
        "header-leap-second": {"iat": "2026-12-31T23:59:60Z"},
        "header-other-version": {"typ": "chemtrace/event/2"},
        "header-names-an-algorithm": {"alg": "ed25519"},
        "header-digest-upper-case": {"rules": "AB" * 32},
    }
    for name, change in changes.items():
        wire = json.loads(encode_wire(statement))
        data = encode_canonical({**header, **change})
        wire["header"] = encode_base64url(data)
        yield "statement", name, "statement", {"wire": encode_canonical(wire).decode(), "spki": []}


def _entry_cases() -> Iterator[Case]:
    statement = make_specimen()
    good = encode_entry(statement.header_bytes, ((ED25519.kid, statement.signatures[0]),))
    cases = {
        "good": good,
        "cut": good[:-1],
        "byte-after": good + b"\0",
        "version-2": b"\x02" + good[1:],
        "no-signature": good[: 5 + len(statement.header_bytes)] + b"\0",
        "length-too-large": good[:1] + b"\xff" * 4 + good[5:],
        "empty": b"",
    }
    for name, data in cases.items():
        yield "entry", name, "entry", {"bytes": data.hex()}


def _key_cases() -> Iterator[Case]:
    ed25519, p256 = ED25519.public.spki, P256.public.spki
    cases = {
        "ed25519": ed25519,
        "p256": p256,
        "sm2": SM2.public.spki,
        "ed25519-low-order": ed25519[:12] + bytes(32),
        "ed25519-identity": ed25519[:12] + b"\x01" + bytes(31),
        "ed25519-not-canonical": ed25519[:12] + b"\xf0" + b"\xff" * 30 + b"\x7f",
        "ed25519-off-curve": ed25519[:12] + b"\x02" + bytes(31),
        "p256-off-curve": p256[:-1] + bytes((p256[-1] ^ 1,)),
        "p256-compressed": p256[:26] + b"\x02" + p256[27:59],
        "sm2-off-curve": SM2.public.spki[:-1] + bytes((SM2.public.spki[-1] ^ 1,)),
        "other-curve": bytes.fromhex("3056301006072a8648ce3d020106052b8104000a034200") + p256[26:],
        "byte-after": ed25519 + b"\0",
        "empty": b"",
    }
    for name, spki in cases.items():
        yield "keys", name, "key", {"spki": spki.hex()}


def _signature_cases() -> Iterator[Case]:
    message = b"25 kg"
    sm2_signature = sign_sm2_python(SM2.secret, message)
    p256_signature = P256.sign(message)
    high = (P256_ORDER - int.from_bytes(p256_signature[32:], "big")).to_bytes(32, "big")
    ed25519_signature = ED25519.sign(message)
    order = 2**252 + 27742317777372353535851937790883648493
    raised = (int.from_bytes(ed25519_signature[32:], "little") + order).to_bytes(32, "little")
    cases = {
        "ed25519": (ED25519, ed25519_signature, ""),
        "ed25519-s-above-order": (ED25519, ed25519_signature[:32] + raised, ""),
        "ed25519-r-low-order": (ED25519, b"\x01" + bytes(63), ""),
        "ed25519-cut": (ED25519, ed25519_signature[:-1], ""),
        "p256": (P256, p256_signature, ""),
        "p256-high-s": (P256, p256_signature[:32] + high, ""),
        "p256-r-zero": (P256, bytes(32) + p256_signature[32:], ""),
        "sm2": (SM2, sm2_signature, ""),
        "sm2-other-user-id": (SM2, sm2_signature, "ALICE123@YAHOO.COM"),
        "sm2-user-id": (
            SM2,
            sign_sm2_python(SM2.secret, message, "ALICE123@YAHOO.COM"),
            "ALICE123@YAHOO.COM",
        ),
        "sm2-s-zero": (SM2, sm2_signature[:32] + bytes(32), ""),
        "another-algorithm": (ED25519, p256_signature, ""),
    }
    for name, (key, signature, sm2_id) in cases.items():
        given = {"spki": key.public.spki.hex(), "message": message.hex(), "signature": signature.hex()}
        yield "signatures", name, "signature", given | ({"sm2_id": sm2_id} if sm2_id else {})


def _key_request_cases() -> Iterator[Case]:
    good = make_key_request(ED25519, ENTERPRISE, "enterprise").decode()
    cases = {
        "good": good,
        "p256": make_key_request(P256, ENTERPRISE, "device").decode(),
        "role-changed": good.replace('"role":"enterprise"', '"role":"authority"'),
        "algorithm-changed": good.replace('"alg":"ed25519"', '"alg":"p256"'),
        "spaces": good.replace(":", ": "),
        "unsigned": good[: good.index('"signature":"') + 13] + '"' + good[good.index('","sm2_id"') + 1 :],
    }
    for name, text in cases.items():
        yield "key-requests", name, "key-request", {"request": text}


def _tree_cases() -> Iterator[Case]:
    leaves = [hash_leaf(b"entry %d" % at) for at in range(7)]
    tree = MemoryTree(leaves)
    hexes = [leaf.hex() for leaf in leaves]
    yield "chain", "seven", "chain", {"leaves": hexes}
    yield "chain", "none", "chain", {"leaves": []}
    yield "merkle", "root-of-none", "root", {"leaves": []}
    yield "merkle", "root-of-seven", "root", {"leaves": hexes}
    path = [node.hex() for node in inclusion_path(4, 7, tree.node)]
    good = {"leaf": hexes[4], "index": 4, "size": 7, "path": path, "root": tree.root().hex()}
    for name, change in {
        "inclusion": {},
        "inclusion-other-index": {"index": 5},
        "inclusion-index-outside": {"index": 7},
        "inclusion-other-size": {"size": 5},
        "inclusion-path-short": {"path": path[:-1]},
        "inclusion-path-long": {"path": [*path, "00" * 32]},
        "inclusion-hash-short": {"path": [path[0][:-2], *path[1:]]},
        "inclusion-other-leaf": {"leaf": hexes[3]},
    }.items():
        yield "merkle", name, "inclusion", {**good, **change}
    proof = [node.hex() for node in consistency_path(3, 7, tree.node)]
    roots = {"old_root": tree.root(3).hex(), "new_root": tree.root().hex()}
    kept = {"old_size": 3, "new_size": 7, "path": proof, **roots}
    for name, change in {
        "consistency": {},
        "consistency-other-old-root": {"old_root": tree.root(4).hex()},
        "consistency-other-new-root": {"new_root": tree.root(6).hex()},
        "consistency-from-nothing": {"old_size": 0, "path": []},
        "consistency-backwards": {"old_size": 8},
        "consistency-path-short": {"path": proof[:-1]},
        "consistency-equal-sizes-other-roots": {"old_size": 7, "path": []},
    }.items():
        yield "merkle", name, "consistency", {**kept, **change}


def _epoch_cases() -> Iterator[Case]:
    record = EpochRecord(
        chain="ab" * 32, first=0, last=9, log_time="2026-03-01T00:30:00Z",
        map_root=None, number=0, previous=None, subjects=7,
    )  # fmt: skip
    good = encode_epoch(record).decode()
    cases = {
        "good": good,
        "with-map-root": good.replace('"map_root":null', f'"map_root":"{"cd" * 32}"'),
        "time-with-zero-fraction": good.replace("30:00Z", "30:00.000000Z"),
        "time-not-utc": good.replace("30:00Z", "30:00+00:00"),
        "range-half": good.replace('"last":9', '"last":null'),
        "range-backwards": good.replace('"first":0', '"first":10'),
        "other-version": good.replace("epoch/1", "epoch/2"),
        "space": good + " ",
    }
    for name, text in cases.items():
        yield "epoch", name, "epoch", {"header": text}


def _checkpoint_cases() -> Iterator[Case]:
    checkpoint = Checkpoint(ORIGIN, 7, RootHash(bytes(range(32))))
    good = sign_checkpoint(checkpoint, ED25519).decode()
    vkey = make_verifier(ORIGIN, ED25519.public.raw).vkey
    cases = {
        "good": (good, ORIGIN, vkey),
        "another-origin": (good, "log.example/other", vkey),
        "another-key": (good, ORIGIN, make_verifier(ORIGIN, bytes(range(32))).vkey),
        "size-changed": (good.replace("\n7\n", "\n8\n"), ORIGIN, vkey),
        "size-with-zero": (good.replace("\n7\n", "\n07\n"), ORIGIN, vkey),
        "unsigned": (encode_checkpoint(checkpoint), ORIGIN, vkey),
        "no-newline-at-end": (good[:-1], ORIGIN, vkey),
        "carriage-returns": (good.replace("\n", "\r\n"), ORIGIN, vkey),
    }
    for name, (note, origin, key) in cases.items():
        yield "checkpoint", name, "checkpoint", {"note": note, "origin": origin, "vkey": key}


def _receipt_cases() -> Iterator[Case]:
    receipt = Receipt(
        event="ab" * 32, findings=("R-07",), index=11, late=False, leaf="cd" * 32,
        origin=ORIGIN, received="2026-03-01T00:30:01Z",
    )  # fmt: skip
    good = encode_signed_receipt(sign_receipt(receipt, ED25519)).decode()
    other = encode_signed_receipt(sign_receipt(msgspec.structs.replace(receipt, index=12), ED25519)).decode()
    spki = ED25519.public.spki.hex()
    cases = {
        "good": good,
        "of-another-key": encode_signed_receipt(sign_receipt(receipt, P256)).decode(),
        "signature-of-another-receipt": good[: good.index('"signature"')]
        + other[other.index('"signature"') :],
        **_promise_cases(receipt),
        "padded": good.replace('","signature"', '=","signature"'),
    }
    group = [msgspec.structs.replace(receipt, index=number) for number in range(11, 16)]
    bodies = [encode_receipt(one) for one in group]
    signatures = sign_receipts(bodies, ED25519.sign)
    turned = bytearray(signatures[2])
    turned[-1] ^= 1
    for name, signature in {
        "good-third-of-five": signatures[2],
        "path-of-a-neighbour": signatures[3],
        "group-path-turned": bytes(turned),
        "group-path-too-short": signatures[2][:-32],
        "group-of-one": signatures[2][:64] + bytes([0, 0, 0, 1]),
    }.items():
        cases[name] = encode_signed_receipt(SignedReceipt(bodies[2], ED25519.kid.hex(), signature)).decode()
    for name, text in cases.items():
        yield "receipt", name, "receipt", {"receipt": text, "spki": spki}


def _promise_cases(receipt: Receipt) -> dict[str, str]:
    moments = {
        "good-promise": "2026-03-01T00:31:01Z",
        "promise-before-receipt": "2026-03-01T00:30:00Z",
        "promise-with-offset": "2026-03-01T08:31:01+08:00",
        "promise-null": None,
    }
    return {
        name: encode_signed_receipt(
            sign_receipt(msgspec.structs.replace(receipt, publish_by=moment), ED25519)
        ).decode()
        for name, moment in moments.items()
    }


def cases() -> Iterator[Case]:
    """All cases: folder, name, operation, input."""
    for make in (
        _canonical_cases, _statement_cases, _header_cases, _entry_cases, _key_cases, _signature_cases,
        _key_request_cases, _tree_cases, _epoch_cases, _checkpoint_cases, _receipt_cases,
        map_cases, witness_cases,
    ):  # fmt: skip
        yield from make()


def write() -> None:
    """Write every case with the result it has now."""
    for folder, name, operation, given in cases():
        case = {"desc": f"{folder}: {name.replace('-', ' ')}", "op": operation, "input": given}
        path = FOLDER / folder / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            json.dumps({**case, **run(case)}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
        )


if __name__ == "__main__":
    write()
