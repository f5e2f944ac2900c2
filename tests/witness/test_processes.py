"""The whole thing in processes: a server under a policy, two witnesses by their command, one of them killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from chemtrace.core.errors import ChemtraceError
from chemtrace.core.note import parse_vkey
from chemtrace.core.policy import parse_policy, verify_cosigned
from tests.seeded_ledger import ORIGIN, Seeded, seed_ledger

COMMAND = (sys.executable, "-m", "chemtrace.entrypoints.cli.main")
PATIENCE_S = 30


@dataclass
class Running:
    """A process and what it told of itself on its first line."""

    process: subprocess.Popen[str]
    told: dict[str, str]

    @property
    def url(self) -> str:
        """Where it listens."""
        return self.told["url"]


@contextmanager
def running(*words: str, **environment: str) -> Iterator[Running]:
    """Run a command that serves, until the block ends."""
    process = subprocess.Popen(
        (*COMMAND, *words, "--json"),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=dict(os.environ) | environment,
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line, words
        yield Running(process, json.loads(line))
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(10)
        process.stdout.close()


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            if condition():
                return
        except (ChemtraceError, httpx.HTTPError):
            pass
        time.sleep(0.05)
    raise AssertionError("it never became true")


@pytest.fixture
def seeded(tmp_path: Path) -> Seeded:
    return seed_ledger(tmp_path / "ledger", codes=5)


@pytest.mark.faults
def test_a_server_and_its_witnesses_in_processes_of_their_own(seeded: Seeded, tmp_path: Path) -> None:
    log = parse_vkey(seeded.founded.log_vkey)
    with ExitStack() as stack:
        witnesses: list[Running] = []
        lines = []
        for name in ("A", "B"):
            folder = str(tmp_path / name)
            made = subprocess.run(
                (*COMMAND, "witness", "init", "--data", folder, "--name", f"w.test/{name}", "--json"),
                check=True, capture_output=True, text=True,
            )  # fmt: skip
            vkey = json.loads(made.stdout)["vkeys"][0]
            serve = ("witness", "serve", "--data", folder, "--log", log.vkey, "--port", "0")
            witnesses.append(stack.enter_context(running(*serve)))
            lines.append(f"witness {name} {vkey} {witnesses[-1].url}")
        policy_file = tmp_path / "policy"
        policy_file.write_text("\n".join([*lines, "group one any A B", "quorum one", ""]))
        policy = parse_policy(policy_file.read_bytes())
        server = stack.enter_context(
            running(
                "serve", "--data", str(seeded.folder), "--port", "0",
                CHEMTRACE_POLICY=str(policy_file), CHEMTRACE_WITNESS_MODE="required",
                CHEMTRACE_PUBLISH_INTERVAL_S="0.2", CHEMTRACE_HEARTBEAT_S="1",
            )
        )  # fmt: skip

        def served() -> tuple[int, int]:
            """Size of what is served, and how many witnesses stand under it."""
            note = httpx.get(f"{server.url}/log/checkpoint", timeout=10).content
            found = verify_cosigned(note, ORIGIN, log, policy)
            return found.checkpoint.size, len(found.cosignatures)

        wait_for(lambda: served()[1] == 2)
        first, _ = served()
        wait_for(lambda: served()[0] > first)
        witnesses[1].process.kill()
        wait_for(lambda: httpx.get(f"{server.url}/readyz").json()["witnesses"]["failing"] != {})
        second, _ = served()
        wait_for(lambda: served()[0] > second)
        metrics = httpx.get(f"{server.url}/metrics").text
        assert 'chemtrace_witness_failures{witness="A"} 0.0' in metrics
        assert 'chemtrace_witness_size{witness="B"}' in metrics
        state = httpx.get(witnesses[0].url).json()["logs"][ORIGIN]
        assert state["size"] >= second
    # Served anew without witnesses, what was cosigned is still what is served.
    with running(
        "serve", "--data", str(seeded.folder), "--port", "0",
        CHEMTRACE_POLICY=str(policy_file), CHEMTRACE_WITNESS_MODE="required",
    ) as again:  # fmt: skip
        note = httpx.get(f"{again.url}/log/checkpoint", timeout=10).content
        assert verify_cosigned(note, ORIGIN, log, policy).checkpoint.size >= second
