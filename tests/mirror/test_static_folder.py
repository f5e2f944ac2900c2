"""The log as plain files: whole at every moment, readable by the same rules as over HTTP, never of two trees."""

import os
import shutil

import pytest

from chemtrace.adapters.static_files import FileLog, StaticFolder
from chemtrace.core.checkpoint import parse_checkpoint
from chemtrace.core.entry import leaf_hash
from chemtrace.core.errors import (
    BackupTargetError,
    CheckpointForkError,
    LogTruncatedError,
    StorageFullError,
    TreeBrokenError,
)
from chemtrace.core.merkle import tree_root
from chemtrace.core.note import encode_note, parse_note
from chemtrace.core.tiles import parse_bundle
from chemtrace.mirror.follow import Follower
from tests.attacks.double import Double, FixedClock, Watch, small_double
from tests.honest_log import item


@pytest.fixture
def double() -> Double:
    return small_double()


def write(double: Double, folder) -> int:
    return StaticFolder(folder).write(double, encode_note(double.log.note()))


def grow(double: Double, count: int) -> None:
    for number in range(count):
        double.tell("produce/make", item(1000 + double.log.size + number))
    double.log.epoch()


def read_root(folder, size: int) -> bytes:
    bodies: list[bytes] = []
    for number in range((size + 255) // 256):
        width = min(256, size - 256 * number)
        name = f"{number:03}" + ("" if width == 256 else f".p/{width}")
        bodies += parse_bundle((folder / "tile" / "entries" / name).read_bytes())
    return tree_root([leaf_hash(body) for body in bodies])


def test_the_files_give_the_root_of_their_checkpoint_as_the_log_grows(double, tmp_path):
    for count in (0, 3, 250, 1):
        if count:
            grow(double, count)
        write(double, tmp_path / "log")
        checkpoint = parse_checkpoint(parse_note((tmp_path / "log" / "checkpoint").read_bytes()).text)
        assert checkpoint == double.log.checkpoint()
        assert checkpoint.root == read_root(tmp_path / "log", checkpoint.size)
    assert 8192 == (tmp_path / "log" / "tile" / "0" / "000").stat().st_size
    assert 32 == (tmp_path / "log" / "tile" / "1" / "000.p" / "1").stat().st_size
    assert not (tmp_path / "log" / "tile" / "0" / "000.p").exists()


def test_nothing_is_written_twice(double, tmp_path):
    assert write(double, tmp_path / "log") > 0
    assert 0 == write(double, tmp_path / "log")


def test_entries_are_readable_by_their_owner_alone(double, tmp_path):
    write(double, tmp_path / "log")
    (bundle,) = (tmp_path / "log" / "tile" / "entries" / "000.p").iterdir()
    assert 0o600 == bundle.stat().st_mode & 0o777


def test_a_write_that_fails_halfway_leaves_the_older_log_whole_and_can_go_on(double, tmp_path, monkeypatch):
    folder = tmp_path / "log"
    write(double, folder)
    old = double.log.checkpoint()
    grow(double, 300)
    real, left = os.fsync, [3]

    def full(descriptor: int) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(28, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageFullError):
        write(double, folder)
    monkeypatch.undo()
    assert old == StaticFolder(folder).checkpoint()
    write(double, folder)
    assert double.log.checkpoint().root == read_root(folder, double.log.size)


def test_files_of_another_history_are_never_mixed(double, tmp_path):
    other = double.clone()
    grow(double, 2)
    grow(other, 1)
    grow(other, 1)
    write(double, tmp_path / "log")
    with pytest.raises(CheckpointForkError):
        write(other, tmp_path / "log")


def test_a_smaller_tree_does_not_replace_a_larger_one(double, tmp_path):
    older = double.clone()
    grow(double, 2)
    write(double, tmp_path / "log")
    with pytest.raises(CheckpointForkError):
        write(older, tmp_path / "log")


def test_a_folder_of_something_else_is_left_alone(double, tmp_path):
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "letters.txt").write_text("mine")
    with pytest.raises(BackupTargetError):
        write(double, tmp_path / "log")


@pytest.fixture
def watch(double, tmp_path):
    watch = Watch(tmp_path / "watch", double.log)
    yield watch
    watch.close()


def follow(watch: Watch, folder) -> int:
    """One round of a mirror that reads the folder and nothing else."""
    follower = Follower(
        log=FileLog(folder),
        store=watch.store,
        trust=watch.log.trust(),
        evidence=watch.state,
        clock=FixedClock(),
    )
    try:
        return follower.follow().checkpoint.size
    finally:
        follower.close()


def test_a_mirror_recomputes_the_files_with_no_network_as_they_grow(double, tmp_path, watch):
    for count in (0, 3, 260, 5):
        if count:
            grow(double, count)
        write(double, tmp_path / "log")
        assert double.log.size == follow(watch, tmp_path / "log")


@pytest.mark.parametrize("part", ["tile/entries", "tile/0", "registry"])
def test_files_that_are_missing_are_a_truncation(double, tmp_path, watch, part):
    grow(double, 3)
    write(double, tmp_path / "log")
    shutil.rmtree(tmp_path / "log" / part)
    if part == "tile/0":
        follow_before = small_double()
        write(follow_before, tmp_path / "older")
        follow(watch, tmp_path / "older")
    with pytest.raises(LogTruncatedError):
        follow(watch, tmp_path / "log")


def test_a_file_edited_afterwards_is_found(double, tmp_path, watch):
    write(double, tmp_path / "log")
    (bundle,) = (tmp_path / "log" / "tile" / "entries" / "000.p").iterdir()
    data = bytearray(bundle.read_bytes())
    data[len(data) // 2] ^= 1
    bundle.write_bytes(bytes(data))
    with pytest.raises((TreeBrokenError, LogTruncatedError)):
        follow(watch, tmp_path / "log")
