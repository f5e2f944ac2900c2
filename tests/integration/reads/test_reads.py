"""What doors read: histories, places, parties, pages; and how much the database is asked for it."""

from __future__ import annotations

from typing import Self

import orjson
import pytest
from sqlalchemy import event

from chemtrace.core.checkpoint import verify_checkpoint
from chemtrace.core.errors import (
    AlertUnknownError,
    CursorError,
    EnterpriseNotFoundError,
    EntryUnknownError,
    EventNotFoundError,
    ItemUnknownError,
    RootMismatchError,
    SiteNotFoundError,
    WaybillUnknownError,
)
from chemtrace.core.note import make_verifier
from chemtrace.ledger.outcome import Refused
from chemtrace.ledger.prove import parse_proof, verify_entry_proof
from tests.integration.audit.town import DEALER, MAKER, ORIGIN, USER
from tests.integration.reads.conftest import ReadTown


class Questions:
    """Counts the statements that a block sends to the database."""

    def __init__(self, town: ReadTown) -> None:
        self._engine = town.database._reading
        self.asked: list[str] = []

    def _note(self, _connection, _cursor, statement: str, *_rest: object) -> None:
        self.asked.append(statement)

    def __enter__(self) -> Self:
        event.listen(self._engine, "before_cursor_execute", self._note)
        return self

    def __exit__(self, *_error: object) -> None:
        event.remove(self._engine, "before_cursor_execute", self._note)

    @property
    def selects(self) -> int:
        return sum("SELECT" in statement for statement in self.asked)


def drum_in_a_pallet(town: ReadTown) -> tuple[str, str]:
    """A drum that is packed into a container which is then sold, and unpacked by the buyer."""
    (drum,) = town.issue(1)
    (pallet,) = town.issue(1, kind="A")
    town.do_items(MAKER, "produce", "make", [(drum, "25")], site="S-MAKER")
    town.do(MAKER, "pack", "done", [pallet, drum], container=pallet, items=[{"code": drum}], site="S-MAKER")
    town.do_items(MAKER, "trade", "sell", [(pallet, None)], counterparty=DEALER)
    town.do_items(DEALER, "trade", "buy", [(pallet, None)], counterparty=MAKER, site="S-DEALER")
    return drum, pallet


def test_a_history_tells_every_event_in_the_order_of_the_log(town: ReadTown) -> None:
    codes = town.live(3)
    lines = town.reads.history(codes[0])
    assert [(line.kind, line.phase, line.actor) for line in lines] == [
        ("produce", "make", MAKER),
        ("trade", "sell", MAKER),
        ("trade", "buy", DEALER),
        ("use", "consume", DEALER),
    ]
    assert [line.index for line in lines] == sorted(line.index for line in lines)
    assert lines[1].counterparty == DEALER
    assert all(line.effect and not line.late and line.receipt for line in lines)
    assert lines[0].payload is not None
    assert lines[0].payload["items"][0]["quantity"] == {"value": "25", "unit": "KGM"}
    assert orjson.loads(orjson.dumps(lines))[0]["kind"] == "produce"


def test_a_contradiction_stands_beside_its_event(town: ReadTown) -> None:
    codes = town.live(3)
    last = town.reads.history(codes[1])[-1]
    assert [(found.rule, found.code) for found in last.findings] == [("item.not-holder", codes[1])]
    assert last.findings[0].text_zh
    assert last.findings[0].sides["actor"] == USER
    assert town.reads.item(codes[1]).findings == last.findings


def test_a_history_follows_an_item_into_its_container(town: ReadTown) -> None:
    drum, pallet = drum_in_a_pallet(town)
    kinds = [(line.kind, line.via) for line in town.reads.history(drum)]
    assert kinds == [("produce", None), ("pack", None), ("trade", pallet), ("trade", pallet)]
    town.do(
        DEALER, "unpack", "done", [pallet, drum], container=pallet, items=[{"code": drum}], site="S-DEALER"
    )
    town.do_items(DEALER, "trade", "sell", [(pallet, None)], counterparty=USER)
    assert [line.kind for line in town.reads.history(drum)][-1] == "unpack"
    assert [line.kind for line in town.reads.history(drum, follow_containers=False)] == [
        "produce",
        "pack",
        "unpack",
    ]


def test_an_item_in_a_container_is_where_the_container_is(town: ReadTown) -> None:
    drum, pallet = drum_in_a_pallet(town)
    item = town.reads.item(drum)
    assert (item.containers, item.holder, item.site) == ((pallet,), DEALER, "S-DEALER")
    assert town.reads.item(pallet).contents == (drum,)
    (line,) = [line for line in town.reads.site_stock("S-DEALER").chemicals if line.unit == "KGM"]
    assert (line.pieces, line.quantity, [found.code for found in line.items]) == (1, "25", [drum])
    assert line.name_zh
    assert town.reads.site_stock("S-MAKER").chemicals == ()


def test_lineage_goes_through_repacking_in_both_directions(town: ReadTown) -> None:
    drum, one, two = town.issue(3)
    town.do_items(MAKER, "produce", "make", [(drum, "25")], site="S-MAKER")
    mass = {"value": "10", "unit": "KGM"}
    town.do(
        MAKER, "produce", "repack", [drum, one, two], site="S-MAKER",
        inputs=[{"code": drum, "quantity": {"value": "20", "unit": "KGM"}}],
        items=[{"code": one, "quantity": mass}, {"code": two, "quantity": mass}],
    )  # fmt: skip
    down = town.reads.trace(drum, "down")
    assert {(edge.source, edge.target, edge.relation) for edge in down.edges} == {
        (drum, one, "repack"),
        (drum, two, "repack"),
    }
    (up,) = town.reads.trace(one, "up").edges
    assert (up.source, up.target, up.quantity, up.unit, up.depth) == (drum, one, "20", "KGM", 1)
    assert not down.truncated


def test_items_come_in_pages_without_a_gap(town: ReadTown) -> None:
    codes = sorted(town.live(5))
    found: list[str] = []
    cursor = None
    while True:
        page = town.reads.items(cursor=cursor, limit=2)
        found += [row.code for row in page.rows]
        cursor = page.next
        if cursor is None:
            break
    assert found == codes
    assert {row.holder for row in town.reads.items(holder=DEALER).rows} == {DEALER}
    assert town.reads.items(chemical="001").rows == ()


def test_a_sold_item_is_pending_for_its_buyer(town: ReadTown) -> None:
    (code,) = town.issue(1)
    town.do_items(MAKER, "produce", "make", [(code, "25")], site="S-MAKER")
    town.do_items(MAKER, "trade", "sell", [(code, None)], counterparty=DEALER)
    assert [row.code for row in town.reads.items(pending=DEALER).rows] == [code]
    assert town.reads.items(pending=USER).rows == ()


def test_a_partys_events_are_those_where_it_acts_and_those_it_is_named_in(town: ReadTown) -> None:
    town.live(3)
    rows = town.reads.party_events(DEALER).rows
    assert {(row.actor, row.counterparty) for row in rows} == {
        (DEALER, MAKER),
        (MAKER, DEALER),
        (DEALER, None),
    }
    first = town.reads.party_events(DEALER, limit=2)
    rest = town.reads.party_events(DEALER, cursor=first.next)
    assert [row.index for row in (*first.rows, *rest.rows)] == [row.index for row in rows]


def test_events_are_listed_newest_first(town: ReadTown) -> None:
    town.live(2)
    rows = town.reads.events(kind="trade").rows
    assert [row.kind for row in rows] == ["trade", "trade"]
    assert rows[0].index > rows[1].index


def test_an_enterprise_shows_its_sites_keys_and_batches(town: ReadTown) -> None:
    town.issue(1)
    maker = town.reads.enterprise(MAKER)
    assert maker.record is not None
    assert maker.record["issuer"] == "7K2M"
    assert [record.id for record in maker.sites] == ["S-MAKER"]
    assert [record.id for record in maker.keys] == [town.keys[MAKER].kid.hex()]
    assert [record.record["count"] for record in maker.batches] == [1]
    assert len(town.reads.enterprises().rows) == 4
    assert [record.id for record in town.reads.sites(limit=1).rows] == ["S-DEALER"]


def test_heads_answer_every_subject_asked(town: ReadTown) -> None:
    codes = town.live(2)
    heads = town.reads.heads([codes[0], f"enterprise:{MAKER}", "waybill:NONE"])
    assert heads["waybill:NONE"] is None
    assert heads[codes[0]] == {
        "event": town.heads[codes[0]],
        "index": town.reads.item(codes[0]).last_index,
        "count": town.reads.item(codes[0]).events,
    }


def test_an_entry_and_its_event_are_the_same(town: ReadTown) -> None:
    town.live(2)
    entry = town.reads.entry(5)
    assert town.reads.event(bytes.fromhex(entry.event_id)) == entry
    assert entry.log_time is not None
    assert entry.log_time > entry.received
    assert town.reads.entries(5, limit=3)[0] == entry
    assert [found.index for found in town.reads.entries(5, limit=3)] == [5, 6, 7]
    assert town.reads.entry(14).header["typ"] == "chemtrace/epoch/1"


def test_every_published_entry_is_proved_and_no_other_leaf_is(town: ReadTown) -> None:
    town.live(2)
    verifiers = [make_verifier(ORIGIN, town.keys["log"].public.raw)]
    size = town.reads.stats()["checkpoint"]
    for index in range(size):
        proof = parse_proof(orjson.loads(orjson.dumps(town.reads.prove(index))))
        entry, checkpoint = verify_entry_proof(proof, origin=ORIGIN, verifiers=verifiers)
        assert entry.event_id.hex() == town.reads.entry(index).event_id
        assert checkpoint == verify_checkpoint(proof.checkpoint, ORIGIN, verifiers)[0]
    other = {**town.reads.prove(3), "entry": town.reads.prove(4)["entry"]}
    with pytest.raises(RootMismatchError):
        verify_entry_proof(parse_proof(other), origin=ORIGIN, verifiers=verifiers)


def test_refuses_to_prove_what_no_checkpoint_covers(town: ReadTown) -> None:
    (code,) = town.issue(1)
    done = town.do_items(MAKER, "produce", "make", [(code, "25")], site="S-MAKER")
    with pytest.raises(EntryUnknownError) as caught:
        town.reads.prove(done.index)
    assert caught.value.fields["index"] == done.index


def test_a_kept_refusal_is_listed_with_its_reason(town: ReadTown) -> None:
    codes = town.live(2)
    town.heads.pop("x", None)
    wire = town.wire(USER, "trade", "sell", [codes[0]], items=[{"code": codes[0]}], counterparty=DEALER)
    outcome = town.ledger.submit(wire)
    assert isinstance(outcome, Refused)
    (row,) = town.reads.refusals().rows
    assert (row["enterprise"], row["code"]) == (USER, "item.not-holder")
    assert town.reads.refusals(code="other").rows == ()
    assert town.reads.stats()["refusals"] == {"item.not-holder": 1}


def test_what_is_not_there_has_a_name(town: ReadTown) -> None:
    reads = town.reads
    for call, error in (
        (lambda: reads.item("BJ1P0057K2M0000000A"), ItemUnknownError),
        (lambda: reads.entry(10_000), EntryUnknownError),
        (lambda: reads.event(bytes(32)), EventNotFoundError),
        (lambda: reads.waybill("NONE"), WaybillUnknownError),
        (lambda: reads.enterprise("ext:nowhere:1"), EnterpriseNotFoundError),
        (lambda: reads.site("NONE"), SiteNotFoundError),
        (lambda: reads.site_stock("NONE"), SiteNotFoundError),
        (lambda: reads.alert("0" * 64), AlertUnknownError),
    ):
        with pytest.raises(error):
            call()
    assert reads.history("BJ1P0057K2M0000000A") == ()


@pytest.mark.parametrize("cursor", ["", "-1", "x", "1" * 19, "٣", "1:"])
def test_refuses_a_cursor_that_was_not_given_out(town: ReadTown, cursor: str) -> None:
    with pytest.raises(CursorError):
        town.reads.alerts(cursor=cursor)
    with pytest.raises(CursorError):
        town.reads.events(cursor=cursor)


def test_a_read_asks_the_same_number_of_questions_however_long_the_answer(town: ReadTown) -> None:
    codes = town.live(2)
    for _ in range(4):
        town.do_items(DEALER, "use", "consume", [(codes[0], "1")], site="S-DEALER")
    counts = []
    for read in (
        lambda: town.reads.history(codes[1]),
        lambda: town.reads.history(codes[0]),
        lambda: town.reads.items(limit=1),
        town.reads.items,
        lambda: town.reads.entries(0, limit=2),
        lambda: town.reads.entries(0, limit=50),
        lambda: town.reads.site_stock("S-DEALER"),
        lambda: town.reads.party_events(DEALER),
    ):
        with Questions(town) as questions:
            read()
        counts.append(questions.selects)
    assert counts[:6] == [2, 2, 1, 1, 3, 3]
    assert max(counts) <= 3
