"""A process whose children write into a ledger and die by SIGKILL, at a moment chosen beforehand or by the parent.

Everything is imported once, so that a life begins with opening the ledger and a thousand of them take minutes.

Usage: python -m tests.faults.forked_writer DATA_DIR DATABASE_URL; a line of JSON on stdin for each life, its answers on
stdout.
"""

from __future__ import annotations

import json
import os
import random
import secrets
import signal
import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import Any

import chemtrace
from chemtrace.bootstrap import open_application
from chemtrace.bootstrap.application import Application
from chemtrace.config import Settings
from chemtrace.core.checkpoint import parse_checkpoint
from chemtrace.core.key_files import parse_private_pem
from chemtrace.core.note import parse_note
from chemtrace.core.statement import build_statement, encode_wire
from chemtrace.core.times import format_utc
from chemtrace.ledger.outcome import Admitted

PACKAGE = str(Path(chemtrace.__file__).parent)
PHASES = {
    "admit": ("ledger/sequence.py", "ledger/writing.py", "adapters/sql/store.py", "adapters/sql/engine.py"),
    "integrate": ("ledger/integrate.py", "core/map_pages.py", "core/subject_tree.py"),
    "publish": ("ledger/publish.py", "core/tiles.py", "adapters/sql/store.py"),
    "vault": ("adapters/keys/vault.py", "core/checkpoint.py"),
}
"""Where a life may end by its own hand: at the n-th call or return of a function in one of these files."""

PUBLISH_INTERVAL_S = 0.01
BATCHES = (1, 1, 5, 20, 120)
"""Statements handed in at once: alone, in small groups, and so many that groups are judged ahead."""


def main(data_dir: Path, url: str) -> None:
    """Fork a life for each line; wait for its end before the next one."""
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _live(
                Settings(data_dir=data_dir, database_url=url, publish_interval_s=PUBLISH_INTERVAL_S),
                json.loads(line),
            )
        os.write(1, f"{child}\n".encode())
        _, status = os.waitpid(child, 0)
        os.write(1, f"{status}\n".encode())


def _live(settings: Settings, life: dict[str, Any]) -> None:
    out = os.open(life["out"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        if life["phase"] is not None:
            _die_in(life["phase"], life["after"], out)
        start = time.monotonic()
        application = open_application(settings)
        _say(out, {"ready_ms": round((time.monotonic() - start) * 1000, 3)})
        application.start_publishing()
        _write(application, settings.data_dir, random.Random(life["seed"]), out)
    except BaseException as error:  # noqa: BLE001  # a life must end by SIGKILL alone; what else ends it is told
        _say(out, {"error": repr(error)})
    os._exit(3)


def _die_in(phase: str, after: int, out: int) -> None:
    """Have every thread of this process count calls and returns in the files of the phase, and end at one."""
    files = {f"{PACKAGE}/{name}" for name in PHASES[phase]}
    left = after

    def profile(frame: FrameType, event: str, _argument: object) -> None:
        nonlocal left
        if event in {"call", "return"} and frame.f_code.co_filename in files:
            left -= 1
            if left == 0:
                _say(out, {"died": f"{phase}: {event} {frame.f_code.co_name}"})
                os.kill(os.getpid(), signal.SIGKILL)

    threading.setprofile(profile)
    sys.setprofile(profile)


def _write(application: Application, data_dir: Path, chance: random.Random, out: int) -> None:
    """Hand in inspections of some drums, batch by batch; say what was acknowledged and which checkpoints stand."""
    key = parse_private_pem((data_dir / "maker.pem").read_bytes())
    enterprise, *codes = (data_dir / "maker.txt").read_text().split()
    while True:
        wires = []
        for _ in range(chance.choice(BATCHES)):
            named = chance.sample(codes, chance.randint(1, 3))
            now = format_utc(application.clock.now_us())
            payload = {
                "at": now,
                "nonce": secrets.token_hex(16),
                "items": [{"code": code} for code in named],
                "result": "pass",
            }
            statement = build_statement(
                kind="inspect", phase="done", enterprise=enterprise, signers=[key], iat=now,
                subjects=[(code, None) for code in named], payload=payload,
            )  # fmt: skip
            wires.append(encode_wire(statement))
        answers = []
        for outcome in application.ledger.submit_many(wires):
            if not isinstance(outcome, Admitted):
                raise outcome.error
            answers.append([outcome.index, outcome.receipt_bytes.hex()])
        # One write: what stands in the file was acknowledged.
        _say(out, {"acknowledged": answers})
        note = application.ledger.checkpoint()
        if note is not None:
            checkpoint = parse_checkpoint(parse_note(note).text, application.ledger.origin)
            _say(out, {"checkpoint": [checkpoint.size, checkpoint.root.hex()]})


def _say(out: int, what: dict[str, Any]) -> None:
    os.write(out, json.dumps(what).encode() + b"\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
