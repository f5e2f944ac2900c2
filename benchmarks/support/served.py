"""The server of the benchmarks, in its own process as `chemtrace serve` runs it, and the processor time it took."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[2]
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Served:
    """Address and process of a running server."""

    url: str
    pid: int

    def cpu_s(self) -> float:
        """Processor seconds that the server and its checking processes took so far, user and system, from /proc."""
        return sum(_cpu_ticks(pid) for pid in (self.pid, *_children(self.pid))) / TICKS

    def connect(self) -> http.client.HTTPConnection:
        """A plain connection: the load must cost as little as possible."""
        parts = urlsplit(self.url)
        return http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)


def machine_cpu_s() -> float:
    """Processor seconds that the whole machine has spent so far, waiting left out, from /proc/stat."""
    fields = [int(text) for text in Path("/proc/stat").read_text().splitlines()[0].split()[1:]]
    idle, waiting = fields[3], fields[4]
    return (sum(fields[:8]) - idle - waiting) / TICKS


@contextlib.contextmanager
def serve(folder: Path) -> Iterator[Served]:
    """Run the server of the ledger in `folder`: publishing and detectors every second, request lines into a file."""
    command = [sys.executable, "-m", "chemtrace.entrypoints.cli.main", "serve", "--data", str(folder)]
    environment = {**os.environ, "CHEMTRACE_PUBLISH_INTERVAL_S": "1"}
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--port", "0", "--json"], cwd=ROOT, stdout=subprocess.PIPE, stderr=log, env=environment
        )
        try:
            assert process.stdout is not None
            served = Served(json.loads(process.stdout.readline())["url"], process.pid)
            _wait_until_ready(served)
            yield served
        finally:
            process.terminate()
            process.wait(60)


def _cpu_ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def _children(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += [int(text) for text in (task / "children").read_text().split()]
    return found


def _wait_until_ready(served: Served) -> None:
    for _ in range(500):
        with contextlib.suppress(OSError):
            connection = served.connect()
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return
        time.sleep(0.02)
    raise RuntimeError("the server does not get ready")


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A folder on the disk of the checkout, where a ledger would stand; removed at the end."""
    base = ROOT / ".bench"
    base.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=base) as folder:
        yield Path(folder) / "ledger"
