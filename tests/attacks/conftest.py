"""An honest double to be told lies, and a mirror that watches."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attacks.double import Double, Watch, small_double


@pytest.fixture
def double() -> Double:
    return small_double()


@pytest.fixture
def watch(tmp_path: Path, double: Double) -> Iterator[Watch]:
    watch = Watch(tmp_path / "watch", double.log)
    yield watch
    watch.close()
