"""The log as plain files: whole at every moment, readable by the same rules as over HTTP, never of two trees."""

import os

import pytest

from chemtrace.adapters.static_files import StaticFolder
from chemtrace.core.checkpoint import parse_checkpoint
from chemtrace.core.entry import leaf_hash
from chemtrace.core.errors import BackupTargetError, CheckpointForkError, StorageFullError
from chemtrace.core.merkle import tree_root
from chemtrace.core.note import encode_note, parse_note
from chemtrace.core.tiles import parse_bundle
from tests.attacks.double import Double, small_double
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
