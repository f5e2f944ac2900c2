"""The published vectors of the core: every file gives the result that it states, and none was forgotten."""

import json
from typing import Any

import pytest

from tests.vectors.core_cases import FOLDER, cases
from tests.vectors.core_runner import OPERATIONS, run

AREAS = sorted({folder for folder, *_ in cases()})
FILES = [path for area in AREAS for path in sorted((FOLDER / area).glob("*.json"))]


def load(path: Any) -> dict[str, Any]:
    case: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return case


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_the_vector_holds(path: Any) -> None:
    case = load(path)
    stated = {name: case[name] for name in ("want", "error") if name in case}
    assert stated == run(case)


def test_every_case_has_its_file_and_its_input_is_unchanged() -> None:
    stored = {(path.parent.name, path.stem): load(path)["input"] for path in FILES}
    assert stored == {(folder, name): given for folder, name, _, given in cases()}


def test_every_operation_has_a_good_and_a_bad_case() -> None:
    results = {(case["op"], "error" in case) for case in map(load, FILES)}
    for operation in set(OPERATIONS) - {"chain", "root", "map-root"}:
        assert {(operation, True), (operation, False)} <= results
