"""What subject trees and map cost: processor time of integration beside that of the whole writer, and a rebuild's rate.

Run: python -m benchmarks.fold [number of entries, default 50,000] [entries an epoch, default 5,000]
"""

from __future__ import annotations

import sqlite3
import sys
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

from benchmarks.support import fill as filling
from benchmarks.support.report import record
from benchmarks.support.served import scratch
from chemtrace.adapters import maintenance
from chemtrace.config import sqlite_url
from chemtrace.ledger.integrate import Integration
from tests.seeded_ledger import seed_ledger


class Spent:
    """Processor time of the thread inside some methods, and how often they ran."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.longest = 0.0
        self.calls = 0

    def watch(self, owner: Any, name: str) -> None:
        """Measure a method of a class from now on."""
        inner: Callable[..., Any] = getattr(owner, name)

        def timed(*args: Any, **kwargs: Any) -> Any:
            start = time.thread_time()
            try:
                return inner(*args, **kwargs)
            finally:
                took = time.thread_time() - start
                self.seconds += took
                self.longest = max(self.longest, took)
                self.calls += 1

        setattr(owner, name, timed)


def main(events: int, an_epoch: int) -> None:
    """Fill a ledger, then rebuild its folds."""
    locked, beside = Spent(), Spent()
    locked.watch(Integration, "fold_epoch")
    beside.watch(Integration, "prepare")
    filling.EPOCH_EVERY = an_epoch
    with scratch() as folder:
        seeded = seed_ledger(folder, codes=events)
        locked.seconds = beside.seconds = locked.longest = 0.0
        start = time.process_time()
        filling.fill(seeded, events)
        whole = time.process_time() - start
        fold, longest = locked.seconds + beside.seconds, locked.longest
        path = folder / "ledger.db"
        with closing(sqlite3.connect(path)) as connection:
            pages, page_bytes = connection.execute(
                "SELECT count(*), sum(length(hashes)) FROM map_page"
            ).fetchone()
            trees, tree_bytes = connection.execute(
                "SELECT count(*), sum(length(nodes)) FROM subject_tree"
            ).fetchone()
        start = time.process_time()
        maintenance.rebuild_ledger(database_url=sqlite_url(path), data_dir=folder)
        rebuild = time.process_time() - start
    record(
        "fold",
        {
            "entries": events,
            "entries_an_epoch": an_epoch,
            "writer_cpu_us_per_event": whole / events * 1e6,
            "fold_cpu_us_per_event": fold / events * 1e6,
            "fold_share": fold / whole,
            "longest_under_lock_ms": longest * 1e3,
            "rebuilt_per_s": events / rebuild,
            "pages": pages,
            "page_bytes_per_event": page_bytes / events,
            "subjects": trees,
            "tree_bytes_per_subject": tree_bytes / trees,
        },
    )


if __name__ == "__main__":
    main(*(int(word) for word in (sys.argv[1:3] + ["50000", "5000"][len(sys.argv) - 1 :])))
