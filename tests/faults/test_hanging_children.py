"""A child that hangs, is stopped or dies is waited for as long as was said, no longer; then nothing is left of it."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from typing import IO

import pytest

from chemtrace.adapters import frames
from chemtrace.adapters.frames import Child, ForkedChild, read_frame, write_frame

PATIENCE_S = 0.3
LARGE = os.urandom(1 << 20) * 5
"""More than any pipe holds: neither side can hand it over in one piece."""


def echo(questions: IO[bytes], answers: IO[bytes]) -> None:
    while (message := read_frame(questions)) is not None:
        if message == b"stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        if message == b"die":
            return
        write_frame(answers, message)


@pytest.fixture(params=["program", "copy"])
def child(request: pytest.FixtureRequest) -> Iterator[Child | ForkedChild]:
    if request.param == "copy" and sys.platform != "linux":
        pytest.skip("copies of a process are made on Linux only")
    child = Child("tests.faults.echo_child") if request.param == "program" else ForkedChild(echo)
    yield child
    child.end()


def process_of(child: Child | ForkedChild) -> int:
    return child._process.pid if isinstance(child, Child) else child._pid


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("message", [b"", b"one", LARGE], ids=["empty", "small", "large"])
def test_a_message_of_any_size_is_answered(child, message):
    for _ in range(3):
        assert message == child.ask(message, limit_s=30)


def test_a_child_that_stops_over_a_question_is_killed(child):
    pid = process_of(child)
    begun = time.monotonic()
    with pytest.raises(TimeoutError):
        child.ask(b"stop", limit_s=PATIENCE_S)
    child.end()
    assert PATIENCE_S <= time.monotonic() - begun < frames.END_TIMEOUT_S
    assert not is_there(pid)


def test_a_child_that_does_not_take_a_question_is_killed(child):
    """The pipe fills, and writing would wait for ever."""
    pid = process_of(child)
    assert b"" == child.ask(b"", limit_s=30)
    os.kill(pid, signal.SIGSTOP)
    with pytest.raises(TimeoutError):
        child.ask(LARGE, limit_s=PATIENCE_S)
    child.end()
    assert not is_there(pid)


def test_a_child_that_died_is_told_at_once(child):
    with pytest.raises((EOFError, OSError)) as caught:
        child.ask(b"die", limit_s=30)
    assert not isinstance(caught.value, TimeoutError)


def test_a_stopped_child_that_nobody_asks_anything_ends_too(child, monkeypatch):
    monkeypatch.setattr(frames, "END_TIMEOUT_S", PATIENCE_S)
    pid = process_of(child)
    assert b"" == child.ask(b"", limit_s=30)
    os.kill(pid, signal.SIGSTOP)
    child.end()
    assert not is_there(pid)


def test_a_child_that_ends_by_itself_is_not_killed():
    child = Child("tests.faults.echo_child")
    child.ask(b"", limit_s=30)
    child.end()
    assert child._process.returncode == 0
