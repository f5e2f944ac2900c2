"""Containers in containers: no order of packing, told in time or late or taken back, puts one into itself."""

from __future__ import annotations

import pytest

from chemtrace.adapters.sql.reads.items import load_item, load_stock
from chemtrace.core.serials import issue_codes
from chemtrace.ledger.outcome import Admitted, Outcome
from chemtrace.trace.state import decode_state
from tests.integration.audit.town import AUTHORITY, CATALOGUE, MAKER, MASTER, MINUTE_US, Town
from tests.security.attacker import findings, lines, refusal, say


@pytest.fixture
def pallets(town: Town) -> list[str]:
    series = {"issuer": "7K2M", "kind": "A", "slot": "000", "start": 0, "count": 20}
    town.do(
        AUTHORITY, "issue", "batch", ["batch:B-A"],
        batch="B-A", enterprise=MAKER, root="0" * 64, seal_year=2026, **series,
    )  # fmt: skip
    return list(issue_codes(master=MASTER, **series))


def pack(town: Town, container: str, *items: str, phase: str = "pack", **more: object) -> Outcome:
    return say(
        town, MAKER, phase, "done", [container, *items],
        container=container, items=lines(*items), site="S-MAKER", **more,
    )  # fmt: skip


def parent(town: Town, code: str) -> str | None:
    with town.store.read() as transaction:
        return decode_state(transaction.item_states([code])[code]).parent


@pytest.fixture
def nested(town: Town, pallets: list[str]) -> tuple[str, str, dict[str, str | None], int]:
    """Two pallets with a drum each, the second inside the first; their heads and the time before that."""
    drums = town.issue(2)
    for drum in drums:
        town.do_items(MAKER, "produce", "make", [(drum, "25")], site="S-MAKER")
    first, second = pallets[:2]
    assert isinstance(pack(town, first, drums[0]), Admitted)
    assert isinstance(pack(town, second, drums[1]), Admitted)
    heads, before_us = {first: town.heads[first], second: town.heads[second]}, town.clock.us
    town.clock.us += MINUTE_US
    assert isinstance(pack(town, first, second), Admitted)
    return first, second, heads, before_us


def test_a_late_packing_the_other_way_round_is_refused(town: Town, nested) -> None:
    first, second, heads, before_us = nested
    assert refusal(pack(town, second, first, prevs=heads, at_us=before_us)) == "item.packed"
    assert (parent(town, first), parent(town, second)) == (None, first)


def test_an_exception_the_other_way_round_has_no_effect(town: Town, nested) -> None:
    first, second, heads, before_us = nested
    made = pack(town, second, first, prevs=heads, at_us=before_us, stance="exception")
    assert "item.packed" in findings(made)
    assert (parent(town, first), parent(town, second)) == (None, first)


def test_taking_back_an_unpacking_does_not_close_a_ring(town: Town, nested) -> None:
    first, second, _, _ = nested
    unpacked = pack(town, first, second, phase="unpack")
    assert isinstance(unpacked, Admitted)
    event = town.heads[first]
    assert isinstance(pack(town, second, first), Admitted)
    taken_back = say(
        town, MAKER, "correct", "done", [first, second], event=event, reason="it was still inside"
    )
    assert "correct.superseded" in findings(taken_back)
    assert (parent(town, first), parent(town, second)) == (second, None)


def test_goods_under_many_layers_of_containers_are_in_the_stock_of_their_site(
    town: Town, pallets: list[str]
) -> None:
    (drum,) = town.issue(1)
    town.do_items(MAKER, "produce", "make", [(drum, "25")], site="S-MAKER")
    inner = drum
    for pallet in pallets[:14]:
        assert isinstance(pack(town, pallet, inner), Admitted)
        inner = pallet
    with town.database.read() as connection:
        stock = load_stock(connection, "S-MAKER", CATALOGUE)
        view = load_item(connection, drum, CATALOGUE)
    assert drum in {item.code for group in stock for item in group.items}
    assert (view.containers[-1], view.site) == (inner, "S-MAKER")
