"""Proofs under a policy: of the newest tree that its witnesses have cosigned, with their lines and no others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from chemtrace.bootstrap import Application, open_application
from chemtrace.core.bundle.absence import encode_absence, verify_absence
from chemtrace.core.bundle.compact import encode_bundle_compact, encode_status_compact
from chemtrace.core.bundle.text import encode_bundle_text
from chemtrace.core.bundle.verdict import Verdict
from chemtrace.core.bundle.verify import verify_bundle, verify_status
from chemtrace.core.cosignature import cosign, cosigner
from chemtrace.core.errors import CheckpointMissingError, PolicyUnmetError, ProofStaleError
from chemtrace.core.keys import PrivateKey, generate_key
from chemtrace.core.note import encode_signature_lines, parse_note
from chemtrace.core.statement import encode_wire
from chemtrace.ledger.outcome import Admitted
from chemtrace.ledger.ports import CosignatureRow
from tests.seeded_ledger import MAKER, Seeded, now_us, seed_ledger

NAMES = ("witness.example", "mirror.example", "stranger.example")
KEYS: dict[str, PrivateKey] = {name: generate_key("ed25519", name.ljust(32).encode()) for name in NAMES}


def policy() -> str:
    """A witness and a mirror, both asked for; the stranger is none of them."""
    lines = [f"witness {name} {cosigner(name, KEYS[name]).vkey}" for name in NAMES[:2]]
    return "\n".join([*lines, f"group both all {' '.join(NAMES[:2])}", "quorum both", ""])


class Watched:
    """A ledger whose checkpoints are cosigned by hand."""

    def __init__(self, seeded: Seeded, application: Application) -> None:
        self.seeded, self.application = seeded, application
        self.code = seeded.take_codes(1)[0]
        self.tell("produce", "make", {"items": [self.line("25")], "site": "S-MAKER"})

    def line(self, mass: str | None = None) -> dict[str, Any]:
        quantity = {} if mass is None else {"quantity": {"unit": "KGM", "value": mass}}
        return {"code": self.code, **quantity}

    def tell(self, kind: str, phase: str, payload: dict[str, Any]) -> None:
        statement = self.seeded.hands.statement(MAKER, kind, phase, payload)
        assert isinstance(self.application.ledger.submit(encode_wire(statement)), Admitted)
        self.seeded.hands.follow(statement)

    def look(self) -> int:
        """One event more, published; returns the size of the tree."""
        self.tell("inspect", "done", {"items": [self.line()], "result": "pass"})
        return self.publish()

    def publish(self) -> int:
        self.application.ledger.publish(force=True)
        return self.application.ledger.size

    def cosign(self, size: int, *names: str, at_us: int | None = None) -> None:
        """Let witnesses cosign the checkpoint of a size."""
        at_us = now_us() if at_us is None else at_us
        with self.application._store.write() as transaction:
            note = parse_note(transaction.checkpoint(size) or b"")
            for name in names:
                line = cosign(note.text, name, KEYS[name], at_us // 1_000_000)
                text = encode_signature_lines([line]).decode().rstrip("\n")
                key_hash = cosigner(name, KEYS[name]).key_hash
                transaction.store_cosignature(CosignatureRow(size, name, key_hash, text, at_us))

    def verdict(self, **changes: Any) -> Verdict:
        """The verdict about the item's bundle, the same in both forms, and the status proof's with it."""
        trust = msgspec.structs.replace(self.application.trust, **changes)
        bundle = self.application.reads.bundle(self.code)
        verdict = verify_bundle(encode_bundle_text(bundle), trust, now_us=now_us())
        assert verify_bundle(encode_bundle_compact(bundle), trust, now_us=now_us()) == verdict
        status = encode_status_compact(self.application.reads.status(self.code))
        assert verify_status(status, trust, now_us=now_us()).count == verdict.count
        return verdict


def watched(folder: Path, **changes: Any) -> Any:
    """A ledger under the policy."""
    file = folder / "policy.txt"
    file.write_text(policy())
    seeded = seed_ledger(folder / "ledger", policy=file, mirrors=("mirror.example",), **changes)
    return seeded, open_application(seeded.settings)


@pytest.fixture
def ledger(tmp_path: Path) -> Any:
    seeded, application = watched(tmp_path)
    yield Watched(seeded, application)
    application.close()


def test_a_mirrors_cosignature_makes_it_complete_and_current(ledger: Watched) -> None:
    size = ledger.look()
    ledger.cosign(size, "witness.example", "mirror.example")
    verdict = ledger.verdict()
    assert (verdict.complete.value, verdict.current.value, verdict.size) == ("yes", "as_of", size)
    assert "mirror.example" in verdict.complete.en
    assert "mirror" not in {gap.code for gap in verdict.not_checked}


def test_proofs_stay_with_the_newest_tree_that_the_policy_accepts(ledger: Watched) -> None:
    first = ledger.look()
    ledger.cosign(first, "witness.example", "mirror.example")
    last = [ledger.look() for _ in range(5)][-1]
    ledger.cosign(last, "witness.example")
    verdict = ledger.verdict()
    assert (verdict.size, verdict.count) == (first, 2)
    ledger.cosign(last, "mirror.example")
    verdict = ledger.verdict()
    assert (verdict.size, verdict.count) == (last, 7)


def test_lines_of_strangers_never_travel_in_a_proof(ledger: Watched) -> None:
    size = ledger.look()
    ledger.cosign(size, "witness.example", "stranger.example", "mirror.example")
    assert [one.name for one in ledger.verdict().cosigners] == ["mirror.example", "witness.example"]
    names = [line.name for line in ledger.application.reads.bundle(ledger.code).note.signatures]
    assert "stranger.example" not in names


def test_without_its_quorum_a_proof_is_given_and_refused_by_who_asks_for_it(ledger: Watched) -> None:
    ledger.look()
    with pytest.raises(PolicyUnmetError):
        ledger.verdict()
    assert ledger.verdict(policy=None, mirrors=()).complete.value == "as_operator_states"


def test_an_old_proof_is_refused_where_an_age_is_asked_for(ledger: Watched) -> None:
    size = ledger.look()
    ledger.cosign(size, "witness.example", "mirror.example", at_us=now_us() - 7_200_000_000)
    assert ledger.verdict(max_age_s=86_400).size == size
    with pytest.raises(ProofStaleError):
        ledger.verdict(max_age_s=3600)


def test_a_mirror_whose_clock_is_ahead_makes_no_proof_newer_nor_an_absence(ledger: Watched) -> None:
    size = ledger.look()
    ledger.cosign(size, "witness.example", "mirror.example", at_us=now_us() + 864_000_000_000)
    verdict = ledger.verdict(max_age_s=3600)
    assert (verdict.complete.value, verdict.as_of_us) == ("as_operator_states", verdict.log_time_us)
    assert {"mirror", "mirror-clock"} <= {gap.code for gap in verdict.not_checked}
    trust, data = ledger.application.trust, encode_absence(ledger.application.reads.absence("batch:NEVER"))
    absent, timeless = verify_absence(data, trust, now_us=now_us()), verify_absence(data, trust)
    assert (absent.mirrors, timeless.mirrors) == ((), ("mirror.example",))
    assert (absent.as_of_us, timeless.as_of_us > now_us()) == (verdict.log_time_us, True)
    assert "after the clock here" in absent.en
    assert "晚于本机时间" in absent.zh
    late = msgspec.structs.replace(trust, max_age_s=3600)
    with pytest.raises(ProofStaleError):
        verify_absence(data, late, now_us=verdict.log_time_us + 3_600_000_001)


def test_where_witnesses_are_required_no_proof_goes_out_without_them(tmp_path: Path) -> None:
    seeded, application = watched(tmp_path, witness_mode="required")
    try:
        ledger = Watched(seeded, application)
        size = ledger.look()
        with pytest.raises(CheckpointMissingError):
            application.reads.bundle(ledger.code)
        ledger.cosign(size, "witness.example", "mirror.example")
        assert ledger.verdict().size == size
    finally:
        application.close()
