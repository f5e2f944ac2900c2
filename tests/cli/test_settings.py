"""Settings as an operator meets them: what is wrong is named with what is wanted, the unknown is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chemtrace.config import OTHER_VARIABLES, Settings, unknown_variables, variable_of
from chemtrace.core.errors import SettingError
from tests.architecture.test_settings import environment_names
from tests.cli.shell import run, run_ok
from tests.cli.town import Town

WRONG = {
    "CHEMTRACE_PORT": ("abc", "a whole number from 0 to 65535"),
    "CHEMTRACE_PUBLISH_INTERVAL_S": ("-1", "a number above 0, to 3600"),
    "CHEMTRACE_HEARTBEAT_S": ("nan", "a number from 1 to 86400"),
    "CHEMTRACE_PROOF_MAX_AGE_S": ("0", "a whole number from 1 to 316224000"),
    "CHEMTRACE_LOG_LEVEL": ("LOUD", "one of DEBUG, INFO, WARNING, ERROR"),
    "CHEMTRACE_LABEL_HOST": ("https://trace.example.cn", "with an optional port"),
    "CHEMTRACE_ALLOWED_HOSTS": ("https://trace.example.cn", "separated by commas"),
    "CHEMTRACE_MIRRORS": ('["university"', "separated by commas, or a JSON list"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_setting_is_named_with_what_was_given_and_what_is_wanted(
    town: Town, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    given, wanted = WRONG[name]
    monkeypatch.setenv(name, given)
    done = run("serve", "--port", "0")
    assert done.code == 4
    first = done.err.splitlines()[0]
    assert first.startswith(f"chemtrace: {name} is {given!r}, wanted: ")
    assert first.endswith("[setting.invalid]")
    assert wanted in first
    assert "pydantic" not in done.err


def test_programs_get_a_wrong_setting_as_json(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHEMTRACE_PORT", "65536")
    done = run("db", "status", "--json")
    assert (done.code, done.problem["code"]) == (4, "setting.invalid")
    assert done.problem["fields"] == {
        "setting": "port",
        "found": "65536",
        "wanted": "a whole number from 0 to 65535",
    }


def test_all_that_is_wrong_is_told_at_once(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHEMTRACE_PORT", "abc")
    monkeypatch.setenv("CHEMTRACE_GROUP_SIZE", "0")
    first = run("db", "status").err.splitlines()[0]
    assert "CHEMTRACE_PORT is 'abc'" in first
    assert "CHEMTRACE_GROUP_SIZE is '0'" in first


@pytest.mark.parametrize(
    "url",
    [
        "mysql://clerk:hunter2@host/x",
        "sqlite://x.db",
        "postgresql://clerk:hunter2@host:port/x",
        "postgresql://clerk:hunter2@/x?port=y",
        "postgresql://clerk:hunter2@host/x?no_such_option=1",
    ],
)
def test_the_address_of_a_database_is_never_shown_as_it_may_hold_a_password(
    town: Town, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("CHEMTRACE_DATABASE_URL", url)
    for done in (run("db", "status"), run("db", "status", "--json")):
        assert done.code == 4
        assert "CHEMTRACE_DATABASE_URL" in done.err
        assert "postgresql://USER@HOST/NAME" in done.err
        assert "hunter2" not in done.err
        assert url not in done.err


def test_settings_that_do_not_fit_together_are_both_named(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHEMTRACE_WITNESS_MODE", "required")
    done = run("db", "status")
    assert done.code == 4
    assert "CHEMTRACE_WITNESS_MODE" in done.err
    assert "CHEMTRACE_POLICY" in done.err
    monkeypatch.delenv("CHEMTRACE_WITNESS_MODE")
    monkeypatch.setenv("CHEMTRACE_PUBLISH_INTERVAL_S", "120")
    done = run("db", "status", "--json")
    assert (done.code, done.problem["code"]) == (4, "setting.invalid")
    assert "CHEMTRACE_MAX_PUBLISH_DELAY_S is 60" in done.problem["detail"]
    assert "CHEMTRACE_PUBLISH_INTERVAL_S, which is 120" in done.problem["detail"]


@pytest.mark.parametrize("place", ["none.json", "."])
def test_a_catalogue_that_cannot_be_read_is_named(
    town: Town, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.setenv("CHEMTRACE_CATALOGUE", place)
    done = run("serve", "--port", "0", "--json")
    assert (done.code, done.problem["code"]) == (4, "setting.invalid")
    assert "CHEMTRACE_CATALOGUE" in done.problem["detail"]


def test_a_database_server_that_does_not_answer_is_told_without_its_address(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHEMTRACE_DATABASE_URL", "postgresql://clerk:hunter2@127.0.0.1:1/ledger")
    done = run("alerts", "list", "--json")
    assert (done.code, done.problem["code"]) == (4, "storage.access")
    assert "Connection refused" in done.problem["detail"]
    assert "hunter2" not in done.err
    assert "127.0.0.1" not in done.err


@pytest.mark.parametrize("given", ["trace.example.cn, *.example.cn", '["trace.example.cn", "*.example.cn"]'])
def test_lists_are_written_with_commas_or_as_json(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("CHEMTRACE_ALLOWED_HOSTS", given)
    monkeypatch.setenv("CHEMTRACE_MIRRORS", "university,court")
    settings = Settings()
    assert settings.allowed_hosts == ("trace.example.cn", "*.example.cn")
    assert settings.mirrors == ("university", "court")


@pytest.mark.parametrize(
    "given", ["a,,b", "[1]", '{"a": 1}', "a b", "trace.example.cn:443", "a*b", "[", "[" * 100_000]
)
def test_what_is_no_list_of_host_names_is_refused(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    """A name that no Host header can equal would shut everybody out."""
    monkeypatch.setenv("CHEMTRACE_ALLOWED_HOSTS", given)
    with pytest.raises(SettingError, match="CHEMTRACE_ALLOWED_HOSTS") as told:
        Settings()
    assert len(told.value.message) < 400


# ------------------------------------------------------------------ names that nothing reads


def test_a_misspelt_setting_is_told_with_the_nearest_one(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHEMTRACE_PUBLSH_INTERVAL_S", "5")
    done = run_ok("db", "status")
    (line,) = done.err.splitlines()
    assert "CHEMTRACE_PUBLSH_INTERVAL_S" in line
    assert "CHEMTRACE_PUBLISH_INTERVAL_S" in line
    done = run_ok("db", "status", "--json")
    assert json.loads(done.err) == {
        "warning": "setting.unknown",
        "setting": "CHEMTRACE_PUBLSH_INTERVAL_S",
        "nearest": "CHEMTRACE_PUBLISH_INTERVAL_S",
    }


def test_a_misspelt_setting_is_told_also_beside_an_error(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """The policy is missing because its name is misspelt: both lines belong together."""
    monkeypatch.setenv("CHEMTRACE_WITNESS_MODE", "required")
    monkeypatch.setenv("CHEMTRACE_POLCY", "policy.txt")
    for command in ("db status", "serve"):
        done = run(*command.split())
        assert done.code == 4
        assert "CHEMTRACE_POLCY" in done.err.splitlines()[0]


def test_a_name_like_none_of_ours_is_told_without_a_guess() -> None:
    assert unknown_variables(["CHEMTRACE_QQQ", "PATH", "CHEMTRACE", "chemtrace_qq"]) == (
        ("CHEMTRACE_QQQ", None),
        ("chemtrace_qq", None),
    )


def test_every_variable_that_is_read_is_known() -> None:
    known = [*environment_names(), *OTHER_VARIABLES]
    assert unknown_variables([*known, *(name.lower() for name in known)]) == ()
    assert variable_of("port") == "CHEMTRACE_PORT"


def test_no_warning_stands_without_reason(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHEMTRACE_TOKEN", "ctr_unused")
    monkeypatch.setenv("CHEMTRACE_PORT", "")
    assert run_ok("db", "status").err == ""
