"""Ordinary slips at the command line: each is named by what was typed, with what to type instead."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from chemtrace.core.errors import ServerRefusedError, ServerUnavailableError
from chemtrace.entrypoints.cli.exit_codes import ExitCode
from chemtrace.entrypoints.cli.output import print_error
from scanners.__main__ import main as scanners_main
from scanners.handheld import Handheld, Verdict
from tests.cli.shell import run, run_ok
from tests.cli.town import MAKER, Town

MAKE = ("submit", "--kind", "produce", "--phase", "make", "--set", "site=WORKS-1")


def refused(*words: str) -> tuple[str, str]:
    """Code and message of a command that must be refused."""
    done = run(*words, "--json")
    assert done.code == ExitCode.REFUSED, done
    return done.problem["code"], done.problem["detail"]


def test_a_quantity_in_a_wrong_unit_is_named_not_the_code(town: Town) -> None:
    code, told = refused(*MAKE, "--item", f"{town.codes[0]}=25kg", "--key", town.key(MAKER))
    assert (code, "25KGM" in told) == ("payload.invalid", True)


def test_a_party_that_is_none_is_told_what_a_party_is(town: Town) -> None:
    line = ("submit", "--kind", "trade", "--phase", "sell", "--item", town.codes[0], "--key", town.key(MAKER))
    code, told = refused(*line, "--set", "counterparty=９１１１０１０５")
    assert (code, "matching regex" in told) == ("payload.invalid", False)
    assert "credit code" in told
    assert "$.counterparty" in told


def test_a_statement_that_did_not_arrive_is_said_not_to_be_kept(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    def goes_away(*_: object) -> None:
        raise ServerUnavailableError("The ledger could not be reached", path="/v1/events")

    monkeypatch.setattr("chemtrace.entrypoints.cli.door._LocalDoor.submit", goes_away)
    done = run(*MAKE, "--item", f"{town.codes[0]}=25KGM", "--key", town.key(MAKER))
    assert done.code != 0
    assert "--save FILE" in done.err


def test_a_restored_backup_is_said_to_be_compared_with_nobody(town: Town, tmp_path: Path) -> None:
    run_ok("db", "backup", "--to", str(tmp_path / "b"))
    done = run_ok("db", "restore", "--from", str(tmp_path / "b"), "--data", str(tmp_path / "new"))
    assert "--published-size" in done.err
    third = str(tmp_path / "third")
    done = run_ok("db", "restore", "--from", str(tmp_path / "b"), "--data", third, "--published-size", "1")
    assert "--published-size" not in done.err


def test_full_width_signs_are_taken_as_plain_ones(town: Town) -> None:
    run_ok(*MAKE, "--item", f"{town.codes[0]}＝２５ＫＧＭ", "--key", town.key(MAKER))
    assert "25 KGM" in run_ok("history", town.codes[0]).out


def test_a_handheld_prefix_typed_full_width_is_stripped(town: Town) -> None:
    code = town.codes[0]
    wide = "".join(chr(ord(sign) + 0xFEE0) for sign in f"~{code}#")
    for typed in (f"~{code}#", wide):
        scan = next(Handheld(prefix="~", suffix="#").feed(f"{typed}\n", 0))
        assert (scan.verdict, scan.code) == (Verdict.CODE, code)


def test_a_payload_that_is_no_json_is_named_by_its_file(town: Town) -> None:
    Path("broken.json").write_text("{")
    _, told = refused(*MAKE[:5], "--payload", "broken.json", "--key", town.key(MAKER))
    assert "broken.json" in told


def test_a_key_is_registered_once(town: Town) -> None:
    run_ok("keys", "new", "--enterprise", MAKER, "--out", "second.pem")
    run_ok("keys", "register", "second.request.json")
    assert refused("keys", "register", "second.request.json")[0] == "key.taken"


def test_a_private_key_in_place_of_a_request_is_named_and_warned_of(town: Town) -> None:
    code, told = refused("keys", "register", town.key(MAKER))
    assert (code, "private key" in told, "never give it away" in told) == ("key.request", True, True)


def test_a_key_file_that_is_missing_is_named_so(town: Town) -> None:
    done = run(*MAKE, "--item", f"{town.codes[0]}=25KGM", "--key", "nowhere.pem", "--json")
    assert (done.code, done.problem["code"]) == (ExitCode.UNAVAILABLE, "key.file-missing")
    assert "nowhere.pem" in done.problem["detail"]


def test_an_origin_that_cannot_stand_is_named_by_its_option(tmp_path: Path) -> None:
    words = ("--authority-zh", "局", "--authority-en", "A", "--credit-code", "11110000MB01234562")
    words += ("--origin", "t 1", "--label-host", "cx.example.cn", "--data", str(tmp_path / "new"))
    code, told = refused("init", *words)
    assert (code, "--origin" in told) == ("note.format", True)
    assert not (tmp_path / "new").exists()


def test_an_unknown_role_is_told_which_there_are(town: Town) -> None:
    names = ("--name-zh", "甲", "--name-en", "A", "--role", "cook")
    _, told = refused("register", "enterprise", "91110108MA01ABCD2H", *names)
    assert "producer" in told
    assert "disposer" in told


def test_statements_sent_again_are_known_not_new(town: Town) -> None:
    run_ok(*MAKE, "--item", f"{town.codes[0]}=25KGM", "--key", town.key(MAKER), "--save", "s.ndjson")
    assert "1 new" in run_ok("submit", "s.ndjson").out
    again = run_ok("submit", "s.ndjson").out
    assert "0 new" in again
    assert "1 known" in again


def test_a_servers_refusal_reads_like_one_of_our_own(capsys: pytest.CaptureFixture[str]) -> None:
    sides = {"quantity": {"found": "30 KGM", "allowed": ["25 KGM"]}, "site": None}
    remote = {"code": "rule.mass", "detail": "too much goes in", "fields": {"sides": sides}}
    error = ServerRefusedError(
        "The ledger refused this (rule.mass): too much goes in", status=422, remote=remote
    )
    print_error(error, as_json=False)
    told = capsys.readouterr().err
    assert told.count("too much goes in") == 1
    assert "[rule.mass]" in told
    assert "{" not in told
    assert "quantity: found: 30 KGM" in told


def test_an_outbox_that_is_not_there_is_not_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert scanners_main(["outbox", str(tmp_path / "nope.db")]) == 1
    assert "nope.db" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def alerts(town: Town, *ids: str) -> None:
    """Put alerts into the ledger, past its detectors."""
    document = {"explanation": "-", "evidence": []}
    with closing(sqlite3.connect(town.data / "ledger.db")) as database, database:
        names = [row[1] for row in database.execute("PRAGMA table_info(alert)")]
        needed = {row[1]: row[2] for row in database.execute("PRAGMA table_info(alert)") if row[3]}
        for id_ in ids:
            row = {name: 0 if "INT" in kind.upper() else "x" for name, kind in needed.items()}
            row |= {"id": id_, "doc": json.dumps(document).encode()}
            marks = ", ".join(f":{name}" for name in row)
            database.execute(
                f"INSERT INTO alert ({', '.join(row)}) VALUES ({marks})", row
            )  # names of columns
        assert set(needed) <= set(names)


def test_an_alert_is_found_by_the_beginning_of_its_id(town: Town) -> None:
    first, second = "ab" * 32, "abababab" + "0" * 56
    alerts(town, first, second)
    for prefix in (first, first[:12], f"{first[:12]}…", first[:12].upper()):
        assert run_ok("alerts", "show", prefix, "--json").json["id"] == first
    assert refused("alerts", "show", "abababab")[0] == "alert.ambiguous"
    assert first in run("alerts", "show", "abababab").err
    for wrong in ("ababab", "cccccccc", "%bababab"):
        assert refused("alerts", "show", wrong)[0] == "alert.not-found"


def test_a_rules_refusal_is_told_once_in_each_language(town: Town) -> None:
    done = run(*MAKE, "--item", f"{town.codes[0]}=25KGM", "--set", "site=NOWHERE", "--key", town.key(MAKER))
    assert done.code == ExitCode.REFUSED
    assert done.err.count("Site NOWHERE is not registered") == 1
    assert done.err.count("场所 NOWHERE 没有登记") == 1
    assert "rule_id" not in done.err
    assert "item:" not in done.err


def test_an_amount_left_out_is_asked_for_where_it_is_typed(town: Town) -> None:
    done = run(*MAKE, "--item", town.codes[0], "--key", town.key(MAKER))
    assert done.code == ExitCode.REFUSED
    assert "CODE=25KGM" in done.err


def test_a_list_of_codes_in_place_of_a_key_is_no_leaked_key(town: Town) -> None:
    Path("list.txt").write_text(town.codes[0])
    done = run(*MAKE, "--item", f"{town.codes[0]}=25KGM", "--key", "list.txt", "--json")
    assert done.problem["code"] == "key.file"
    assert "list.txt" in done.problem["detail"]


def test_a_misspelt_chemical_is_answered_with_the_nearest_names(town: Town) -> None:
    done = run(
        "codes",
        "issue",
        "--enterprise",
        MAKER,
        "--chemical",
        "nitrc acid",
        "--kind",
        "P",
        "--count",
        "1",
        "--out",
        "x.txt",
    )
    assert done.code != ExitCode.OK
    assert "nitric acid" in done.err


def test_an_empty_list_says_that_there_is_nothing(town: Town) -> None:
    told = run_ok("waybill", "list").out
    assert "无 none" in told
    assert "consignor" not in told
