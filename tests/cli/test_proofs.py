"""Proof files by the command line: written by one machine, verified by another that has only the base install."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from chemtrace.bootstrap import open_application
from chemtrace.config import Settings
from chemtrace.entrypoints.cli.exit_codes import ExitCode
from scanners.decode import scan_file
from tests.cli.shell import run, run_ok
from tests.cli.town import MAKER, Town

BASE_ONLY = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"typer", "rich", "fastapi", "sqlalchemy", "pydantic_settings", "httpx", "qrcode"}:
            raise ModuleNotFoundError(name, name=name)
sys.meta_path.insert(0, Missing())
import importlib.util
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name == "typer" else find(name, package)
from chemtrace.entrypoints.cli.start import main
main()
"""


@pytest.fixture
def drum(town: Town) -> str:
    """A drum that was made and published."""
    code = town.codes[0]
    words = ("--kind", "produce", "--phase", "make", "--item", f"{code}=25KGM", "--set", "site=WORKS-1")
    run_ok("submit", *words, "--key", town.key(MAKER))
    return code


@pytest.fixture
def files(drum: str) -> dict[str, Path]:
    """Its proof files and the trust file, written by the commands."""
    names = {
        name: Path(name)
        for name in ("bundle.json", "bundle.cbor", "status.json", "status.cbor", "status.png")
    }
    run_ok("bundle", drum, "-o", "bundle.json")
    run_ok("bundle", drum.lower(), "-o", "bundle.cbor", "--compact")
    run_ok("status", drum, "-o", "status.json")
    run_ok("status", drum, "-o", "status.cbor", "--compact", "--qr", "status.png")
    run_ok("trust", "export", "-o", "trust.json")
    return names


def base_only(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The program with none of the server's packages to be found."""
    command = [sys.executable, "-c", BASE_ONLY, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_written_proofs_verify_in_both_forms(files: dict[str, Path], drum: str) -> None:
    for kind in ("bundle", "status"):
        found = [
            run_ok("verify", kind, f"{kind}.{form}", "--trust", "trust.json", "--json").json
            for form in ("json", "cbor")
        ]
        assert found[0] == found[1]
        assert (found[0]["verified"], found[0]["subject"]) == (True, drum)
        assert found[0]["included"]["value"] == "yes"
        assert found[0]["authentic"]["value"] == {"bundle": "yes", "status": "not_said"}[kind]


def test_a_verdict_is_four_sentences_and_what_was_not_checked(files: dict[str, Path]) -> None:
    told = run_ok("verify", "bundle", "bundle.json", "--trust", "trust.json").out
    for words in (
        "真实",
        "Authentic",
        "在册",
        "Included",
        "完整性",
        "Complete",
        "最新",
        "Current",
        "Not checked",
    ):
        assert words in told
    chinese = run_ok("verify", "bundle", "bundle.json", "--trust", "trust.json", "--lang", "zh").out
    assert "Authentic" not in chinese
    english = run_ok("verify", "bundle", "bundle.json", "--trust", "trust.json", "--lang", "en").out
    assert "真实" not in english


def test_a_verdict_says_that_alerts_and_contradictions_are_not_in_a_proof(files: dict[str, Path]) -> None:
    for kind in ("bundle", "status"):
        told = run_ok("verify", kind, f"{kind}.json", "--trust", "trust.json").out
        assert "预警或矛盾记录" in told
        assert "alerts or contradictions" in told


@pytest.mark.parametrize("program", ["whole", "base"])
@pytest.mark.parametrize(
    ("kind", "file", "words"),
    [
        ("bundle", "status.json", ("这是状态证明", "chemtrace verify status")),
        ("bundle", "status.cbor", ("这是状态证明", "chemtrace verify status")),
        ("status", "bundle.json", ("这是证明包", "chemtrace verify bundle")),
        ("status", "bundle.cbor", ("这是证明包", "chemtrace verify bundle")),
        ("bundle", "trust.json", ("这是信任文件", "--trust")),
        ("status", "trust.json", ("这是信任文件", "--trust")),
        ("bundle", "status.png", ("这是图片", "offline page")),
        ("status", "status.png", ("这是图片", "offline page")),
        ("bundle", "checkpoint", ("这是检查点", "chemtrace verify checkpoint")),
        ("bundle", "page.html", ("这是网页", "web page")),
    ],
)
def test_a_file_of_another_kind_is_named_with_the_command_that_takes_it(
    files: dict[str, Path], program: str, kind: str, file: str, words: tuple[str, str]
) -> None:
    Path("checkpoint").write_text("log.example\n1\nAAAA\n\n\u2014 log.example BBBB\n")
    Path("page.html").write_text("<!doctype html>\n")
    line = ("verify", kind, file, "--trust", "trust.json")
    told = run(*line).err if program == "whole" else base_only(*line).stderr
    first, second = told.splitlines()[:2]
    assert words[0] in first
    assert words[1] in second


def test_the_text_of_a_status_code_is_printed_and_verifies(files: dict[str, Path], drum: str) -> None:
    text = run_ok("status", drum, "--text").out.strip()
    assert text.startswith("CTS1:")
    told = run_ok("verify", "status", text, "--trust", "trust.json", "--json").json
    assert (told["subject"], told["count"]) == (drum, 1)
    run_ok("status", drum, "--text", "-o", "status.txt")
    assert run_ok("verify", "status", "status.txt", "--trust", "trust.json").code == ExitCode.OK
    assert run("status", drum, "--text", "--compact", "-o", "both").code == ExitCode.USAGE


def test_a_trust_file_without_an_age_limit_is_told(files: dict[str, Path]) -> None:
    told = run_ok("trust", "export").err
    assert "CHEMTRACE_PROOF_MAX_AGE_S" in told
    assert "没有规定" in told


def test_the_qr_code_of_a_status_proof_is_read_and_verifies(files: dict[str, Path], drum: str) -> None:
    (code,) = scan_file(files["status.png"]).codes
    told = run_ok("verify", "status", code.text, "--trust", "trust.json", "--json").json
    assert (told["subject"], told["count"]) == (drum, 1)


def test_the_base_install_verifies_and_says_what_it_lacks(files: dict[str, Path]) -> None:
    for kind in ("bundle", "status"):
        whole = run_ok("verify", kind, f"{kind}.json", "--trust", "trust.json", "--json").json
        done = base_only("verify", kind, f"{kind}.json", "--trust", "trust.json", "--json")
        assert (done.returncode, json.loads(done.stdout)) == (0, whole), done.stderr
    done = base_only("serve")
    assert (done.returncode, "chemtrace[server]" in done.stderr) == (ExitCode.UNAVAILABLE, True)


@pytest.mark.parametrize("program", ["whole", "base"])
def test_a_changed_or_old_or_missing_proof_ends_with_its_own_code(
    files: dict[str, Path], program: str
) -> None:
    Path("changed.json").write_bytes(files["bundle.json"].read_bytes().replace(b'"index":', b'"index":1', 1))
    Path("other.json").write_bytes(
        Path("trust.json").read_bytes().replace(b'"authority":"', b'"authority":"00', 1)
    )
    cases = (
        (("changed.json", "--trust", "trust.json"), None, ExitCode.REFUSED),
        (("bundle.json", "--trust", "other.json"), "trust.format", ExitCode.REFUSED),
        (("none.json", "--trust", "trust.json"), "proof.file", ExitCode.UNAVAILABLE),
        (("bundle.json", "--trust", "none.json"), "trust.format", ExitCode.REFUSED),
        (("status.json", "--trust", "trust.json"), "bundle.format", ExitCode.REFUSED),
        (
            ("bundle.json", "--trust", "trust.json", "--max-age", "60", "--at", "2099-01-01T00:00:00Z"),
            "bundle.stale",
            ExitCode.REFUSED,
        ),
    )
    for arguments, code, expected in cases:
        line = ("verify", "bundle", *arguments, "--json")
        if program == "whole":
            ended = run(*line)
            found, error = ended.code, ended.err
        else:
            done = base_only(*line)
            found, error = done.returncode, done.stderr
        assert found == expected, (arguments, error)
        assert code is None or json.loads(error.splitlines()[-1])["code"] == code


def test_a_drum_that_was_never_made_has_no_proof(town: Town) -> None:
    for command in ("bundle", "status"):
        ended = run(command, town.codes[5], "--json")
        assert (ended.code, ended.problem["code"]) == (ExitCode.REFUSED, "subject.not-found")
    assert run("bundle", town.codes[5], "--compact").code == ExitCode.USAGE


def test_the_base_install_verifies_an_inclusion_proof(town: Town, tmp_path: Path) -> None:
    with contextlib.closing(open_application(Settings(data_dir=town.data), read_only=True)) as application:
        proof, key = application.reads.prove(0), application.log_vkey
    file = tmp_path / "proof.json"
    file.write_text(json.dumps(proof))
    words = ("verify", "proof", str(file), "--key", key)
    found = base_only(*words, "--origin", "trace.example.cn/1", "--json")
    assert (found.returncode, json.loads(found.stdout)["included"]) == (0, True)
    assert found.stdout == run_ok(*words, "--origin", "trace.example.cn/1", "--json").out
    other = base_only(*words, "--origin", "another.example.cn/1")
    assert (other.returncode, "Traceback" in other.stderr) == (ExitCode.REFUSED, False)


@pytest.mark.parametrize(
    "command", [("verify", "log"), ("verify", "backup", "."), ("serve",), ("alerts", "list")]
)
def test_the_base_install_names_the_extra_that_a_command_needs(command: tuple[str, ...]) -> None:
    found = base_only(*command)
    assert (found.returncode, found.stdout) == (ExitCode.UNAVAILABLE, "")
    assert "chemtrace[server]" in found.stderr


def test_a_command_line_without_the_server_names_the_extra() -> None:
    script = BASE_ONLY.replace('"typer", "rich", ', "").replace('None if name == "typer" else ', "")
    for command in (("verify", "log"), ("alerts", "list"), ("serve",)):
        found = subprocess.run(
            [sys.executable, "-c", script, *command], capture_output=True, text=True, timeout=60, check=False
        )
        assert (found.returncode, found.stdout) == (ExitCode.UNAVAILABLE, "")
        assert "chemtrace[server]" in found.stderr
        assert "Traceback" not in found.stderr
