"""A module's own database, once on SQLite and once on PostgreSQL."""

import pytest


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def module_database_url(request):
    """The URL of a fresh, migrated database that the tests of one module share."""
    return request.getfixturevalue(f"{request.param}_databases").create()
