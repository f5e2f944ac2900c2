"""One drum, one buyer: no kind of event, no container and no crowd of clients sells it twice unseen."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from chemtrace.core.credit_code import make_credit_code
from chemtrace.core.serials import issue_codes
from chemtrace.core.statement import encode_wire
from chemtrace.ledger.outcome import Admitted, Refused
from tests.integration.audit.town import AUTHORITY, DEALER, MAKER, MASTER, USER, Town
from tests.security.attacker import findings, lines, refusal, say, statement

CLIENTS = 16


@pytest.fixture
def drum(town: Town) -> str:
    (code,) = town.issue(1)
    town.do_items(MAKER, "produce", "make", [(code, "25")], site="S-MAKER")
    return code


def sell(town: Town, code: str, buyer: str):
    return say(town, MAKER, "trade", "sell", [code], items=lines(code), counterparty=buyer)


def at_once(town: Town, wires: list[bytes]) -> list[Admitted | Refused]:
    barrier = threading.Barrier(len(wires))

    def go(wire: bytes) -> Admitted | Refused:
        barrier.wait()
        return town.ledger.submit(wire)

    with ThreadPoolExecutor(len(wires)) as pool:
        return list(pool.map(go, wires))


def test_of_sixteen_sales_at_once_to_sixteen_buyers_one_is_admitted(town: Town, drum: str) -> None:
    buyers = [make_credit_code(f"91110000MB00001{number:02d}") for number in range(CLIENTS)]
    sales = [
        statement(town, MAKER, "trade", "sell", [drum], items=lines(drum), counterparty=buyer)
        for buyer in buyers
    ]
    outcomes = at_once(town, [encode_wire(sale) for sale in sales])
    assert sum(isinstance(outcome, Admitted) for outcome in outcomes) == 1
    assert {refusal(outcome) for outcome in outcomes} - {None} <= {"prev.stale", "item.double-sale"}


def test_the_same_statement_at_once_gets_one_receipt_byte_for_byte(town: Town, drum: str) -> None:
    sale = statement(town, MAKER, "trade", "sell", [drum], items=lines(drum), counterparty=DEALER)
    outcomes = at_once(town, [encode_wire(sale)] * CLIENTS)
    assert all(isinstance(outcome, Admitted) for outcome in outcomes)
    assert len({outcome.receipt_bytes for outcome in outcomes}) == 1
    assert [outcome.duplicate for outcome in outcomes].count(False) == 1


def test_a_sold_drum_that_is_returned_to_another_is_a_double_sale(town: Town, drum: str) -> None:
    assert refusal(sell(town, drum, DEALER)) is None
    returned = say(town, MAKER, "use", "return", [drum], items=lines(drum), counterparty=USER)
    assert findings(returned) == ("item.double-sale",)


def test_giving_back_to_the_buyer_who_has_not_paid_attention_is_none(town: Town, drum: str) -> None:
    assert refusal(sell(town, drum, DEALER)) is None
    returned = say(town, MAKER, "use", "return", [drum], items=lines(drum), counterparty=DEALER)
    assert findings(returned) == ()


def test_a_sold_drum_delivered_to_another_is_found_when_its_buyer_speaks(town: Town, drum: str) -> None:
    assert refusal(sell(town, drum, DEALER)) is None
    say(town, MAKER, "transport", "load", [drum], items=lines(drum), counterparty=USER, vehicle="京A12345")
    say(town, USER, "transport", "arrive", [drum], items=lines(drum), counterparty=MAKER, site="S-USER")
    bought = say(town, DEALER, "trade", "buy", [drum], items=lines(drum), counterparty=MAKER)
    assert "item.not-holder" in findings(bought)


def test_a_sold_drum_is_not_sold_again_inside_a_container(town: Town, drum: str) -> None:
    series = {"issuer": "7K2M", "kind": "A", "slot": "000", "start": 0, "count": 1}
    town.do(
        AUTHORITY, "issue", "batch", ["batch:B-A"],
        batch="B-A", enterprise=MAKER, root="0" * 64, seal_year=2026, **series,
    )  # fmt: skip
    (pallet,) = issue_codes(master=MASTER, **series)
    assert refusal(sell(town, drum, DEALER)) is None
    packed = say(town, MAKER, "pack", "done", [pallet, drum], container=pallet, items=lines(drum))
    assert findings(packed) == ()
    assert refusal(sell(town, pallet, USER)) == "item.double-sale"
    assert refusal(sell(town, pallet, DEALER)) is None
