"""A mirror over real HTTP: it recomputes everything, goes on where it stopped, and cosigns what it recomputed."""

from hashlib import sha256

import httpx
import pytest
from starlette.testclient import TestClient

from chemtrace.core.add_checkpoint import AddCheckpoint, encode_add_checkpoint
from chemtrace.core.cosignature import parse_witness_vkey, verify_cosignature
from chemtrace.core.epoch import parse_epoch
from chemtrace.core.errors import MirrorBehindError
from chemtrace.core.note import parse_note
from chemtrace.entrypoints.mirror.app import create_mirror_app
from chemtrace.mirror import follow
from chemtrace.mirror.fold import Fold
from tests.seeded_ledger import MAKER


def test_a_mirror_recomputes_an_honest_log_to_the_same_map(world, mirror):
    world.make(20)
    world.publish()
    view = mirror.follower.follow()
    position = mirror.follower.position
    assert view.checkpoint.size == position.size == world.application.ledger.size
    assert parse_epoch(position.epoch).map_root == mirror.follower._judge.fold.map_root().hex()
    assert () == mirror.witness.evidence()


def test_a_mirror_goes_on_where_it_stopped(world):
    codes = world.make(5)
    world.publish()
    with world.mirror() as first:
        first.follower.follow()
    for code in codes:
        world.submit(world.store(code))
    world.publish()
    with world.mirror() as second:
        before = second.follower.position.size
        second.follower.follow()
        assert before < second.follower.position.size == world.application.ledger.size


def test_late_events_are_followed(world, mirror):
    code = world.make(1)[0]
    made = dict(world.seeded.hands.heads)
    world.submit(world.store(code))
    world.submit(world.seeded.hands.statement(
        MAKER, "inspect", "done",
        {"items": [{"code": code}], "result": "pass", "site": "S-MAKER"}, prevs=made,
    ))  # fmt: skip
    world.publish()
    assert mirror.follower.follow().checkpoint.size == world.application.ledger.size


def request_of(world, old: int = 0, path=()) -> bytes:
    note = parse_note(httpx.get(f"{world.url}/log/checkpoint").content)
    return encode_add_checkpoint(AddCheckpoint(old, tuple(path), note))


def test_a_mirror_cosigns_after_recomputing_and_not_before(world, mirror, monkeypatch):
    world.make(3)
    world.publish()
    monkeypatch.setattr(follow, "INLINE", -1_000_000)
    with pytest.raises(MirrorBehindError):
        mirror.witness.add_checkpoint(request_of(world))
    mirror.follower.follow()
    monkeypatch.undo()
    lines = mirror.witness.add_checkpoint(request_of(world))
    note = parse_note(httpx.get(f"{world.url}/log/checkpoint").content)
    assert verify_cosignature(parse_witness_vkey(world.vkeys[0]), note.text, lines[0]) > 0


def test_what_is_a_little_ahead_is_recomputed_while_the_log_waits(world, mirror):
    world.make(3)
    world.publish()
    assert mirror.witness.add_checkpoint(request_of(world))
    assert mirror.follower.position.size == world.application.ledger.size


def test_a_mirror_shows_its_own_copy_as_far_as_it_has_cosigned(world, mirror):
    app, log = create_mirror_app(mirror), sha256(world.application.ledger.origin.encode()).hexdigest()
    world.make(3)
    world.publish()
    with TestClient(app) as door:
        assert 404 == door.get(f"/{log}/checkpoint").status_code
        size = world.application.ledger.size
        assert 404 == door.get(f"/{log}/tile/0/000.p/{size}").status_code
        answer = door.post("/add-checkpoint", content=request_of(world))
        assert 200 == answer.status_code
        shown = parse_note(door.get(f"/{log}/checkpoint").content)
        mine = parse_witness_vkey(world.vkeys[0])
        line = next(line for line in shown.signatures if line.key_hash == mine.key_hash)
        assert verify_cosignature(mine, shown.text, line) > 0
        path = f"tile/0/000.p/{size}"
        assert httpx.get(f"{world.url}/log/{path}").content == door.get(f"/{log}/{path}").content
        assert 404 == door.get(f"/{log}/tile/entries/000.p/{size}").status_code
        assert size == door.get("/state").json()["size"]


def test_a_mirror_that_is_behind_asks_the_log_to_come_again(world, mirror, monkeypatch):
    world.make(1)
    world.publish()
    monkeypatch.setattr(follow, "INLINE", -1_000_000)
    with TestClient(create_mirror_app(mirror)) as door:
        answer = door.post("/add-checkpoint", content=request_of(world))
    assert (503, "5", "mirror.behind") == (
        answer.status_code,
        answer.headers["retry-after"],
        answer.json()["code"],
    )


def test_a_mirror_that_recomputed_otherwise_answers_422_with_what_it_found(world, mirror, monkeypatch):
    world.make(1)
    world.publish()
    monkeypatch.setattr(Fold, "map_root", lambda _: bytes(32))
    with TestClient(create_mirror_app(mirror)) as door:
        answer = door.post("/add-checkpoint", content=request_of(world))
        kept = door.get("/evidence").json()["evidence"]
    assert (422, "evidence.map") == (answer.status_code, answer.json()["code"])
    assert ["evidence.map"] == [one["code"] for one in kept]
