"""Labels drawn and read again, events signed and handed in: at the ledger itself."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.cli.shell import Done, run, run_ok
from tests.cli.town import CARRIER, MAKER, USER, Town


def produce(town: Town, number: int, *more: str) -> Done:
    words = (
        "--kind",
        "produce",
        "--phase",
        "make",
        "--item",
        f"{town.codes[number]}=25KGM",
        "--set",
        "site=WORKS-1",
    )
    return run("submit", "--json", *words, "--key", town.key(MAKER), *more)


def test_a_printed_label_is_read_again_with_a_seal_that_holds(town: Town) -> None:
    code = town.codes[0]
    run_ok("label", code, "--png", "one.png", "--svg", "one.svg", "--zpl", "one.zpl", "--quantity", "25 kg")
    told = json.loads(run_ok("scan", "one.png", "--json").out)
    assert list(told) == ["file", "codes"]
    assert told["file"] == "one.png"
    assert [set(one) for one in told["codes"]] == [{"text", "trace_code", "engine"}]
    assert told["codes"][0]["trace_code"] == code
    assert run_ok("codes", "check", told["codes"][0]["text"], "--json").json["seal"] == "right"
    assert Path("one.svg").read_text(encoding="utf-8").startswith("<svg")
    assert Path("one.zpl").read_text(encoding="ascii").startswith("^XA")


def test_scanning_tells_people_the_code_and_never_the_seal(town: Town) -> None:
    code = town.codes[0]
    run_ok("label", code, "--png", "one.png", "--quantity", "25 kg")
    text = json.loads(run_ok("scan", "one.png", "--json").out)["codes"][0]["text"]
    plain = run_ok("scan", "one.png")
    assert code in plain.out
    assert text[-10:] not in plain.out + plain.err


def test_scanning_goes_on_after_a_bad_file(town: Town) -> None:
    Path("bad.png").write_bytes(b"no picture")
    run_ok("label", town.codes[0], "--png", "one.png", "--quantity", "25 kg")
    done = run("scan", "bad.png", "one.png", "--json")
    lines = [json.loads(line) for line in done.out.splitlines()]
    assert done.code == 1
    assert [line["file"] for line in lines] == ["bad.png", "one.png"]
    assert lines[0]["error"]["code"] == "image.invalid"
    assert lines[1]["codes"][0]["trace_code"] == town.codes[0]


def test_a_label_takes_its_quantity_from_the_ledger(town: Town) -> None:
    done = run("label", town.codes[0], "--png", "one.png", "--json")
    assert (done.code, done.problem["code"]) == (3, "label.invalid")
    assert produce(town, 0).code == 0
    run_ok("label", town.codes[0], "--png", "one.png")


def test_a_sheet_holds_the_labels_of_a_file(town: Town) -> None:
    told = run_ok(
        "label",
        "sheet",
        "--codes",
        "codes.txt",
        "--pdf",
        "s.pdf",
        "--quantity",
        "1 L",
        "--size",
        "bottle",
        "--json",
    )
    assert (told.json["labels"], told.json["pages"]) == (40, 2)


def test_no_label_is_drawn_for_a_code_that_was_never_issued(town: Town) -> None:
    from chemtrace.core.codes import make_code

    other = make_code(kind="P", slot="029", issuer=town.codes[0][7:11], serial="0000000").text
    done = run("label", other, "--png", "x.png", "--quantity", "1 kg", "--json")
    assert (done.code, done.problem["code"]) == (3, "seal.invalid")
    assert not Path("x.png").exists()


# ------------------------------------------------------------------ submitting


def test_an_event_from_options_and_one_from_a_file_are_the_same_kind_of_event(town: Town) -> None:
    assert produce(town, 0).json["admitted"] is True
    payload = {
        "items": [{"code": town.codes[1], "quantity": {"value": "25", "unit": "KGM"}}],
        "site": "WORKS-1",
    }
    Path("p.json").write_text(json.dumps(payload))
    run_ok("submit", "--kind", "produce", "--phase", "make", "--payload", "p.json", "--key", town.key(MAKER))
    items = run_ok("export", "items").out.splitlines()
    assert len(items) == 2


def test_a_receipt_verifies_under_the_registered_receipt_key(town: Town) -> None:
    from chemtrace.bootstrap import open_application
    from chemtrace.config import Settings
    from chemtrace.core.receipt import verify_signed_receipt

    told = produce(town, 0).json
    application = open_application(Settings(data_dir=town.data), read_only=True)
    record = application.registry.books.newest_key("receipt")
    application.close()
    assert record is not None
    receipt = verify_signed_receipt(json.dumps(told["receipt"]).encode(), record.public_key)
    assert (receipt.index, receipt.event) == (told["index"], told["event"])


def test_a_refusal_names_its_rule_and_changes_nothing(town: Town) -> None:
    produce(town, 0)
    done = produce(town, 0)
    assert (done.code, done.problem["code"]) == (3, "item.already-produced")
    assert run_ok("verify", "log", "--json").json["verified"] is True


def test_statements_signed_ahead_are_sent_later_and_only_once(town: Town) -> None:
    for number in range(3):
        assert produce(town, number, "--save", "ahead.ndjson").code == 0
    assert run_ok("export", "items").out == ""
    first = [json.loads(line) for line in run_ok("submit", "ahead.ndjson", "--json").out.splitlines()]
    again = [json.loads(line) for line in run_ok("submit", "ahead.ndjson", "--json").out.splitlines()]
    assert [one["duplicate"] for one in first + again] == [False] * 3 + [True] * 3
    assert [one["receipt"] for one in first] == [one["receipt"] for one in again]


def test_a_bad_line_does_not_keep_the_others_out(town: Town) -> None:
    produce(town, 0, "--save", "a.ndjson")
    produce(town, 1, "--save", "b.ndjson")
    Path("mixed.ndjson").write_bytes(Path("a.ndjson").read_bytes() + b"{}\n" + Path("b.ndjson").read_bytes())
    done = run("submit", "mixed.ndjson", "--json")
    lines = [json.loads(line) for line in done.out.splitlines()]
    assert done.code == 3
    assert [line["admitted"] for line in lines] == [True, False, True]
    assert lines[1]["problem"]["code"] == "wire.invalid"


def test_a_correction_takes_its_subjects_from_the_event_it_names(town: Town) -> None:
    wrong = produce(town, 0).json
    told = run_ok(
        "submit", "--json", "--kind", "correct", "--phase", "done", "--set", f"event={wrong['event']}",
        "--set", "reason=wrong drum", "--key", town.key(MAKER),
    ).json  # fmt: skip
    assert told["admitted"] is True
    assert produce(town, 0).json["admitted"] is True


@pytest.mark.parametrize("algorithm", ["p256", "sm2"])
def test_every_algorithm_signs(town: Town, algorithm: str) -> None:
    run_ok("keys", "new", "--enterprise", MAKER, "--out", "k.pem", "--algorithm", algorithm)
    run_ok("keys", "register", "k.request.json")
    done = run(
        "submit", "--kind", "produce", "--phase", "make", "--item", f"{town.codes[0]}=25KGM",
        "--set", "site=WORKS-1", "--key", "k.pem",
    )  # fmt: skip
    assert done.code == 0, done.err


def test_a_waybill_goes_from_note_to_arrival(town: Town, root: Path) -> None:
    page = (root / "docs" / "howto" / "post-waybills.md").read_text(encoding="utf-8")
    note = json.loads(page.split("```json\n", 1)[1].split("```", 1)[0])
    codes = town.codes[:3]
    note["goods"][0]["codes"] = codes
    from chemtrace.core.times import format_utc
    from scanners.events import now_us

    note["load_at"], note["arrive_by"] = format_utc(now_us()), format_utc(now_us() + 6 * 3_600_000_000)
    Path("waybill.json").write_text(json.dumps(note))
    for number in range(3):
        assert produce(town, number).code == 0
    items = [word for code in codes for word in ("--item", f"{code}=25KGM")]
    run_ok(
        "submit",
        "--kind",
        "waybill",
        "--phase",
        "scheduled",
        "--payload",
        "waybill.json",
        "--key",
        town.key(CARRIER),
    )
    event = (
        "submit",
        "--json",
        *items,
        "--set",
        "waybill=WB-2026-0001",
        "--set",
        "vehicle=京A12345",
        "--kind",
        "transport",
    )
    load = run_ok(
        *event,
        "--phase",
        "load",
        "--set",
        f"counterparty={USER}",
        "--set",
        "site=WORKS-1",
        "--key",
        town.key(MAKER),
    )
    arrive = run_ok(
        *event,
        "--phase",
        "arrive",
        "--set",
        f"counterparty={MAKER}",
        "--set",
        "site=WATER-1",
        "--key",
        town.key(USER),
    )
    assert (load.json["findings"], arrive.json["findings"]) == ([], [])
    assert run_ok("waybill", "show", "WB-2026-0001", "--json").json["state"] == "arrived"
    shown = run_ok("waybill", "show", "WB-2026-0001").out
    facts, _, _ = shown.partition("events / ")
    assert re.search(r"^load_at: \d{4}-\d\d-\d\dT", facts, re.MULTILINE)
    assert re.search(r"^loaded: BJ1\w+ 25 kg \(entry \d+\), BJ1", facts, re.MULTILINE)
    assert not set(facts) & set("[]{}")
    run_ok("verify", "log")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--item", "BJ1P0057K2M4QX9T3CA=1KGM"), "code.check"),
        (("--item", "CODE=1KG"), "payload.invalid"),
        (("--item", "CODE=1.50KGM"), "payload.invalid"),
        (("--set", "items={"), "payload.invalid"),
        (("--set", "nothing"), "payload.invalid"),
        (("--payload", "missing.json"), "payload.invalid"),
    ],
)
def test_what_is_typed_wrong_is_refused_by_name(town: Town, words: tuple[str, str], code: str) -> None:
    typed = [word.replace("CODE", town.codes[0]) for word in words]
    done = run("submit", "--json", "--kind", "produce", "--phase", "make", *typed, "--key", town.key(MAKER))
    assert (done.code, done.problem["code"]) == (3, code)


@pytest.mark.parametrize(
    "words", [(), ("--kind", "produce"), ("x.ndjson", "--kind", "produce"), ("--kind", "a", "--phase", "b")]
)
def test_half_a_command_is_a_usage_error(town: Town, words: tuple[str, ...]) -> None:
    assert run("submit", *words).code == 2


def test_a_history_tells_how_much_and_where_and_leaves_out_what_nobody_said(town: Town) -> None:
    assert produce(town, 3).code == 0
    told = run_ok("history", town.codes[3]).out
    assert "25 KGM" in told
    assert "WORKS-1" in told
    assert "findings" not in told
