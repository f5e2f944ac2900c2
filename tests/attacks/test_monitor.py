"""What a lying log shows to the enterprise that watches it: nothing in its name, nothing of its own hidden."""

import json
from contextlib import contextmanager

import msgspec
import pytest

from chemtrace.adapters import monitor_state
from chemtrace.adapters.http.log_client import HTTPLog
from chemtrace.bootstrap.monitoring import opened_monitor
from chemtrace.core.bundle.text import encode_bundle_text
from chemtrace.core.errors import LogTruncatedError, RollbackError, ServerUnavailableError, SplitViewError
from chemtrace.mirror import fetch
from tests.attacks.double import FixedClock
from tests.honest_log import MAKER, Witness, amount, fixed_key, item


@pytest.fixture
def watching(tmp_path):
    @contextmanager
    def over(double, **changes):
        trust = double.log.trust()
        with opened_monitor(
            tmp_path / "monitor", url="http://double.test", trust=trust, token=None, enterprise=MAKER,
            keys=[double.maker.public], clock=FixedClock(), transport=double.transport, **changes,
        ) as monitor:  # fmt: skip
            yield monitor

    return over


def codes(found) -> list[str]:
    return [error.code for error in found.findings]


def test_an_honest_log_contradicts_nothing_and_every_history_is_proved(double, watching):
    with watching(double) as monitor:
        first = monitor.look()
        assert ([], 3, 3) == (codes(first), first.new_events, first.proved)
        double.tell("store/in", item(1))
        double.log.epoch()
        second = monitor.look()
        assert ([], 1, 1) == (codes(second), second.new_events, second.proved)


def test_a_monitor_goes_on_where_it_stopped(double, watching):
    with watching(double) as monitor:
        monitor.look()
    double.tell("store/in", item(1))
    double.log.epoch()
    with watching(double) as monitor:
        assert 1 == monitor.look().new_events


def test_an_event_that_another_key_signs_in_the_enterprises_name_is_foreign(double, watching):
    stranger = fixed_key("stranger")
    double.log.register(stranger, MAKER)
    double.log.tell("produce/make", [item(9)], {"items": [amount(item(9))]}, by=stranger, enterprise=MAKER)
    double.log.epoch()
    with watching(double) as monitor:
        found = monitor.look()
    assert ["evidence.foreign-event"] * 2 == codes(found)
    assert ["produce/make", "key/register"] == [error.fields["kind"] for error in found.findings]


def test_an_event_with_the_enterprises_key_and_a_made_up_signature_is_foreign(double, watching):
    index = double.tell("produce/make", item(9))
    double.log.bodies[index] = double.log.bodies[index][:-64] + bytes(64)
    double.log.epoch()
    with watching(double) as monitor:
        found = monitor.look()
    assert "signature.invalid" == found.findings[0].fields["reason"]


def test_an_own_event_left_out_of_the_map_is_missed_in_its_history(double, watching):
    log, code = double.log, item(1)
    index = double.tell("store/in", code)
    log.named[code].remove(index)
    log.epoch()
    with watching(double) as monitor:
        found = monitor.look()
        assert ["bundle.event-omitted"] == codes(found)
        assert index == found.findings[0].fields["index"]
        assert ["bundle.event-omitted"] == codes(monitor.look())


def test_a_history_shown_without_one_of_its_events_is_refused(double, watching):
    double.tell("store/in", item(1))
    double.log.epoch()
    hidden = double.clone()
    bundle = hidden.log.bundle(item(1))
    section = bundle.sections[0]
    shorter = msgspec.structs.replace(section, entries=section.entries[:-1])
    bundle = msgspec.structs.replace(bundle, sections=(shorter, *bundle.sections[1:]))
    double.instead[f"/v1/subjects/{item(1)}/bundle"] = encode_bundle_text(bundle)
    with watching(double) as monitor:
        assert ["bundle.subject-root"] == codes(monitor.look())


def test_a_history_that_the_log_does_not_give_is_a_truncation(double, watching):
    double.instead[f"/v1/subjects/{item(1)}/bundle"] = None
    with watching(double) as monitor:
        found = monitor.look()
        assert (["evidence.truncated"], 2) == (codes(found), found.proved)
        double.instead.clear()
        assert ([], 1) == (codes(monitor.look()), 1)


def test_content_that_is_gone_without_an_entry_that_says_why_is_named(double, watching):
    bundle = double.log.bundle(item(1), hide=lambda _: True)
    double.instead[f"/v1/subjects/{item(1)}/bundle"] = encode_bundle_text(bundle)
    with watching(double) as monitor:
        assert ["evidence.erasure"] == codes(monitor.look())


def test_two_histories_are_kept_as_evidence_and_never_healed(double, watching, tmp_path):
    other = double.clone()
    double.log.epoch()
    other.tell("produce/make", item(9))
    other.log.epoch()
    with watching(double) as monitor:
        monitor.look()
    with watching(other) as monitor, pytest.raises(SplitViewError):
        monitor.look()
    (file,) = (tmp_path / "monitor" / "evidence").glob("evidence.split-view-*.json")
    kept = json.loads(file.read_text())
    assert kept["first_note"] != kept["second_note"]
    with watching(double) as monitor, pytest.raises(SplitViewError):
        monitor.look()


def test_a_smaller_tree_than_was_shown_before_is_a_rollback(double, watching):
    older = double.clone()
    double.log.epoch()
    with watching(double) as monitor:
        monitor.look()
    with watching(older) as monitor, pytest.raises(RollbackError):
        monitor.look()


def test_a_checkpoint_without_the_cosignatures_of_the_policy_is_named(double, watching, tmp_path):
    trust = double.log.trust([Witness("one")])
    with opened_monitor(
        tmp_path / "strict", url="http://double.test", trust=trust, token=None, enterprise=MAKER,
        keys=[double.maker.public], clock=FixedClock(), transport=double.transport,
    ) as monitor:  # fmt: skip
        assert {"policy.unmet"} == set(codes(monitor.look()))


# ------------------------------------------------------------------ what a log may try to make a monitor forget


def told_of_two(double, log):
    """An event that names two drums, left out of the history of the first."""
    index = log.tell(
        "store/in", [item(1), item(2)], {"items": [amount(item(1)), amount(item(2))]},
        by=double.maker, enterprise=MAKER,
    )  # fmt: skip
    log.named[item(1)].remove(index)
    log.epoch()
    return index


def test_the_history_of_another_drum_does_not_prove_this_one_whole(double, watching):
    with watching(double) as monitor:
        monitor.look()
    told_of_two(double, double.log)
    double.instead[f"/v1/subjects/{item(1)}/bundle"] = encode_bundle_text(double.log.bundle(item(2)))
    with watching(double) as monitor:
        found = monitor.look()
    assert ["bundle.format"] == codes(found)
    assert (item(1), item(2)) == (found.findings[0].fields["expected"], found.findings[0].fields["found"])


def test_a_proof_from_before_an_event_does_not_hide_it(double, watching):
    double.instead[f"/v1/subjects/{item(1)}/bundle"] = encode_bundle_text(double.log.bundle(item(1)))
    with watching(double) as monitor:
        monitor.look()
    index = double.tell("store/in", item(1))
    double.log.epoch()
    with watching(double) as monitor:
        found = monitor.look()
        assert (["bundle.stale"], 0) == (codes(found), found.proved)
        assert (index, double.log.size) == (
            found.findings[0].fields["index"],
            found.findings[0].fields["size"],
        )
        double.instead.clear()
        assert ([], 1) == (codes(monitor.look()), 1)


def test_what_was_found_outlives_a_log_that_then_breaks_off(double, watching, tmp_path, monkeypatch):
    monkeypatch.setattr(fetch, "RUN", 256)
    index = double.tell("produce/make", item(9))
    double.log.bodies[index] = double.log.bodies[index][:-64] + bytes(64)
    while double.log.size < 256:
        double.log.epoch(map_root=bytes(32))
    double.log.epoch()
    double.instead["/log/tile/entries/001.p/1"] = None
    with watching(double) as monitor, pytest.raises(LogTruncatedError):
        monitor.look()
    assert list((tmp_path / "monitor" / "evidence").glob("evidence.foreign-event-*.json"))


def test_a_flood_of_findings_leaves_room_for_others(double, watching, monkeypatch, tmp_path):
    monkeypatch.setattr(monitor_state, "MAX_EVIDENCE", 3)
    other = double.clone()
    double.instead[f"/v1/subjects/{item(1)}/bundle"] = None
    with watching(double) as monitor:
        for _ in range(5):
            assert ["evidence.truncated"] == codes(monitor.look())
            double.log.epoch()
        monitor.look()
    other.log.now_us += 1
    while other.log.size < double.log.size:
        other.log.epoch()
    with watching(other) as monitor, pytest.raises(SplitViewError):
        monitor.look()
    files = sorted(file.name for file in (tmp_path / "monitor" / "evidence").glob("*.json"))
    assert 3 == len([name for name in files if name.startswith("evidence.truncated-")])
    with watching(double) as monitor, pytest.raises(SplitViewError):
        monitor.look()


def test_a_log_that_stops_answering_does_not_hold_up_a_round_for_long(double, tmp_path, monkeypatch):
    clock = FixedClock()
    asked: list[str] = []

    def stall(_log, subject):
        asked.append(subject)
        clock.now_us = lambda: FixedClock().now_us() + len(asked) * 31_000_000
        raise ServerUnavailableError("the log cannot be reached: ReadTimeout", path="bundle")

    monkeypatch.setattr(HTTPLog, "bundle", stall)
    with opened_monitor(
        tmp_path / "monitor", url="http://double.test", trust=double.log.trust(), token=None, enterprise=MAKER,
        keys=[double.maker.public], clock=clock, transport=double.transport,
    ) as monitor:  # fmt: skip
        found = monitor.look()
        assert (["server.unavailable"] * 2, 2) == (codes(found), len(asked))
        assert not monitor.standing(), "no answer is no evidence"


def test_a_log_that_falls_silent_is_a_finding_kept_once_until_it_speaks_again(double, watching):
    with watching(double, silent_after_s=0) as monitor:
        honest = monitor.look()
        assert [] == codes(honest)
        age_s = honest.age_s
    assert age_s == (FixedClock().now_us() - honest.log_time_us) // 1_000_000
    with watching(double, silent_after_s=age_s + 1) as monitor:
        assert [] == codes(monitor.look())
    with watching(double, silent_after_s=age_s - 1) as monitor:
        assert ["log.silent"] == codes(monitor.look())
        assert ["log.silent"] == codes(monitor.look())
        assert 1 == len(monitor.standing())
