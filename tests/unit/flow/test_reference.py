"""The published reference names every detector with its names, in both languages."""

from __future__ import annotations

from pathlib import Path
from string import Formatter

import pytest

from chemtrace.flow.detector import Detector
from chemtrace.flow.detectors import DETECTORS

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "alerts.md"


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda detector: detector.id)
def test_describes_every_detector(detector: Detector):
    page = PAGE.read_text(encoding="utf-8")
    assert f"| {detector.id} | {detector.name.en} {detector.name.zh} |" in page
    assert f"### {detector.id} {detector.name.en} " in page


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda detector: detector.id)
def test_says_the_same_numbers_in_both_languages(detector: Detector):
    for text in detector.texts.values():
        shared = [
            {
                name.removesuffix("_zh").removesuffix("_en")
                for _, name, _, _ in Formatter().parse(side)
                if name
            }
            for side in (text.zh, text.en)
        ]
        assert shared[0] == shared[1]
