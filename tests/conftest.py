"""What every test may ask for, and the rules that hold for all of them."""

from __future__ import annotations

import os
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.databases import PostgreSQLDatabases, SQLiteDatabases, running_postgresql

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
NO_SKIPS = "CHEMTRACE_NO_SKIPS"
SKIPS_COUNT = os.environ.get(NO_SKIPS) == "1"

# A zone that is not UTC: code that takes the local time for UTC is eight hours wrong and fails here.
os.environ["TZ"] = "Asia/Shanghai"
time.tzset()

# Programs that the tests start must not owe to the developer's shell that their output comes at once.
os.environ.pop("PYTHONUNBUFFERED", None)

_SLOW_MACHINE = (HealthCheck.too_slow, HealthCheck.function_scoped_fixture)
settings.register_profile(
    "ci",
    max_examples=100,
    derandomize=True,
    deadline=None,
    print_blob=True,
    suppress_health_check=_SLOW_MACHINE,
)
settings.register_profile("nightly", parent=settings.get_profile("ci"), max_examples=5000, derandomize=False)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


def _forget_settings(environment: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("CHEMTRACE_"):
            environment.delenv(name)


@pytest.fixture(scope="session", autouse=True)
def _plain_shell() -> Iterator[None]:
    """No setting of the developer's shell reaches a test or a program that it starts, nor do the names that tests read.

    Those are read before any test runs: to the programs they would be misspelt settings.
    """
    with pytest.MonkeyPatch.context() as environment:
        _forget_settings(environment)
        yield


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting that a test left behind reaches the next one."""
    _forget_settings(monkeypatch)


# ------------------------------------------------------------------ places


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with reference vectors and sample data beside the checkout; it may be absent."""
    return SHARED


# ------------------------------------------------------------------ databases


@pytest.fixture(scope="session")
def sqlite_databases(tmp_path_factory: pytest.TempPathFactory) -> SQLiteDatabases:
    """A maker of migrated SQLite files."""
    return SQLiteDatabases(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
def postgresql_databases() -> Iterator[PostgreSQLDatabases]:
    """A maker of migrated PostgreSQL databases, on one server for each test process, started at the first use."""
    with running_postgresql() as url:
        yield PostgreSQLDatabases(url)


@pytest.fixture
def sqlite_url(sqlite_databases: SQLiteDatabases) -> str:
    """The URL of a fresh, migrated SQLite file."""
    return sqlite_databases.create()


@pytest.fixture
def postgresql_url(postgresql_databases: PostgreSQLDatabases) -> Iterator[str]:
    """The URL of a fresh, migrated PostgreSQL database; mark the test `postgres`."""
    url = postgresql_databases.create()
    yield url
    postgresql_databases.drop(url)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of a fresh, migrated database: each test runs once on SQLite and once on PostgreSQL."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


# ------------------------------------------------------------------ no skips where it counts


BORROWED = "not beside th"
"""In the reason of a test over vectors or records of other hands: they are no part of the project, and where they do
not lie beside the checkout no installation can bring them."""


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if not SKIPS_COUNT or report.outcome != "skipped" or hasattr(report, "wasxfail"):
        return
    where = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
    if BORROWED in str(where):
        return
    report.outcome = "failed"
    report.longrepr = f"a skipped test counts as a failure here ({NO_SKIPS}=1): {where}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: Any
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip into a failure where no skip is allowed."""
    report = yield
    _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Turn the skip of a whole module into a failure where no skip is allowed."""
    report = yield
    _refuse_skip(report)
    return report
