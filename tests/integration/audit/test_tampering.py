"""An insider with the database in hand: whatever row is changed, the audit says so and names the first wrong index."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from chemtrace.adapters.audit_worker import _keys
from chemtrace.adapters.sql.reads.audit import StoredSnapshot, open_snapshot
from chemtrace.core.chain import CHAIN_START, link
from chemtrace.core.entry import leaf_hash
from chemtrace.ledger.audit import AuditReport, verify_log
from chemtrace.ledger.audit.clean import CleanCheck
from tests.integration.audit.conftest import Played
from tests.integration.audit.town import CATALOGUE, MASTER, ORIGIN


def audit(path: Path, master: bytes | None = MASTER) -> AuditReport:
    """The report of one pass; with what processes beside it would have found, it must be the same."""
    with open_snapshot(f"sqlite:///{path}") as store:
        report = verify_log(store, catalogue=CATALOGUE, master=master)
        assisted = verify_log(store, catalogue=CATALOGUE, master=master, beside=beside(store))
    if not report.verified:  # what fails is verified again, alone: the number says how often
        assisted = replace(assisted, signatures=report.signatures)
    assert report == assisted
    return report


def beside(store: StoredSnapshot):
    """What `audit_worker` does, in this process."""
    check = CleanCheck(store.fact("origin"), _keys(store))

    def results(ranges):
        for first, last in ranges:
            rows = store.entries_between(first, last)
            yield check.check(first, last, rows, store.entry_before(first))

    return results


@contextmanager
def insider(path: Path):
    """Write past the guards, and put them back so that they are not what gives the change away."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        guards = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in guards:
            connection.execute(f"DROP TRIGGER {name}")
        yield connection
        for _, sql in guards:
            connection.execute(sql)


def codes_of(report: AuditReport) -> set[str]:
    return {fault.code for fault in report.faults}


def flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def test_an_untouched_ledger_verifies(played: Played) -> None:
    report = audit(played.path)
    assert report.verified, report.faults
    assert (report.first_bad_index, report.epochs) == (None, 4)
    assert report.checkpoint is not None
    assert report.checkpoint[:2] == (ORIGIN, report.entries)


def test_without_the_master_key_an_untouched_ledger_verifies_too(played: Played) -> None:
    assert audit(played.path, master=None).verified


def test_one_flipped_bit_in_any_entry_is_found_at_that_entry(copy: Played) -> None:
    with closing(sqlite3.connect(copy.path)) as connection:
        bodies = connection.execute("SELECT idx, body FROM entry ORDER BY idx").fetchall()
    for index, body in bodies:
        for bit in (index * 7919 % (len(body) * 8),):
            with insider(copy.path) as connection:
                connection.execute("UPDATE entry SET body = ? WHERE idx = ?", (flipped(body, bit), index))
            report = audit(copy.path)
            assert (report.verified, report.first_bad_index) == (False, index), (
                index,
                bit,
                report.faults[:3],
            )
            with insider(copy.path) as connection:
                connection.execute("UPDATE entry SET body = ? WHERE idx = ?", (body, index))
    assert audit(copy.path).verified


def test_two_swapped_entries_are_found_at_the_first_of_them(copy: Played) -> None:
    with insider(copy.path) as connection:
        columns = (
            "event_id, leaf, received_us, effective_us, late, kind, phase, actor, counterparty, body, receipt"
        )
        rows = {
            index: connection.execute(f"SELECT {columns} FROM entry WHERE idx = ?", (index,)).fetchone()
            for index in (20, 25)
        }
        connection.execute("UPDATE entry SET event_id = x'00' WHERE idx = 20")
        for index, other in ((25, 20), (20, 25)):
            marks = ", ".join(f"{column} = ?" for column in columns.split(", "))
            connection.execute(f"UPDATE entry SET {marks} WHERE idx = ?", (*rows[other], index))
    report = audit(copy.path)
    assert report.first_bad_index == 20
    assert "evidence.chain" in codes_of(report)


def test_deleted_last_entries_are_found_at_the_first_missing_index(copy: Played) -> None:
    size = audit(copy.path).entries
    with insider(copy.path) as connection:
        connection.execute("DELETE FROM entry WHERE idx >= ?", (size - 10,))
    report = audit(copy.path)
    assert report.first_bad_index == size - 10
    assert {"evidence.index-gap", "evidence.checkpoint", "evidence.epoch"} <= codes_of(report)


def test_deleted_last_entries_are_found_when_head_and_epochs_were_cut_too(copy: Played) -> None:
    size = audit(copy.path).entries
    keep = size - 10
    with insider(copy.path) as connection:
        for table in ("entry", "payload", "subject_entry", "finding"):
            connection.execute(f"DELETE FROM {table} WHERE idx >= ?", (keep,))
        connection.execute("DELETE FROM epoch WHERE idx >= ?", (keep,))
        chain = connection.execute("SELECT chain FROM entry ORDER BY idx DESC LIMIT 1").fetchone()[0]
        connection.execute("UPDATE log_head SET size = ?, chain = ?", (keep, chain))
    report = audit(copy.path)
    assert not report.verified
    assert keep in {fault.index for fault in report.faults if fault.code == "evidence.checkpoint"}


def test_a_missing_entry_in_the_middle_is_found_at_its_index(copy: Played) -> None:
    with insider(copy.path) as connection:
        connection.execute("DELETE FROM entry WHERE idx = 18")
    report = audit(copy.path)
    assert report.first_bad_index == 18
    assert "evidence.index-gap" in codes_of(report)


@pytest.mark.parametrize("place", [0, 7, 30])
def test_a_changed_tile_node_is_found_at_the_leaf_it_covers(copy: Played, place: int) -> None:
    with insider(copy.path) as connection:
        hashes = connection.execute("SELECT hashes FROM tile WHERE level = 0 AND n = 0").fetchone()[0]
        connection.execute("UPDATE tile SET hashes = ? WHERE level = 0", (flipped(hashes, place * 256 + 5),))
    report = audit(copy.path)
    assert report.first_bad_index == place
    assert codes_of(report) == {"evidence.tree"}


def test_a_tile_that_is_too_short_is_found_at_the_first_missing_leaf(copy: Played) -> None:
    with insider(copy.path) as connection:
        connection.execute("UPDATE tile SET hashes = substr(hashes, 1, 64) WHERE level = 0")
    report = audit(copy.path)
    assert (report.first_bad_index, codes_of(report)) == (2, {"evidence.tree"})


def test_a_changed_checkpoint_root_is_found_at_the_entry_it_publishes(copy: Played) -> None:
    size = audit(copy.path).entries
    with insider(copy.path) as connection:
        note = connection.execute("SELECT note FROM checkpoint WHERE size = ?", (size,)).fetchone()[0]
        lines = note.split(b"\n")
        lines[2] = b"A" + lines[2][1:] if lines[2][:1] != b"A" else b"B" + lines[2][1:]
        connection.execute("UPDATE checkpoint SET note = ? WHERE size = ?", (b"\n".join(lines), size))
    report = audit(copy.path)
    assert (report.first_bad_index, codes_of(report)) == (size - 1, {"note.signature"})


def test_a_checkpoint_that_stands_for_another_size_is_found(copy: Played) -> None:
    with insider(copy.path) as connection:
        sizes = [row[0] for row in connection.execute("SELECT size FROM checkpoint ORDER BY size")]
        note = connection.execute("SELECT note FROM checkpoint WHERE size = ?", (sizes[0],)).fetchone()[0]
        connection.execute("UPDATE checkpoint SET note = ? WHERE size = ?", (note, sizes[1]))
    report = audit(copy.path)
    assert (report.first_bad_index, codes_of(report)) == (sizes[1] - 1, {"evidence.checkpoint"})


def test_swapped_payloads_are_found_at_the_first_of_them(copy: Played) -> None:
    with insider(copy.path) as connection:
        bodies = dict(connection.execute("SELECT idx, body FROM payload WHERE idx IN (17, 19)"))
        connection.execute("UPDATE payload SET body = ? WHERE idx = 17", (bodies[19],))
        connection.execute("UPDATE payload SET body = ? WHERE idx = 19", (bodies[17],))
    report = audit(copy.path)
    assert report.first_bad_index == 17
    assert "payload.digest-mismatch" in codes_of(report)


def test_a_missing_payload_is_found_at_its_entry(copy: Played) -> None:
    with insider(copy.path) as connection:
        connection.execute("DELETE FROM payload WHERE idx = 20")
    report = audit(copy.path)
    assert report.first_bad_index == 20
    assert "payload.missing" in codes_of(report)


@pytest.mark.parametrize("column", ["receipt", "receipt_signature"])
def test_a_changed_receipt_is_found_at_its_entry(copy: Played, column: str) -> None:
    with insider(copy.path) as connection:
        data = connection.execute(f"SELECT {column} FROM entry WHERE idx = 21").fetchone()[0]
        connection.execute(f"UPDATE entry SET {column} = ? WHERE idx = 21", (flipped(data, 200),))
    report = audit(copy.path)
    assert report.first_bad_index == 21
    assert codes_of(report) & {"signature.invalid", "receipt.format", "json.syntax", "receipt.findings"}


def test_a_removed_receipt_is_found_at_its_entry(copy: Played) -> None:
    with insider(copy.path) as connection:
        connection.execute("UPDATE entry SET receipt = NULL, receipt_signature = NULL WHERE idx = 21")
    report = audit(copy.path)
    assert (report.first_bad_index, codes_of(report)) == (21, {"receipt.format"})


@pytest.mark.parametrize(
    ("column", "value"),
    [("holder", "91110000MA000003XX"), ("quantity", "24"), ("status", "closed"), ("state", b"{}")],
)
def test_a_changed_item_row_is_found_at_the_items_last_event(
    copy: Played, column: str, value: object
) -> None:
    with insider(copy.path) as connection:
        last = connection.execute("SELECT last_idx FROM item WHERE code = ?", (copy.codes[2],)).fetchone()[0]
        connection.execute(f"UPDATE item SET {column} = ? WHERE code = ?", (value, copy.codes[2]))
    report = audit(copy.path)
    assert (report.first_bad_index, codes_of(report)) == (last, {"evidence.item"})


def test_a_removed_and_an_invented_item_are_found(copy: Played) -> None:
    with insider(copy.path) as connection:
        connection.execute("UPDATE item SET code = 'BJ1P0057K2M0000000A' WHERE code = ?", (copy.codes[0],))
    report = audit(copy.path)
    assert (report.fault_count, codes_of(report)) == (2, {"evidence.item"})


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("UPDATE finding SET severity = 'notice'", "evidence.finding"),
        ("DELETE FROM finding", "evidence.finding"),
        ("UPDATE subject_head SET count = count + 1 WHERE idx > 20", "evidence.head"),
        ("DELETE FROM subject_head WHERE idx > 30", "evidence.head"),
        ("DELETE FROM subject_entry WHERE idx = 23", "evidence.history"),
        ("UPDATE subject_entry SET effect = 0 WHERE idx = 23", "evidence.history"),
        ("UPDATE site SET doc = replace(doc, 'store', 'other') WHERE id = 'S-USER'", "evidence.record"),
        ("DELETE FROM key WHERE last_idx > 5", "evidence.record"),
        ("UPDATE entry SET actor = 'nobody' WHERE idx = 22", "evidence.column"),
        ("UPDATE entry SET actor = 'nobody' WHERE idx = 23", "evidence.column"),
        ("UPDATE entry SET kind = 'use' WHERE idx = 23", "evidence.column"),
        ("UPDATE entry SET effective_us = effective_us + 1 WHERE idx = 23", "evidence.column"),
        ("UPDATE epoch SET log_time_us = log_time_us + 1 WHERE number = 2", "evidence.epoch"),
        ("UPDATE log_head SET chain = zeroblob(32)", "evidence.head"),
        ("UPDATE log_head SET log_time_us = 0", "evidence.head"),
        ("UPDATE subject_tree SET nodes = zeroblob(32) WHERE count = 1", "evidence.map"),
        ("UPDATE subject_tree SET count = count + 1", "evidence.map"),
        ("UPDATE subject_tree SET last_idx = last_idx + 1 WHERE subject = 'site:S-USER'", "evidence.map"),
        ("DELETE FROM subject_tree WHERE subject = 'site:S-USER'", "evidence.map"),
        ("INSERT INTO subject_tree VALUES ('site:S-OTHER', 1, 3, zeroblob(32))", "evidence.map"),
        ("UPDATE map_page SET hashes = zeroblob(5) WHERE path = ''", "evidence.map"),
        ("UPDATE map_page SET hashes = substr(hashes, 1, 50) WHERE path <> ''", "evidence.map"),
        (
            "DELETE FROM map_page WHERE path = '' AND version = (SELECT max(version) FROM map_page)",
            "evidence.map",
        ),
        ("DELETE FROM map_page", "evidence.map"),
        ("INSERT INTO map_page VALUES ('abc', 22, x'0100000000')", "evidence.map"),
        ("INSERT INTO map_page SELECT path, 3, hashes FROM map_page WHERE path = '' LIMIT 1", "evidence.map"),
        ("UPDATE map_page SET version = version - 1 WHERE path = ''", "evidence.map"),
        ("INSERT INTO cosignature VALUES (7, 'w.example', x'00010203', 'x', 1)", "evidence.cosignature"),
        (
            "INSERT INTO fork_evidence VALUES (1, 1, 'evidence.split-view', x'61', x'62')",
            "evidence.split-view",
        ),
    ],
)
def test_a_changed_reading_is_found(copy: Played, statement: str, code: str) -> None:
    with insider(copy.path) as connection:
        connection.execute(statement)
    report = audit(copy.path)
    assert (report.verified, code in codes_of(report)) == (False, True), report.faults[:3]


def test_an_entry_rewritten_with_leaf_and_chain_is_found_by_its_signature_and_the_checkpoint(
    copy: Played,
) -> None:
    """The operator changes what was said and recomputes all that needs no key."""
    with insider(copy.path) as connection:
        rows = connection.execute("SELECT idx, body, leaf FROM entry ORDER BY idx").fetchall()
        chain = CHAIN_START
        for index, body, leaf in rows:
            if index == 20:
                signature_bit = len(body) * 8 - 9
                body = flipped(body, signature_bit)  # noqa: PLW2901  # the one entry that is changed
                leaf = leaf_hash(body)  # noqa: PLW2901  # as above
            chain = link(chain, leaf)
            connection.execute(
                "UPDATE entry SET body = ?, leaf = ?, chain = ? WHERE idx = ?", (body, leaf, chain, index)
            )
        connection.execute("UPDATE log_head SET chain = ?", (chain,))
    report = audit(copy.path)
    assert report.first_bad_index == 20
    assert {"signature.invalid", "evidence.epoch", "evidence.checkpoint"} <= codes_of(report)


def test_a_missing_guard_is_reported_without_accusing_an_entry(copy: Played) -> None:
    with closing(sqlite3.connect(copy.path, isolation_level=None)) as connection:
        connection.execute("DROP TRIGGER guard_entry_update")
    report = audit(copy.path)
    assert (report.verified, report.first_bad_index, codes_of(report)) == (False, None, {"evidence.guard"})


def test_the_audit_changes_nothing(copy: Played) -> None:
    before = copy.path.read_bytes()
    audit(copy.path)
    assert copy.path.read_bytes() == before


@pytest.mark.parametrize(
    ("line", "right"),
    [
        ("— w.example AAECAwAAAABp/////w==", True),
        ("— v.example AAECAwAAAABp/////w==", False),
        ("— w.example AAECBAAAAABp/////w==", False),
        ("— w.example AAECAwAAAABp/////w==\n— w.example AAECAwAAAABp/////w==", False),
        ("w.example", False),
        ("", False),
    ],
)
def test_a_cosignature_is_a_line_of_the_witness_it_is_stored_for(
    copy: Played, line: str, right: bool
) -> None:
    size = audit(copy.path).entries
    with insider(copy.path) as connection:
        row = (size, "w.example", bytes((0, 1, 2, 3)), line, 1)
        connection.execute("INSERT INTO cosignature VALUES (?, ?, ?, ?, ?)", row)
    report = audit(copy.path)
    assert right == report.verified
    assert right or (report.first_bad_index, codes_of(report)) == (size - 1, {"evidence.cosignature"})


def test_a_map_root_that_is_not_the_fold_is_found_at_its_epoch(copy: Played) -> None:
    """The operator's own record, rightly hashed and chained, but with another root in it."""
    with insider(copy.path) as connection:
        index, body = connection.execute(
            "SELECT idx, body FROM entry WHERE kind = 'epoch' ORDER BY idx DESC LIMIT 1"
        ).fetchone()
        at = body.index(b'"map_root":"') + 12
        forged = body[:at] + b"0" * 64 + body[at + 64 :]
        before = connection.execute("SELECT chain FROM entry WHERE idx = ?", (index - 1,)).fetchone()[0]
        leaf = leaf_hash(forged)
        event_id = sha256(forged[5:-1]).digest()
        connection.execute(
            "UPDATE entry SET body = ?, leaf = ?, chain = ?, event_id = ? WHERE idx = ?",
            (forged, leaf, link(before, leaf), event_id, index),
        )
    report = audit(copy.path)
    assert report.first_bad_index == index
    assert "evidence.map" in codes_of(report)


def test_an_older_page_in_the_place_of_a_newer_one_is_blamed_on_the_epoch_of_the_newer(
    copy: Played,
) -> None:
    """What hides an event leaves the page of an honest epoch: that one is not the first wrong index."""
    with insider(copy.path) as connection:
        newest = connection.execute("SELECT max(version) FROM map_page WHERE path = ''").fetchone()[0]
        connection.execute("DELETE FROM map_page WHERE path = '' AND version < ?", (newest,))
        connection.execute("UPDATE map_page SET version = ? WHERE path = ''", (newest - 5,))
    report = audit(copy.path)
    assert (report.first_bad_index, codes_of(report)) == (newest, {"evidence.map"})
