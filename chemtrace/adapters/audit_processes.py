"""Processes that look at runs of entries for an audit: signatures, forms and receipts on all cores.

Each opens the database for itself and answers which entries are clean; the audit looks at the others again. A process
that dies or hangs costs nothing but time. What they found can be kept in a file: a later audit then leaves out the runs
whose rows are byte for byte the same.
"""

from __future__ import annotations

import contextlib
import os
import queue
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import IO, Final

import msgspec

from chemtrace.adapters.frames import Child, ForkedChild
from chemtrace.core.errors import AuditStateError
from chemtrace.ledger.audit.clean import ChunkResult
from chemtrace.ledger.audit.port import AuditEntry

WAITING_EACH: Final = 2
"""Runs under way for each process: enough that none waits, few enough that at the end, when the processes are done and
the other cores idle, little is left for the pass itself."""

ANSWER_WITHIN_S: Final = 60
"""How long a process may take over one question, its start included. A run takes less than a second; this is many times
that, for disks and machines that are short of everything, since what it has done by then is lost."""

FORK_FROM_BYTES: Final = 8 * 1024 * 1024
"""Size of a database from which on copies of this process are made ready before it is opened."""

STATE_TYPE: Final = "chemtrace/audit-state/1"


class Hello(msgspec.Struct, frozen=True):
    """The first message to a process: which database, and whether digests are wanted."""

    url: str
    digests: bool


class Question(msgspec.Struct, frozen=True):
    """Look at the rows of these indexes; `known` is what was found of them before, good if the digest is the same."""

    first: int
    last: int
    known: ChunkResult | None = None


class _StateHead(msgspec.Struct, frozen=True):
    typ: str
    ledger: str
    program: str


class AuditProcesses:
    """One process a core, for one audit of the database at `url`. Close it at the end."""

    def __init__(
        self,
        url: str,
        *,
        count: int = 0,
        known: dict[int, ChunkResult] | None = None,
        keep: IO[bytes] | None = None,
        ready: Sequence[ForkedChild] = (),
    ) -> None:
        """Start `count` processes, or one for each core; results are written to `keep`, those in `known` are spared.

        `ready`: copies of this process that `fork_ready` made, one for each process; else programs are started.
        """
        count = len(ready) or count or os.cpu_count() or 1
        self._hello = msgspec.json.encode(Hello(url, digests=keep is not None or bool(known)))
        self._known, self._keep = known or {}, keep
        self._limit = count * WAITING_EACH
        self._free: queue.SimpleQueue[Child | ForkedChild | None] = queue.SimpleQueue()
        self._silent = set(ready)
        children: Sequence[ForkedChild | None] = ready or [None] * count
        for child in children:
            self._free.put(child)
        self._pool = ThreadPoolExecutor(max_workers=count, thread_name_prefix="audit-process")

    def results(self, ranges: Iterable[tuple[int, int]]) -> Iterator[ChunkResult | None]:
        """What was found of each range of indexes, in their order; None where a process failed."""
        waiting: deque[Future[ChunkResult | None]] = deque()
        for first, last in ranges:
            waiting.append(self._pool.submit(self._ask, Question(first, last, self._known.get(first))))
            if len(waiting) >= self._limit:
                yield self._kept(waiting.popleft().result())
        while waiting:
            yield self._kept(waiting.popleft().result())

    def close(self) -> None:
        """End the processes."""
        self._pool.shutdown(cancel_futures=True)
        with contextlib.suppress(queue.Empty):
            while True:
                child = self._free.get_nowait()
                if child is not None:
                    child.end()

    def _ask(self, question: Question) -> ChunkResult | None:
        child, keeps_step = self._free.get(), False
        try:
            if child is None:
                child = Child("chemtrace.adapters.audit_worker")
                self._greet(child)
            elif child in self._silent:
                self._silent.discard(child)
                self._greet(child)
            answer = child.ask(msgspec.msgpack.encode(question), limit_s=ANSWER_WITHIN_S)
            found = msgspec.msgpack.decode(answer, type=ChunkResult)
            keeps_step = True
        except (OSError, EOFError, msgspec.DecodeError):
            return None
        else:
            return found
        finally:
            # Whatever broke off between a question and its answer: the next question would get that answer.
            if child is not None and not keeps_step:
                child.end()
            self._free.put(child if keeps_step else None)

    def _greet(self, child: Child | ForkedChild) -> None:
        child.ask(self._hello, limit_s=ANSWER_WITHIN_S)

    def _kept(self, result: ChunkResult | None) -> ChunkResult | None:
        if self._keep is not None and result is not None and result != self._known.get(result.first):
            self._keep.write(msgspec.json.encode(result) + b"\n")
            self._keep.flush()
        return result


@contextmanager
def fork_ready(
    database: Path, serve: Callable[[IO[bytes], IO[bytes]], None]
) -> Iterator[Sequence[ForkedChild]]:
    """Copies of this process, one a core, that run `serve` for as long as the block lasts; none where that is not safe.

    Safe is a process of one thread on Linux that has not opened the database yet: SQLite's locks do not outlive a
    fork. For a small database nothing is started.
    """
    children: list[ForkedChild] = []
    try:
        if sys.platform == "linux" and threading.active_count() == 1 and _is_large_and_closed(database):
            for _ in range(os.cpu_count() or 1):
                children.append(ForkedChild(serve, tuple(children)))
        yield tuple(children)
    finally:
        for child in children:
            child.end()


def _is_large_and_closed(database: Path) -> bool:
    """Whether a file is worth copies of this process, and this process has it not open."""
    try:
        status = database.stat()
        opened = list(Path("/proc/self/fd").iterdir())
    except OSError:
        return False
    for file in opened:
        with contextlib.suppress(OSError):
            if os.path.samestat(file.stat(), status):
                return False
    return status.st_size >= FORK_FROM_BYTES


def read_state(path: Path, *, ledger: str, program: str) -> dict[int, ChunkResult]:
    """What an audit of this ledger by this version of the program left in a file; the last line may be half.

    Raises:
        AuditStateError: not such a file, or of another ledger or version; carries both.
    """
    with path.open("rb") as file:
        lines = file.read().split(b"\n")
    try:
        head = msgspec.json.decode(lines[0], type=_StateHead)
    except msgspec.DecodeError as error:
        raise AuditStateError("this is no state of an audit; name another file", path=str(path)) from error
    expected = _StateHead(STATE_TYPE, ledger, program)
    if head != expected:
        raise AuditStateError(
            "this is the state of an audit of another ledger, or by another version: begin anew without --resume",
            expected=msgspec.to_builtins(expected),
            found=msgspec.to_builtins(head),
        )
    known: dict[int, ChunkResult] = {}
    for line in lines[1:]:
        with contextlib.suppress(msgspec.DecodeError):
            result = msgspec.json.decode(line, type=ChunkResult)
            known[result.first] = result
    return known


def continue_state(path: Path) -> IO[bytes]:
    """Open a state file that `read_state` has read, to add to it behind a line that may be half."""
    file = path.open("ab")
    file.write(b"\n")
    return file


def begin_state(path: Path, *, ledger: str, program: str) -> IO[bytes]:
    """Begin a state file anew; its owner alone may read it."""
    file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")
    file.write(msgspec.json.encode(_StateHead(STATE_TYPE, ledger, program)) + b"\n")
    file.flush()
    return file


def ledger_name(origin: str | None, first: AuditEntry | None) -> str:
    """The name of a ledger in a state file: its origin and the digest of its first entry."""
    return f"{origin} {'' if first is None else sha256(first.body).hexdigest()}"
