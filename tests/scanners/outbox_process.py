"""Run by the kill tests: queue drums one after another, or flush, and say on standard output what is safe."""

import sys
from pathlib import Path

from scanners import outbox as outbox_module
from scanners.client import LedgerClient
from scanners.outbox import Outbox
from tests.scanners.small_ledger import PINS, code, store_event


def queue(path: Path) -> None:
    """Queue events on three drums in turn, each following the one before; print each event id once it is in."""
    outbox = Outbox(path)
    for number in range(10_000):
        subject = code(number % 3)
        statement = outbox.record(
            [subject], lambda prevs, n=number: store_event(n % 3, dict(prevs), note=str(n))
        )
        sys.stdout.write(statement.event_id.hex() + "\n")
        sys.stdout.flush()


def flush(path: Path, url: str) -> None:
    """Flush until nothing waits."""
    outbox_module.BATCH = 5  # type: ignore[misc]  # many requests, so that a kill finds one under way
    outbox = Outbox(path)
    with LedgerClient(url, pins=PINS, max_attempts=1) as client:
        while outbox.pending(1):
            outbox.flush(client, force=True)


if __name__ == "__main__":
    if sys.argv[1] == "queue":
        queue(Path(sys.argv[2]))
    else:
        flush(Path(sys.argv[2]), sys.argv[3])
