"""The inspector's page as the server and the command line hand it out, with a real ledger's proofs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from chemtrace.core.bundle.trust import encode_trust
from chemtrace.entrypoints.cli.main import create_app
from chemtrace.entrypoints.verifier.page import page_policy
from tests.web.seed import Seeded
from tests.web.test_verifier_page import vector, verdict
from tests.web.verifier_page import BUILT, opened, trust_file


def test_anybody_gets_the_page_and_it_may_connect_to_nothing(stranger: httpx.Client) -> None:
    answer = stranger.get("/verify")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"] == f"{page_policy()}; frame-ancestors 'none'"
    assert answer.headers["permissions-policy"].startswith("camera=(self)")
    assert 'data-source="operator"' in answer.text
    assert "set-cookie" not in answer.headers


@pytest.mark.browser
@pytest.mark.slow
def test_the_served_page_verifies_a_drum_of_the_ledger_and_says_whose_trust_file_it_used(
    browser: Any, server_url: str, seeded_ledger: Seeded, tmp_path: Path
) -> None:
    code = seeded_ledger.codes["drum0"]
    with httpx.Client(
        base_url=server_url, headers={"Authorization": f"Bearer {seeded_ledger.token}"}
    ) as client:
        bundle = client.get(f"/v1/items/{code}/bundle", headers={"Accept": "application/json"})
    assert bundle.status_code == 200, bundle.text
    proof = tmp_path / "bundle.json"
    proof.write_bytes(bundle.content)
    complaints: list[str] = []
    context = browser.new_context(locale="zh-CN", viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.on("console", lambda message: complaints.append(message.text))
    page.on("request", lambda request: complaints.append(request.url))
    page.goto(f"{server_url}/verify")
    page.wait_for_selector("#trust-box .source.operator")
    assert "运营方的说法" in page.inner_text("#trust-box")
    page.set_input_files("#proof-file", proof)
    page.wait_for_selector("[data-verdict=word]")
    assert verdict(page)["authentic"] == "yes"
    assert page.locator("[data-not-checked=trust]").is_visible()
    assert page.locator("ol.events").first.locator("> li").count() == 10
    # The authority's own file, once loaded, takes the place of the operator's.
    kept = tmp_path / "trust.json"
    kept.write_bytes(encode_trust(seeded_ledger.application.trust))
    page.set_input_files("#trust-file", kept)
    page.wait_for_selector("#trust-box .source.kept")
    page.wait_for_selector("[data-not-checked=trust]", state="detached")
    context.close()
    assert [f"{server_url}/verify"] == [one for one in complaints if not one.startswith("data:")]


@pytest.mark.browser
@pytest.mark.slow
def test_a_page_exported_with_a_trust_file_is_ready_at_once(browser: Any, tmp_path: Path) -> None:
    case = vector("good-cosigned-by-mirror")
    page_file = tmp_path / "verify.html"
    done = CliRunner().invoke(
        create_app(),
        ["verifier", "export", str(page_file), "--trust", str(trust_file(case, tmp_path)), "--json"],
    )
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (told["origin"], told["bytes"]) == ("log.example/chemtrace", page_file.stat().st_size)
    with opened(browser, page_file) as page:
        page.wait_for_selector("#trust-box .source.exported")
        proof = tmp_path / "proof"
        proof.write_text(case["input"]["text"], encoding="utf-8")
        page.uncheck("#clock")
        page.set_input_files("#proof-file", proof)
        page.wait_for_selector("[data-verdict=yes]")


def test_a_page_without_a_trust_file_is_the_built_one_and_nothing_is_overwritten(tmp_path: Path) -> None:
    page_file = tmp_path / "verify.html"
    first = CliRunner().invoke(create_app(), ["verifier", "export", str(page_file)])
    again = CliRunner().invoke(create_app(), ["verifier", "export", str(page_file)])
    assert first.exit_code == 0
    assert page_file.read_bytes() == BUILT.read_bytes()
    assert getattr(again.exception, "code", None) == "output.file"
