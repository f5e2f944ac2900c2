"""The map of every epoch against a naive fold of the same entries; what is kept, prepared, pruned and refused."""

import hashlib

import orjson
import pytest

from chemtrace.core.entry import parse_entry
from chemtrace.core.epoch import parse_epoch
from chemtrace.core.errors import MapBrokenError
from chemtrace.core.map_pages import SparseMap
from chemtrace.core.sparse_map import map_key, parse_map_value, verify_map_absence, verify_map_value
from chemtrace.core.subject_tree import parse_subject_tree
from chemtrace.ledger import integrate, kept_maps
from chemtrace.ledger.integrate import Integration, subjects_of
from chemtrace.ledger.ledger import Ledger
from chemtrace.ledger.outcome import Admitted
from chemtrace.ledger.ports import SubjectTreeRow
from chemtrace.ledger.publish import cut_epoch, prepare_epoch
from tests.integration.audit.town import DEALER, MAKER, Town
from tests.oracle.map_naive import node
from tests.oracle.merkle_naive import mth


@pytest.fixture
def town(database_url):
    """A ledger with a few lives, several epochs, and entries behind the last one."""
    town = Town(database_url)
    town.codes = town.live()
    yield town
    town.close()


def fresh(town, count):
    """Codes issued now, behind those issued before."""
    start = getattr(town, "issued", 6)
    town.issued = start + count
    return town.issue(count, start=start)


def bodies(town):
    with town.store.read() as transaction:
        return [body for _, _, body in transaction.entry_heads(0, town.ledger.size - 1)]


def naive_values(entries):
    """Subject to the 48 bytes of its value, straight from the words of the specification."""
    histories = {}
    for index, body in enumerate(entries):
        named = orjson.loads(parse_entry(body).header_bytes)["subjects"]
        for subject in [] if isinstance(named, int) else named:
            histories.setdefault(subject["id"], []).append((index, hashlib.sha256(b"\0" + body).digest()))
    values = {}
    for subject, steps in histories.items():
        root = mth([index.to_bytes(8, "big") + leaf for index, leaf in steps])
        values[subject] = len(steps).to_bytes(8, "big") + root + steps[-1][0].to_bytes(8, "big")
    return values


def naive_root(entries):
    values = naive_values(entries)
    sha256 = hashlib.sha256
    return node({sha256(name.encode()).digest(): sha256(value).digest() for name, value in values.items()})


def roots(entries):
    """(index, map root) of every epoch record."""
    headers = [(index, parse_entry(body).header_bytes) for index, body in enumerate(entries)]
    return [
        (index, parse_epoch(data).map_root) for index, data in headers if b"chemtrace/epoch/1" in data[-30:]
    ]


def make(town, code):
    return town.do_items(MAKER, "produce", "make", [(code, "25")], site="S-MAKER")


def spoil(town, sql, *values):
    """Change derived rows, which no guard protects."""
    if town.database.dialect == "postgresql":
        sql = sql.replace("?", "%s")
    with town.database.write() as connection:
        connection.exec_driver_sql(sql, values)


def test_every_epoch_commits_the_fold_of_all_entries_before_it(town):
    town.ledger.publish()
    entries = bodies(town)
    found = roots(entries)
    assert len(found) > 3
    for index, root in found:
        assert naive_root(entries[:index]).hex() == root


def test_stored_trees_are_those_of_the_newest_epoch(town):
    epoch = town.ledger.publish(force=True).size - 1
    values = naive_values(bodies(town)[:epoch])
    with town.store.read() as transaction:
        rows = transaction.subject_trees([*values, "site:S-NOWHERE"])
    found = {
        name: parse_subject_tree(row.count, row.last_index, row.nodes).value() for name, row in rows.items()
    }
    assert values == found


def test_a_value_and_an_absence_are_proved_from_the_stored_pages(town):
    epoch = town.ledger.publish(force=True).size - 1
    values = naive_values(bodies(town)[:epoch])
    with town.store.read() as transaction:
        pages = SparseMap(lambda path: transaction.map_page(path, epoch))
        for subject, value in values.items():
            path = pages.prove(map_key(subject))
            verify_map_value(root=pages.root(), subject=subject, value=value, path=path)
        nowhere = map_key("site:S-NOWHERE")
        verify_map_absence(
            root=pages.root(), subject="site:S-NOWHERE", path=pages.prove(nowhere), other=pages.find(nowhere)
        )


def test_the_map_as_of_the_newest_checkpoint_stays_readable_while_the_next_epoch_is_written(town):
    """Between the epoch and its signature the newest checkpoint is that of the epoch before."""
    codes = fresh(town, 3)
    for code in codes:
        make(town, code)
        before = town.ledger.publish().size - 1
    root = dict(roots(bodies(town)))[before]
    fresh(town, 1)
    cut_epoch(
        town.store, town.ledger._memory, town.clock.us, force=True, integration=town.ledger._integration
    )
    with town.store.read() as transaction:
        pages = SparseMap(lambda path: transaction.map_page(path, before))
        assert root == pages.root().hex()
        assert 1 == parse_map_value(naive_values(bodies(town)[:before])[codes[-1]]).count
        assert pages.find(map_key(codes[-1])).key == map_key(codes[-1])


def test_versions_that_nothing_reads_are_pruned(town):
    for _ in range(5):
        [code] = fresh(town, 1)
        make(town, code)
        town.ledger.publish()
    with town.database.read() as connection:
        sql = "SELECT count(*) FROM map_page WHERE path = ''"
        # The newest, that of the checkpoint before it, and the first epoch's: number 0 is a landmark.
        assert 3 == connection.exec_driver_sql(sql).scalar()


def test_landmarks_are_the_newest_multiples():
    step = kept_maps.LANDMARK
    assert [0] == kept_maps.landmark_numbers(step - 1)
    assert [0, step] == kept_maps.landmark_numbers(step)
    assert [step * n for n in range(85, 101)] == kept_maps.landmark_numbers(100 * step + 1)


def test_what_is_prepared_beside_the_writer_gives_the_same_root(town):
    integration = Integration()
    memory = town.ledger._memory
    for code in fresh(town, 4):
        make(town, code)
        prepare_epoch(town.store, integration)
    make(town, *fresh(town, 1))
    epoch = cut_epoch(town.store, memory, town.clock.us, force=True, integration=integration)
    entries = bodies(town)
    assert (epoch.index, naive_root(entries[: epoch.index]).hex()) == roots(entries)[-1]
    make(town, *fresh(town, 1))
    epoch = cut_epoch(town.store, memory, town.clock.us, force=True, integration=integration)
    entries = bodies(town)
    assert naive_root(entries[: epoch.index]).hex() == roots(entries)[-1][1]


def test_large_epochs_are_prepared_and_folded_in_chunks(town, monkeypatch):
    monkeypatch.setattr("chemtrace.ledger.ledger.PREPARE_FROM", 1)
    monkeypatch.setattr(integrate, "CHUNK", 2)
    for code in fresh(town, 5):
        make(town, code)
    town.ledger.publish()
    entries = bodies(town)
    assert naive_root(entries[:-1]).hex() == roots(entries)[-1][1]


def test_few_trees_are_kept_without_harm(town):
    integration = Integration(max_trees=3)
    for code in fresh(town, 6):
        make(town, code)
        cut_epoch(town.store, town.ledger._memory, town.clock.us, force=True, integration=integration)
    assert len(integration._trees) <= 3
    entries = bodies(town)
    assert naive_root(entries[:-1]).hex() == roots(entries)[-1][1]


def test_epochs_of_two_writers_in_turn(town):
    """What one writer keeps is dropped when the other has cut an epoch."""
    other, mine = Ledger(town.ledger._parts), town.ledger
    for at, code in enumerate(fresh(town, 6)):
        town.ledger = (mine, other)[at % 2]
        assert isinstance(make(town, code), Admitted)
        town.ledger.publish()
    entries = bodies(town)
    for index, root in roots(entries):
        assert naive_root(entries[:index]).hex() == root
    town.ledger = mine
    other.close()


@pytest.mark.parametrize("chunk", [2, 20_000])
def test_a_ledger_of_before_the_map_is_folded_from_its_first_entry(database_url, monkeypatch, chunk):
    """Records of before have no root; the first record behind the migration has that of all entries."""
    monkeypatch.setattr(integrate, "CHUNK", chunk)
    with monkeypatch.context() as before:
        before.setattr(Integration, "fold_epoch", lambda *_: NoRoot())
        town = Town(database_url)
        town.live()
        town.ledger.publish()
    assert {None} == {root for _, root in roots(bodies(town))}
    make(town, *fresh(town, 1))
    town.ledger.publish()
    make(town, *fresh(town, 1))
    town.ledger.publish()
    entries = bodies(town)
    for index, root in roots(entries)[-2:]:
        assert naive_root(entries[:index]).hex() == root
    town.close()


class NoRoot:
    """Stands for the map root of a program that had no map."""

    def hex(self):
        return None


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE subject_tree SET nodes = ? WHERE subject = '{code}'",
        "DELETE FROM subject_tree WHERE subject = '{code}'",
        "UPDATE subject_tree SET count = 3 WHERE subject = '{code}'",
        "UPDATE subject_tree SET last_idx = last_idx + 1 WHERE subject = '{code}'",
        "DELETE FROM map_page",
        "DELETE FROM map_page WHERE path <> ''",
        "UPDATE map_page SET hashes = ?",
    ],
)
def test_a_fold_that_was_changed_ends_the_writing_instead_of_being_published(town, sql):
    town.ledger.publish()
    before = town.ledger.checkpoint()
    spoil(town, sql.format(code=town.codes[0]), *([b"\1" * 32] if "?" in sql else []))
    town.ledger._integration.forget()
    for code in town.codes[:-1]:
        town.do_items(DEALER, "use", "consume", [(code, "1")], site="S-DEALER")
    with pytest.raises(MapBrokenError):
        town.ledger.publish()
    assert before == town.ledger.checkpoint()
    assert "evidence.map" == town.ledger.health()["stopped"]


@pytest.mark.parametrize("sql", ["DELETE FROM map_page", "DELETE FROM map_page WHERE path = ''"])
def test_does_not_start_on_pages_that_are_not_those_of_the_newest_epoch(town, sql):
    town.ledger.publish()
    spoil(town, sql)
    with pytest.raises(MapBrokenError):
        Ledger(town.ledger._parts)


def test_does_not_start_on_an_older_root_page(town):
    town.ledger.publish()
    epoch = town.ledger.size - 1
    spoil(town, "DELETE FROM map_page WHERE version = ?", epoch)
    with pytest.raises(MapBrokenError):
        Ledger(town.ledger._parts)


def test_a_transaction_that_fails_leaves_nothing_kept(town, monkeypatch):
    make(town, *fresh(town, 1))
    ledger = town.ledger
    with monkeypatch.context() as context:
        context.setattr(type(town.store), "write", FailingWrite(town.store.write))
        with pytest.raises(RuntimeError):
            cut_epoch(town.store, ledger._memory, town.clock.us, force=True, integration=ledger._integration)
    ledger.publish()
    entries = bodies(town)
    assert naive_root(entries[:-1]).hex() == roots(entries)[-1][1]


class FailingWrite:
    """A write transaction that breaks off after all rows were written."""

    def __init__(self, write):
        self._write = write

    def __call__(self, *_):
        from contextlib import contextmanager

        @contextmanager
        def failing():
            with self._write() as transaction:
                yield transaction
                raise RuntimeError

        return failing()


def test_subjects_are_those_of_the_header_and_an_epoch_record_has_none(town):
    town.ledger.publish()
    for body in bodies(town):
        named = orjson.loads(parse_entry(body).header_bytes)["subjects"]
        expected = () if isinstance(named, int) else tuple(subject["id"] for subject in named)
        assert expected == subjects_of(body)
    with pytest.raises(MapBrokenError):
        subjects_of(b"\1\0\0\0\2{}\1")


def test_a_tree_that_the_map_does_not_know_is_not_built_upon(town):
    [code] = fresh(town, 1)
    town.ledger.publish()
    with town.store.write() as transaction:
        transaction.store_subject_trees([(code, SubjectTreeRow(1, 3, bytes(32)))])
    make(town, code)
    with pytest.raises(MapBrokenError) as raised:
        town.ledger.publish()
    assert code == raised.value.fields["subject"]
