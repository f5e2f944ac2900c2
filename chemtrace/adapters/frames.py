"""Messages between a process and its children over pipes: a u32be length and so many bytes."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import struct
import subprocess
import sys
from collections.abc import Callable, Sequence
from threading import Timer
from typing import IO, Final

_HEAD: Final = struct.Struct(">I")
PIPE_BYTES: Final = 1024 * 1024
"""Room in the pipes both ways, where the system has it (Linux): a message goes over in one piece, without waiting for
the other side to wake up for every 64 KiB."""

END_TIMEOUT_S: Final = 5
"""How long a child may take to end after its input ended."""


def read_frame(stream: IO[bytes]) -> bytes | None:
    """The next message, or None at the end of the stream."""
    head = stream.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    (size,) = _HEAD.unpack(head)
    body = stream.read(size)
    return body if len(body) == size else None


def write_frame(stream: IO[bytes], message: bytes) -> None:
    """Write one message and push it out."""
    stream.write(_HEAD.pack(len(message)))
    stream.write(message)
    stream.flush()


class Child:
    """A module of ours in a process of its own, which answers messages until its input ends."""

    def __init__(self, module: str) -> None:
        """Start `python -m module`; it inherits the environment and nothing else."""
        self._process = subprocess.Popen(  # noqa: S603  # our own module under our own interpreter
            [sys.executable, "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for stream in (self._process.stdin, self._process.stdout):
            _widen(stream)

    def send(self, message: bytes) -> None:
        """Hand over a message; raises `OSError` when the child has ended."""
        if self._process.stdin is None:
            raise BrokenPipeError
        write_frame(self._process.stdin, message)

    def receive(self, *, limit_s: float | None = None) -> bytes:
        """Wait for the next answer; raises `EOFError` when the child has ended.

        A child that has not answered within `limit_s` seconds is killed, also one that is stopped.
        """
        limit = None if limit_s is None else Timer(limit_s, self._process.kill)
        if limit is not None:
            limit.daemon = True
            limit.start()
        try:
            answer = read_frame(self._process.stdout) if self._process.stdout is not None else None
        finally:
            if limit is not None:
                limit.cancel()
        if answer is None:
            raise EOFError
        return answer

    def end(self) -> None:
        """Close its input, which ends it, and wait."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        try:
            self._process.wait(END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class ForkedChild:
    """A copy of this process that answers messages until its input ends; it starts with all modules at hand.

    Only for a process of one thread on Linux, which has opened nothing that a copy must not share, such as a database.
    """

    _input: IO[bytes]
    _output: IO[bytes]

    def __init__(
        self, serve: Callable[[IO[bytes], IO[bytes]], None], before: Sequence[ForkedChild] = ()
    ) -> None:
        """Run `serve(input, output)` in a copy; `before` are the copies made so far, whose pipes are not for it."""
        question, answer = os.pipe(), os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            try:
                for stream in (stream for other in before for stream in (other._input, other._output)):
                    os.close(stream.fileno())
                os.close(question[1])
                os.close(answer[0])
                serve(os.fdopen(question[0], "rb"), os.fdopen(answer[1], "wb"))
            finally:
                # Nothing of the first process is to be flushed, ended or told twice.
                os._exit(0)
        os.close(question[0])
        os.close(answer[1])
        self._input, self._output = os.fdopen(question[1], "wb"), os.fdopen(answer[0], "rb")
        for stream in (self._input, self._output):
            _widen(stream)

    def send(self, message: bytes) -> None:
        """Hand over a message; raises `OSError` when the copy has ended."""
        write_frame(self._input, message)

    def receive(self) -> bytes:
        """Wait for the next answer; raises `EOFError` when the copy has ended."""
        answer = read_frame(self._output)
        if answer is None:
            raise EOFError
        return answer

    def end(self) -> None:
        """Close its pipes, which ends it, and wait."""
        for stream in (self._input, self._output):
            with contextlib.suppress(OSError):
                stream.close()
        if self._pid:
            pid, self._pid = self._pid, 0
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)


def _widen(stream: IO[bytes] | None) -> None:
    """Give a pipe more room, on Linux and within what is permitted; one that stays narrow is only slower."""
    if stream is not None and sys.platform == "linux":
        with contextlib.suppress(OSError):
            fcntl.fcntl(stream.fileno(), fcntl.F_SETPIPE_SZ, PIPE_BYTES)


def answer_all(answer: Callable[[bytes], bytes], *, niceness: int = 0) -> None:
    """In a child: answer every message on standard input until it ends.

    Ctrl-C reaches all processes of a terminal at once: what it ends is the first one's to say, which ends the input.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(niceness)
    while (message := read_frame(sys.stdin.buffer)) is not None:
        write_frame(sys.stdout.buffer, answer(message))
