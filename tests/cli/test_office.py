"""The authority at the command line: founding, parties, keys, codes."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from chemtrace.core.keys import parse_spki
from tests.cli.shell import run, run_ok
from tests.cli.town import AUTHORITY, MAKER, USER, Town


def register(code: str, *more: str) -> tuple[str, ...]:
    return ("register", "enterprise", code, "--name-zh", "甲", "--name-en", "A", "--role", "user", *more)


def test_a_ledger_is_founded_once(town: Town) -> None:
    again = run(
        "init", "--json", "--authority-zh", "甲", "--authority-en", "A", "--credit-code", AUTHORITY,
        "--origin", "other.example/1", "--label-host", "x.example",
    )  # fmt: skip
    assert (again.code, again.problem["code"]) == (3, "ledger.exists")
    run_ok("verify", "log")


def test_secrets_of_a_new_ledger_are_for_their_owner_alone(town: Town) -> None:
    secrets = [*(town.data / "keys").iterdir(), town.data / "master.key", Path(town.key(MAKER))]
    assert {stat.S_IMODE(path.stat().st_mode) for path in secrets} == {0o600}


def test_founding_says_to_take_the_recovery_key_away(tmp_path: Path) -> None:
    done = run_ok(
        "init", "--data", str(tmp_path / "new"), "--authority-zh", "甲", "--authority-en", "A",
        "--credit-code", AUTHORITY, "--origin", "x.example/1", "--label-host", "x.example", "--algorithm", "sm2",
    )  # fmt: skip
    assert str(tmp_path / "new" / "keys" / "recovery.pem") in done.err
    assert "ctr_" in done.out
    assert "ctr_" not in done.err


def test_the_recovery_key_is_not_needed_to_work(town: Town) -> None:
    (town.data / "keys" / "recovery.pem").unlink()
    run_ok(*register(USER, "--phase", "update"))


def test_a_wrong_credit_code_is_refused_and_changes_nothing(town: Town) -> None:
    before = run_ok("verify", "log", "--json").json["entries"]
    done = run(*register(MAKER[:-1] + "0", "--json"))
    assert (done.code, done.problem["code"]) == (3, "credit-code.invalid")
    assert run_ok("verify", "log", "--json").json["entries"] == before


def test_rows_of_a_file_stand_for_themselves(town: Town) -> None:
    Path("rows.csv").write_text(
        "site,enterprise,name_zh,name_en,lat,lon\n"
        f"A-1,{MAKER},甲,A,39.9,116.4\n"
        f"A-2,{MAKER},乙,B,north,116.4\n"
        f"A-3,{USER},丙,C,39.9000001,116.4\n"
        f"A-4,{USER},丁,D,-39.9,-116.4\n",
        encoding="utf-8",
    )
    done = run("register", "site", "--csv", "rows.csv", "--json")
    assert done.code == 3
    results = done.json["results"]
    assert [(one["line"], one["admitted"]) for one in results] == [
        (2, True),
        (3, False),
        (4, False),
        (5, True),
    ]
    assert {one["problem"]["code"] for one in results if not one["admitted"]} == {"payload.invalid"}


def test_an_enterprise_is_closed_by_a_new_record(town: Town) -> None:
    run_ok(*register(USER, "--phase", "close"))
    done = run(
        "submit",
        "--json",
        "--kind",
        "count",
        "--phase",
        "done",
        "--item",
        town.codes[0],
        "--key",
        town.key(USER),
    )
    assert (done.code, done.problem["code"]) == (3, "enterprise.unknown")


def test_a_key_lives_from_request_to_end(town: Town) -> None:
    made = run_ok(
        "keys", "new", "--json", "--enterprise", USER, "--out", "second.pem", "--algorithm", "p256"
    ).json
    assert run_ok("keys", "register", made["request"], "--json").json["kid"] == made["kid"]
    event = (
        "submit",
        "--json",
        "--kind",
        "inspect",
        "--phase",
        "done",
        "--item",
        town.codes[0],
        "--set",
        "result=note",
    )
    run_ok(*event, "--key", "second.pem")
    run_ok("keys", "retire", made["kid"], "--grace-hours", "0")
    assert run(*event, "--key", "second.pem").problem["code"] == "key.retired"
    run_ok("keys", "compromised", made["kid"])
    assert run(*event, "--key", "second.pem").problem["code"] == "key.revoked"
    listed = {
        one["kid"]: one["state"] for one in run_ok("keys", "list", "--party", USER, "--json").json["keys"]
    }
    assert listed[made["kid"]].startswith("compromised at entry")


def test_a_key_file_with_a_passphrase_opens_only_with_it(town: Town) -> None:
    Path("pass.txt").write_text("口令 with words\n", encoding="utf-8")
    run_ok("keys", "new", "--enterprise", USER, "--out", "locked.pem", "--passphrase-file", "pass.txt")
    assert run("keys", "request", "locked.pem", "--enterprise", USER, "--out", "r.json", "--json").code == 3
    run_ok(
        "keys",
        "request",
        "locked.pem",
        "--enterprise",
        USER,
        "--out",
        "r.json",
        "--passphrase-file",
        "pass.txt",
    )
    run_ok("keys", "register", "r.json")


def test_a_request_that_was_changed_is_refused(town: Town) -> None:
    run_ok("keys", "new", "--enterprise", USER, "--out", "k.pem")
    request = Path("k.request.json")
    request.write_bytes(request.read_bytes().replace(USER.encode(), MAKER.encode()))
    done = run("keys", "register", str(request), "--json")
    assert (done.code, done.problem["code"]) == (3, "signature.invalid")


def test_an_old_key_file_is_never_overwritten(town: Town) -> None:
    before = Path(town.key(USER)).read_bytes()
    assert run("keys", "new", "--enterprise", USER, "--out", town.key(USER)).code == 3
    assert Path(town.key(USER)).read_bytes() == before


def test_a_lost_authority_key_is_replaced_by_the_recovery_key_alone(town: Town) -> None:
    (town.data / "keys" / "authority.pem").rename("lost.pem")
    recovery = (town.data / "keys" / "recovery.pem").rename("recovery.pem")
    made = run_ok(
        "keys", "new", "--json", "--enterprise", AUTHORITY, "--role", "authority", "--out", "new.pem"
    ).json
    assert run("keys", "register", made["request"], "--json").problem["code"] == "key.file-missing"
    thief = run("keys", "register", made["request"], "--recovery", "lost.pem", "--json")
    assert (thief.code, thief.problem["code"]) == (3, "key.role")
    run_ok("keys", "register", made["request"], "--recovery", str(recovery))
    Path("new.pem").rename(town.data / "keys" / "authority.pem")
    run_ok(*register(USER, "--phase", "update"))
    run_ok("verify", "log")


def test_a_token_is_shown_once_and_can_be_ended(town: Town) -> None:
    made = run_ok("keys", "token", "new", "desk 1", "--json").json
    listed = run_ok("keys", "token", "list", "--json")
    assert made["token"] not in listed.out
    assert [one["name"] for one in listed.json["tokens"]][-1] == "desk 1"
    assert run_ok("keys", "token", "revoke", made["id"], "--json").json["revoked"] is not None
    assert run("keys", "token", "revoke", "nothing", "--json").problem["code"] == "access.token"


# ------------------------------------------------------------------ codes


def test_codes_of_two_batches_follow_on_and_never_repeat(town: Town) -> None:
    issue = ("codes", "issue", "--json", "--enterprise", MAKER, "--chemical", "硝酸", "--count", "1000")
    second = run_ok(*issue, "--out", "second.txt").json
    assert (second["start"], second["slot"]) == (40, "029")
    both = town.codes + Path("second.txt").read_text().split()
    assert len(set(both)) == 1040
    run_ok("codes", "show", second["batch"], "--out", "again.txt")
    assert Path("again.txt").read_bytes() == Path("second.txt").read_bytes()
    run_ok("verify", "log")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"--chemical": "unobtainium"}, "catalogue.invalid"),
        ({"--kind": "C"}, "catalogue.invalid"),
        ({"--enterprise": USER}, "registry.conflict"),
        ({"--enterprise": AUTHORITY[:-1] + "3"}, "enterprise.unknown"),
    ],
)
def test_codes_are_not_issued(town: Town, change: dict[str, str], code: str) -> None:
    options = {"--enterprise": MAKER, "--chemical": "029", "--count": "5", "--out": "x.txt", **change}
    done = run("codes", "issue", "--json", *(word for pair in options.items() for word in pair))
    assert (done.code, done.problem["code"]) == (3, code)
    assert not Path("x.txt").exists()
    assert len(run_ok("codes", "show", "--json").json["batches"]) == 1


def test_a_file_of_codes_is_never_overwritten(town: Town) -> None:
    done = run(
        "codes", "issue", "--enterprise", MAKER, "--chemical", "029", "--count", "5", "--out", "codes.txt"
    )
    assert done.code == 2
    assert len(run_ok("codes", "show", "--json").json["batches"]) == 1


def test_a_code_is_checked_in_any_spelling(town: Town) -> None:
    code = town.codes[3]
    spelled = f"{code[:4]}-{code[4:7]}-{code[7:11]}-{code[11:18]}-{code[18]}".lower()
    facts = run_ok("codes", "check", spelled, "--json").json
    assert (facts["code"], facts["issue"], facts["enterprise"], facts["seal"]) == (
        code,
        "issued",
        MAKER,
        "none",
    )


def test_a_code_that_was_never_issued_or_a_wrong_seal_says_no(town: Town) -> None:
    from chemtrace.core.codes import make_code

    code = town.codes[0]
    other = make_code(kind="P", slot="029", issuer=code[7:11], serial="0000000").text
    done = run("codes", "check", other, "--json")
    assert (done.code, done.json["issue"]) == (1, "not-issued")
    sealed = run("codes", "check", code + "ABCDEFGHJK", "--json")
    assert (sealed.code, sealed.json["seal"]) == (1, "wrong")
    assert "ABCDEFGHJK" not in sealed.out + sealed.err


@pytest.mark.parametrize("role", ["receipt", "log", "authority", "recovery"])
def test_a_service_key_is_exported_as_others_pin_it(town: Town, role: str) -> None:
    told = run_ok("keys", "export", "--role", role, "-o", "key.pem", "--json").json
    run_ok("keys", "export", "--role", role, "-o", "key.der", "--der")
    (row,) = [row for row in run_ok("keys", "list", "--json").json["keys"] if row["role"] == role]
    der = Path("key.der").read_bytes()
    assert parse_spki(der).kid.hex() == row["kid"] == told["kid"]
    loaded = serialization.load_pem_public_key(Path("key.pem").read_bytes())
    form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert loaded.public_bytes(*form) == der
    assert told["origin"] == "trace.example.cn/1"


def test_the_private_key_never_leaves_by_export(town: Town) -> None:
    before = (town.data / "keys" / "receipt.pem").read_bytes()
    run_ok("keys", "export", "--role", "receipt", "-o", "key.pem")
    assert b"PRIVATE" not in Path("key.pem").read_bytes()
    assert (town.data / "keys" / "receipt.pem").read_bytes() == before
