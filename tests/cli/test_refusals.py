"""What a person reads when a proof is refused: two plain lines in two languages, then code, detail and both sides."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from chemtrace.core import errors
from chemtrace.entrypoints.cli import offline
from chemtrace.entrypoints.cli.counting import counted
from chemtrace.entrypoints.cli.refusals import MEANINGS, refusal_lines
from chemtrace.entrypoints.cli.spans import readable, span
from tests.cli.shell import run, run_ok
from tests.cli.test_proofs import base_only
from tests.cli.town import MAKER, Town

PAGE = Path(__file__).parents[2] / "scanners/web/verifier/src/words.js"


@pytest.fixture
def proof(town: Town) -> Path:
    """The bundle of a published drum, beside its trust file."""
    words = (
        "--kind",
        "produce",
        "--phase",
        "make",
        "--item",
        f"{town.codes[0]}=25KGM",
        "--set",
        "site=WORKS-1",
    )
    run_ok("submit", *words, "--key", town.key(MAKER))
    run_ok("bundle", town.codes[0], "-o", "bundle.json")
    run_ok("trust", "export", "-o", "trust.json")
    return Path("bundle.json")


def told(program: str, *words: str) -> list[str]:
    if program == "whole":
        return run("verify", "bundle", *words).err.splitlines()
    return base_only("verify", "bundle", *words).stderr.splitlines()


@pytest.mark.parametrize("program", ["whole", "base"])
def test_a_changed_proof_is_refused_in_plain_words_before_the_code(proof: Path, program: str) -> None:
    text = proof.read_text()
    at = text.index('"record":"') + text[text.index('"record":"') :].index("log_time") + 30
    proof.write_text(text[:at] + ("1" if text[at] != "1" else "2") + text[at + 1 :])
    lines = told(program, "bundle.json", "--trust", "trust.json")
    assert "不要采信" in lines[0]
    assert "do not rely on it" in lines[1]
    assert re.fullmatch(r"chemtrace: .*\[[a-z.-]+\]", lines[2])
    assert "code" in json.loads(told(program, "bundle.json", "--trust", "trust.json", "--json")[0])


@pytest.mark.parametrize("program", ["whole", "base"])
def test_an_old_proof_is_told_with_times_and_spans_that_people_read(proof: Path, program: str) -> None:
    words = ("bundle.json", "--trust", "trust.json", "--max-age", "7200", "--at", "2099-01-01T00:00:00Z")
    lines = told(program, *words)
    assert lines[0].startswith("证明已过期")
    assert lines[1].startswith("The proof is too old")
    fields = dict(line.strip().split(": ", 1) for line in lines[3:])
    assert fields["now"] == "2099-01-01T00:00:00Z"
    assert re.fullmatch(r"20\d\d-.*Z", fields["as_of"])
    assert fields["limit"] == "2.0 小时 h"
    assert fields["age"].endswith("天 days")


@pytest.mark.parametrize("program", ["whole", "base"])
def test_a_damaged_trust_file_is_not_taken_for_a_damaged_proof(proof: Path, program: str) -> None:
    Path("trust.json").write_bytes(Path("trust.json").read_bytes()[:-9])
    lines = told(program, "bundle.json", "--trust", "trust.json")
    assert "信任文件" in lines[0]
    assert "trust file" in lines[1]
    assert "trust.json" in lines[2]
    assert "[trust.format]" in lines[2]


def test_a_trust_file_of_another_authority_is_told_with_both_sides(proof: Path) -> None:
    trust = json.loads(Path("trust.json").read_text())
    trust["authority"] = "ab" * 32
    Path("trust.json").write_text(json.dumps(trust, sort_keys=True, separators=(",", ":")))
    lines = told("whole", "bundle.json", "--trust", "trust.json")
    assert "[key.role]" in lines[2]
    # Which of two checks meets it first depends on the keys: histories stand in the order of their subjects.
    assert re.search(
        r"is not the authority key in force|does not register the pinned authority's key", lines[2]
    )
    fields = dict(line.strip().split(": ", 1) for line in lines[3:])
    assert {fields.get("expected"), fields.get("authority")} & {"ab" * 32}
    assert (fields.get("signers") or fields["kid"]) not in {"", "ab" * 32}


def test_a_command_without_a_ledger_says_so_in_both_languages(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "chemtrace.entrypoints.cli.main", "status"]
    words = [*command, "key:" + "0" * 64, "--data", str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert "there is no ledger" in done.stderr
    assert "此处没有账本" in done.stderr
    done = subprocess.run([*words, "--json"], capture_output=True, text=True, timeout=60, check=False)
    assert json.loads(done.stderr)["code"] == "ledger.missing"


def test_every_error_has_two_plain_lines_and_no_code_of_the_table_is_unknown() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and hasattr(kind, "code")]
    assert set(MEANINGS) <= {kind.code for kind in kinds}
    for kind in kinds:
        if kind is not errors.RuleError:
            chinese, english = refusal_lines(kind("why"))
            assert chinese.endswith("。")
            assert english.endswith(".")


def test_the_inspectors_page_explains_the_same_codes() -> None:
    of_page = set(
        re.findall(
            r"^  '([a-z-]+\.[a-z-]+)': \['",
            PAGE.read_text(encoding="utf-8").split("REFUSALS")[1],
            re.MULTILINE,
        )
    )
    assert set(MEANINGS) - of_page == {"proof.file"}
    assert {code for code in of_page - set(MEANINGS) if not code.startswith("key.")} == {"page.failed"}


def test_spans_are_in_seconds_hours_or_days() -> None:
    assert [span(59), span(5_400), span(1_036_800)] == ["59 秒 s", "1.5 小时 h", "12.0 天 days"]


def test_help_of_the_base_install_shows_each_command_there_with_its_options() -> None:
    for words in ((), ("--help",), ("verify", "--help")):
        shown = base_only(*words)
        assert shown.returncode == 0
        for command in (
            "verify bundle FILE --trust",
            "verify status FILE --trust",
            "verify proof FILE --origin",
        ):
            assert command in shown.stdout
        for option in ("--at", "--max-age", "--lang", "--key", "--json", "chemtrace[server]"):
            assert option in shown.stdout
    assert "按此时刻判断时效" in base_only("verify", "bundle", "--help").stdout


@pytest.mark.parametrize(
    ("written", "judged"),
    [(b"\x8bproof\n", b"\x8bproof\n"), (b"{}\n", b"{}"), (b"CTS1:AB\n", b"CTS1:AB")],
)
def test_only_a_text_loses_the_newline_at_its_end(
    proof: Path, monkeypatch: pytest.MonkeyPatch, written: bytes, judged: bytes
) -> None:
    seen: list[bytes] = []
    monkeypatch.setattr(offline, "verify_status", lambda data, *_, **__: seen.append(data))
    Path("status.any").write_bytes(written)
    offline.check_file("status", "status.any", Path("trust.json"))
    assert seen == [judged]


def test_numbers_and_nouns_agree() -> None:
    assert [counted(1, "event"), counted(2, "entry"), counted(0, "byte")] == [
        "1 event",
        "2 entries",
        "0 bytes",
    ]


def test_one_event_is_told_as_one(proof: Path) -> None:
    told_status = run_ok(
        "status",
        run_ok("verify", "bundle", str(proof), "--trust", "trust.json", "--json").json["subject"],
        "-o",
        "s.json",
    )
    assert "1 event," in told_status.out


def test_moments_and_spans_of_any_error_are_told_as_people_read_them() -> None:
    told_fields = readable(
        {"grace_end_us": 1_772_400_000_000_000, "retry_after_s": 5, "size": 7, "limit_s": None}
    )
    assert told_fields == {
        "grace_end": "2026-03-01T21:20:00Z", "retry_after": "5 秒 s", "size": 7, "limit_s": None
    }  # fmt: skip
