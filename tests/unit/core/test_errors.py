"""Errors: one tree, codes of their own, fields that JSON can carry."""

import pickle
from decimal import Decimal

from chemtrace.core import errors
from chemtrace.core.errors import ChemtraceError, RuleError


def tree(cls: type[ChemtraceError] = ChemtraceError) -> list[type[ChemtraceError]]:
    return [cls, *(leaf for child in cls.__subclasses__() for leaf in tree(child))]


def test_every_class_has_a_code_of_its_own() -> None:
    classes = [cls for cls in tree() if cls.__module__ == errors.__name__]
    assert len({cls.code for cls in classes}) == len(classes) > 60


def test_every_error_is_of_one_of_the_three_branches() -> None:
    branches = (errors.RefusedError, errors.UnavailableError, errors.EvidenceError)
    assert all(issubclass(cls, branches) for cls in tree() if cls is not ChemtraceError)


def test_a_problem_carries_both_sides_as_json() -> None:
    error = RuleError("no", rule_id="R-1", sides={"want": Decimal("1.50"), "got": b"\x01"}, at=(1, None, "x"))
    assert error.problem() == {
        "code": "R-1",
        "detail": "no",
        "fields": {"rule_id": "R-1", "sides": {"want": "1.50", "got": "01"}, "at": [1, None, "x"]},
    }
    assert str(error) == "no"


def test_errors_cross_process_borders_whole() -> None:
    error = pickle.loads(pickle.dumps(RuleError("no", rule_id="R-1")))  # our own bytes
    assert isinstance(error, RuleError)
    assert error.problem()["fields"] == {"rule_id": "R-1"}
