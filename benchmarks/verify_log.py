"""`chemtrace audit`: entries per second, everything recomputed, as a share of libsodium's verify rate.

Processes beside the audit take half a second to start: few entries say more of that than of the rate.

Run: python -m benchmarks.verify_log [number of entries, default 200,000]
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time

from benchmarks.support.fill import fill
from benchmarks.support.report import record
from benchmarks.support.served import ROOT, scratch
from benchmarks.support.workload import measure_limit
from tests.seeded_ledger import seed_ledger


def main(events: int) -> None:
    with scratch() as folder:
        seeded = seed_ledger(folder, codes=events)
        fill(seeded, events)
        limit = measure_limit(seeded)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        start = time.perf_counter()
        command = [sys.executable, "-m", "chemtrace.entrypoints.cli.main", "audit", "--json"]
        done = subprocess.run([*command, "--data", str(folder)], cwd=ROOT, stdout=subprocess.PIPE, check=True)
        whole = time.perf_counter() - start
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    result = json.loads(done.stdout)
    if not result["verified"]:
        raise SystemExit(result)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    # Each entry carries the sender's signature, and its stored receipt the log's.
    record(
        "verify_log",
        {
            "entries": result["entries"],
            "signatures": result["signatures"],
            "seconds": result["seconds"],
            "seconds_with_start": whole,
            "entries_per_s": result["entries"] / result["seconds"],
            "signatures_per_s": result["signatures"] / result["seconds"],
            "share_of_limit": result["signatures"] / result["seconds"] / limit.whole,
            "cpu_us_per_entry": cpu / result["entries"] * 1e6,
        },
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200_000)
