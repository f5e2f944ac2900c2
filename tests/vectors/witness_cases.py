"""The vectors of cosignatures, policies, tlog-proofs and requests to witnesses; `core_cases` writes them."""

import json
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chemtrace.core.add_checkpoint import AddCheckpoint, encode_add_checkpoint
from chemtrace.core.checkpoint import Checkpoint, encode_checkpoint, sign_checkpoint
from chemtrace.core.cosignature import cosign, cosigner
from chemtrace.core.keys import PrivateKey, generate_key
from chemtrace.core.merkle import EMPTY_ROOT, MemoryTree, consistency_path, hash_leaf, inclusion_path
from chemtrace.core.ml_dsa import MLDSAKey
from chemtrace.core.note import (
    Note,
    NoteSignature,
    encode_note,
    encode_signature_lines,
    encode_vkey,
    make_verifier,
    parse_note,
)
from chemtrace.core.tlog_proof import TLogProof, encode_tlog_proof
from tests.specimens import ED25519

Case = tuple[str, str, str, dict[str, Any]]
FOLDER = Path(__file__).parents[2] / "contracts" / "vectors"
ORIGIN = "log.example/chemtrace"
VKEY = make_verifier(ORIGIN, ED25519.public.raw).vkey
LEAVES = [hash_leaf(b"entry %d" % at) for at in range(20)]
TREE = MemoryTree(LEAVES)
OTHER_TREE = MemoryTree([*LEAVES[:12], *[hash_leaf(b"another %d" % at) for at in range(8)]])
NAME = "witness.example/w1"
TIME_S = 1_772_325_000
KEY = generate_key("ed25519", b"the witness of the vectors, 32 by")
QUANTUM = MLDSAKey(bytes(range(32)))
TEXT = encode_checkpoint(Checkpoint(ORIGIN, 13, TREE.root(13)))


def witness_cases() -> Iterator[Case]:
    """All cases: folder, name, operation, input."""
    yield from _cosignatures()
    yield from _policies()
    yield from _cosigned()
    yield from _proofs()
    yield from _requests()


def _line(signature: NoteSignature) -> str:
    return encode_signature_lines([signature]).decode()


def _stored(name: str) -> str:
    """An ML-DSA line as it is stored: signing is hedged, so a second one would differ."""
    path = FOLDER / "cosignature" / f"{name}.json"
    if path.exists():
        line: str = json.loads(path.read_text(encoding="utf-8"))["input"]["line"]
        return line
    return _line(cosign(TEXT, NAME, QUANTUM, TIME_S))


def _cosignatures() -> Iterator[Case]:
    good = cosign(TEXT, NAME, KEY, TIME_S)
    vkey, quantum = cosigner(NAME, KEY).vkey, cosigner(NAME, QUANTUM).vkey
    later = NoteSignature(NAME, good.key_hash, (TIME_S + 1).to_bytes(8, "big") + good.signature[8:])
    plain = NoteSignature(NAME, good.key_hash, TIME_S.to_bytes(8, "big") + KEY.sign(TEXT.encode()))
    zero = NoteSignature(
        NAME, good.key_hash, bytes(8) + KEY.sign(b"cosignature/v1\ntime 0\n" + TEXT.encode())
    )

    def told(time_s: int) -> str:
        message = f"cosignature/v1\ntime {time_s}\n{TEXT}".encode()
        return _line(NoteSignature(NAME, good.key_hash, time_s.to_bytes(8, "big") + KEY.sign(message)))

    quantum_line = _stored("ml-dsa-44")
    body = b64encode(good.key_hash + good.signature).decode()
    for name, (key, text, line) in {
        "ed25519": (vkey, TEXT, _line(good)),
        "ml-dsa-44": (quantum, TEXT, quantum_line),
        "ml-dsa-44-extension-line": (quantum, TEXT + "extension\n", quantum_line),
        "ed25519-extension-line": (vkey, TEXT + "extension\n", _line(good)),
        "ed25519-other-size": (vkey, TEXT.replace("\n13\n", "\n14\n"), _line(good)),
        "ml-dsa-44-other-size": (quantum, TEXT.replace("\n13\n", "\n14\n"), quantum_line),
        "ml-dsa-44-other-origin": (quantum, TEXT.replace("log.", "l0g."), quantum_line),
        "time-changed": (vkey, TEXT, _line(later)),
        "time-zero": (vkey, TEXT, _line(zero)),
        "time-at-the-end-of-the-year-9999": (vkey, TEXT, told(253_402_300_799)),
        "time-of-the-year-10000": (vkey, TEXT, told(253_402_300_800)),
        "time-of-63-bits": (vkey, TEXT, told(2**63 - 1)),
        "time-beyond-63-bits": (vkey, TEXT, told(2**63)),
        "signed-without-time-line": (vkey, TEXT, _line(plain)),
        "cut": (vkey, TEXT, _line(NoteSignature(NAME, good.key_hash, good.signature[:-1]))),
        "byte-after": (vkey, TEXT, _line(NoteSignature(NAME, good.key_hash, good.signature + b"\0"))),
        "another-name": (cosigner("witness.example/w2", KEY).vkey, TEXT, _line(good)),
        "another-key": (cosigner(NAME, generate_key("ed25519", bytes(32))).vkey, TEXT, _line(good)),
        "no-checkpoint": (vkey, "a letter\n", _line(good)),
        "base64-not-canonical": (vkey, TEXT, f"— {NAME} {body[:-3]}{chr(ord(body[-3]) + 1)}{body[-2:]}\n"),
        "line-without-end": (vkey, TEXT, _line(good)[:-1]),
        "key-of-a-log": (VKEY, TEXT, _line(good)),
        "key-hash-changed": (vkey.replace(vkey.split("+")[1], "00000000"), TEXT, _line(good)),
        "key-of-low-order": (
            f"{NAME}+" + _vkey_rest(NAME, 4, bytes(32)),
            TEXT,
            _line(good),
        ),
    }.items():
        yield "cosignature", name, "cosignature", {"vkey": key, "text": text, "line": line}


def _vkey_rest(name: str, key_type: int, public: bytes) -> str:
    return encode_vkey(name, key_type, public).split("+", 1)[1]


def _key_of(name: str) -> PrivateKey:
    return generate_key("ed25519", f"vector witness {name}".encode().ljust(32, b"."))


def _vkey_of(name: str) -> str:
    return cosigner(f"witness.example/{name}", _key_of(name)).vkey


def _six() -> str:
    lines = [f"log {VKEY} https://{ORIGIN}/"]
    lines += [f"witness {name} {_vkey_of(name)}" for name in ("X1", "X2", "X3", "Y1", "Y2", "Y3")]
    lines += ["group X 2 X1 X2 X3", "group Y any Y1 Y2 Y3", "group X-and-Y all X Y", "quorum X-and-Y", ""]
    return "\n".join(lines)


def _many(count: int) -> str:
    names = [f"W{number}" for number in range(1, count + 1)]
    return "".join(f"witness {name} {_vkey_of(name)}\n" for name in names) + "quorum W1\n"


def _policies() -> Iterator[Case]:
    six, all_names = _six(), ["X1", "X2", "X3", "Y1", "Y2", "Y3"]
    one = f"witness A {_vkey_of('A')}\n"
    two = one + f"witness B {_vkey_of('B')} https://b.example/\n"
    texts: dict[str, tuple[str | bytes, list[str]]] = {
        "two-levels": (six, all_names),
        "two-levels-just-enough": (six, ["X1", "X3", "Y2"]),
        "two-levels-unmet": (six, ["X1", "Y1", "Y2", "Y3"]),
        "unknown-names-do-not-count": (six, ["X1", "Y1", "Z1", "X", "Y", "X-and-Y", "none"]),
        "none": ("quorum none\n", []),
        "single": (f"{one}quorum A\n", ["A"]),
        "single-unmet": (f"{one}quorum A\n", []),
        "spaces-tabs-comments": (f"# c\n\n \t# d\n\twitness\t A  {_vkey_of('A')} \t\nquorum\tA\n", ["A"]),
        "name-of-any-bytes": (
            b"witness \xe2\x84\xaa\xff " + _vkey_of("A").encode() + b"\nquorum \xe2\x84\xaa\xff\n", [],
        ),
        "quorum-missing": (one, ["A"]),
        "quorum-twice": (f"{one}quorum A\nquorum A\n", ["A"]),
        "quorum-before-its-line": (f"quorum A\n{one}", ["A"]),
        "newline-missing": (f"{one}quorum A", ["A"]),
        "carriage-return": (f"{one}quorum A\r\n", ["A"]),
        "vertical-tab-as-space": (f"{one}quorum\x0bA\n", ["A"]),
        "unknown-line": (f"{one}mirror A\nquorum A\n", ["A"]),
        "key-twice": (f"{one}witness B {_vkey_of('A')}\nquorum A\n", ["A"]),
        "key-twice-under-another-name": (
            f"{one}witness B {cosigner('witness.example/B', _key_of('A')).vkey}\nquorum A\n", ["A"],
        ),
        "log-key-twice": (f"log {VKEY}\nlog {make_verifier('b.example', ED25519.public.raw).vkey}\nquorum none\n", []),
        "log-with-a-witness-key": (f"log {_vkey_of('A')}\nquorum none\n", []),
        "witness-with-a-log-key": (f"witness A {VKEY}\nquorum A\n", ["A"]),
        "name-twice": (f"{one}witness A {_vkey_of('B')}\nquorum A\n", ["A"]),
        "name-none": (f"witness none {_vkey_of('A')}\nquorum none\n", []),
        "witnesses-90": (_many(90), ["W1"]),
        "witnesses-91": (_many(91), ["W1"]),
        "group-empty": (f"{two}group G all\nquorum G\n", ["A", "B"]),
        "group-of-none": (f"{two}group G any none\nquorum G\n", ["A"]),
        "group-threshold-zero": (f"{two}group G 0 A B\nquorum G\n", ["A"]),
        "group-threshold-above": (f"{two}group G 3 A B\nquorum G\n", ["A", "B"]),
        "group-threshold-spelled-with-zero": (f"{two}group G 01 A B\nquorum G\n", ["A"]),
        "group-member-twice": (f"{two}group G 2 A A\nquorum G\n", ["A"]),
        "group-member-in-two-groups": (f"{two}group G any A\ngroup H any A B\nquorum H\n", ["A"]),
        "group-of-itself": (f"{two}group G any G A\nquorum G\n", ["A"]),
        "group-of-a-later-name": (f"{one}group G any A B\nwitness B {_vkey_of('B')}\nquorum G\n", ["A"]),
    }  # fmt: skip
    for name, (text, names) in texts.items():
        data = text if isinstance(text, bytes) else text.encode()
        yield "policy", name, "policy", {"policy": data.hex(), "names": names}


def _note(names: tuple[str, ...], *more: NoteSignature, size: int = 13) -> str:
    signed = parse_note(sign_checkpoint(Checkpoint(ORIGIN, size, TREE.root(size)), ED25519))
    lines = [cosign(signed.text, f"witness.example/{name}", _key_of(name), TIME_S) for name in names]
    return encode_note(Note(signed.text, (*signed.signatures, *lines, *more))).decode()


def _cosigned() -> Iterator[Case]:
    forged = NoteSignature(
        "witness.example/Y2", cosigner("witness.example/Y2", _key_of("Y2")).key_hash, bytes(72)
    )
    without_log = _note(("X1", "X2", "Y1")).split("\n")
    for name, note in {
        "cosigned": _note(("X1", "X2", "Y1")),
        "cosigned-with-unknown-line": _note(("X1", "X2", "Y1", "Z9")),
        "cosigned-too-few": _note(("X1", "X2", "X3")),
        "cosigned-one-twice": _note(("X1", "X1", "Y1")),
        "cosigned-one-forged": _note(("X1", "X2", "Y1"), forged),
        "cosigned-without-the-log": "\n".join([*without_log[:4], *without_log[5:]]),
        "cosigned-another-size": _note(("X1", "X2", "Y1")).replace("\n13\n", "\n14\n"),
    }.items():
        given = {"note": note, "origin": ORIGIN, "vkey": VKEY, "policy": _six()}
        yield "checkpoint", name, "cosigned", given


def _proofs() -> Iterator[Case]:
    policy = f"witness W {_vkey_of('W')}\nquorum W\n"
    note = parse_note(_note(("W",)).encode())
    path = inclusion_path(5, 13, TREE.node)
    good = encode_tlog_proof(TLogProof(5, path, note)).decode()
    first = b64encode(path[0]).decode()
    for name, (text, leaf) in {
        "good": (good, LEAVES[5]),
        "with-extra": (encode_tlog_proof(TLogProof(5, path, note, b"for whom")).decode(), LEAVES[5]),
        "first-of-one": (
            encode_tlog_proof(TLogProof(0, (), parse_note(_note(("W",), size=1).encode()))).decode(),
            LEAVES[0],
        ),
        "another-entry": (good, LEAVES[6]),
        "another-index": (good.replace("index 5", "index 4"), LEAVES[5]),
        "index-with-zero": (good.replace("index 5", "index 05"), LEAVES[5]),
        "index-outside": (good.replace("index 5", "index 13"), LEAVES[5]),
        "index-missing": (good.replace("index 5\n", ""), LEAVES[5]),
        "extra-not-base64": (good.replace("index 5", "extra ?\nindex 5"), LEAVES[5]),
        "extra-twice": (good.replace("index 5", "extra AAAA\nextra AAAA\nindex 5"), LEAVES[5]),
        "extra-behind-index": (good.replace("index 5", "index 5\nextra AAAA"), LEAVES[5]),
        "path-short": (good.replace(first + "\n", ""), LEAVES[5]),
        "path-long": (good.replace(first, f"{first}\n{first}"), LEAVES[5]),
        "hash-short": (good.replace(first, first[:-4]), LEAVES[5]),
        "other-version": (good.replace("@v1", "@v2"), LEAVES[5]),
        "carriage-returns": (good.replace("\n", "\r\n"), LEAVES[5]),
        "no-checkpoint": (good[: good.index("\n\n") + 2], LEAVES[5]),
        "cosignature-missing": (
            encode_tlog_proof(TLogProof(5, path, parse_note(_note(()).encode()))).decode(),
            LEAVES[5],
        ),
    }.items():
        given = {"proof": text, "leaf": leaf.hex(), "origin": ORIGIN, "vkey": VKEY, "policy": policy}
        yield "tlog-proof", name, "tlog-proof", given


def _signed(size: int, tree: MemoryTree = TREE, origin: str = ORIGIN) -> bytes:
    return sign_checkpoint(Checkpoint(origin, size, tree.root(size)), ED25519)


def _body(old: int, new: int, tree: MemoryTree = TREE) -> str:
    path = consistency_path(old, new, tree.node) if 0 < old <= new else ()
    return encode_add_checkpoint(AddCheckpoint(old, path, parse_note(_signed(new, tree)))).decode()


def _requests() -> Iterator[Case]:
    held = _signed(7).decode()
    stranger = generate_key("ed25519", b"a stranger of the vectors, 32 byt")
    strange = sign_checkpoint(Checkpoint(ORIGIN, 13, TREE.root(13)), stranger)
    empty = sign_checkpoint(Checkpoint(ORIGIN, 0, EMPTY_ROOT), ED25519)
    hash_line = "A" * 43 + "=\n"
    good = _body(7, 13)
    cases: dict[str, tuple[str, str | None]] = {
        "good": (good, held),
        "first": (_body(0, 13), None),
        "same-again": (_body(7, 7), held),
        "empty-tree": (f"old 0\n\n{empty.decode()}", None),
        "old-size-not-held": (_body(3, 13), held),
        "old-size-of-nothing-held": (good, None),
        "rolled-back": (_body(3, 4), held),
        "old-above-new": (_body(0, 4).replace("old 0", "old 7"), held),
        "two-roots-of-one-size": (_body(13, 13, OTHER_TREE), _signed(13).decode()),
        "fork-behind-the-held-size": (_body(13, 20, OTHER_TREE), _signed(13).decode()),
        "proof-missing": (f"old 7\n\n{_signed(13).decode()}", held),
        "proof-too-long": (good.replace("old 7\n", "old 7\n" + hash_line), held),
        "proof-from-nothing": (_body(0, 13).replace("old 0\n", "old 0\n" + hash_line), None),
        "proof-of-equal-sizes": (_body(7, 7).replace("old 7\n", "old 7\n" + hash_line), held),
        "proof-of-64-hashes": (good.replace("old 7\n", "old 7\n" + hash_line * 64), held),
        "hash-short": (good.replace("old 7\n", "old 7\nAAAA\n"), held),
        "hash-not-canonical": (good.replace("old 7\n", "old 7\n" + "A" * 42 + "B=\n"), held),
        "old-size-with-zero": (good.replace("old 7", "old 07"), held),
        "old-size-negative": (good.replace("old 7", "old -7"), held),
        "old-size-too-large": (good.replace("old 7", "old 9223372036854775808"), held),
        "old-line-missing": (good.replace("old 7\n", ""), held),
        "carriage-returns": (good.replace("\n", "\r\n"), held),
        "checkpoint-missing": (good[: good.index("\n\n") + 2], held),
        "unsigned": (f"old 7\n\n{encode_checkpoint(Checkpoint(ORIGIN, 13, TREE.root(13)))}", held),
        "signed-by-a-stranger": (f"old 7\n\n{strange.decode()}", held),
        "signature-changed": (good.replace("\n13\n", "\n14\n"), held),
    }
    for name, (body, before) in cases.items():
        yield "add-checkpoint", name, "add-checkpoint", {"body": body, "held": before, "vkey": VKEY}
