"""Signed ingest through POST /v1/events/batch, as a share of what libsodium could verify on all cores.

Run: python -m benchmarks.ingest [number of events, default 40,000]
"""

from __future__ import annotations

import json
import sys
import threading
import time

from benchmarks.support.report import record
from benchmarks.support.served import Served, machine_cpu_s, scratch, serve
from benchmarks.support.workload import batches, measure_limit
from tests.seeded_ledger import seed_ledger

CONNECTIONS = 10
WARM_UP = 20_000
"""Events before the clock starts: two or three epochs, so that the processes beside the writer are all at work."""


def post_all(served: Served, bodies: list[bytes]) -> tuple[float, float, int]:
    """Post the bodies over a few connections; wall seconds, processor seconds of the senders, lines admitted."""
    waiting, admitted, lock = iter(bodies), [0], threading.Lock()

    def send() -> None:
        connection = served.connect()
        while True:
            with lock:
                body = next(waiting, None)
            if body is None:
                return
            connection.request("POST", "/v1/events/batch", body, {"Content-Type": "application/x-ndjson"})
            answer = connection.getresponse().read()
            with lock:
                admitted[0] += answer.count(b'"status":201')

    threads = [threading.Thread(target=send) for _ in range(CONNECTIONS)]
    start, cpu = time.perf_counter(), time.process_time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - start, time.process_time() - cpu, admitted[0]


def main(events: int) -> None:
    with scratch() as folder:
        seeded = seed_ledger(folder, codes=events + WARM_UP)
        bodies = list(batches(seeded, events + WARM_UP))
        before = measure_limit(seeded)
        with serve(folder) as served:
            post_all(served, bodies[: WARM_UP // 1000])
            cpu, machine = served.cpu_s(), machine_cpu_s()
            wall, load_cpu, admitted = post_all(served, bodies[WARM_UP // 1000 :])
            cpu, machine = served.cpu_s() - cpu, machine_cpu_s() - machine
            connection = served.connect()
            connection.request("GET", "/readyz")
            health = json.loads(connection.getresponse().read())
        after = measure_limit(seeded)
    if admitted != events or health["detectors"] != "ok":
        raise SystemExit(f"{admitted} of {events} admitted, detectors {health['detectors']}")
    limit = (before.whole + after.whole) / 2
    rate = events / wall
    record(
        "ingest",
        {
            "verify_per_core_before": before.per_core,
            "verify_per_core_after": after.per_core,
            "cores": before.cores,
            "events": events,
            "events_per_s": rate,
            "share_of_limit": rate / limit,
            "server_cpu_us_per_event": cpu / events * 1e6,
            "load_cpu_us_per_event": load_cpu / events * 1e6,
            "server_cores_busy": cpu / wall,
            "load_cores_busy": load_cpu / wall,
            "foreign_cores_busy": max(0.0, machine - cpu - load_cpu) / wall,
        },
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 40_000)
