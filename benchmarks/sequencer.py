"""The sequencer alone, as a share of raw inserts of the very same rows in the very same groups.

Checked statements go through the real committer into a real SQLite file: no HTTP, no checks, no detectors, no epochs.
The rows that it wrote are then written again by bare `sqlite3`, table by table with its `executemany`, into a copy of
the database as it was before: same tables, indexes and guards, same settings, one durable transaction a group.

Run: python -m benchmarks.sequencer [number of events, default 40,000]
"""

from __future__ import annotations

import contextlib
import gc
import shutil
import sqlite3
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.support.fill import STEPS, events_of
from benchmarks.support.report import record
from benchmarks.support.served import scratch
from chemtrace.adapters.sql import store
from chemtrace.adapters.sql.engine import Database
from chemtrace.bootstrap import open_application
from chemtrace.config import sqlite_url
from chemtrace.entrypoints.server import GC_THRESHOLDS, SWITCH_INTERVAL_S
from chemtrace.ledger.admit import Checked
from chemtrace.ledger.outcome import Admitted
from tests.seeded_ledger import Seeded, seed_ledger

ROUNDS = 3
BATCH = 250
"""Statements handed in at once, as the checking processes do."""

Statement = tuple[str, Sequence[tuple[Any, ...]]]


class Spent:
    """Wall and processor seconds of a block."""

    @contextlib.contextmanager
    def measured(self) -> Iterator[None]:
        """Note what the block takes, errors left out."""
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        self.wall, self.cpu = time.perf_counter() - wall, time.process_time() - cpu


@contextlib.contextmanager
def kept_rows() -> Iterator[list[list[Statement]]]:
    """Keep what the store writes meanwhile: for each group the rows of its statements, by reference."""
    groups: list[list[Statement]] = [[]]
    insert_many, run_many = store.insert_many, store.run_many

    def insert(connection: Any, sql: str, rows: Sequence[Any]) -> None:
        groups[-1].append((sql, rows))
        insert_many(connection, sql, rows)

    def run(connection: Any, sql: str, rows: Sequence[Any]) -> None:
        groups[-1].append((sql, rows))
        run_many(connection, sql, rows)
        if "log_head" in sql:  # the last row of every group
            groups.append([])

    store.insert_many, store.run_many = insert, run
    try:
        yield groups
    finally:
        store.insert_many, store.run_many = insert_many, run_many
        groups.pop()


def sequence(seeded: Seeded, events: Sequence[Checked]) -> Spent:
    """Hand all events in and wait until the last one is durable."""
    application = open_application(seeded.settings)
    submit = application.ledger._committer.submit  # type: ignore[union-attr]  # a writer's ledger
    spent = Spent()
    with spent.measured():
        futures = [submit(events[at : at + BATCH]) for at in range(0, len(events), BATCH)]
        outcomes = [outcome for future in futures for outcome in future.result()]
    application.close()
    if not all(isinstance(outcome, Admitted) for outcome in outcomes):
        raise SystemExit("not everything was admitted")
    return spent


def insert(path: Path, groups: Sequence[Sequence[Statement]]) -> Spent:
    """Write the rows with nothing around the driver but the settings of our connections."""
    database = Database(sqlite_url(path))
    with database.write():
        pass  # the connection is open from here on
    spent = Spent()
    with spent.measured():
        for group in groups:
            with database.write() as connection:
                driver = connection.connection.driver_connection
                for sql, rows in group:
                    driver.executemany(sql, rows)
    database.close()
    return spent


def rows_of(database: Path) -> list[Any]:
    """How many rows stand in each table, and the head row."""
    with contextlib.closing(sqlite3.connect(database)) as connection:
        names = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
        ).fetchall()
        counts = [connection.execute(f'SELECT count(*) FROM "{name}"').fetchone() for (name,) in names]
        return [*counts, connection.execute("SELECT * FROM log_head").fetchone()]


def main(events: int) -> None:
    """Both ways by turns, a fresh ledger each time; the medians."""
    ours, raw, groups = [], [], []
    for _ in range(ROUNDS):
        with scratch() as folder:
            seeded = seed_ledger(folder, codes=events // len(STEPS))
            database, copy = folder / "ledger.db", folder / "copy.db"
            shutil.copy(database, copy)
            statements = list(events_of(seeded, seeded.take_codes(events // len(STEPS))))
            as_the_server()
            with kept_rows() as groups:
                ours.append(sequence(seeded, statements))
            raw.append(insert(copy, groups))
            if rows_of(database) != rows_of(copy):
                raise SystemExit("the copy has other rows")
            gc.unfreeze()
    wall, bare = statistics.median(one.wall for one in ours), statistics.median(one.wall for one in raw)
    record(
        "sequencer",
        {
            "events": events,
            "rounds": ROUNDS,
            "group": events / len(groups),
            "events_per_s": events / wall,
            "raw_per_s": events / bare,
            "share_of_raw": bare / wall,
            "cpu_us_per_event": statistics.median(one.cpu for one in ours) / events * 1e6,
            "raw_cpu_us_per_event": statistics.median(one.cpu for one in raw) / events * 1e6,
        },
    )


def as_the_server() -> None:
    """Garbage and threads as `chemtrace serve` has them."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    sys.setswitchinterval(SWITCH_INTERVAL_S)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 40_000)
