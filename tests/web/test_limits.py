"""Shares: so many tries at once, refilled evenly, bounded in memory."""

from __future__ import annotations

import pytest

from chemtrace.entrypoints import limits
from chemtrace.entrypoints.limits import Shares, caller


class Hand:
    """A clock set by hand, in nanoseconds."""

    def __init__(self) -> None:
        self.now_ns = 0

    def __call__(self) -> int:
        return self.now_ns

    def pass_s(self, seconds: int) -> None:
        self.now_ns += seconds * 1_000_000_000


def test_refuses_after_the_burst_and_says_how_long() -> None:
    clock = Hand()
    shares = Shares(burst=2, every_s=10, clock_ns=clock)
    assert [0, 0, 10] == [shares.take("a") for _ in range(3)]
    clock.pass_s(7)
    assert shares.take("a") == 3
    clock.pass_s(3)
    assert [0, 10] == [shares.take("a") for _ in range(2)]


def test_one_caller_does_not_use_up_anothers_share() -> None:
    shares = Shares(burst=1, every_s=10, clock_ns=Hand())
    assert [0, 10, 0] == [shares.take("a"), shares.take("a"), shares.take("b")]


def test_a_share_never_grows_beyond_its_burst() -> None:
    clock = Hand()
    shares = Shares(burst=2, every_s=10, clock_ns=clock)
    shares.take("a")
    clock.pass_s(10_000)
    shares.give_back("a")
    assert [0, 0, 10] == [shares.take("a") for _ in range(3)]


def test_a_good_try_given_back_does_not_count() -> None:
    shares = Shares(burst=1, every_s=10, clock_ns=Hand())
    for _ in range(5):
        assert shares.take("a") == 0
        shares.give_back("a")


def test_the_oldest_share_is_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_KEYS", 2)
    shares = Shares(burst=1, every_s=10, clock_ns=Hand())
    for key in ("a", "b", "c"):
        assert shares.take(key) == 0
    assert [10, 0] == [shares.take("c"), shares.take("a")]


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        (None, "unknown"),
        ("testclient", "unknown"),
    ],
)
def test_addresses_of_one_subscriber_share(host: str | None, expected: str) -> None:
    assert expected == caller(host)
