"""The history of one item out of a log of a million entries: p50 and p99, by the API and by `Reads` alone.

The ledger is filled by `benchmarks.support.fill`: real rows without a door, ten events an item. Reads are of random
items, cold for the process, warm or not for the operating system as it comes.

Run: python -m benchmarks.history [number of entries, default 1,000,000 [folder to fill once and keep]]
"""

from __future__ import annotations

import json
import random
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from benchmarks.support.fill import STEPS, fill
from benchmarks.support.report import record
from benchmarks.support.served import scratch, serve
from chemtrace.bootstrap import open_application
from tests.seeded_ledger import seed_ledger, settings_of

READS = 2_000


def measure(codes: list[str], read: Callable[[str], int]) -> tuple[float, float]:
    """p50 and p99 in milliseconds over reads of the codes; each must give a whole life."""
    taken = []
    for code in codes:
        start = time.perf_counter()
        events = read(code)
        taken.append(time.perf_counter() - start)
        if events != len(STEPS):
            raise SystemExit(f"{events} events of {code}")
    cuts = statistics.quantiles(taken, n=100)
    return cuts[49] * 1000, cuts[98] * 1000


def fill_or_take(folder: Path, events: int) -> dict[str, Any]:
    """Fill a ledger in `folder`, or take the one that an earlier run left there: token, codes, seconds of the fill."""
    notes = folder / "bench.json"
    if notes.exists():
        known: dict[str, Any] = json.loads(notes.read_text())
        return known
    seeded = seed_ledger(folder, codes=events // len(STEPS))
    start = time.perf_counter()
    codes = fill(seeded, events)
    facts = {"token": seeded.founded.token, "codes": codes, "seconds": time.perf_counter() - start}
    notes.write_text(json.dumps(facts))
    return facts


def main(events: int, kept: Path | None) -> None:
    with nullcontext(kept) if kept is not None else scratch() as folder:
        filled = fill_or_take(folder, events)
        chosen = random.Random(20261122).choices(filled["codes"], k=2 * READS)
        with serve(folder) as served:
            connection = served.connect()
            token = {"Authorization": f"Bearer {filled['token']}"}

            def ask(code: str) -> int:
                connection.request("GET", f"/v1/items/{code}/history", headers=token)
                return len(json.loads(connection.getresponse().read())["events"])

            ask(filled["codes"][0])
            api_p50, api_p99 = measure(chosen[:READS], ask)
        application = open_application(settings_of(folder), read_only=True)
        entries = application.ledger.size
        reads_p50, reads_p99 = measure(chosen[READS:], lambda code: len(application.reads.history(code)))
        application.close()
        size = (folder / "ledger.db").stat().st_size
    record(
        "history",
        {
            "entries": entries,
            "fill_events_per_s": events / filled["seconds"],
            "bytes_per_entry": size / entries,
            "reads": READS,
            "api_p50_ms": api_p50,
            "api_p99_ms": api_p99,
            "reads_p50_ms": reads_p50,
            "reads_p99_ms": reads_p99,
        },
    )


if __name__ == "__main__":
    main(
        int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000, Path(sys.argv[2]) if len(sys.argv) > 2 else None
    )
