"""The page about the second body is true: every command runs in one shell, in order, and the omission is caught."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path("docs/tutorial/second-body.md")
BLOCK = re.compile(r"^```sh(?: exit=(\d+))?\n(.*?)^```", re.MULTILINE | re.DOTALL)
PORTS = ("8080", "8090", "8091")
PATIENCE_S = 300
SETTLE = """
import json, time, urllib.request
def get(port, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
        return answer.read().decode()
def settled():
    evidence = json.loads(get(8091, "/evidence"))["evidence"]
    get(8090, "/healthz")
    size = int(get(8080, "/log/checkpoint").split()[1])
    return evidence or size == json.loads(get(8080, "/readyz"))["size"]
for _ in range(300):
    try:
        if settled():
            break
    except OSError:
        pass
    time.sleep(0.2)
else:
    raise SystemExit("the three never settled")
"""
"""In place of the page's seconds: all three answer, and what was told is cosigned, or found to be a lie."""


def free_ports(count: int) -> list[str]:
    """Ports that are free now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [str(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports


def script_of(page: str) -> str:
    """The page's commands as one script; before each block its number is said, and its exit code is required."""
    lines = ["set -eu", "trap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT"]
    for number, (expected, block) in enumerate(BLOCK.findall(page)):
        lines.append(f"echo '#### {number}'")
        if expected:
            lines += ["code=0", f"( {block.strip()} ) || code=$?", f'[ "$code" = {expected} ]']
        else:
            lines.append(block)
    return "\n".join(lines)


def walk(folder: Path) -> str:
    """What the page's commands said in an empty folder, standard output and error together."""
    page = (Path(__file__).parents[2] / PAGE).read_text(encoding="utf-8")
    settle = SETTLE
    for port, free in zip(PORTS, free_ports(len(PORTS)), strict=True):
        page, settle = page.replace(port, free), settle.replace(port, free)
    (folder / "settle.py").write_text(settle)
    page = page.replace("sleep 4", "python settle.py")
    binaries = str(Path(sys.executable).parent)
    environment = {name: text for name, text in os.environ.items() if not name.startswith("CHEMTRACE_")}
    environment["PATH"] = f"{binaries}{os.pathsep}{environment['PATH']}"
    process = subprocess.Popen(
        ["bash", "-c", script_of(page)],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        told, _ = process.communicate(timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        told, _ = process.communicate()
        pytest.fail(told)
    assert process.returncode == 0, told
    return told


@pytest.mark.slow
@pytest.mark.timeout(PATIENCE_S + 60)
def test_the_page_is_true_and_the_planted_omission_is_caught(tmp_path: Path) -> None:
    """One walk, four facts: complete by the mirror's word, an honest name, the lie kept as evidence, age tells."""
    told = walk(tmp_path)
    before, _, after = told.partition("#### 6")
    assert "complete" in before
    assert "recomputed" in before
    assert "nothing contradicts" in before + after
    assert "[evidence.map]" in after
    assert "[bundle.stale]" in after
