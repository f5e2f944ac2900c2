"""Steps of histories: equal sets have equal sums in any order, and other sets do not."""

import random

import pytest

from chemtrace.ledger.audit.steps import StepSums

STEPS = [("a", 1, True), ("a", 4, True), ("b", 4, False), ("b", 1500, True), ("c", 5000, True)]


def wrong_bucket(stored: list[tuple[str, int, bool]]) -> int | None:
    sums = StepSums()
    for subject, index, effect in STEPS:
        sums.compute(subject, index, effect=effect)
    for subject, index, effect in stored:
        sums.take_stored(subject, index, effect=effect)
    return sums.first_wrong()


def test_the_same_steps_agree_in_any_order():
    assert wrong_bucket(random.Random(1).sample(STEPS, len(STEPS))) is None


@pytest.mark.parametrize(
    ("removed", "added", "bucket"),
    [
        ([1], [], 0),
        ([3], [], 1),
        ([], [("stranger", 1500, True)], 1),
        ([], [("stranger", -1, True)], -1),
        ([4], [("c", 5000, False)], 4),
        ([3], [("b", 1500 + 1024, True)], 1),
        ([0, 1], [("a", 2, True), ("a", 3, True)], 0),
        ([0, 2], [("a", 4, False), ("b", 1, True)], 0),
        ([2], [("b", 4, True)], 0),
    ],
)
def test_other_steps_are_told_even_where_their_indexes_add_up(removed, added, bucket):
    assert wrong_bucket([step for at, step in enumerate(STEPS) if at not in removed] + added) == bucket
