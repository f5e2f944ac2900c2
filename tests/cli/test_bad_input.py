"""Bad input at the command line: exit code 3 and a problem with its own code; the ledger's tables stay as they were."""

import json

import pytest

import tests.api.bad_deeds  # registers its cases
import tests.api.bad_forms  # noqa: F401  # registers its cases
from chemtrace.adapters.sql.engine import Database
from chemtrace.bootstrap import open_application
from tests.api.bad_case import CASES, Case
from tests.api.bad_world import fill_world, picture
from tests.cli.shell import run
from tests.seeded_ledger import seed_ledger

UNKNOWN = "0" * 64
WRONG_CHECK = "BJ1P0057K2M00000000"


def is_one_line(case: Case) -> bool:
    """Whether the case can stand in a file of statements; a body that the door refuses as a whole cannot."""
    of_the_body = case.name in ("empty_body", "gzip_bomb") or case.code.startswith("request.")
    return case.path == "/v1/events" and not of_the_body


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    seeded = seed_ledger(tmp_path_factory.mktemp("bad") / "ledger")
    application = open_application(seeded.settings)
    filled = fill_world(seeded, application)
    application.close()
    return filled


@pytest.fixture(scope="module")
def database(world):
    database = Database(world.seeded.settings.database_url, read_only=True)
    yield database
    database.close()


def facts(database) -> dict[str, str]:
    """The digest of every table but the kept refusals."""
    tables = dict(picture(database))
    del tables["refusal"]
    return tables


@pytest.fixture(autouse=True)
def _ledger(world, monkeypatch):
    monkeypatch.setenv("CHEMTRACE_DATA_DIR", str(world.seeded.folder))


def test_bad_statements_of_a_file_are_named_line_by_line_and_change_nothing(world, database, tmp_path):
    cases = [case for case in CASES if is_one_line(case)]
    file = tmp_path / "statements.ndjson"
    file.write_bytes(b"\n".join(case.make(world) for case in cases))
    before = facts(database)
    done = run("submit", str(file), "--json")
    lines = [json.loads(text) for text in done.out.splitlines()]
    problems = [line["problem"] for line in lines]
    assert 3 == done.code
    assert not any(line["admitted"] for line in lines)
    found = [problem["fields"].get("rule_id", problem["code"]) for problem in problems]
    assert [(case.name, case.code) for case in cases] == list(
        zip([case.name for case in cases], found, strict=True)
    )
    assert before == facts(database)


COMMANDS = {
    "history_of_no_code": (("history", "nonsense"), 3, "code.format"),
    "history_of_a_mistyped_code": (("history", WRONG_CHECK), 3, "code.check"),
    "history_with_sql": (("history", "' OR 1=1 --"), 3, "code.format"),
    "history_with_path_traversal": (("history", "site:../../etc/passwd"), 3, "code.format"),
    "trace_of_no_code": (("trace", "BJ1"), 3, "code.format"),
    "waybill_unknown": (("waybill", "show", "WB-404"), 3, "waybill.not-found"),
    "alert_unknown": (("alerts", "show", UNKNOWN), 3, "alert.not-found"),
    "cursor_of_no_page": (("alerts", "refusals", "--cursor", "x"), 3, "request.cursor"),
    "key_unknown": (("keys", "compromised", UNKNOWN), 3, "key.unknown"),
    "key_of_no_digest": (("keys", "retire", "../../authority"), 3, "key.unknown"),
    "enterprise_with_a_wrong_check_sign": (
        ("register", "enterprise", "91110000MA000001XX", "--name-zh", "甲", "--name-en", "A", "--role", "trader"),
        3,
        "credit-code.invalid",
    ),
    "enterprise_with_a_terminal_escape": (
        ("register", "enterprise", "91110000MA0000066M", "--name-zh", "甲\x1b[2J", "--name-en", "A", "--role", "user"),
        3,
        None,
    ),
    "site_beyond_the_pole": (
        ("register", "site", "S-X", "--enterprise", "91110000MA000001X", "--name-zh", "库", "--name-en", "store",
         "--lat", "91", "--lon", "0"),
        3,
        None,
    ),
    "codes_of_an_unknown_enterprise": (
        ("codes", "issue", "--enterprise", "91110000MA0000099T", "--kind", "P", "--chemical", "005", "--count", "5",
         "--out", "never-written.txt"),
        3,
        "enterprise.unknown",
    ),
    "label_of_a_mistyped_code": (("label", "code", WRONG_CHECK, "--svg", "never-written.svg"), 3, "code.check"),
    "restore_of_no_backup": (("db", "restore", "--from", "missing"), 2, None),
    "no_such_command": (("explode",), 2, None),
    "limit_of_zero": (("alerts", "list", "--limit", "0"), 2, None),
    "port_beyond_16_bits": (("serve", "--port", "70000"), 2, None),
    "grace_beyond_72_hours": (("keys", "retire", UNKNOWN, "--grace-hours", "73"), 2, None),
}  # fmt: skip


@pytest.mark.parametrize("name", COMMANDS)
def test_a_wrong_command_is_named_and_changes_nothing(database, name):
    words, code, problem = COMMANDS[name]
    before = facts(database)
    done = run(*words, *(("--json",) if code == 3 else ()))
    assert code == done.code, (done.out, done.err)
    assert "Traceback" not in done.err
    if code == 3:
        found = done.problem["code"]
        assert problem in (found, None), found
    assert before == facts(database)


def test_a_proof_that_is_none_is_refused(tmp_path, world):
    file = tmp_path / "proof.json"
    for body in (b"", b"{}", b"[1]", b'{"entry":"","index":0,"path":[],"checkpoint":""}', b"\xff"):
        file.write_bytes(body)
        done = run(
            "verify",
            "proof",
            str(file),
            "--origin",
            "log.test/seeded",
            "--key",
            world.seeded.founded.log_vkey,
            "--json",
        )
        assert 3 == done.code, (body, done.err)
        assert "Traceback" not in done.err
