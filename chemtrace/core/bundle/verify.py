"""The verifier: a bundle or status proof and a trust file in, a verdict or one named error out. No network, no clock.

The steps are those of contracts/specs/bundle.md and status.md, in their order; the first defect refuses the whole.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import Any, Final

from chemtrace.core.algorithms import verify
from chemtrace.core.bundle.compact import parse_bundle_compact, parse_status_compact
from chemtrace.core.bundle.keyring import KeyHistory, Keyring, fold_key, is_late_use
from chemtrace.core.bundle.model import Bundle, StatusProof
from chemtrace.core.bundle.needs import check_sections, key_of
from chemtrace.core.bundle.qr import QR_PREFIX, parse_status_qr
from chemtrace.core.bundle.reading import PACK, History, ReadEntry, read_history, read_payload
from chemtrace.core.bundle.signed import Signed, verify_signed, verify_ticks
from chemtrace.core.bundle.text import parse_bundle_text, parse_status_text
from chemtrace.core.bundle.trust import Trust, check_trust
from chemtrace.core.bundle.verdict import (
    Verdict,
    VerifiedEvent,
    claim_authentic,
    claim_complete,
    claim_current,
    claim_included,
    clock_gap,
    gaps,
)
from chemtrace.core.epoch import EpochRecord
from chemtrace.core.errors import (
    BundleFormatError,
    EventOrderError,
    KeyRetiredError,
    ProofStaleError,
    SectionMissingError,
)
from chemtrace.core.pae import HEADER_TYPE, encode_pae
from chemtrace.core.sparse_map import encode_map_value, verify_map_value
from chemtrace.core.subjects import is_item

_US: Final = 1_000_000


def parse_bundle(data: bytes) -> Bundle:
    """Return the bundle of its text or compact form, told apart by the first byte; raises what its reader raises."""
    if data[:1] == b"{":
        return parse_bundle_text(data)
    if data[:1] == b"\x88":
        return parse_bundle_compact(data)
    raise BundleFormatError("this file is no bundle", found=data[:8])


def parse_status(data: bytes) -> StatusProof:
    """Return the status proof of its text form, compact form or QR text; raises what its reader raises."""
    if data[:1] == b"{":
        return parse_status_text(data)
    if data[:1] == b"\x8b":
        return parse_status_compact(data)
    if data.startswith(QR_PREFIX.encode("ascii")):
        return parse_status_qr(data)
    raise BundleFormatError("this is no status proof", found=data[:8])


def verify_bundle(data: bytes, trust: Trust, *, now_us: int | None = None) -> Verdict:
    """Return the verdict about a bundle in text or compact form.

    `now_us` is the time now in microseconds UTC where a clock can be relied on; without it age is not judged.

    Raises:
        RefusedError or EvidenceError: one named error for the first defect, as contracts/specs/bundle.md says.
    """
    check_trust(trust)
    bundle = parse_bundle(data)
    signed = verify_signed(bundle.note, bundle.record, bundle.path, trust, now_us=now_us)
    ticks = verify_ticks(bundle.ticks, signed.checkpoint)
    histories = _read_histories(bundle, signed)
    check_sections(bundle.subject, histories)
    entries = [entry for history in histories.values() for entry in history.entries]
    keyring = Keyring(_fold_keys(histories), trust.authority)
    _check_signers(keyring, entries, _Ticks(ticks, signed))
    signatures = _verify_signatures(keyring, {entry.index: entry for entry in entries})
    _check_age(signed, trust)
    return _bundle_verdict(
        histories, bundle.subject, signed, signatures=signatures, aged=_judges_age(trust, now_us)
    )


def verify_status(data: bytes, trust: Trust, *, now_us: int | None = None) -> Verdict:
    """Return the verdict about a status proof in text or compact form, or the text of its QR code.

    Raises:
        RefusedError or EvidenceError: one named error for the first defect, as contracts/specs/status.md says.
    """
    check_trust(trust)
    proof = parse_status(data)
    signed = verify_signed(proof.note, proof.record, proof.path, trust, now_us=now_us)
    if proof.last > signed.checkpoint.size - 2:
        raise EventOrderError(
            "the last event stands before the newest record", index=proof.last, size=signed.checkpoint.size
        )
    value = encode_map_value(proof.count, proof.root, proof.last)
    verify_map_value(root=signed.map_root, subject=proof.subject, value=value, path=proof.map)
    _check_age(signed, trust)
    return _verdict(
        "status",
        signed,
        ["truth", "later", "rules", "events"],
        aged=_judges_age(trust, now_us),
        subject=proof.subject,
        count=proof.count,
        last=proof.last,
    )


def _read_histories(bundle: Bundle, signed: Signed) -> dict[str, History]:
    """Steps 4 and 5: every history against the map, then every payload that is shown."""
    size = signed.checkpoint.size
    histories = [read_history(section, size=size, map_root=signed.map_root) for section in bundle.sections]
    leaves: dict[int, bytes] = {}
    for history in histories:
        for entry in history.entries:
            if leaves.setdefault(entry.index, entry.leaf) != entry.leaf:
                raise EventOrderError(
                    "two histories show different entries at one index",
                    subject=history.subject,
                    index=entry.index,
                )
    read = [
        History(history.subject, tuple([read_payload(entry) for entry in history.entries]))
        for history in histories
    ]
    return {history.subject: history for history in read}


def _fold_keys(histories: dict[str, History]) -> dict[str, KeyHistory]:
    """Step 7: what each key's history tells of it."""
    keys: dict[str, KeyHistory] = {}
    for subject, history in histories.items():
        kid = key_of(subject)
        key = fold_key(history) if kid is not None else None
        if kid is not None and key is not None:
            keys[kid] = key
    return keys


class _Ticks:
    """The log's time at an index, by the records around it; remembers which of them were asked for."""

    def __init__(self, ticks: dict[int, EpochRecord], signed: Signed) -> None:
        self._records = {**ticks, signed.checkpoint.size - 1: signed.record}
        self._order = sorted(self._records)
        self._unused = set(ticks)

    def log_time_before(self, index: int) -> int:
        """The log's time when entry `index` was admitted, microseconds UTC; 0 before the first record."""
        closing = self._order[bisect_right(self._order, index)]
        if not _covers(self._records[closing], index):
            raise SectionMissingError(
                "the record that closes an entry's epoch is not in the bundle", index=index
            )
        previous = self._records[closing].previous
        self._unused.discard(closing)
        if previous is None:
            return 0
        if previous not in self._records:
            raise SectionMissingError("the record before an entry is not in the bundle", index=previous)
        self._unused.discard(previous)
        return self._records[previous].log_time_us

    def check_all_used(self) -> None:
        """Raise `BundleFormatError` for a tick that nothing asked for."""
        if self._unused:
            raise BundleFormatError(
                "the bundle holds an epoch record that nothing calls for", found=tuple(sorted(self._unused))
            )


def _covers(record: EpochRecord, index: int) -> bool:
    return record.first is not None and record.last is not None and record.first <= index <= record.last


def _check_signers(keyring: Keyring, entries: list[ReadEntry], ticks: _Ticks) -> None:
    """Step 8: every signer of every entry was entitled to sign it there.

    An entry of two histories is looked at in both: its payload may be shown in one of them only.
    """
    for entry in entries:
        if entry.index == 0:
            keyring.check_founder(entry)
            continue
        for kid in entry.header.signers:
            key = keyring.check_signer(entry, kid)
            if is_late_use(key, entry):
                _check_grace(key, entry, ticks.log_time_before(entry.index))
            keyring.check_right(entry, key)
    ticks.check_all_used()


def _check_grace(key: KeyHistory, entry: ReadEntry, log_time_us: int) -> None:
    if log_time_us >= key.grace_end_us:
        raise KeyRetiredError(
            "what a retired key signed came after its grace",
            kid=key.kid,
            index=entry.index,
            grace_end_us=key.grace_end_us,
            log_time_us=log_time_us,
        )


def _verify_signatures(keyring: Keyring, entries: dict[int, ReadEntry]) -> int:
    """Step 9: every signature under the key of its registration; returns how many."""
    count = 0
    for entry in entries.values():
        message = encode_pae(HEADER_TYPE, entry.header_bytes)
        for kid, signature in zip(entry.header.signers, entry.signatures, strict=True):
            verify(keyring.key(kid).public, message, signature)
            count += 1
    return count


def _judges_age(trust: Trust, now_us: int | None) -> bool:
    return now_us is not None and trust.max_age_s is not None


def _check_age(signed: Signed, trust: Trust) -> None:
    """Step 10: not older than the verifier accepts, where it has a clock and a limit."""
    now_us = signed.now_us
    if now_us is None or trust.max_age_s is None:
        return
    if now_us - signed.as_of_us > trust.max_age_s * _US:
        raise ProofStaleError(
            "this proof is older than is accepted here: fetch a new one",
            as_of_us=signed.as_of_us,
            now_us=now_us,
            limit_s=trust.max_age_s,
        )


def _bundle_verdict(
    histories: dict[str, History], subject: str, signed: Signed, *, signatures: int, aged: bool
) -> Verdict:
    entries = histories[subject].entries
    hidden = [
        (history.subject, entry.what)
        for history in histories.values()
        for entry in history.entries
        if entry.payload is None
    ]
    codes = ["truth", "later", "rules"]
    codes += ["payloads"] if hidden else []
    codes += ["containers"] if any(is_item(name) and what == PACK for name, what in hidden) else []
    return _verdict(
        "bundle",
        signed,
        codes,
        aged=aged,
        signatures=signatures,
        subject=subject,
        count=len(entries),
        last=entries[-1].index,
        events=tuple([_event(entry) for entry in entries]),
    )


def _event(entry: ReadEntry) -> VerifiedEvent:
    header = entry.header
    return VerifiedEvent(
        index=entry.index,
        event_id=entry.event_id,
        kind=header.kind,
        phase=header.phase,
        enterprise=header.enterprise,
        iat=header.iat,
        stance=header.stance,
        payload=entry.payload,
    )


def _verdict(
    form: str, signed: Signed, codes: list[str], *, aged: bool, signatures: int | None = None, **facts: Any
) -> Verdict:
    """The verdict; `facts` are the subject, its count and its last index."""
    mirrors, count = signed.mirrors, facts["count"]
    ahead = signed.mirrors_ahead
    missing = [*gaps([] if mirrors else ["mirror"]), *([clock_gap(ahead)] if ahead else [])]
    return Verdict(
        form=form,
        origin=signed.checkpoint.origin,
        size=signed.checkpoint.size,
        log_time_us=signed.record.log_time_us,
        as_of_us=signed.as_of_us,
        cosigners=signed.cosigners,
        authentic=claim_authentic(None if signatures is None else count, signatures or 0, mirrors),
        included=claim_included(signed.checkpoint.origin, signed.checkpoint.size),
        complete=claim_complete(count, mirrors),
        current=claim_current(signed.as_of_us, mirrors),
        not_checked=(*gaps(codes), *missing, *gaps([] if aged else ["age"])),
        **facts,
    )
