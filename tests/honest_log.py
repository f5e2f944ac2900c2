"""Small logs in memory, with no database: entries, epochs, map, checkpoints, witnesses; bundles and status proofs.

`Log` writes whatever it is told, in the honest form: who wants a dishonest log tells it a lie. `city` is an honest
one in which everything happens that a bundle can show. Same seeds, same bytes: all keys sign deterministically.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any

from chemtrace.core.bundle.keyring import fold_key, is_late_use
from chemtrace.core.bundle.model import Bundle, MapPath, Section, ShownEntry, StatusProof, Tick
from chemtrace.core.bundle.needs import key_of, reached_from
from chemtrace.core.bundle.reading import History, read_history, read_payload
from chemtrace.core.bundle.trust import Trust, encode_trust
from chemtrace.core.canonical import encode_canonical
from chemtrace.core.chain import fold_chain
from chemtrace.core.checkpoint import Checkpoint, encode_checkpoint
from chemtrace.core.codes import make_code
from chemtrace.core.cosignature import cosign, cosigner
from chemtrace.core.credit_code import make_credit_code
from chemtrace.core.entry import encode_entry, leaf_hash
from chemtrace.core.epoch import EpochRecord, encode_epoch, epoch_entry
from chemtrace.core.errors import ChemtraceError
from chemtrace.core.keys import PrivateKey, generate_key, make_key_request
from chemtrace.core.merkle import MemoryTree, inclusion_path
from chemtrace.core.note import Note, make_verifier, sign_note
from chemtrace.core.pae import HEADER_TYPE, encode_pae
from chemtrace.core.sm2 import sign_sm2_python
from chemtrace.core.sparse_map import map_key
from chemtrace.core.subject_tree import SubjectTree
from chemtrace.core.times import format_utc
from tests.oracle import map_naive

ORIGIN = "log.example/chemtrace"
START_US = 1_772_325_000_000_000  # 2026-03-01T00:30:00Z
MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US

AUTHORITY = make_credit_code("11110000MA0000001")
MAKER = make_credit_code("91110000MA0000002")
CARRIER = make_credit_code("91110000MA0000003")
USER = make_credit_code("91110000MA0000004")


class FixedKey(PrivateKey):
    """A key whose every signature comes out the same, SM2 included."""

    def sign(self, message: bytes) -> bytes:
        if self.public.alg == "sm2":
            return sign_sm2_python(self.secret, message, self.public.sm2_id)
        return super().sign(message)


def fixed_key(name: str, alg: str = "ed25519") -> FixedKey:
    """The key of a name: always the same."""
    return FixedKey(alg, generate_key(alg, hashlib.sha512(name.encode()).digest()).secret)


def item(number: int, kind: str = "P") -> str:
    """An item's code."""
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    serial = ""
    for _ in range(7):
        number, digit = divmod(number, len(alphabet))
        serial = alphabet[digit] + serial
    return make_code(kind=kind, slot="005", issuer="7K2M", serial=serial).text


class Witness:
    """An outside party that cosigns: its name in the policy, its key."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.key = fixed_key(f"witness {name}")

    @property
    def line(self) -> str:
        """The policy's line."""
        return f"witness {self.name} {cosigner(f'{self.name}.example', self.key).vkey}\n"

    def cosign(self, text: str, time_s: int) -> Any:
        """The cosignature line over a checkpoint's text."""
        return cosign(text, f"{self.name}.example", self.key, time_s)


class Log:
    """A log under construction. Times in microseconds UTC; each entry takes a minute."""

    def __init__(self, name: str = "log", origin: str = ORIGIN) -> None:
        self.origin = origin
        self.authority = fixed_key(f"{name} authority")
        self.recovery = fixed_key(f"{name} recovery")
        self.log_key = fixed_key(f"{name} log")
        self.authority_code = AUTHORITY
        self.now_us = START_US
        self.bodies: list[bytes] = []
        self.payloads: dict[int, bytes] = {}
        self.named: dict[str, list[int]] = {}
        self.heads: dict[str, str] = {}
        self.records: dict[int, EpochRecord] = {}

    # ------------------------------------------------------------------ writing

    @property
    def size(self) -> int:
        """Entries so far."""
        return len(self.bodies)

    def tell(
        self,
        what: str,
        subjects: Sequence[str],
        payload: dict[str, Any],
        *,
        by: PrivateKey | Sequence[PrivateKey],
        enterprise: str,
        header: dict[str, Any] | None = None,
    ) -> int:
        """Append one signed event `kind/phase`; `header` replaces members of it. Returns its index."""
        kind, phase = what.split("/")
        keys = (by,) if isinstance(by, PrivateKey) else tuple(by)
        nonce = hashlib.sha256(f"nonce {self.size}".encode()).hexdigest()[:32]
        body = encode_canonical({"at": format_utc(self.now_us), "nonce": nonce, **payload})
        members = {
            "typ": "chemtrace/event/1",
            "kind": kind,
            "phase": phase,
            "enterprise": enterprise,
            "signers": [key.kid.hex() for key in keys],
            "iat": format_utc(self.now_us),
            "subjects": [{"id": subject, "prev": self.heads.get(subject)} for subject in subjects],
            "payload": {
                "sha256": hashlib.sha256(body).hexdigest(),
                "size": len(body),
                "type": "application/vnd.chemtrace.event+json",
            },
            "rules": "0" * 64,
            "stance": "normal",
        }
        header_bytes = encode_canonical({**members, **(header or {})})
        message = encode_pae(HEADER_TYPE, header_bytes)
        signatures = tuple([(key.kid, key.sign(message)) for key in keys])
        return self.append(encode_entry(header_bytes, signatures), header_bytes, body)

    def append(self, body: bytes, header_bytes: bytes, payload: bytes) -> int:
        """Append the bytes of an entry as they are."""
        index = self.size
        self.bodies.append(body)
        self.payloads[index] = payload
        event_id = hashlib.sha256(header_bytes).hexdigest()
        for subject in json.loads(header_bytes)["subjects"]:
            self.named.setdefault(subject["id"], []).append(index)
            self.heads[subject["id"]] = event_id
        self.now_us += MINUTE_US
        return index

    def epoch(self, *, map_root: bytes | None = None, **members: Any) -> int:
        """Append an epoch record over everything so far; returns its index. `members` lie."""
        previous = max(self.records, default=None)
        before = None if previous is None else self.records[previous]
        first, last = (0 if previous is None else previous + 1), self.size - 1
        honest = {
            "chain": fold_chain(bytes(32), [leaf_hash(body) for body in self.bodies]).hex(),
            "first": first if first <= last else None,
            "last": last if first <= last else None,
            "log_time": format_utc(self.now_us),
            "map_root": (self.map_root(self.size) if map_root is None else map_root).hex(),
            "number": 0 if before is None else before.number + 1,
            "previous": previous,
            "subjects": len(self.named),
        }
        record = EpochRecord(**{**honest, **members})
        self.records[self.size] = record
        self.bodies.append(epoch_entry(record))
        self.now_us += MINUTE_US
        return self.size - 1

    def found(self) -> None:
        """The first five entries of every log, and its first epoch."""
        self.register(self.authority, self.authority_code, "authority", proved=False)
        self.register(self.recovery, self.authority_code, "recovery")
        self.enterprise(self.authority_code, "Authority")
        self.register(self.log_key, self.authority_code, "log")
        self.register(fixed_key("receipts"), self.authority_code, "receipt")
        self.epoch()

    def enterprise(self, code: str, name: str) -> int:
        """enterprise/register by the authority."""
        facts = {"enterprise": code, "name_en": name, "name_zh": "企业", "roles": ["producer"]}
        return self.rule("enterprise/register", [f"enterprise:{code}"], facts)

    def rule(
        self,
        what: str,
        subjects: Sequence[str],
        facts: dict[str, Any],
        *,
        by: PrivateKey | None = None,
        **rest: Any,
    ) -> int:
        """An event of the authority, signed by its key or `by`."""
        return self.tell(
            what, subjects, facts, by=by or self.authority, **{"enterprise": self.authority_code, **rest}
        )

    def register(
        self,
        key: PrivateKey,
        party: str,
        role: str = "enterprise",
        *,
        by: PrivateKey | None = None,
        replaces: PrivateKey | None = None,
        proved: bool = True,
        **facts: Any,
    ) -> int:
        """key/register; the key that it replaces is named too."""
        known = key_facts(key, party, role)
        if proved:
            known["request"] = _b64u(make_key_request(key, party, role))
        subjects = [f"key:{key.kid.hex()}"]
        if replaces is not None:
            known["replaces"] = replaces.kid.hex()
            subjects.append(f"key:{replaces.kid.hex()}")
        return self.rule("key/register", subjects, {**known, **facts}, by=by)

    def end(
        self,
        key: PrivateKey,
        party: str,
        phase: str,
        *,
        role: str = "enterprise",
        by: PrivateKey | None = None,
        grace_us: int | None = None,
    ) -> int:
        """key/retire (with a grace from now) or key/compromised."""
        facts = key_facts(key, party, role)
        if grace_us is not None:
            facts["grace_end"] = format_utc(self.now_us + grace_us)
        return self.rule(f"key/{phase}", [f"key:{key.kid.hex()}"], facts, by=by)

    def device(self, name: str, party: str, key: PrivateKey, phase: str = "register") -> int:
        """device/register or revoke, of a phone that holds `key`."""
        facts = {"id": name, "enterprise": party, "kind": "phone", "kid": key.kid.hex()}
        return self.rule(f"device/{phase}", [f"device:{name}", f"key:{key.kid.hex()}"], facts)

    # ------------------------------------------------------------------ proving, at the newest epoch

    def leaves(self, subject: str, size: int) -> list[tuple[int, bytes]]:
        """(index, leaf hash) of the entries below `size` that name a subject."""
        return [(index, leaf_hash(self.bodies[index])) for index in self.named[subject] if index < size]

    def value(self, subject: str, size: int) -> bytes:
        """The 48 bytes of the map."""
        tree = SubjectTree()
        for index, leaf in self.leaves(subject, size):
            tree.append(index, leaf)
        return tree.value()

    def _map(self, size: int) -> dict[bytes, bytes]:
        subjects = [name for name, indexes in self.named.items() if indexes[0] < size]
        return {map_key(name): hashlib.sha256(self.value(name, size)).digest() for name in subjects}

    def map_root(self, size: int) -> bytes:
        """The map over the entries below `size`, by the naive oracle."""
        return map_naive.node(self._map(size))

    def map_path(self, subject: str) -> MapPath:
        """The path of a subject through the newest map, by the naive oracle."""
        siblings = map_naive.place(self._map(self.size - 1), map_key(subject))[0][::-1]
        bitmap = bytearray((len(siblings) + 7) // 8)
        for step, sibling in enumerate(siblings):
            if sibling != map_naive.EMPTY:
                bitmap[step // 8] |= 0x80 >> step % 8
        full = [sibling for sibling in siblings if sibling != map_naive.EMPTY]
        return MapPath(len(siblings), bytes(bitmap), tuple(full))

    def path(self, index: int) -> tuple[bytes, ...]:
        """The path of an entry to the newest root."""
        return tuple(inclusion_path(index, self.size, self._tree().node))

    def _tree(self) -> MemoryTree:
        tree = MemoryTree()
        for body in self.bodies:
            tree.append(leaf_hash(body))
        return tree

    def checkpoint(self) -> Checkpoint:
        """The newest checkpoint."""
        return Checkpoint(self.origin, self.size, self._tree().root())

    def note(self, witnesses: Iterable[Witness] = (), *, time_s: int | None = None) -> Note:
        """The newest checkpoint, signed by the log and cosigned by `witnesses`, a second apart."""
        text = encode_checkpoint(self.checkpoint())
        signed = sign_note(text, self.origin, self.log_key)
        at_s = self.now_us // 1_000_000 if time_s is None else time_s
        lines = [witness.cosign(text, at_s + number) for number, witness in enumerate(witnesses)]
        return Note(text, (*signed.signatures, *lines))

    def section(self, subject: str, hide: Callable[[int], bool] = lambda _: False) -> Section:
        """The whole history of a subject; payloads of `hide` are not shown."""
        entries = [
            ShownEntry(index, self.bodies[index], None if hide(index) else self.payloads[index])
            for index in self.named[subject]
            if index < self.size - 1
        ]
        return Section(subject, self.map_path(subject), tuple(entries))

    def bundle(
        self,
        subject: str,
        *,
        witnesses: Iterable[Witness] = (),
        hide: Callable[[int], bool] = lambda _: False,
        time_s: int | None = None,
    ) -> Bundle:
        """The bundle of a subject at the newest epoch."""
        sections, histories = self._closure(subject, hide)
        others = sorted(sections.keys() - {subject}, key=str.encode)
        return Bundle(
            note=self.note(witnesses, time_s=time_s),
            record=encode_epoch(self.records[self.size - 1]),
            path=self.path(self.size - 1),
            ticks=tuple([self.tick(index) for index in self._ticks(histories)]),
            sections=tuple([sections[name] for name in (subject, *others)]),
        )

    def _closure(
        self, subject: str, hide: Callable[[int], bool]
    ) -> tuple[dict[str, Section], dict[str, History]]:
        sections: dict[str, Section] = {}
        histories: dict[str, History] = {}
        queue = [subject]
        while queue:
            name = queue.pop()
            if name in sections or name not in self.named:
                continue
            sections[name] = self.section(name, (lambda _: False) if key_of(name) else hide)
            try:
                history = read_history(sections[name], size=self.size, map_root=self.map_root(self.size - 1))
                histories[name] = History(name, tuple([read_payload(entry) for entry in history.entries]))
                queue += reached_from(histories[name])
            except ChemtraceError:  # a lie that cannot be read: its signers are shown all the same
                queue += [
                    f"key:{kid}" for shown in sections[name].entries for kid in self.signers(shown.index)
                ]
        return sections, histories

    def signers(self, index: int) -> list[str]:
        """The key ids that an entry's header names."""
        body = self.bodies[index]
        signers: list[str] = json.loads(body[5 : 5 + int.from_bytes(body[1:5], "big")])["signers"]
        return signers

    def _ticks(self, histories: dict[str, History]) -> list[int]:
        """The records around everything that a retired key signed, the newest record left out."""
        keys = {}
        for name, one in histories.items():
            with suppress(ChemtraceError):  # a lie
                keys[key_of(name)] = fold_key(one) if key_of(name) else None
        wanted: set[int] = set()
        for history in histories.values():
            for entry in history.entries:
                signing = [keys.get(kid) for kid in entry.header.signers]
                if any(key is not None and is_late_use(key, entry) for key in signing):
                    closing = min(index for index in self.records if index > entry.index)
                    wanted |= {closing, self.records[closing].previous or closing}
        return sorted(wanted - {self.size - 1})

    def tick(self, index: int) -> Tick:
        """An older epoch record with its path."""
        return Tick(index, encode_epoch(self.records[index]), self.path(index))

    def status(
        self, subject: str, *, witnesses: Iterable[Witness] = (), time_s: int | None = None
    ) -> StatusProof:
        """The status proof of a subject at the newest epoch."""
        value = self.value(subject, self.size - 1)
        return StatusProof(
            note=self.note(witnesses, time_s=time_s),
            record=encode_epoch(self.records[self.size - 1]),
            path=self.path(self.size - 1),
            subject=subject,
            count=int.from_bytes(value[:8], "big"),
            root=value[8:40],
            last=int.from_bytes(value[40:], "big"),
            map=self.map_path(subject),
        )

    def trust(
        self,
        witnesses: Sequence[Witness] = (),
        *,
        mirrors: Sequence[Witness] = (),
        quorum: int = 1,
        max_age_s: int | None = None,
    ) -> Trust:
        """What a verifier of this log pins: `quorum` of the witnesses, some of them mirrors."""
        vkey = make_verifier(self.origin, self.log_key.public.raw).vkey
        names = " ".join(witness.name for witness in witnesses)
        lines = "".join(witness.line for witness in witnesses)
        policy = f"log {vkey}\n{lines}group all {quorum} {names}\nquorum all\n" if witnesses else None
        trust = Trust(
            authority=self.authority.kid.hex(),
            log=vkey,
            max_age_s=max_age_s,
            mirrors=tuple([mirror.name for mirror in mirrors]),
            origin=self.origin,
            policy=policy,
        )
        encode_trust(trust)
        return trust


def key_facts(key: PrivateKey, party: str, role: str) -> dict[str, Any]:
    """The members of a key's payload that say which key it is."""
    facts = {
        "kid": key.kid.hex(),
        "party": party,
        "role": role,
        "algorithm": key.public.alg,
        "spki": _b64u(key.public.spki),
    }
    return {**facts, "sm2_id": key.public.sm2_id} if key.public.sm2_id else facts


def _b64u(data: bytes) -> str:
    from chemtrace.core.base64url import encode_base64url

    return encode_base64url(data)


def amount(code: str, value: str = "25") -> dict[str, Any]:
    """An item and its quantity."""
    return {"code": code, "quantity": {"unit": "KGM", "value": value}}


class City:
    """An honest log in which everything happens that a bundle can show; `log` ends in an epoch."""

    def __init__(self, name: str = "log") -> None:
        self.log = log = Log(name)
        self.maker = fixed_key(f"{name} maker")
        self.carrier = fixed_key(f"{name} carrier", "p256")
        self.user = fixed_key(f"{name} user", "sm2")
        self.phone = fixed_key(f"{name} phone")
        self.old = fixed_key(f"{name} old")
        self.drum, self.crate, self.pallet = item(1), item(2, "C"), item(3, "C")
        self.busy, self.short, self.late, self.scanned = item(4), item(5), item(6), item(7)
        log.found()
        for code, title in ((MAKER, "Maker"), (CARRIER, "Carrier"), (USER, "User")):
            log.enterprise(code, title)
        log.register(self.maker, MAKER)
        log.register(self.carrier, CARRIER)
        log.register(self.user, USER)
        log.register(self.old, MAKER)
        log.register(self.phone, MAKER, "device")
        log.device("PHONE-1", MAKER, self.phone)
        log.epoch()
        self._items()
        self._late()
        self._rotation()
        log.epoch()

    def make(self, code: str, by: PrivateKey | None = None, *, iat_us: int | None = None) -> int:
        """produce/make by the maker."""
        facts = {"items": [amount(code)], "chemical": "7664-93-9"}
        header = None if iat_us is None else {"iat": format_utc(iat_us)}
        return self.log.tell(
            "produce/make", [code], facts, by=by or self.maker, enterprise=MAKER, header=header
        )

    def _items(self) -> None:
        log = self.log
        for code in (self.short, self.drum, self.crate, self.pallet, self.busy):
            self.make(code)
        self.make(self.scanned, self.phone)
        lines = [{"code": self.drum}]
        for box, inner in ((self.crate, self.drum), (self.pallet, self.crate)):
            facts = {"container": box, "items": [{"code": inner}]}
            log.tell("pack/done", [box, inner], facts, by=self.maker, enterprise=MAKER)
        log.tell(
            "trade/sell", [self.drum], {"items": lines, "counterparty": USER}, by=self.maker, enterprise=MAKER
        )
        log.epoch()
        both = (self.carrier, self.carrier_second())
        log.tell("transport/load", [self.drum], {"items": lines}, by=both, enterprise=CARRIER)
        log.tell("store/in", [self.drum], {"items": lines}, by=self.user, enterprise=USER)
        for number in range(9):
            facts = {"items": [amount(self.busy, str(number + 1))]}
            log.tell("use/consume", [self.busy], facts, by=self.user, enterprise=USER)

    def carrier_second(self) -> PrivateKey:
        """A second key of the carrier: two signers on one event."""
        key = fixed_key("second carrier")
        if f"key:{key.kid.hex()}" not in self.log.named:
            self.log.register(key, CARRIER)
        return key

    def _late(self) -> None:
        """An event signed before its key was retired and sent within the grace, between two epochs of its own."""
        log = self.log
        signed_us = log.now_us
        log.end(self.old, MAKER, "retire", grace_us=2 * HOUR_US)
        log.epoch()
        self.make(self.late, self.old, iat_us=signed_us)
        log.epoch()
        log.device("PHONE-1", MAKER, self.phone, "revoke")

    def _rotation(self) -> None:
        """The recovery key replaces itself and the authority's key, which then registers a key of its own."""
        log = self.log
        recovery, authority = fixed_key("recovery 2"), fixed_key("authority 2")
        log.register(recovery, AUTHORITY, "recovery", by=log.recovery, replaces=log.recovery)
        log.register(authority, AUTHORITY, "authority", by=recovery, replaces=log.authority)
        self.new = fixed_key("new maker")
        self.fresh = item(8)
        log.register(self.new, MAKER, by=authority, replaces=self.maker)
        self.make(self.fresh, self.new)
