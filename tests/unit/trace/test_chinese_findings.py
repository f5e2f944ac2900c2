"""Whoever reads a finding or a refusal in Chinese meets no English word of ours in it."""

import re

import pytest

from chemtrace.core.errors import RuleError
from tests.unit.trace.lifecycle import COLUMNS, ROWS, world_at
from tests.unit.trace.world import STRANGER

ENGLISH = re.compile(r"[a-z]{2,}")


@pytest.mark.parametrize("stranger", [False, True])
@pytest.mark.parametrize("column", COLUMNS)
def test_every_pair_of_state_and_event_is_explained_in_chinese_alone(column: str, stranger: bool) -> None:
    told = [text for row in ROWS for text in _texts(row, column, stranger=stranger)]
    assert told
    assert [] == [text for text in told if ENGLISH.search(text)]


def _texts(row: str, column: str, *, stranger: bool) -> list[str]:
    what, actor, fields = ROWS[row]
    actor = STRANGER if stranger else actor
    if stranger:
        fields = {name: "X1" if name == "site" else value for name, value in fields.items()}
    try:
        judgement = world_at(column, actor).do(what, actor, **fields)
    except RuleError as refused:
        return [str(refused.fields["text_zh"])]
    return [finding.text_zh for finding in judgement.findings]
