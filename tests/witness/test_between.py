"""Killed at the very moment between memory and answer: the next life holds what the last one kept, and goes on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from chemtrace.adapters.witness_state import create_identity
from tests.witness.log import ORIGIN, Log, standing

PROGRAM = """
import os, signal, sys
from pathlib import Path
from chemtrace.adapters.witness_state import SQLiteWitnessState
from chemtrace.bootstrap.witnessing import opened_witness
from chemtrace.core.note import parse_vkey

swap = SQLiteWitnessState.swap
def die(self, origin, before, after):
    when = sys.argv[3]
    if when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    done = swap(self, origin, before, after)
    os.kill(os.getpid(), signal.SIGKILL)
    return done
SQLiteWitnessState.swap = die
with opened_witness(Path(sys.argv[1]), [parse_vkey(sys.argv[2])]) as witness:
    witness.add_checkpoint(sys.stdin.buffer.read())
"""


@pytest.mark.faults
@pytest.mark.parametrize(("moment", "held"), [("before", 5), ("after", 9)])
def test_what_was_kept_is_kept_and_what_was_not_can_be_asked_again(
    tmp_path: Path, moment: str, held: int
) -> None:
    log, folder = Log(), tmp_path / "w"
    create_identity(folder, "witness.test/w")
    with standing(folder, "witness.test/w", log.verifier) as witness:
        assert witness.ask(log.request(0, 5)).status_code == 200
    killed = subprocess.run(
        (sys.executable, "-c", PROGRAM, str(folder), log.verifier.vkey, moment),
        input=log.request(5, 9),
        env=dict(os.environ),
        check=False,
        capture_output=True,
    )
    assert killed.returncode == -9
    with standing(folder, "witness.test/w", log.verifier) as witness:
        kept = witness.witness.kept(ORIGIN)
        assert kept is not None
        assert kept.held.checkpoint.size == held
        assert witness.ask(Log(leaf="second history").request(held, held)).status_code in (409, 422)
        assert witness.ask(log.request(held, 9)).status_code == 200
        assert json.loads(witness.ask(b"x").content)["code"] == "witness.request"
