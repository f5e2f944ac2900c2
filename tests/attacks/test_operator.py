"""What an operator can try against witnesses, its own vault and a receipt: each ends in its own named error."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from chemtrace.adapters.keys.vault import FileVault
from chemtrace.core.add_checkpoint import AddCheckpoint, encode_add_checkpoint
from chemtrace.core.entry import leaf_hash
from chemtrace.core.epoch import encode_epoch
from chemtrace.core.errors import (
    CheckpointForkError,
    MapBrokenError,
    PromiseBrokenError,
    SplitViewError,
    WitnessConflictError,
    WitnessProofError,
    WitnessUntrustedError,
)
from chemtrace.core.merkle import consistency_path
from chemtrace.core.promise import PlacedEpoch, PlacedLeaf, verify_promise
from chemtrace.core.receipt import Receipt, encode_signed_receipt, sign_receipt
from chemtrace.core.times import format_utc
from chemtrace.ledger.witness import Witness
from tests.attacks.double import Double, FixedClock, Watch
from tests.honest_log import MINUTE_US, fixed_key, item


def request(double: Double, old_size: int = 0) -> bytes:
    path = consistency_path(old_size, double.log.size, double.log._tree().node) if old_size else ()
    return encode_add_checkpoint(AddCheckpoint(old_size, tuple(path), double.log.note()))


# ------------------------------------------------------------------ towards witnesses


@pytest.fixture
def witness(tmp_path: Path, double: Double):
    """A witness that recomputes nothing."""
    watch = Watch(tmp_path / "witness", double.log)
    yield Witness(
        name="witness.test",
        keys=[watch.key],
        logs=[double.log.trust().log_verifier],
        state=watch.state,
        clock=FixedClock(),
    )
    watch.close()


def test_a_witness_shown_two_trees_of_one_size_keeps_both_notes(double, witness):
    other = double.clone()
    for log, drum in ((double, 10), (other, 11)):
        log.tell("produce/make", item(drum))
        log.log.epoch()
    witness.add_checkpoint(request(double))
    with pytest.raises(SplitViewError):
        witness.add_checkpoint(request(other, double.log.size))
    (kept,) = witness.evidence()
    assert kept.first_note != kept.second_note


def test_a_witness_does_not_follow_a_history_that_left_the_one_it_knows(double, witness):
    other = double.clone()
    double.tell("produce/make", item(10))
    double.log.epoch()
    witness.add_checkpoint(request(double))
    for drum in (11, 12):
        other.tell("produce/make", item(drum))
        other.log.epoch()
    with pytest.raises(WitnessProofError):
        witness.add_checkpoint(request(other, double.log.size))


def test_a_witness_does_not_go_back(double, witness):
    older = double.clone()
    double.log.epoch()
    witness.add_checkpoint(request(double))
    with pytest.raises(WitnessConflictError) as raised:
        witness.add_checkpoint(request(older))
    assert double.log.size == raised.value.fields["expected"]


def test_a_witness_takes_no_checkpoint_of_another_key(double, witness):
    double.log.log_key = fixed_key("somebody")
    with pytest.raises(WitnessUntrustedError):
        witness.add_checkpoint(request(double))


def test_a_mirror_asked_to_cosign_a_broken_map_refuses_and_a_witness_cannot_know(double, witness, watch):
    double.log.epoch(map_root=bytes(32))
    assert witness.add_checkpoint(request(double))
    with watch.over(double) as (_, mirror), pytest.raises(MapBrokenError):
        mirror.add_checkpoint(request(double))
    assert watch.state.kept(double.log.origin) is None


def test_a_mirror_asked_to_cosign_another_tree_than_it_recomputed_refuses(double, watch):
    watch.follow(double)
    other = double.clone()
    other.log.bodies.pop()
    other.log.records.pop(max(other.log.records))
    other.tell("produce/make", item(11))
    other.log.epoch()
    other.log.bodies.pop(-3)
    assert other.log.size == double.log.size
    with watch.over(other) as (_, mirror), pytest.raises(SplitViewError):
        mirror.add_checkpoint(request(other))


# ------------------------------------------------------------------ its own vault, its own receipts


def test_a_leader_that_woke_up_late_cannot_sign_another_tree(double, tmp_path):
    stale = double.clone()
    vault = FileVault(double.log.log_key, tmp_path / "vault" / "log.vault")

    def publish(log: Double) -> bytes:
        last = vault.last_signed()
        tree = log.log._tree()
        path = consistency_path(last[0], tree.size, tree.node) if last and last[0] < tree.size else ()
        return vault.sign(origin=log.log.origin, size=tree.size, root=tree.root(), path=path)

    publish(stale)
    double.tell("store/in", item(1))
    double.log.epoch()
    publish(double)
    for drum, _ in itertools.product((10, 11), range(1)):
        stale.tell("produce/make", item(drum))
        stale.log.epoch()
        with pytest.raises(CheckpointForkError):
            publish(stale)


def test_a_promise_that_the_log_does_not_keep_is_proved_by_the_receipt(double):
    log = double.log
    receipt = Receipt(
        event="ab" * 32, findings=(), index=log.size, late=False, leaf="cd" * 32, origin=log.origin,
        received=format_utc(log.now_us), publish_by=format_utc(log.now_us + MINUTE_US),
    )  # fmt: skip
    double.tell("produce/make", item(10))
    log.epoch()
    leaf = PlacedLeaf(leaf_hash(log.bodies[receipt.index]), log.path(receipt.index))
    epoch = PlacedEpoch(log.size - 1, encode_epoch(log.records[log.size - 1]), log.path(log.size - 1))
    key = fixed_key("receipts")
    with pytest.raises(PromiseBrokenError):
        verify_promise(
            encode_signed_receipt(sign_receipt(receipt, key)),
            key.public,
            log.checkpoint(),
            epochs=[epoch],
            leaf=leaf,
        )
