"""The tutorial is true: every command on the page runs, in order, and does what the page says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.shell import Done, run_ok, run_page

PAGE = Path("docs/tutorial/first-drum.md")


@pytest.fixture
def walked(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Done]]:
    """The tutorial, walked in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CHEMTRACE_DATA_DIR", "")
    return list(run_page(root / PAGE, tmp_path))


def test_the_first_drum_goes_from_maker_to_user_and_the_log_verifies(
    walked: list[tuple[str, Done]], tmp_path: Path
) -> None:
    told = {line.split(" --")[0]: done for line, done in walked}
    code = (tmp_path / "codes.txt").read_text().split()[0]
    assert code in told["chemtrace scan drum.png"].out
    assert "verified" in told["chemtrace verify log"].out
    history = run_ok("history", code, "--json").json
    assert [f"{event['kind']}/{event['phase']}" for event in history["events"]] == [
        "produce/make", "trade/sell", "transport/load", "transport/arrive", "trade/buy", "use/consume", "use/consume",
    ]  # fmt: skip
    assert "spent" in told["chemtrace history $CODE"].out
    assert [event["findings"] for event in history["events"]] == [[]] * 7
    assert (tmp_path / "sheet.pdf").read_bytes().startswith(b"%PDF")


def test_the_refusal_of_the_tutorial_is_kept_as_evidence(walked: list[tuple[str, Done]]) -> None:
    refused = next(done for _, done in walked if done.code == 3)
    assert "item.not-holder" in refused.err or "item.closed" in refused.err
    assert len(run_ok("alerts", "refusals", "--json").json["refusals"]) == 1
