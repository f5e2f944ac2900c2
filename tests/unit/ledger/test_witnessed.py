"""The newest checkpoint with a quorum: found whatever came since, remembered, and never taken from another snapshot."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from chemtrace.core.cosignature import cosigner
from chemtrace.core.keys import generate_key
from chemtrace.core.policy import parse_policy
from chemtrace.ledger.ports import CosignatureRow, ReadTransaction
from chemtrace.ledger.witnessed import Witnessed

VERIFIERS = {
    name: cosigner(f"w.test/{name}", generate_key("ed25519", name.encode() * 32)) for name in ("A", "B", "C")
}
POLICY = parse_policy(
    "".join(f"witness {name} {verifier.vkey}\n" for name, verifier in VERIFIERS.items())
    + "group two 2 A B C\nquorum two\n"
)


class Rows:
    """Cosignatures of one snapshot; counts the rows that were read."""

    def __init__(self, rows: Iterable[tuple[int, str]]) -> None:
        self.rows = sorted(set(rows), reverse=True)
        self.read = 0

    def newest_cosignatures(self, limit: int) -> Iterable[tuple[int, str, bytes]]:
        for size, name in self.rows[:limit]:
            self.read += 1
            yield size, VERIFIERS[name].name, VERIFIERS[name].key_hash

    def cosignatures(self, size: int) -> tuple[CosignatureRow, ...]:
        return tuple([
            CosignatureRow(at, VERIFIERS[name].name, VERIFIERS[name].key_hash, "", 0)
            for at, name in self.rows if at == size
        ])  # fmt: skip


def ask(witnessed: Witnessed, rows: Rows) -> int | None:
    return witnessed.newest(cast("ReadTransaction", cast("Any", rows)))


def naive(rows: Rows) -> int | None:
    sizes = sorted({size for size, _ in rows.rows}, reverse=True)
    return next((size for size in sizes if len([1 for at, _ in rows.rows if at == size]) >= 2), None)


@given(st.lists(st.tuples(st.integers(1, 12), st.sampled_from("ABC")), max_size=40), st.data())
def test_it_agrees_with_looking_through_all_of_them_each_time(
    rows: list[tuple[int, str]], data: st.DataObject
) -> None:
    """Rows come in any order, snapshots are as old as they like."""
    witnessed = Witnessed(POLICY)
    for _ in range(6):
        snapshot = Rows(rows[: data.draw(st.integers(0, len(rows)))])
        assert naive(snapshot) == ask(witnessed, snapshot)


def test_without_policy_there_never_is_one() -> None:
    assert ask(Witnessed(None), Rows([(1, "A"), (1, "B")])) is None


def test_one_from_long_ago_is_found_and_then_remembered() -> None:
    alone = [(size, "A") for size in range(10, 30_000)]
    rows = Rows([(5, "A"), (5, "B"), *alone])
    witnessed = Witnessed(POLICY)
    assert ask(witnessed, rows) == 5
    rows.read = 0
    assert ask(witnessed, rows) == 5
    assert rows.read <= 1_016
    assert ask(witnessed, Rows([*rows.rows, (30_000, "A"), (30_000, "C")])) == 30_000


def test_where_there_never_was_one_everything_is_read_once() -> None:
    rows = Rows([(size, "B") for size in range(20_000)])
    witnessed = Witnessed(POLICY)
    assert ask(witnessed, rows) is None
    rows.read = 0
    assert ask(witnessed, rows) is None
    assert rows.read <= 1_016
