"""Single events through POST /v1/events from several clients at once: each is durable before its answer.

Beside it the disk's own rate of durable writes, taken in the same run.

Run: python -m benchmarks.single [number of events, default 6,000]
"""

from __future__ import annotations

import os
import statistics
import sys
import threading
import time
from pathlib import Path

from benchmarks.support.report import record
from benchmarks.support.served import Served, scratch, serve
from benchmarks.support.workload import life, measure_limit
from chemtrace.core.statement import encode_wire
from tests.seeded_ledger import seed_ledger

CLIENTS = 16


def syncs_per_s(folder: Path, rounds: int = 500) -> float:
    """How often a growing file can be made durable (fdatasync): what one durable write costs this disk."""
    path = folder / "sync.probe"
    with path.open("wb", buffering=0) as file:
        start = time.perf_counter()
        for _ in range(rounds):
            file.write(b"x" * 4096)
            os.fdatasync(file.fileno())
        rate = rounds / (time.perf_counter() - start)
    path.unlink()
    return rate


def post_all(served: Served, lives: list[list[bytes]]) -> tuple[float, list[float], float]:
    """Each client posts whole lives, event after event; wall seconds, latencies, the senders' processor seconds."""
    waiting, latencies, lock = iter(lives), list[float](), threading.Lock()

    def send() -> None:
        connection, mine = served.connect(), list[float]()
        while True:
            with lock:
                wires = next(waiting, None)
            if wires is None:
                break
            for wire in wires:
                start = time.perf_counter()
                connection.request("POST", "/v1/events", wire, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                answer.read()
                mine.append(time.perf_counter() - start)
                if answer.status != 201:
                    raise SystemExit(f"not admitted: {answer.status}")
        with lock:
            latencies.extend(mine)

    threads = [threading.Thread(target=send) for _ in range(CLIENTS)]
    start, cpu = time.perf_counter(), time.process_time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - start, latencies, time.process_time() - cpu


def main(events: int) -> None:
    with scratch() as folder:
        seeded = seed_ledger(folder, codes=events)
        lives = [[encode_wire(one) for one in life(seeded, code)] for code in seeded.take_codes(events // 4)]
        limit, syncs = measure_limit(seeded), syncs_per_s(folder)
        with serve(folder) as served:
            post_all(served, lives[:50])
            cpu = served.cpu_s()
            wall, latencies, load_cpu = post_all(served, lives[50:])
            cpu = served.cpu_s() - cpu
    done = len(latencies)
    cuts = statistics.quantiles(latencies, n=100)
    record(
        "single",
        {
            "clients": CLIENTS,
            "events": done,
            "events_per_s": done / wall,
            "syncs_per_s": syncs,
            "share_of_sync_rate": done / wall / syncs,
            "share_of_verify_limit": done / wall / limit.whole,
            "p50_ms": cuts[49] * 1000,
            "p99_ms": cuts[98] * 1000,
            "server_cpu_us_per_event": cpu / done * 1e6,
            "load_cpu_us_per_event": load_cpu / done * 1e6,
        },
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 6_000)
