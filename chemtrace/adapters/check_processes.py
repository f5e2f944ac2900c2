"""Processes that check statements beside the writer, where the interpreter's lock would let only one thread compute.

A process that dies or hangs costs nothing but time: its statements are checked by the caller, and the next batch starts
another.
"""

from __future__ import annotations

import contextlib
import queue
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from chemtrace.adapters.frames import Child
from chemtrace.ledger.checked_wire import Answer, encode_question
from chemtrace.registry.state import Registry

log = structlog.get_logger("chemtrace.check")

ANSWER_WITHIN_S: Final = 20
"""How long a process may take over one question, its start included: senders give up after 30 s, and within them the
caller must still check the statements himself. On an idle machine 250 statements take a twentieth of a second."""

FREE_WITHIN_S: Final = 5
"""How long a question waits for a process that is free, a hundred times as long as one takes over another: then all of
them hang. With what a process may take it stays below those 30 s."""


class CheckProcesses:
    """At most `count` processes, started when the first large batch comes. Safe from several threads."""

    def __init__(self, count: int, registry: Callable[[], Registry]) -> None:
        """Start nothing yet; `registry` gives the newest registry, whose keys the processes are told."""
        self._registry = registry
        self._free: queue.SimpleQueue[_Process | None] = queue.SimpleQueue()
        for _ in range(count):
            self._free.put(None)

    def check(self, wires: Sequence[bytes]) -> Answer | None:
        """Check statements in one of the processes; None when it died over them, or hung, or all others do."""
        try:
            process, keeps_step = self._free.get(timeout=FREE_WITHIN_S), False
        except queue.Empty:
            log.warning("check.at-home", error="no process came free")
            return None
        try:
            process = process or _Process()
            answer = process.check(wires, self._registry())
            keeps_step = True
        except (OSError, EOFError) as error:
            log.warning("check.at-home", error=repr(error))
            return None
        finally:
            # Whatever broke off between a question and its answer: the next question would get that answer.
            if process is not None and not keeps_step:
                process.end()
            self._free.put(process if keeps_step else None)
        return Answer(answer, wires)

    def close(self) -> None:
        """End the processes that are free; call when nothing is being checked any more."""
        with contextlib.suppress(queue.Empty):
            while True:
                process = self._free.get_nowait()
                if process is not None:
                    process.end()


class _Process:
    """One process and the keys it knows."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._child = Child("chemtrace.adapters.check_worker")
        self.end = self._child.end

    def check(self, wires: Sequence[bytes], registry: Registry) -> bytes:
        keys = registry.books.keys
        fresh = (
            [keys[kid] for kid in list(keys) if kid not in self._known]
            if len(keys) > len(self._known)
            else []
        )
        question = encode_question(wires, [record.public_key for record in fresh])
        answer = self._child.ask(question, limit_s=ANSWER_WITHIN_S)
        self._known.update(record.kid for record in fresh)
        return answer
