"""A mirror killed at any moment goes on where its disk stands, and ends with what an undisturbed one has."""

from __future__ import annotations

import random
import subprocess
import sys
import time

import pytest

from chemtrace.adapters.witness_state import create_identity
from chemtrace.bootstrap.mirroring import opened_mirror
from chemtrace.core.bundle.trust import encode_trust
from tests.conftest import ROOT

KILLS = 5


@pytest.mark.slow
@pytest.mark.faults
def test_a_mirror_killed_again_and_again_ends_with_the_same_fold(world, tmp_path):
    codes = world.make(120)
    world.publish()
    for number, code in enumerate(codes):
        world.submit(world.store(code))
        if number % 25 == 0:
            world.publish()
    world.publish()
    trust = tmp_path / "trust.json"
    trust.write_bytes(encode_trust(world.trust))
    command = [sys.executable, "-m", "tests.mirror.slow_follower", str(world.folder), world.url, str(trust)]
    moments, starts = random.Random(20), []
    for _ in range(KILLS):
        process = subprocess.Popen(
            [*command, world.seeded.founded.token], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        starts.append(int(process.stdout.readline()))
        time.sleep(moments.uniform(0, 0.15))
        process.kill()
        process.wait(10)
        process.stdout.close()
    assert 0 == starts[0] < starts[-1], "some kill fell between two runs"
    assert starts == sorted(starts)
    with world.mirror() as killed:
        killed.follower.follow()
        found = killed.follower.position
        assert () == killed.witness.evidence()
    create_identity(tmp_path / "other", "mirror.test/two")
    with opened_mirror(
        tmp_path / "other", url=world.url, trust=world.trust, token=world.seeded.founded.token
    ) as calm:
        calm.follower.follow()
        assert calm.follower.position == found
