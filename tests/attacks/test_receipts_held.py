"""What a log hides from everybody, having signed a receipt for it, is shown by the receipt."""

import json
from contextlib import contextmanager

import pytest

from chemtrace.bootstrap.monitoring import load_receipts, opened_monitor
from chemtrace.core.entry import leaf_hash
from chemtrace.core.errors import SettingError
from chemtrace.core.receipt import Receipt, encode_signed_receipt, sign_receipt
from chemtrace.core.times import format_utc
from tests.attacks.double import FixedClock
from tests.honest_log import MAKER, MINUTE_US, fixed_key, item


def signed(double, index: int, *, leaf: bytes | None = None, by="receipts", due_us: int = MINUTE_US) -> bytes:
    """A receipt for what will stand at `index`, or for a leaf that never will."""
    log = double.log
    receipt = Receipt(
        event="ab" * 32, findings=(), index=index, late=False, leaf=(leaf or bytes(32)).hex(), origin=log.origin,
        received=format_utc(log.now_us), publish_by=format_utc(log.now_us + due_us),
    )  # fmt: skip
    return encode_signed_receipt(sign_receipt(receipt, fixed_key(by)))


@pytest.fixture
def holding(tmp_path):
    @contextmanager
    def over(double, *receipts: bytes):
        with opened_monitor(
            tmp_path / "monitor", url="http://double.test", trust=double.log.trust(), token=None, enterprise=MAKER,
            keys=[double.maker.public], clock=FixedClock(), transport=double.transport, receipts=lambda: receipts,
        ) as monitor:  # fmt: skip
            yield monitor

    return over


def look(monitor) -> tuple[list[str], int, int]:
    found = monitor.look()
    return [error.code for error in found.findings], found.promises.kept, found.promises.open


def test_a_receipt_whose_entry_stands_in_the_log_is_kept(double, holding):
    index = double.tell("store/in", item(1))
    double.log.epoch()
    receipt = signed(double, index, leaf=leaf_hash(double.log.bodies[index]))
    with holding(double, receipt) as monitor:
        assert ([], 1, 0) == look(monitor)
        assert ([], 1, 0) == look(monitor)


def test_an_event_that_was_never_entered_is_missed_by_its_receipt_and_told_once(double, holding):
    receipt = signed(double, double.log.size)
    double.tell("store/in", item(1))
    double.log.epoch()
    with holding(double, receipt) as monitor:
        assert (["evidence.promise"], 0, 0) == look(monitor)
        double.log.epoch()
        assert (["evidence.promise"], 0, 0) == look(monitor)
        assert 1 == len(monitor.standing())


def test_an_entry_that_is_not_due_is_waited_for(double, holding):
    receipt = signed(double, double.log.size, due_us=60 * MINUTE_US)
    with holding(double, receipt) as monitor:
        assert ([], 0, 1) == look(monitor)


def test_an_entry_that_is_not_there_when_it_is_due_is_a_broken_promise(double, holding):
    receipt = signed(double, double.log.size + 5)
    double.log.now_us += 2 * MINUTE_US
    double.log.epoch()
    with holding(double, receipt) as monitor:
        assert (["evidence.promise"], 0, 0) == look(monitor)


def test_a_receipt_that_the_log_has_not_signed_accuses_nobody(double, holding):
    whole = json.loads(signed(double, double.log.size))
    forged = json.dumps({**whole, "signature": "A" * 86}).encode()
    double.log.epoch()
    with holding(double, forged) as monitor:
        assert (["signature.invalid"], 0, 0) == look(monitor)
    strangers = [signed(double, 5, by="stranger"), signed(double, 6, by="stranger")]
    with holding(double, *strangers) as monitor:
        assert (["evidence.truncated"], 0, 2) == look(monitor), "asked for once, and told once"


def test_a_key_of_another_role_signs_no_receipts(double, holding):
    receipt = signed(double, double.log.size, by="double maker")
    double.log.epoch()
    with holding(double, receipt) as monitor:
        assert (["key.unknown"], 0, 1) == look(monitor)


def test_false_tiles_prove_nothing_of_a_receipt(double, holding):
    index = double.tell("store/in", item(1))
    double.log.epoch()
    receipt = signed(double, index, leaf=leaf_hash(double.log.bodies[index]))
    with holding(double, receipt) as monitor:
        monitor.look()
    size = double.log.size
    tile = bytearray(double.tile(0, 0, size))
    tile[32 * index] ^= 1
    double.instead[f"/log/tile/0/000.p/{size}"] = bytes(tile)
    with holding(double, receipt) as monitor:
        found, kept, _ = look(monitor)
        assert 0 == kept
        assert "evidence.promise" not in found
        assert found


def test_receipts_are_read_from_answers_one_behind_another(double, tmp_path):
    one, other = signed(double, 5), signed(double, 6)
    answers = [
        {"admitted": True, "receipt": json.loads(one)},
        {"admitted": False, "problem": {"code": "item.unknown"}},
        {"status": 201, **json.loads(other)},
    ]
    file = tmp_path / "receipts.json"
    file.write_text(
        json.dumps(answers[0], indent=2) + "\n" + json.dumps(answers[1]) + json.dumps(answers[2]) + "\n\n"
    )
    assert [json.loads(one), json.loads(other)] == [json.loads(data) for data in load_receipts([file])]


@pytest.mark.parametrize(
    "text",
    ["[]", "{", "x", '{"kid": "0", "request": "r"}', '{"receipt": "!"}', '{"receipt": {"kid": 5}}', "\udcff"],
)
def test_a_file_that_holds_no_receipts_is_named(tmp_path, text):
    file = tmp_path / "receipts.json"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(SettingError, match="receipts"):
        load_receipts([file])
    with pytest.raises(SettingError, match="nowhere"):
        load_receipts([tmp_path / "nowhere.json"])
