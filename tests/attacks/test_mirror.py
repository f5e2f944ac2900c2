"""What a lying log shows to a mirror: each lie ends in its own named error, and what is signed twice is kept."""

import json

import msgspec
import pytest

from chemtrace.adapters import witness_state
from chemtrace.adapters.http import log_client
from chemtrace.core.canonical import encode_canonical
from chemtrace.core.checkpoint import verify_checkpoint
from chemtrace.core.epoch import epoch_entry
from chemtrace.core.errors import (
    AdmissionBrokenError,
    ChainBrokenError,
    EpochBrokenError,
    LogTruncatedError,
    MapBrokenError,
    PrevBrokenError,
    RollbackError,
    ServerAnswerError,
    SignerBrokenError,
    SplitViewError,
    TreeBrokenError,
)
from chemtrace.core.tiles import encode_bundle
from tests.attacks.double import Double, Watch
from tests.honest_log import MAKER, USER, City, Log, amount, fixed_key, item, key_facts


def test_an_honest_log_of_every_kind_is_recomputed_without_fault(tmp_path):
    city = City()
    watch = Watch(tmp_path / "city", city.log)
    assert city.log.size == watch.follow(Double(city.log))
    assert () == watch.state.evidence()
    watch.close()


def test_payloads_of_the_authority_too_many_for_one_answer_are_asked_for_in_halves(
    double, watch, monkeypatch
):
    monkeypatch.setattr(log_client, "MAX_PAYLOADS_BYTES", 1400)
    assert double.log.size == watch.follow(double)


def test_payloads_of_the_authority_are_asked_for_on_where_an_answer_ended_early(double, watch):
    double.answer_bytes = 1
    assert double.log.size == watch.follow(double)


@pytest.mark.parametrize(
    "told", [b'{"next":0}', b'{"next":-1}', b'{"next":9999}', b'{"next":"2"}', b'{"next":3']
)
def test_a_log_that_sends_its_reader_in_circles_is_not_followed(double, watch, told):
    double.instead["/log/registry"] = told + b"\n"
    with pytest.raises(ServerAnswerError):
        watch.follow(double)


def test_a_payload_too_large_for_any_answer_ends_the_asking(double, watch, monkeypatch):
    monkeypatch.setattr(log_client, "MAX_PAYLOADS_BYTES", 10)
    with pytest.raises(ServerAnswerError):
        watch.follow(double)


# ------------------------------------------------------------------ two histories, smaller ones, missing ones


def told_two_stories(double):
    """Two logs of one size that differ in one drum."""
    other = double.clone()
    double.tell("produce/make", item(10))
    double.log.epoch()
    other.tell("produce/make", item(11))
    other.log.epoch()
    return double, other


def test_two_histories_of_one_size_are_a_split_view(double, watch):
    first, second = told_two_stories(double)
    watch.follow(first)
    with pytest.raises(SplitViewError):
        watch.follow(second)


def test_a_second_history_that_grew_on_is_a_split_view(double, watch):
    first, second = told_two_stories(double)
    watch.follow(first)
    second.tell("produce/make", item(12))
    second.log.epoch()
    with pytest.raises(SplitViewError):
        watch.follow(second)


def test_a_shorter_second_history_is_a_split_view(double, watch):
    first, second = told_two_stories(double)
    first.tell("produce/make", item(12))
    first.log.epoch()
    watch.follow(first)
    with pytest.raises(SplitViewError):
        watch.follow(second)


def test_both_checkpoints_of_a_split_view_are_kept_and_prove_it_to_anybody(double, watch):
    first, second = told_two_stories(double)
    watch.follow(first)
    with pytest.raises(SplitViewError):
        watch.follow(second)
    (evidence,) = watch.state.evidence()
    keys = [double.log.trust().log_verifier]
    one, _ = verify_checkpoint(evidence.first_note, double.log.origin, keys)
    two, _ = verify_checkpoint(evidence.second_note, double.log.origin, keys)
    assert one.size == two.size
    assert one.root != two.root


def test_a_log_that_split_is_never_followed_again(double, watch):
    first, second = told_two_stories(double)
    watch.follow(first)
    with pytest.raises(SplitViewError):
        watch.follow(second)
    first.log.epoch()
    with pytest.raises(SplitViewError):
        watch.follow(first)
    assert 1 == len(watch.state.evidence())


def test_a_flood_of_evidence_leaves_room_for_a_split_view(double, watch, monkeypatch):
    monkeypatch.setattr(witness_state, "MAX_EVIDENCE", 3)
    first, second = told_two_stories(double)
    watch.follow(first)
    for _ in range(5):
        flood = first.clone()
        for _ in range(len(watch.state.evidence()) + 1):
            flood.log.epoch()
        flood.instead[f"/log/tile/entries/000.p/{flood.log.size}"] = None
        with pytest.raises(LogTruncatedError):
            watch.follow(flood)
    second.log.epoch()
    for _ in range(9):
        second.log.epoch()
    with pytest.raises(SplitViewError):
        watch.follow(second)
    assert ["evidence.truncated"] * 3 + ["evidence.split-view"] == [
        one.code for one in watch.state.evidence()
    ]
    for _ in range(12):
        first.log.epoch()
    with pytest.raises(SplitViewError):
        watch.follow(first)


def test_an_older_checkpoint_than_was_shown_before_is_a_rollback(double, watch):
    older = double.clone()
    double.log.epoch()
    watch.follow(double)
    with pytest.raises(RollbackError):
        watch.follow(older)


def test_a_rollback_is_seen_after_a_restart_too(tmp_path, double):
    older = double.clone()
    double.log.epoch()
    before = Watch(tmp_path / "mirror", double.log)
    before.follow(double)
    before.close()
    after = Watch(tmp_path / "mirror", double.log)
    with pytest.raises(RollbackError):
        after.follow(older)
    after.close()


@pytest.mark.parametrize("path", ["entries", "0"])
def test_what_a_checkpoint_covers_and_the_log_does_not_give_is_a_truncation(double, watch, path):
    watch.follow(double)
    double.tell("produce/make", item(10))
    double.log.epoch()
    double.instead[f"/log/tile/{path}/000.p/{double.log.size}"] = None
    with pytest.raises(LogTruncatedError):
        watch.follow(double)


def test_a_bundle_with_fewer_entries_is_a_truncation(double, watch):
    path = f"/log/tile/entries/000.p/{double.log.size}"
    double.instead[path] = encode_bundle(double.log.bodies[:-1])
    with pytest.raises(LogTruncatedError):
        watch.follow(double)


def test_a_payload_of_the_authority_that_is_withheld_is_a_truncation(double, watch):
    double.instead["/log/registry"] = b""
    with pytest.raises(LogTruncatedError):
        watch.follow(double)


# ------------------------------------------------------------------ entries


def test_an_entry_edited_after_it_was_signed_is_not_of_the_tree(double, watch):
    bodies = [*double.log.bodies]
    bodies[-2] = bodies[-2][:-1] + bytes([bodies[-2][-1] ^ 1])
    double.instead[f"/log/tile/entries/000.p/{double.log.size}"] = encode_bundle(bodies)
    with pytest.raises(TreeBrokenError):
        watch.follow(double)


def test_two_entries_exchanged_are_not_of_the_tree(double, watch):
    bodies = [*double.log.bodies]
    bodies[-2], bodies[-3] = bodies[-3], bodies[-2]
    double.instead[f"/log/tile/entries/000.p/{double.log.size}"] = encode_bundle(bodies)
    with pytest.raises(TreeBrokenError):
        watch.follow(double)


def test_tiles_that_are_not_of_the_signed_tree_prove_nothing_and_are_named(double, watch):
    watch.follow(double)
    double.tell("produce/make", item(10))
    double.log.epoch()
    double.instead[f"/log/tile/0/000.p/{double.log.size}"] = bytes(32 * double.log.size)
    with pytest.raises(TreeBrokenError):
        watch.follow(double)
    assert {"evidence.tree"} == {one.code for one in watch.state.evidence()}


def refused(watch, double, error, reason):
    with pytest.raises(error) as raised:
        watch.follow(double)
    assert reason == raised.value.fields["reason"]


def test_an_item_under_a_second_spelling_of_its_code_should_not_be_there(double, watch):
    code = item(1).lower()
    double.log.tell("use/consume", [code], {"items": [amount(code)]}, by=double.maker, enterprise=MAKER)
    double.log.epoch()
    refused(watch, double, AdmissionBrokenError, "code.format")


def test_events_in_another_order_than_they_were_signed_in_break_prev(double, watch):
    log, code = double.log, item(1)
    head = dict(log.heads)
    first = double.tell("store/in", code)
    middle = log.heads[code]
    second = double.tell("store/out", code)
    for index, body, payload in (
        (first, log.bodies[second], log.payloads[second]),
        (second, log.bodies[first], log.payloads[first]),
    ):
        log.bodies[index], log.payloads[index] = body, payload
    assert middle != head[code]
    log.epoch()
    refused(watch, double, PrevBrokenError, "prev.unknown")


def test_a_sale_told_late_breaks_prev_though_its_predecessor_is_known(double, watch):
    code = item(1)
    before = double.log.heads[code]
    double.tell("store/in", code)
    double.tell("trade/sell", code, subjects=[{"id": code, "prev": before}])
    double.log.epoch()
    refused(watch, double, PrevBrokenError, "prev.stale")


def test_an_event_that_stands_in_the_log_twice_should_not(double, watch):
    log = double.log
    again = next(index for index, body in enumerate(log.bodies) if item(1).encode() in body)
    log.bodies.append(log.bodies[again])
    log.named[item(1)].append(log.size - 1)
    log.epoch()
    refused(watch, double, AdmissionBrokenError, "event.twice")


def test_a_key_that_signs_before_its_registration_is_named(double, watch):
    early = fixed_key("early")
    double.log.tell("produce/make", [item(9)], {"items": [amount(item(9))]}, by=early, enterprise=MAKER)
    double.log.register(early, MAKER)
    double.log.epoch()
    refused(watch, double, SignerBrokenError, "key.unknown")


def test_a_key_that_signs_after_it_was_compromised_is_named(double, watch):
    double.log.end(double.maker, MAKER, "compromised")
    double.tell("produce/make", item(9))
    double.log.epoch()
    refused(watch, double, SignerBrokenError, "key.revoked")


def test_a_key_that_signs_for_another_enterprise_is_named(double, watch):
    double.log.enterprise(USER, "User")
    double.log.tell("use/consume", [item(1)], {"items": [amount(item(1))]}, by=double.maker, enterprise=USER)
    double.log.epoch()
    refused(watch, double, SignerBrokenError, "key.foreign")


def test_a_signature_that_the_log_made_up_is_named(double, watch):
    log, index = double.log, double.tell("produce/make", item(9))
    log.bodies[index] = log.bodies[index][:-64] + bytes(64)
    log.epoch()
    refused(watch, double, SignerBrokenError, "signature.invalid")


def test_another_authority_than_the_pinned_one_is_named(double, watch, tmp_path):
    usurper = Double(Log("usurper"))
    usurper.log.log_key = double.log.log_key
    usurper.log.found()
    refused(watch, usurper, SignerBrokenError, "signature.count")


def test_a_payload_of_the_authority_exchanged_for_another_is_named(double, watch):
    index = next(iter(double.log.named[f"enterprise:{MAKER}"]))
    payload = json.loads(double.log.payloads[index])
    double.log.payloads[index] = encode_canonical({**payload, "name_en": "Mallory"})
    refused(watch, double, AdmissionBrokenError, "payload.digest-mismatch")


def test_a_key_ended_in_the_history_of_another_key_should_not_be_there(double, watch):
    facts = key_facts(double.maker, MAKER, "enterprise")
    double.log.rule("key/compromised", [f"key:{double.log.recovery.kid.hex()}"], facts)
    double.log.epoch()
    refused(watch, double, AdmissionBrokenError, "subject.invalid")


# ------------------------------------------------------------------ epochs


def test_an_event_left_out_of_an_items_history_breaks_the_map(double, watch):
    double.tell("store/in", item(1))
    hidden = double.log.named[item(1)].pop()
    root = double.log.map_root(double.log.size)
    double.log.named[item(1)].append(hidden)
    double.log.epoch(map_root=root)
    with pytest.raises(MapBrokenError):
        watch.follow(double)


def test_a_map_that_is_not_there_any_more_is_broken(double, watch):
    double.log.tell("store/in", [item(1)], {"items": []}, by=double.maker, enterprise=MAKER)
    double.log.epoch()
    last = max(double.log.records)
    record = double.log.records[last]
    double.log.bodies[last] = epoch_entry(msgspec.structs.replace(record, map_root=None))
    with pytest.raises(MapBrokenError):
        watch.follow(double)


@pytest.mark.parametrize(
    ("lie", "error"),
    [
        ({"chain": "0" * 64}, ChainBrokenError),
        ({"number": 7}, EpochBrokenError),
        ({"subjects": 1}, EpochBrokenError),
        ({"log_time": "2026-01-01T00:00:00Z"}, EpochBrokenError),
        ({"previous": 1}, EpochBrokenError),
        ({"first": 1}, EpochBrokenError),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_an_epoch_that_says_other_than_the_entries_is_named(double, watch, lie, error):
    double.tell("store/in", item(1))
    double.log.epoch(**lie)
    with pytest.raises(error):
        watch.follow(double)


def test_a_checkpoint_that_does_not_stand_right_behind_an_epoch_is_named(double, watch):
    double.tell("store/in", item(1))
    with pytest.raises(EpochBrokenError):
        watch.follow(double)


def test_nothing_is_kept_of_a_run_with_a_fault_in_it(double, watch):
    before = watch.follow(double)
    double.tell("store/in", item(1))
    double.log.epoch(map_root=bytes(32))
    for _ in range(2):
        with pytest.raises(MapBrokenError):
            watch.follow(double)
    assert before == watch.store.position().size


def test_a_log_time_that_runs_ahead_of_all_clocks_is_named(double, watch):
    double.tell("store/in", item(1))
    double.log.epoch(log_time="2036-01-01T00:00:00Z")
    with pytest.raises(EpochBrokenError) as raised:
        watch.follow(double)
    assert "log_time" == raised.value.fields["field"]
