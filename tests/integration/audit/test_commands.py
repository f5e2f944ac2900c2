"""The commands over a data folder: what they print, how they exit, and that they need no open ledger."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from chemtrace.bootstrap import InitResult, init_ledger, open_application
from chemtrace.config import Settings
from chemtrace.core.errors import GuardMissingError, VaultLostError
from chemtrace.entrypoints.cli import main as cli
from chemtrace.entrypoints.cli.exit_codes import ExitCode
from tests.integration.audit.town import AUTHORITY


@pytest.fixture
def founded(tmp_path: Path) -> InitResult:
    """A ledger as `chemtrace init` leaves it."""
    return init_ledger(
        Settings(data_dir=tmp_path / "data"),
        authority_name_zh="测试局",
        authority_name_en="Test bureau",
        credit_code=AUTHORITY,
        origin="log.test/commands",
        label_host="cx.example.cn",
    )


def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: object
) -> tuple[int, str, str]:
    """Run one command line; gives exit code, stdout, stderr."""
    capsys.readouterr()
    monkeypatch.setattr("sys.argv", ["chemtrace", *(str(argument) for argument in arguments)])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    told = capsys.readouterr()
    return int(caught.value.code or 0), told.out, told.err


@pytest.fixture
def chemtrace(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    return lambda *arguments: run(monkeypatch, capsys, *arguments)


def test_verify_log_says_verified_and_exits_with_0(chemtrace, founded: InitResult) -> None:
    code, out, _ = chemtrace("verify", "log", "--data", founded.data_dir, "--json")
    report = json.loads(out)
    assert code == ExitCode.OK
    assert (report["verified"], report["entries"], report["first_bad_index"], report["faults"]) == (
        True,
        6,
        None,
        [],
    )
    assert report["checkpoint"]["origin"] == "log.test/commands"
    assert report["seconds"] >= 0


def test_verify_log_names_the_first_wrong_index_and_exits_with_1(chemtrace, founded: InitResult) -> None:
    with closing(sqlite3.connect(Path(founded.data_dir) / "ledger.db", isolation_level=None)) as connection:
        connection.execute("DROP TRIGGER guard_entry_update")
        connection.execute("UPDATE entry SET body = x'00' WHERE idx = 4")
    code, out, _ = chemtrace("verify", "log", "--data", founded.data_dir, "--json")
    report = json.loads(out)
    assert (code, report["verified"], report["first_bad_index"]) == (ExitCode.NEGATIVE, False, 4)
    assert {fault["code"] for fault in report["faults"]} >= {"evidence.guard", "evidence.entry"}
    code, out, err = chemtrace("verify", "log", "--data", founded.data_dir)
    assert code == ExitCode.NEGATIVE
    assert "first wrong index 4" in out
    assert "evidence.entry" in err


def test_verify_log_works_where_the_server_refuses_to_open(chemtrace, founded: InitResult) -> None:
    with closing(sqlite3.connect(Path(founded.data_dir) / "ledger.db", isolation_level=None)) as connection:
        connection.execute("DROP TRIGGER guard_payload_delete")
    with pytest.raises(GuardMissingError):
        open_application(Settings(data_dir=Path(founded.data_dir)))
    code, out, _ = chemtrace("verify", "log", "--data", founded.data_dir, "--json")
    assert (code, json.loads(out)["first_bad_index"]) == (ExitCode.NEGATIVE, None)


def test_verify_log_works_beside_the_writer(chemtrace, founded: InitResult) -> None:
    application = open_application(Settings(data_dir=Path(founded.data_dir)))
    try:
        application.ledger.publish(force=True)
        code, out, _ = chemtrace("verify", "log", "--data", founded.data_dir, "--json")
    finally:
        application.close()
    assert (code, json.loads(out)["epochs"]) == (ExitCode.OK, 2)


def test_a_missing_ledger_has_a_name_and_exit_code_4(chemtrace, tmp_path: Path) -> None:
    code, out, err = chemtrace("verify", "log", "--data", tmp_path / "none", "--json")
    assert (code, out, json.loads(err)["code"]) == (ExitCode.UNAVAILABLE, "", "ledger.missing")
    assert not (tmp_path / "none").exists()


def test_a_proof_file_is_checked_against_the_pinned_log(
    chemtrace, founded: InitResult, tmp_path: Path
) -> None:
    application = open_application(Settings(data_dir=Path(founded.data_dir)), read_only=True)
    proof = application.reads.prove(2)
    application.close()
    file = tmp_path / "proof.json"
    file.write_text(json.dumps(proof))
    pinned = ("--origin", founded.origin, "--key", founded.log_vkey, "--json")
    code, out, _ = chemtrace("verify", "proof", file, *pinned)
    assert (code, json.loads(out)["included"], json.loads(out)["index"]) == (ExitCode.OK, True, 2)
    file.write_text(json.dumps({**proof, "index": 3}))
    code, _, err = chemtrace("verify", "proof", file, *pinned)
    assert (code, json.loads(err)["code"]) == (ExitCode.REFUSED, "proof.root-mismatch")


def test_backup_and_restore_by_command(chemtrace, founded: InitResult, tmp_path: Path) -> None:
    backup, new = tmp_path / "backup", tmp_path / "new"
    code, out, _ = chemtrace(
        "db", "backup", "--to", backup, "--with-keys", "--data", founded.data_dir, "--json"
    )
    assert (code, json.loads(out)["entries"]) == (ExitCode.OK, 6)
    assert chemtrace("verify", "backup", backup)[0] == ExitCode.OK
    code, _, err = chemtrace(
        "db", "restore", "--from", backup, "--data", new, "--published-size", "7", "--json"
    )
    assert (code, json.loads(err)["code"]) == (ExitCode.REFUSED, "backup.stale")
    code, out, _ = chemtrace("db", "restore", "--from", backup, "--data", new, "--published-size", "6")
    assert code == ExitCode.OK
    assert out.splitlines()[-1].endswith(f"chemtrace audit --data {new}")
    assert chemtrace("verify", "log", "--data", new)[0] == ExitCode.OK
    with pytest.raises(VaultLostError):
        open_application(Settings(data_dir=new))
    root = json.loads(chemtrace("verify", "log", "--data", new, "--json")[1])["checkpoint"]["root"]
    assert chemtrace("db", "accept-head", "--size", "6", "--root", root, "--data", new)[0] == ExitCode.OK
    application = open_application(Settings(data_dir=new))
    application.close()


def test_entries_are_exported_as_lines(chemtrace, founded: InitResult, tmp_path: Path) -> None:
    code, out, _ = chemtrace("export", "events", "--data", founded.data_dir, "--first", "1", "--last", "3")
    assert [json.loads(line)["index"] for line in out.splitlines()] == [1, 2, 3]
    assert code == ExitCode.OK
    file = tmp_path / "items.csv"
    code, _, _ = chemtrace("export", "items", "--csv", "--out", file, "--data", founded.data_dir)
    assert (code, file.read_bytes()[:7]) == (ExitCode.OK, b"\xef\xbb\xbfcode")


@pytest.mark.parametrize(
    "command",
    [
        ("history", "BJ1P0057K2MPPELQWEQ"),
        ("waybill", "show", "NONE"),
        ("alerts", "show", "0" * 64),
        ("history", "not a code"),
    ],
)
def test_what_is_not_there_exits_with_3(chemtrace, founded: InitResult, command: tuple[str, ...]) -> None:
    code, out, err = chemtrace(*command, "--data", founded.data_dir, "--json")
    assert (code, out) == (ExitCode.REFUSED, "")
    assert json.loads(err)["code"]


def test_lists_are_printed_for_people_and_for_programs(chemtrace, founded: InitResult) -> None:
    for command, name in (
        (("alerts", "list"), "alerts"),
        (("alerts", "refusals"), "refusals"),
        (("waybill", "list"), "waybills"),
    ):
        code, out, _ = chemtrace(*command, "--data", founded.data_dir, "--json")
        assert (code, json.loads(out)) == (ExitCode.OK, {name: [], "next": None})
        assert chemtrace(*command, "--data", founded.data_dir)[0] == ExitCode.OK
