"""Messages between a process and its children over pipes: a u32be length and so many bytes."""

from __future__ import annotations

import contextlib
import fcntl
import io
import math
import os
import select
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import IO, Final

_HEAD: Final = struct.Struct(">I")
PIPE_BYTES: Final = 1024 * 1024
"""Room in the pipes both ways, where the system has it (Linux): a message goes over in one piece, without waiting for
the other side to wake up for every 64 KiB."""

END_TIMEOUT_S: Final = 5
"""How long a child may take to end after its input ended; then it is killed."""


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


class Pipes:
    """Our ends of the pipes to a child. Neither way do they hold up anybody for longer than he said."""

    def __init__(self, questions: IO[bytes] | None, answers: IO[bytes] | None) -> None:
        """Take over two streams without buffers of their own; raises `BrokenPipeError` when one is missing."""
        if questions is None or answers is None:
            raise BrokenPipeError
        self._questions, self._answers = questions, answers
        self._writable, self._readable = select.poll(), select.poll()
        self._writable.register(questions, select.POLLOUT)
        self._readable.register(answers, select.POLLIN)
        for stream in (questions, answers):
            # Of this end only: the other one is a file description of its own.
            os.set_blocking(stream.fileno(), False)
            _widen(stream)

    def ask(self, message: bytes, *, limit_s: float) -> bytes:
        """Write a message and read its answer.

        Raises:
            TimeoutError: both together took longer than `limit_s` seconds.
            OSError, EOFError: there is nobody at the other end.
        """
        until = time.monotonic() + limit_s
        self._write([memoryview(_HEAD.pack(len(message))), memoryview(message)], until)
        (size,) = _HEAD.unpack(self._read(_HEAD.size, until))
        return self._read(size, until)

    def close(self) -> None:
        """Close both; the child's input ends with it."""
        for stream in (self._questions, self._answers):
            with contextlib.suppress(OSError):
                stream.close()

    def _write(self, left: list[memoryview], until: float) -> None:
        while left:
            try:
                written = os.writev(self._questions.fileno(), left)
            except BlockingIOError:
                _wait(self._writable, until)
                continue
            while left and written >= len(left[0]):
                written -= len(left.pop(0))
            if written:
                left[0] = left[0][written:]

    def _read(self, size: int, until: float) -> bytes:
        # What is read straight into the one reference to new bytes is not copied to be given away.
        room, at = io.BytesIO(bytes(size)), 0
        with room.getbuffer() as view:
            while at < size:
                try:
                    found = os.readv(self._answers.fileno(), [view[at:]])
                except BlockingIOError:
                    _wait(self._readable, until)
                    continue
                if not found:
                    raise EOFError
                at += found
        return room.getvalue()


def _wait(pipe: select.poll, until: float) -> None:
    """Wait until a pipe can be used; a last look is taken also when it is late already."""
    if not pipe.poll(max(0, math.ceil((until - time.monotonic()) * 1000))):
        raise TimeoutError


class Child:
    """A module of ours in a process of its own, which answers messages until its input ends."""

    def __init__(self, module: str) -> None:
        """Start `python -m module`; it inherits the environment and nothing else."""
        self._process = subprocess.Popen(  # noqa: S603  # our own module under our own interpreter
            [sys.executable, "-m", module],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._pipes = Pipes(self._process.stdin, self._process.stdout)

    def ask(self, message: bytes, *, limit_s: float) -> bytes:
        """Hand over a message and wait for its answer, both within `limit_s` seconds.

        Raises:
            TimeoutError: it took longer; the child is killed, also one that is stopped.
            OSError, EOFError: the child has ended.
        """
        try:
            return self._pipes.ask(message, limit_s=limit_s)
        except TimeoutError:
            self._process.kill()
            raise

    def end(self) -> None:
        """Close its input, which ends it, and wait; one that does not end is killed."""
        self._pipes.close()
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
        self._input = os.fdopen(question[1], "wb", buffering=0)
        self._output = os.fdopen(answer[0], "rb", buffering=0)
        self._pipes = Pipes(self._input, self._output)

    def ask(self, message: bytes, *, limit_s: float) -> bytes:
        """Hand over a message and wait for its answer, both within `limit_s` seconds.

        Raises:
            TimeoutError: it took longer; the copy is killed, also one that is stopped.
            OSError, EOFError: the copy has ended.
        """
        try:
            return self._pipes.ask(message, limit_s=limit_s)
        except TimeoutError:
            self._kill()
            raise

    def end(self) -> None:
        """Close its pipes, which ends it, and wait; one that does not end is killed."""
        self._pipes.close()
        if not self._pid:
            return
        with contextlib.suppress(ChildProcessError):
            if not self._ends_by_itself():
                self._kill()
                os.waitpid(self._pid, 0)
        self._pid = 0

    def _ends_by_itself(self) -> bool:
        until, pause_s = time.monotonic() + END_TIMEOUT_S, 0.001
        while os.waitpid(self._pid, os.WNOHANG) == (0, 0):
            if time.monotonic() > until:
                return False
            time.sleep(pause_s)
            pause_s = min(2 * pause_s, 0.05)
        return True

    def _kill(self) -> None:
        # 0 would be everybody of this process's group.
        if self._pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)


def _widen(stream: IO[bytes]) -> None:
    """Give a pipe more room, on Linux and within what is permitted; one that stays narrow is only slower."""
    if sys.platform == "linux":
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
