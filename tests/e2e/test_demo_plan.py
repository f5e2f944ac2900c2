"""The plan of the demonstration's week: made by rule from a seed."""

from collections import Counter
from pathlib import Path

import pytest

from chemtrace.core.catalogue import Catalogue, parse_catalogue
from chemtrace.core.credit_code import verify_credit_code
from chemtrace.entrypoints.demo.plan import plan_week

CATALOGUE = Path(__file__).parents[2] / "contracts" / "chemicals" / "beijing-35.json"


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    """The 35 chemicals."""
    return parse_catalogue(CATALOGUE.read_bytes())


def test_the_same_seed_plans_the_same_week(catalogue: Catalogue) -> None:
    """Counts and findings repeat because every act does."""
    one, other = plan_week(7, catalogue), plan_week(7, catalogue)
    assert one.acts == other.acts
    assert one.wanted == other.wanted
    assert one.planted == other.planted


def test_another_seed_plans_another_week(catalogue: Catalogue) -> None:
    """The seed is not an ornament."""
    assert plan_week(7, catalogue).acts != plan_week(8, catalogue).acts


@pytest.mark.parametrize("seed", [1, 35, 99])
def test_every_week_is_a_whole_city(catalogue: Catalogue, seed: int) -> None:
    """All 35 chemicals, all six stages, enterprises of all roles with codes that hold."""
    plan = plan_week(seed, catalogue)
    assert {wanted.slot for wanted in plan.wanted} >= {chemical.slot for chemical in catalogue.chemicals}
    assert len(plan.wanted) >= 2_000
    assert len(plan.acts) >= 12_000
    kinds = Counter(act.kind for act in plan.acts)
    assert set(kinds) >= {
        "produce",
        "trade",
        "store",
        "transport",
        "use",
        "dispose",
        "pack",
        "transform",
        "correct",
    }
    for firm in plan.city.firms:
        assert verify_credit_code(firm.credit_code) == firm.credit_code
        assert 39_400_000 < firm.site.lat_e6 < 41_100_000
        assert 115_400_000 < firm.site.lon_e6 < 117_500_000
    assert len(plan.city.firms) >= 60
