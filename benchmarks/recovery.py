"""How long a killed writer is away: a ledger of a million entries opened again, until it may write.

The ledger is that of `benchmarks.history` (the same folder may be given to both). A process of its own opens it,
publishes some epochs and is killed, its write-ahead log unfolded; another one, which has loaded
the program but not seen the ledger, opens it and says when it is ready. Pages are warm or not for the operating system
as it comes.

Run: python -m benchmarks.recovery [number of entries, default 1,000,000 [folder to fill once and keep]]
"""

from __future__ import annotations

import os
import signal
import statistics
import sys
import time
from contextlib import nullcontext
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.history import fill_or_take
from benchmarks.support.report import record
from benchmarks.support.served import scratch, serve
from chemtrace.bootstrap import open_application
from tests.seeded_ledger import settings_of

ROUNDS = 5
EPOCHS = 20


def write_and_die(folder: Path) -> None:
    """Publish some epochs, and end without any farewell."""
    application = open_application(settings_of(folder))
    for _ in range(EPOCHS):
        application.ledger.publish(force=True)  # type: ignore[union-attr]  # a writer's ledger
    os.kill(os.getpid(), signal.SIGKILL)


def open_again(folder: Path, answer: Connection) -> None:
    """Send the seconds until the ledger may write, and its size."""
    start = time.perf_counter()
    application = open_application(settings_of(folder))
    health = application.health()
    took = time.perf_counter() - start
    application.close()
    answer.send((took, health["size"] if health["writable"] else -1))


def main(events: int, kept: Path | None) -> None:
    """Kill and open again, some rounds; then the same by the whole server."""
    context = get_context("spawn")
    taken, sizes, logs = [], [], []
    with nullcontext(kept) if kept is not None else scratch() as folder:
        fill_or_take(folder, events)
        for _ in range(ROUNDS):
            _run_killed(folder)
            logs.append((folder / "ledger.db-wal").stat().st_size)
            ours, theirs = context.Pipe(duplex=False)
            process = context.Process(target=open_again, args=(folder, theirs))
            process.start()
            seconds, size = ours.recv()
            process.join()
            taken.append(seconds)
            sizes.append(size)
        _run_killed(folder)
        start = time.perf_counter()
        with serve(folder):
            served = time.perf_counter() - start
    if min(sizes) < events:
        raise SystemExit(f"not ready: {sizes}")
    record(
        "recovery",
        {
            "entries": max(sizes),
            "rounds": ROUNDS,
            "unfolded_log_bytes": max(logs),
            "open_ms": statistics.median(taken) * 1000,
            "open_worst_ms": max(taken) * 1000,
            "served_ms": served * 1000,
        },
    )


def _run_killed(folder: Path) -> None:
    process = get_context("spawn").Process(target=write_and_die, args=(folder,))
    process.start()
    process.join()
    if process.exitcode != -signal.SIGKILL:
        raise SystemExit(f"the writer ended by itself: {process.exitcode}")


if __name__ == "__main__":
    main(
        int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000, Path(sys.argv[2]) if len(sys.argv) > 2 else None
    )
