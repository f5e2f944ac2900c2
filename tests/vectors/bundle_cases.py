"""Vectors of bundles, status proofs and trust files: good ones, and one file for each defect, named by it.

`python -m tests.vectors.bundle_cases` writes `contracts/vectors/bundle` again. A case is `{desc, op, input, want}` or
`{desc, op, input, error}`; input has the trust file, and the proof as `text` or, in hex, as `bytes`. A case whose
name begins with `log-` is a log that admitted what no honest log admits, and signed it.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from chemtrace.core.base64url import decode_base64url, encode_base64url
from chemtrace.core.bundle.compact import encode_bundle_compact, encode_status_compact
from chemtrace.core.bundle.model import Bundle, StatusProof
from chemtrace.core.bundle.qr import encode_status_qr
from chemtrace.core.bundle.text import encode_bundle_text, encode_status_text
from chemtrace.core.bundle.trust import Trust, encode_trust
from chemtrace.core.canonical import encode_canonical
from chemtrace.core.entry import encode_entry
from chemtrace.core.note import Note, NoteSignature
from chemtrace.core.times import format_utc
from tests.honest_log import (
    AUTHORITY,
    HOUR_US,
    MAKER,
    MINUTE_US,
    USER,
    City,
    FixedKey,
    Log,
    Witness,
    amount,
    fixed_key,
    item,
    key_facts,
)
from tests.vectors.bundle_runner import run

FOLDER = Path(__file__).parents[2] / "contracts" / "vectors" / "bundle"
WITNESSES = tuple(Witness(name) for name in ("bureau", "association", "mirror"))
MIRROR = WITNESSES[2]
SECOND_US = 1_000_000
Case = tuple[str, str, dict[str, Any]]
Document = dict[str, Any]


class Small:
    """The least log that has a drum: authority, recovery, one maker; one event of it, or a few."""

    def __init__(self, events: int = 1) -> None:
        self.log = log = Log("small")
        self.maker = fixed_key("small maker")
        self.drum = item(1)
        log.register(log.authority, AUTHORITY, "authority", proved=False)
        log.register(log.recovery, AUTHORITY, "recovery")
        log.register(self.maker, MAKER)
        log.epoch()
        for number in range(events):
            self.tell("use/consume" if number else "produce/make")

    def tell(
        self,
        what: str = "produce/make",
        *,
        by: Any = None,
        code: str | None = None,
        extra: Any = None,
        **rest: Any,
    ) -> int:
        """An event of the maker, about the drum or `code`."""
        code = code or self.drum
        facts = {"items": [amount(code)], **(extra or {})}
        rest = {"enterprise": MAKER, **rest}
        return self.log.tell(what, [code], facts, by=by or self.maker, **rest)

    def case(self, code: str | None = None, **rest: Any) -> dict[str, Any]:
        """The bundle's input after a last epoch."""
        self.log.epoch()
        return text_case(self.log.bundle(code or self.drum, **rest), self.log.trust())


def text_case(bundle: Bundle, trust: Trust, **rest: Any) -> dict[str, Any]:
    """The input of a bundle in its text form."""
    return {"trust": _trust(trust), "text": encode_bundle_text(bundle).decode(), **rest}


def compact_case(bundle: Bundle, trust: Trust) -> dict[str, Any]:
    """The input of a bundle in its compact form."""
    return {"trust": _trust(trust), "bytes": encode_bundle_compact(bundle).hex()}


def _trust(trust: Trust) -> str:
    return encode_trust(trust).decode().removesuffix("\n")


# ---------------------------------------------------------------------- good ones


def _good() -> Iterator[Case]:
    small = Small()
    yield "bundle", "good-one-event", small.case()
    city = City()
    log, trust = city.log, city.log.trust()
    yield "bundle", "good-ten-events", text_case(log.bundle(city.busy), trust)
    yield "bundle", "good-three-algorithms-in-two-containers", text_case(log.bundle(city.drum), trust)
    yield "bundle", "good-retired-in-grace", text_case(log.bundle(city.late), trust)
    yield "bundle", "good-device-revoked-later", text_case(log.bundle(city.scanned), trust)
    yield "bundle", "good-authority-and-recovery-replaced", text_case(log.bundle(city.fresh), trust)
    yield "bundle", "good-payloads-hidden", text_case(log.bundle(city.drum, hide=lambda _: True), trust)
    yield "bundle", "good-history-of-a-key", text_case(log.bundle(f"key:{city.old.kid.hex()}"), trust)
    yield "bundle", "good-history-of-an-enterprise", text_case(log.bundle(f"enterprise:{MAKER}"), trust)
    strict = log.trust(WITNESSES, mirrors=[MIRROR], quorum=2, max_age_s=86_400)
    cosigned = log.bundle(city.late, witnesses=WITNESSES)
    soon = log.now_us + HOUR_US
    yield "bundle", "good-cosigned-by-mirror", text_case(cosigned, strict, now_us=soon)
    yield (
        "bundle",
        "good-cosigned-without-the-mirror",
        text_case(log.bundle(city.late, witnesses=WITNESSES[:2]), strict, now_us=soon),
    )
    yield "bundle", "good-clock-behind", text_case(cosigned, strict, now_us=log.now_us - HOUR_US)
    yield "bundle", "good-no-clock", text_case(cosigned, strict)
    yield from _clocks(city)
    yield "bundle", "good-compact", compact_case(log.bundle(city.late), trust)
    yield "bundle", "good-compact-cosigned", compact_case(cosigned, strict)
    yield "bundle", "good-compact-hidden", compact_case(log.bundle(city.crate, hide=lambda _: True), trust)
    yield "bundle", "good-for-a-foreign-party", _for_foreign("old-system")
    yield "bundle", "stale", text_case(cosigned, strict, now_us=log.now_us + 25 * HOUR_US)


def _clocks(city: City) -> Iterator[Case]:
    """What a mirror's clock says, against the verifier's: the same checkpoint, three years old or fresh."""
    log, subject = city.log, city.late
    pair = (MIRROR, WITNESSES[1])
    trust = log.trust(WITNESSES[1:], mirrors=pair, quorum=1, max_age_s=86_400)
    plain = log.bundle(subject)
    born_s, end_s = log.now_us // SECOND_US, 253_402_300_799
    later_s, ahead_s = born_s + 3 * 365 * 86_400, 4_000_000_000

    def told(*times_s: int, now_s: int | None = None) -> dict[str, Any]:
        lines = [one.cosign(plain.note.text, at) for one, at in zip(pair, times_s, strict=False)]
        note = Note(plain.note.text, (*plain.note.signatures, *lines))
        rest = {} if now_s is None else {"now_us": now_s * SECOND_US}
        return text_case(msgspec.structs.replace(plain, note=note), trust, **rest)

    yield "bundle", "mirror-clock-makes-an-old-proof-new", told(born_s, ahead_s, now_s=later_s)
    yield "bundle", "mirror-clock-of-the-only-mirror-makes-an-old-proof-new", told(ahead_s, now_s=later_s)
    yield "bundle", "mirror-clock-of-one-ahead", told(ahead_s, born_s, now_s=born_s + 60)
    yield "bundle", "mirror-clock-of-all-ahead", told(ahead_s, end_s, now_s=born_s + 60)
    yield "bundle", "mirror-clock-at-the-limit", told(born_s + 300, now_s=born_s)
    yield "bundle", "mirror-clock-a-second-beyond-the-limit", told(born_s + 301, now_s=born_s)
    yield "bundle", "mirror-clock-ahead-and-no-clock-here", told(born_s, ahead_s)
    yield "bundle", "mirror-clock-at-the-end-of-the-year-9999", told(end_s)
    for name, beyond_s in {"year-10000": end_s + 1, "63-bits": 2**63 - 1}.items():
        given = told(born_s)
        line = _cosigned_at(WITNESSES[1], plain.note.text, beyond_s)
        note = Note(plain.note.text, (*plain.note.signatures, line))
        given["text"] = encode_bundle_text(msgspec.structs.replace(plain, note=note)).decode()
        yield "bundle", f"mirror-clock-of-{name}", given
    proof = log.status(subject)
    lines = [one.cosign(proof.note.text, at) for one, at in zip(pair, (born_s, ahead_s), strict=True)]
    proof = msgspec.structs.replace(proof, note=Note(proof.note.text, (*proof.note.signatures, *lines)))
    status = {"trust": _trust(trust), "text": encode_status_text(proof).decode()}
    yield "status", "status-mirror-clock-of-one-ahead", status | {"now_us": (born_s + 60) * SECOND_US}
    yield "status", "status-mirror-clock-makes-an-old-proof-new", status | {"now_us": later_s * SECOND_US}


def _cosigned_at(witness: Witness, text: str, time_s: int) -> NoteSignature:
    """A cosignature with a time that our own signing refuses."""
    honest = witness.cosign(text, 1)
    signature = witness.key.sign(f"cosignature/v1\ntime {time_s}\n{text}".encode())
    return NoteSignature(honest.name, honest.key_hash, time_s.to_bytes(8, "big") + signature)


def _for_foreign(namespace: str) -> dict[str, Any]:
    """The key of an importer speaks for a name in a namespace."""
    small = Small(0)
    importer = fixed_key("importer")
    small.log.register(importer, MAKER, namespaces=["old-system"])
    small.tell(by=importer, extra={"on_behalf_of": f"ext:{namespace}:a-1"})
    return small.case()


def _status() -> Iterator[Case]:
    small = Small()
    small.log.epoch()
    example = small.log.status(small.drum)
    yield (
        "status",
        "status-example-compact",
        {
            "trust": _trust(small.log.trust()),
            "bytes": encode_status_compact(example).hex(),
        },
    )
    yield (
        "status",
        "status-example-qr",
        {
            "trust": _trust(small.log.trust()),
            "text": encode_status_qr(example),
        },
    )
    city = City()
    log, trust = city.log, city.log.trust(WITNESSES, mirrors=[MIRROR], quorum=2)
    proof = log.status(city.drum, witnesses=WITNESSES)
    text, compact, code = encode_status_text(proof), encode_status_compact(proof), encode_status_qr(proof)
    pinned = _trust(trust)
    for name, given in {
        "status-good": {"text": text.decode()},
        "status-good-compact": {"bytes": compact.hex()},
        "status-good-qr": {"text": code},
        "status-qr-sign-changed": {"text": code[:-3] + ("0" if code[-3] != "0" else "1") + code[-2:]},
        "status-qr-lower-case": {"text": code[:5] + code[5:].lower()},
        "status-qr-one-sign-left-over": {"text": code + "0" * (-len(code[5:]) % 3 + 1)},
        "status-qr-group-too-large": {"text": code[:5] + ":::" + code[8:]},
        "status-qr-long-signature": {"text": _long_line(proof)},
        "status-compact-cut": {"bytes": compact[:-1].hex()},
        "status-compact-byte-behind": {"bytes": compact.hex() + "00"},
        "status-empty": {"text": ""},
        "status-is-a-bundle": {"text": encode_bundle_text(log.bundle(city.short)).decode()},
    }.items():
        yield "status", name, {"trust": pinned, **given}
    changes: dict[str, Callable[[Document], object]] = {
        "status-count-changed": lambda doc: doc.update(count=doc["count"] + 1),
        "status-last-changed": lambda doc: doc.update(last=doc["last"] - 1),
        "status-last-after-the-record": lambda doc: doc.update(last=log.size - 1),
        "status-root-changed": lambda doc: doc.update(root="00" * 32),
        "status-of-another-subject": lambda doc: doc.update(subject=city.short),
        "status-count-zero": lambda doc: doc.update(count=0),
        "status-member-unknown": lambda doc: doc.update(remark="x"),
    }
    for name, change in changes.items():
        yield "status", name, {"trust": pinned, "text": _changed(text, change)}


def _long_line(proof: StatusProof) -> str:
    """A QR text whose last line has as many bytes as no Ed25519 signature."""
    from chemtrace.core.base45 import encode_base45

    *lines, last = proof.note.signatures
    longer = msgspec.structs.replace(last, signature=last.signature + b"\0")
    note = Note(proof.note.text, (*lines, longer))
    return "CTS1:" + encode_base45(encode_status_compact(msgspec.structs.replace(proof, note=note)))


# ---------------------------------------------------------------------- files that were changed


def _changed(text: bytes | str, change: Callable[[Document], object]) -> str:
    document = json.loads(text)
    change(document)
    return encode_canonical(document).decode()


def _forms() -> Iterator[Case]:
    """One thing wrong with the form of a good bundle."""
    small = Small(3)
    given = small.case()
    text, pinned = given["text"], given["trust"]
    sections = json.loads(text)["sections"]

    def swap(doc: Document) -> None:
        doc["sections"][1:] = doc["sections"][:0:-1]

    changes: dict[str, Callable[[Document], object]] = {
        "member-missing": lambda doc: doc.pop("ticks"),
        "member-unknown": lambda doc: doc.update(remark="x"),
        "type-other": lambda doc: doc.update(typ="chemtrace/bundle/2"),
        "subject-not-of-the-first-section": lambda doc: doc.update(subject=sections[1]["subject"]),
        "subject-lower-case": lambda doc: (
            doc.update(subject=small.drum.lower()),
            doc["sections"][0].update(subject=small.drum.lower()),
        ),
        "section-without-entries": lambda doc: doc["sections"][0].update(entries=[]),
        "sections-out-of-order": swap,
        "section-twice": lambda doc: doc["sections"].append(doc["sections"][-1]),
        "no-section": lambda doc: doc.update(sections=[]),
        "entry-padded": lambda doc: doc["sections"][0]["entries"][0].update(
            entry=_padded(doc["sections"][0]["entries"][0]["entry"])
        ),
        "map-upper-case": lambda doc: doc["sections"][0]["map"].update(
            siblings=[one.upper() for one in doc["sections"][0]["map"]["siblings"]]
        ),
        "map-stray-bit": lambda doc: doc["sections"][0]["map"].update(
            bitmap=f"{int(doc['sections'][0]['map']['bitmap'], 16) | 1:02x}"
        ),
        "map-sibling-missing": lambda doc: doc["sections"][0]["map"]["siblings"].pop(),
        "map-sibling-empty": lambda doc: doc["sections"][0]["map"]["siblings"].__setitem__(0, "00" * 32),
        "map-sibling-changed": lambda doc: doc["sections"][0]["map"]["siblings"].__setitem__(0, "11" * 32),
        "map-too-deep": lambda doc: doc["sections"][0]["map"].update(depth=257),
        "index-negative": lambda doc: doc["sections"][0]["entries"][0].update(index=-1),
        "index-changed": lambda doc: doc["sections"][0]["entries"][0].update(index=3),
        "index-of-the-record": lambda doc: doc["sections"][0]["entries"][-1].update(index=small.log.size - 1),
        "entry-cut": lambda doc: _edit_entry(doc, lambda entry: entry[:-1]),
        "entry-version": lambda doc: _edit_entry(doc, lambda entry: b"\x02" + entry[1:]),
        "entry-changed": lambda doc: _edit_entry(doc, lambda entry: entry[:-1] + bytes([entry[-1] ^ 1])),
        "entry-header-changed": lambda doc: _edit_entry(
            doc, lambda entry: entry.replace(b'"stance":"normal"', b'"stance":"normap"')
        ),
        "event-omitted-in-the-middle": lambda doc: doc["sections"][0]["entries"].pop(1),
        "event-omitted-first": lambda doc: doc["sections"][0]["entries"].pop(0),
        "event-omitted-last": lambda doc: doc["sections"][0]["entries"].pop(),
        "events-swapped": lambda doc: doc["sections"][0]["entries"].reverse(),
        "event-twice": lambda doc: doc["sections"][0]["entries"].append(
            {**doc["sections"][0]["entries"][0], "index": small.log.size - 2}
        ),
        "event-of-another-subject": lambda doc: doc["sections"][0]["entries"].insert(
            0, sections[1]["entries"][0]
        ),
        "payload-changed": lambda doc: doc["sections"][0]["entries"][0].update(
            payload=encode_base64url(b'{"at":"2026-03-01T00:30:00Z"}')
        ),
        "payloads-swapped": lambda doc: doc["sections"][0]["entries"][1].update(
            payload=sections[0]["entries"][2]["payload"]
        ),
        "payload-of-a-key-hidden": lambda doc: doc["sections"][1]["entries"][0].update(payload=None),
        "section-of-the-signer-missing": lambda doc: doc["sections"].remove(
            next(one for one in doc["sections"] if one["subject"] == f"key:{small.maker.kid.hex()}")
        ),
        "section-of-the-authority-missing": lambda doc: doc["sections"].remove(
            next(one for one in doc["sections"] if one["subject"] == f"key:{small.log.authority.kid.hex()}")
        ),
        "record-changed": lambda doc: doc.update(
            record=doc["record"].replace('"subjects":4', '"subjects":5')
        ),
        "record-not-an-epoch": lambda doc: doc.update(record="{}"),
        "record-covers-more": lambda doc: doc.update(record=doc["record"].replace('"first":4', '"first":3')),
        "proof-index-changed": lambda doc: doc.update(proof=doc["proof"].replace("index 7", "index 6")),
        "proof-with-extra-line": lambda doc: doc.update(
            proof=doc["proof"].replace("\nindex", "\nextra eA==\nindex")
        ),
        "proof-hash-missing": lambda doc: doc.update(proof=_without_line(doc["proof"], 2)),
        "proof-hash-changed": lambda doc: doc.update(proof=_with_line(doc["proof"], 2, "A" * 43 + "=")),
        "proof-not-a-proof": lambda doc: doc.update(proof="x"),
        "checkpoint-size-changed": lambda doc: doc.update(
            proof=doc["proof"].replace("\n8\n", "\n9\n").replace("index 7", "index 8")
        ),
        "checkpoint-extension-line": lambda doc: doc.update(
            proof=doc["proof"].replace("\n8\n", "\n8\n").replace("=\n\n—", "=\nextension\n\n—")
        ),
        "checkpoint-signature-changed": lambda doc: doc.update(proof=_turned_line(doc["proof"])),
        "checkpoint-signature-not-base64": lambda doc: doc.update(proof=doc["proof"][:-2] + "!\n"),
    }
    for name, change in changes.items():
        yield "bundle", name, {"trust": pinned, "text": _changed(text, change)}
    for name, changed in {
        "json-cut": text[:-1],
        "json-space": text.replace(",", ", ", 1),
        "json-name-twice": text.replace('{"proof"', '{"proof":"x","proof"', 1),
        "json-float": text.replace('"index":4', '"index":4.0', 1),
        "json-escape": text.replace("chemtrace/bundle", "chemtrace\\/bundle"),
        "byte-order-mark": "\ufeff" + text,
        "newline-behind": text + "\n",
        "empty": "",
    }.items():
        yield "bundle", name, {"trust": pinned, "text": changed}


def _padded(text: str) -> str:
    return text + "="


def _edit_entry(doc: Document, edit: Callable[[bytes], bytes]) -> None:
    shown = doc["sections"][0]["entries"][0]
    shown["entry"] = encode_base64url(edit(decode_base64url(shown["entry"])))


def _without_line(text: str, at: int) -> str:
    lines = text.split("\n")
    del lines[at]
    return "\n".join(lines)


def _with_line(text: str, at: int, line: str) -> str:
    lines = text.split("\n")
    lines[at] = line
    return "\n".join(lines)


def _turned_line(text: str) -> str:
    """The last signature with one sign in its middle changed."""
    at = len(text) - 40
    return text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]


def _compact() -> Iterator[Case]:
    """One thing wrong with a good compact form."""
    small = Small()
    small.log.epoch()
    trust = small.log.trust()
    good = encode_bundle_compact(small.log.bundle(small.drum))
    size = bytes([small.log.size])
    head = b"\x88\x64ctb1" + bytes([0x60 + len(small.log.origin)]) + small.log.origin.encode()
    rest = good[len(head) + 1 :]
    for name, data in {
        "compact-byte-behind": good + b"\0",
        "compact-cut": good[:-1],
        "compact-number-too-long": head + b"\x18" + size + rest,
        "compact-indefinite-array": b"\x9f" + good[1:] + b"\xff",
        "compact-float": head + b"\xf9\x47\x00" + rest,
        "compact-tag": head + b"\xc2\x41" + size + rest,
        "compact-text-not-utf-8": good[:7] + b"\xff" + good[8:],
        "compact-type-other": good.replace(b"ctb1", b"ctb2", 1),
        "compact-size-changed": head + bytes([small.log.size + 1]) + rest,
        "compact-origin-changed": good.replace(b"log.example", b"log.exbmple", 1),
        "compact-last-byte-changed": good[:-1] + bytes([good[-1] ^ 1]),
        "compact-array-too-long": b"\x89" + good[1:],
        "compact-length-beyond-the-data": head + size + b"\x9a\xff\xff\xff\xff" + rest[1:],
        "compact-status": encode_status_compact(small.log.status(small.drum)),
    }.items():
        yield "bundle", name, {"trust": _trust(trust), "bytes": data.hex()}


# ---------------------------------------------------------------------- signatures over the checkpoint


def _checkpoints() -> Iterator[Case]:
    small = Small()
    log = small.log
    log.epoch()
    bundle = log.bundle(small.drum, witnesses=WITNESSES)
    own, first, second, third = bundle.note.signatures
    trust = log.trust(WITNESSES, mirrors=[MIRROR], quorum=2)
    stranger = Witness("stranger").cosign(bundle.note.text, 1_772_330_000)
    later = msgspec.structs.replace(first, signature=b"\0" * 7 + b"\x01" + first.signature[8:])
    renamed = msgspec.structs.replace(first, name="other.example")
    for name, lines in {
        "cosigned-quorum-unmet": (own, first),
        "cosigned-line-twice": (own, first, second, first),
        "cosigned-by-a-stranger-too": (own, first, second, stranger),
        "cosigned-time-changed": (own, later, second),
        "cosigned-under-another-name": (own, renamed, second),
        "cosigned-log-line-missing": (first, second, third),
        "cosigned-signature-of-another-checkpoint": (
            own,
            second,
            WITNESSES[0].cosign("log.example/chemtrace\n3\n" + "A" * 43 + "=\n", 1_772_330_000),
        ),
    }.items():
        note = Note(bundle.note.text, lines)
        yield "bundle", name, text_case(msgspec.structs.replace(bundle, note=note), trust)
    yield "bundle", "cosigned-without-a-policy", text_case(bundle, log.trust())
    yield (
        "bundle",
        "checkpoint-of-another-log",
        text_case(bundle, Small().log.trust(WITNESSES))
        | {"trust": _trust(Log("small", "other.example/log").trust(WITNESSES))},
    )
    yield "bundle", "checkpoint-of-another-log-key", text_case(log.bundle(small.drum), Log("other").trust())
    pinned = msgspec.structs.replace(log.trust(), authority=log.recovery.kid.hex())
    yield "bundle", "authority-not-the-pinned-one", text_case(log.bundle(small.drum), pinned)


# ---------------------------------------------------------------------- logs that lie


def _lying_logs() -> Iterator[Case]:
    """Logs that admitted what they should have refused, and committed and signed it in due form."""
    yield from _lies_about_form()
    yield from _lies_about_keys()
    yield from _lies_about_the_authority()
    yield from _lies_about_ticks()


def _lies_about_form() -> Iterator[Case]:
    small = Small(2)
    log = small.log
    log.append(log.bodies[4], _header(log, 4), log.payloads[4])
    log.epoch()
    bundle = _raw(small)
    yield "bundle", "log-admits-an-event-twice", text_case(bundle, log.trust())

    for name, header in {
        "log-header-unknown-member": {"alg": "none"},
        "log-header-other-type": {"typ": "chemtrace/event/2"},
        "log-prev-never-shown": {"subjects": [{"id": item(1), "prev": "ab" * 32}]},
    }.items():
        small = Small()
        small.tell("use/consume", header=header)
        small.log.epoch()
        yield "bundle", name, text_case(_raw(small), small.log.trust())

    small = Small()
    forged = bytearray(small.log.bodies[4])
    forged[-1] ^= 1
    small.log.bodies[4] = bytes(forged)
    yield "bundle", "log-signature-forged", small.case()

    small = Small()
    parts = _header(small.log, 4), ((small.maker.kid, bytes(64)), (small.log.recovery.kid, bytes(64)))
    small.log.bodies[4] = encode_entry(*parts)
    small.log.epoch()
    yield "bundle", "log-signature-too-many", text_case(_raw(small), small.log.trust())

    small = Small()
    small.log.epoch(map_root=bytes(range(32)))
    yield "bundle", "log-map-root-made-up", text_case(_raw(small), small.log.trust())
    small = Small()
    index = small.log.epoch()
    _lie(small.log, index, map_root=None)
    yield "bundle", "log-without-map", text_case(_raw(small), small.log.trust())
    small = Small()
    small.log.epoch(first=5, last=4)
    yield "bundle", "log-record-covers-nothing", text_case(_raw(small), small.log.trust())
    small = Small()
    small.log.epoch(first=3)
    yield "bundle", "log-record-covers-too-much", text_case(_raw(small), small.log.trust())

    small = Small()
    small.log.tell(
        "pack/done", [small.drum], {"container": "x", "items": []}, by=small.maker, enterprise=MAKER
    )
    small.log.epoch()
    yield "bundle", "log-container-not-a-code", text_case(_raw(small), small.log.trust())
    small = Small()
    crate = item(2, "C")
    facts = {"container": crate, "items": [{"code": small.drum}]}
    small.log.tell("pack/done", [small.drum, crate], facts, by=small.maker, enterprise=MAKER)
    given = small.case()
    yield (
        "bundle",
        "section-of-the-container-missing",
        {
            **given,
            "text": _changed(given["text"], lambda doc: _drop_section(doc, crate)),
        },
    )
    small = Small()
    small.tell(code=item(2))
    given = small.case()
    other = json.loads(encode_bundle_text(small.log.bundle(item(2))))["sections"][0]
    yield (
        "bundle",
        "section-that-nothing-calls-for",
        {
            **given,
            "text": _changed(given["text"], lambda doc: doc["sections"].insert(1, other)),
        },
    )


def _drop_section(doc: Document, subject: str) -> None:
    doc["sections"] = [one for one in doc["sections"] if one["subject"] != subject]


def _header(log: Log, index: int) -> bytes:
    body = log.bodies[index]
    return body[5 : 5 + int.from_bytes(body[1:5], "big")]


def _lie(log: Log, index: int, **members: Any) -> None:
    """Another record at the end of the log than the honest one."""
    from chemtrace.core.epoch import epoch_entry

    log.records[index] = msgspec.structs.replace(log.records[index], **members)
    log.bodies[index] = epoch_entry(log.records[index])


def _raw(small: Small) -> Bundle:
    """The bundle of a drum with the sections that an honest history would need, nothing read or checked."""
    from chemtrace.core.epoch import encode_epoch

    log = small.log
    keys = sorted(f"key:{key.kid.hex()}" for key in (small.maker, log.authority))
    return Bundle(
        note=log.note(),
        record=encode_epoch(log.records[log.size - 1]),
        path=log.path(log.size - 1),
        ticks=(),
        sections=tuple([log.section(name) for name in (small.drum, *keys)]),
    )


def _lies_about_keys() -> Iterator[Case]:
    def scene(tell: Callable[[Small, FixedKey], object]) -> dict[str, Any]:
        small = Small(0)
        tell(small, fixed_key("second maker"))
        return small.case()

    lies: dict[str, Callable[[Small, FixedKey], object]] = {
        "log-key-before-registration": lambda small, key: (
            small.tell(by=key),
            small.log.register(key, MAKER),
        ),
        "log-key-compromised": lambda small, key: (
            small.log.end(small.maker, MAKER, "compromised"),
            small.tell(),
        ),
        "log-key-of-a-revoked-device": lambda small, key: (
            small.log.register(key, MAKER, "device"),
            small.log.device("PHONE-1", MAKER, key),
            small.log.device("PHONE-1", MAKER, key, "revoke"),
            small.tell(by=key),
        ),
        "log-key-never-registered": lambda small, key: (
            small.log.device("PHONE-1", MAKER, key),
            small.tell(by=key),
        ),
        "log-key-retired-signed-later": lambda small, key: (
            small.log.end(small.maker, MAKER, "retire", grace_us=HOUR_US),
            small.log.epoch(),
            small.tell(),
            small.log.epoch(),
        ),
        "log-key-retired-without-grace": lambda small, key: (
            small.log.end(small.maker, MAKER, "retire"),
            small.log.epoch(),
            small.tell(header={"iat": format_utc(small.log.now_us - HOUR_US)}),
            small.log.epoch(),
        ),
        "log-key-grace-over": lambda small, key: (
            small.log.end(small.maker, MAKER, "retire", grace_us=MINUTE_US),
            small.log.epoch(),
            small.log.epoch(),
            small.tell(header={"iat": format_utc(small.log.now_us - HOUR_US)}),
            small.log.epoch(),
        ),
        "log-key-of-another-enterprise": lambda small, key: (
            small.log.register(key, USER),
            small.tell(by=key),
        ),
        "log-key-registered-twice": lambda small, key: (
            small.log.register(small.maker, MAKER),
            small.tell(),
        ),
        "log-key-under-another-id": lambda small, key: (
            small.log.rule(
                "key/register",
                [f"key:{key.kid.hex()}"],
                {**key_facts(small.maker, MAKER, "enterprise"), "kid": key.kid.hex()},
            ),
            small.tell(by=key),
        ),
        "log-key-of-low-order": lambda small, key: _low_order(small),
        "log-key-role-unknown": lambda small, key: (
            small.log.rule("key/register", [f"key:{key.kid.hex()}"], key_facts(key, MAKER, "emperor")),
            small.tell(by=key),
        ),
        "log-key-ended-as-another": lambda small, key: (
            small.log.end(small.maker, MAKER, "compromised", role="device"),
            small.tell(),
        ),
        "log-key-grace-too-long": lambda small, key: (
            small.tell(),
            small.log.end(small.maker, MAKER, "retire", grace_us=73 * HOUR_US),
        ),
        "log-key-history-about-another-key": lambda small, key: (
            small.tell(),
            small.log.rule(
                "key/compromised",
                [f"key:{small.maker.kid.hex()}"],
                key_facts(key, MAKER, "enterprise"),
            ),
        ),
        "log-key-of-the-authority-makes-a-drum": lambda small, key: small.tell(
            by=small.log.authority, enterprise=AUTHORITY
        ),
        "log-key-of-two-signers-one-foreign": lambda small, key: (
            small.log.register(key, USER),
            small.tell(by=[small.maker, key]),
        ),
    }
    for name, tell in lies.items():
        yield "bundle", name, scene(tell)
    yield "bundle", "log-key-for-a-party-in-no-namespace-of-it", _for_foreign("new-system")
    yield "bundle", "log-key-for-a-foreign-party-shown-in-one-section-only", _shown_once()


def _shown_once() -> dict[str, Any]:
    """A packing in the name of a foreign party, for which the key may not speak; the container's section hides it."""
    small = Small()
    crate = item(2, "C")
    small.tell(code=crate)
    facts = {"container": crate, "items": [{"code": small.drum}], "on_behalf_of": "ext:old-system:a-1"}
    small.log.tell("pack/done", [crate, small.drum], facts, by=small.maker, enterprise=MAKER)
    given = small.case()

    def hide(doc: Document) -> None:
        (section,) = [one for one in doc["sections"] if one["subject"] == crate]
        section["entries"][-1]["payload"] = None

    return {**given, "text": _changed(given["text"], hide)}


def _low_order(small: Small) -> None:
    """A registration of the neutral point as a key, and a signature under it that lax libraries take."""
    import hashlib

    point = b"\x01" + bytes(31)
    spki = bytes.fromhex("302a300506032b6570032100") + point
    kid = hashlib.sha256(spki).hexdigest()
    facts = {**key_facts(small.maker, MAKER, "enterprise"), "kid": kid, "spki": encode_base64url(spki)}
    small.log.rule("key/register", [f"key:{kid}"], facts)
    index = small.tell(header={"signers": [kid]})
    header = _header(small.log, index)
    small.log.bodies[index] = encode_entry(header, ((bytes.fromhex(kid), point + bytes(32)),))


def _lies_about_the_authority() -> Iterator[Case]:
    def scene(tell: Callable[[Small, FixedKey, FixedKey], object]) -> dict[str, Any]:
        small = Small(0)
        tell(small, fixed_key("second authority"), fixed_key("second maker"))
        return small.case()

    lies: dict[str, Callable[[Small, FixedKey, FixedKey], object]] = {
        "log-authority-replaced-signs-on": lambda small, second, key: (
            small.log.register(
                second, AUTHORITY, "authority", by=small.log.recovery, replaces=small.log.authority
            ),
            small.log.register(key, MAKER),
            small.tell(by=key),
        ),
        "log-authority-replaced-by-itself": lambda small, second, key: (
            small.log.register(second, AUTHORITY, "authority", replaces=small.log.authority),
            small.log.register(key, MAKER, by=second),
            small.tell(by=key),
        ),
        "log-authority-replaces-nobody": lambda small, second, key: (
            small.log.register(second, AUTHORITY, "authority", by=small.log.recovery),
            small.log.register(key, MAKER, by=second),
            small.tell(by=key),
        ),
        "log-authority-replaced-twice": lambda small, second, key: (
            small.log.register(
                second, AUTHORITY, "authority", by=small.log.recovery, replaces=small.log.authority
            ),
            small.log.register(
                fixed_key("third authority"),
                AUTHORITY,
                "authority",
                by=small.log.recovery,
                replaces=small.log.authority,
            ),
            small.tell(),
        ),
        "log-authority-of-another-party": lambda small, second, key: (
            small.log.register(
                second, USER, "authority", by=small.log.recovery, replaces=small.log.authority
            ),
            small.log.rule(
                "key/register",
                [f"key:{key.kid.hex()}"],
                key_facts(key, MAKER, "enterprise"),
                by=second,
                enterprise=USER,
            ),
            small.tell(by=key),
        ),
        "log-enterprise-registers-a-key": lambda small, second, key: (
            small.log.rule(
                "key/register",
                [f"key:{key.kid.hex()}"],
                key_facts(key, MAKER, "enterprise"),
                by=small.maker,
                enterprise=MAKER,
            ),
            small.tell(by=key),
        ),
        "log-recovery-registers-an-enterprise-key": lambda small, second, key: (
            small.log.register(key, MAKER, by=small.log.recovery),
            small.tell(by=key),
        ),
        "log-second-recovery-out-of-nothing": lambda small, second, key: (
            small.log.register(second, AUTHORITY, "recovery", by=small.log.recovery),
            small.log.register(
                fixed_key("third authority"), AUTHORITY, "authority", by=second, replaces=small.log.authority
            ),
            small.log.register(key, MAKER, by=fixed_key("third authority")),
            small.tell(by=key),
        ),
    }
    for name, tell in lies.items():
        yield "bundle", name, scene(tell)


def _lies_about_ticks() -> Iterator[Case]:
    city = City()
    log = city.log
    given = text_case(log.bundle(city.late), log.trust())
    other = next(index for index in log.records if index < 12)
    tick = {
        "index": other,
        "path": [node.hex() for node in log.path(other)],
        "record": log.tick(other).record.decode(),
    }
    changes: dict[str, Callable[[Document], object]] = {
        "tick-closing-missing": lambda doc: doc["ticks"].pop(),
        "tick-before-missing": lambda doc: doc["ticks"].pop(0),
        "tick-that-nothing-calls-for": lambda doc: doc["ticks"].insert(0, tick),
        "ticks-out-of-order": lambda doc: doc["ticks"].reverse(),
        "tick-record-changed": lambda doc: doc["ticks"][0].update(
            record=doc["ticks"][0]["record"].replace('"number":', '"number":1')
        ),
        "tick-path-changed": lambda doc: doc["ticks"][0]["path"].__setitem__(0, "00" * 32),
        "tick-path-cut": lambda doc: doc["ticks"][0]["path"].pop(),
        "tick-index-changed": lambda doc: doc["ticks"][0].update(index=doc["ticks"][0]["index"] - 1),
    }
    for name, change in changes.items():
        yield "bundle", name, {**given, "text": _changed(given["text"], change)}


# ---------------------------------------------------------------------- trust files


def _trusts() -> Iterator[Case]:
    log = Log("small")
    good = json.loads(_trust(log.trust(WITNESSES, mirrors=[MIRROR], quorum=2, max_age_s=3600)))
    plain = json.loads(_trust(log.trust()))
    changes: dict[str, tuple[Document, dict[str, Any]]] = {
        "trust-good": (good, {}),
        "trust-good-without-policy": (plain, {}),
        "trust-mirror-unknown": (good, {"mirrors": ["nobody"]}),
        "trust-mirror-without-policy": (plain, {"mirrors": ["mirror"]}),
        "trust-mirror-twice": (good, {"mirrors": ["mirror", "mirror"]}),
        "trust-origin-other": (good, {"origin": "other.example/log"}),
        "trust-log-key-damaged": (good, {"log": good["log"][:-2] + "A="}),
        "trust-policy-without-quorum": (good, {"policy": good["policy"].replace("quorum all\n", "")}),
        "trust-policy-of-another-log": (
            good,
            {"policy": good["policy"].replace(good["log"], json.loads(_trust(Log("other").trust()))["log"])},
        ),
        "trust-age-zero": (good, {"max_age_s": 0}),
        "trust-authority-short": (good, {"authority": "ab"}),
        "trust-member-unknown": (good, {"remark": "x"}),
    }
    for name, (document, change) in changes.items():
        yield "trust", name, {"trust": encode_canonical({**copy.deepcopy(document), **change}).decode()}
    missing = {name: value for name, value in plain.items() if name != "mirrors"}
    yield "trust", "trust-member-missing", {"trust": encode_canonical(missing).decode()}
    yield "trust", "trust-spaces", {"trust": json.dumps(good, sort_keys=True)}


def cases() -> Iterator[Case]:
    """All cases: operation, name, input."""
    for make in (_good, _status, _forms, _compact, _checkpoints, _lying_logs, _trusts):
        yield from make()


def write() -> None:
    """Write every case with the result it has now; files of cases that are no more are for people to remove."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for operation, name, given in cases():
        case = {"desc": name.replace("-", " "), "op": operation, "input": given}
        text = json.dumps({**case, **run(case)}, indent=1, ensure_ascii=False)
        (FOLDER / f"{name}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    write()
