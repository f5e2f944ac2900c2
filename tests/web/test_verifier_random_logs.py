"""Random logs, honest and lying: the page and the ledger's verifier give one verdict, or refuse for one reason."""

from __future__ import annotations

import os
from collections import Counter
from typing import Any

import pytest

from tests.property.test_bundle_agreement import Muddle
from tests.vectors.bundle_runner import run
from tests.web.verifier_page import opened, run_cases

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LOGS = int(os.environ.get("CHEMTRACE_LOGS", "15"))


def test_the_page_and_the_ledger_agree_on_random_logs(browser: Any) -> None:
    cases = []
    for seed in range(LOGS):
        muddle = Muddle(10_000 + seed)
        muddle.live(5 + seed % 25)
        for _ in range(3):
            given = {name: value for name, value in muddle.case().items() if value is not None}
            cases.append({"op": "bundle", "input": given})
    wanted = [run(case) for case in cases]
    with opened(browser) as page:
        found = run_cases(page, cases)
    differing = [pair for pair in zip(wanted, found, strict=True) if pair[0] != pair[1]]
    assert differing == []
    assert len(Counter(one.get("error", "taken") for one in wanted)) > 3
