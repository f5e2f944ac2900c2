"""Rows of subject trees, map pages, cosignatures and forks: what is written is read, by version, on both databases."""

import pytest

from chemtrace.adapters.sql.engine import Database
from chemtrace.adapters.sql.store import SQLStore
from chemtrace.ledger.ports import CosignatureRow, ForkRow, SubjectTreeRow


@pytest.fixture
def store(database_url):
    database = Database(database_url)
    yield SQLStore(database)
    database.close()


def versions(store, path):
    with store.read() as transaction:
        found = {transaction.map_page(path, version) for version in range(100)}
    return sorted(found - {None})


def test_trees_of_subjects_are_replaced(store):
    names = [f"site:S-{n}" for n in range(700)]
    with store.write() as transaction:
        transaction.store_subject_trees((name, SubjectTreeRow(1, 5, bytes(32))) for name in names)
        transaction.store_subject_trees([("site:S-3", SubjectTreeRow(2, 9, bytes(64)))])
    with store.read() as transaction:
        found = transaction.subject_trees([*names, "site:S-NONE"])
    assert 700 == len(found)
    assert SubjectTreeRow(2, 9, bytes(64)) == found["site:S-3"]
    assert SubjectTreeRow(1, 5, bytes(32)) == found["site:S-699"]


def test_a_page_is_read_as_of_an_epoch(store):
    with store.write() as transaction:
        transaction.store_map_pages(10, {"": b"r10", "a": b"a10"})
        transaction.store_map_pages(20, {"": b"r20"})
    with store.read() as transaction:
        read = transaction.map_page
        assert (None, b"r10", b"r10", b"r20") == (read("", 9), read("", 10), read("", 19), read("", 20))
        assert (b"a10", None) == (read("a", 99), read("b", 99))


def test_versions_that_kept_epochs_read_stay(store):
    with store.write() as transaction:
        for version in (10, 20, 30, 40):
            transaction.store_map_pages(version, {"": b"%d" % version, "a": b"%d" % version})
        transaction.store_map_pages(50, {"": b"50"})
        # As of 25 the root page of 20 is read; as of 40 that of 40.
        assert 2 == transaction.prune_map_pages([""], [25, 40])
    assert [b"20", b"40", b"50"] == versions(store, "")
    assert [b"10", b"20", b"30", b"40"] == versions(store, "a")


def test_the_newest_version_stays_without_being_kept(store):
    with store.write() as transaction:
        for version in (10, 20):
            transaction.store_map_pages(version, {"": b"%d" % version})
        assert 1 == transaction.prune_map_pages([""], [])
    assert [b"20"] == versions(store, "")


def test_the_first_cosignature_of_a_key_stays(store):
    first = CosignatureRow(7, "w.example", b"abcd", "— w.example AAAA", 1)
    other = CosignatureRow(7, "w.example", b"efgh", "— w.example BBBB", 2)
    with store.write() as transaction:
        assert transaction.store_cosignature(first)
        assert transaction.store_cosignature(other)
        assert not transaction.store_cosignature(CosignatureRow(7, "w.example", b"abcd", "another", 3))
    with store.read() as transaction:
        assert (first, other) == transaction.cosignatures(7)
        assert () == transaction.cosignatures(8)


def test_evidence_of_forks_stays_in_order(store):
    forks = (ForkRow(2, "evidence.split-view", b"a", b"b"), ForkRow(1, "evidence.rollback", b"c", b"d"))
    with store.write() as transaction:
        for fork in forks:
            transaction.store_fork(fork)
    with store.read() as transaction:
        assert forks == transaction.forks()
