"""The fold in a process of its own, while epochs are large: the interpreter's lock then belongs to those who judge.

Small epochs are folded at home. The process holds copies of committed rows only: where it dies, fails or hangs, the
same fold is done at home from the stored rows, and meets the same error under its own name.
"""

from __future__ import annotations

import contextlib
from typing import Final

import msgspec
import structlog

from chemtrace.adapters.fold_wire import Failed, Folded, Opening, Task, encode, parse_answer
from chemtrace.adapters.frames import Child
from chemtrace.core.policy import Policy
from chemtrace.core.types import RootHash
from chemtrace.ledger.integrate import Integration
from chemtrace.ledger.kept_maps import prune_maps
from chemtrace.ledger.ports import FoldTransaction, Head, ReadTransaction
from chemtrace.ledger.witnessed import Witnessed

log = structlog.get_logger("chemtrace.fold")

LARGE_EPOCHS: Final = 2
"""Large epochs one after another from which on a process is worth starting: a lone one is over before it is ready."""

MAX_ENTRIES: Final = 200_000
"""Entries that are folded elsewhere in one go; their rows are handed over in one message, about 300 bytes each."""

ANSWER_WITHIN_S: Final = 60
"""How long the process may take to take a question and answer it. Publishing waits for it, at times with the lock of
the log's head in hand: a process that hangs must not stop it. Several times what the largest fold takes where memory
and disk are short."""


class FoldProcess:
    """A `ledger.integrate.Fold`. Its `prepare` is called for large epochs only."""

    def __init__(self, url: str, policy: Policy | None = None) -> None:
        """Start nothing yet; `url` is the ledger's database, `policy` says which maps stay readable."""
        self._url = url
        self._home = Integration(policy)
        self._witnessed = Witnessed(policy)
        self._child: Child | None = None
        self._folded = 0
        self._large = 0

    @property
    def folded(self) -> int:
        """Entries folded so far, stored or not."""
        return self._home.folded if self._child is None else self._folded

    def prepare(self, transaction: ReadTransaction, head: Head) -> None:
        """Fold what is in the log so far; see `Integration.prepare`."""
        self._large += 1
        if self._child is None and self._large > LARGE_EPOCHS:
            self._start()
        if self._ask(head, rows=False) is None:
            self._home.prepare(transaction, head)

    def fold_epoch(self, transaction: FoldTransaction, head: Head) -> RootHash:
        """Fold every entry before the epoch record at `head.size` and write all rows; see `Integration.fold_epoch`."""
        answer = self._ask(head, rows=True)
        if answer is None:
            return self._home.fold_epoch(transaction, head)
        transaction.store_subject_trees(answer.trees.items())
        transaction.store_map_pages(head.size, answer.pages)
        prune_maps(transaction, head, self._witnessed, answer.pages)
        return RootHash(answer.root)

    def forget(self) -> None:
        """Drop what is kept, here and there."""
        self._home.forget()
        self.close()

    def close(self) -> None:
        """End the process, if there is one."""
        child, self._child, self._folded, self._large = self._child, None, 0, 0
        if child is not None:
            child.end()

    def _start(self) -> None:
        self._home.forget()
        with contextlib.suppress(OSError):
            self._child = Child("chemtrace.adapters.fold_worker")
            self._send(Opening(self._url))

    def _ask(self, head: Head, *, rows: bool) -> Folded | None:
        """What the process folded; None: fold at home."""
        if self._child is None:
            return None
        first = max(self._folded, head.epoch_index + 1)
        return self._send(Task(head, rows)) if head.size - first <= MAX_ENTRIES else None

    def _send(self, question: Opening | Task) -> Folded | None:
        if self._child is None:
            return None
        try:
            answer = parse_answer(self._child.ask(encode(question), limit_s=ANSWER_WITHIN_S))
        except (OSError, EOFError, msgspec.DecodeError) as error:
            answer = Failed(repr(error))
        except BaseException:
            # The next question would get the answer to this one.
            self.close()
            raise
        if isinstance(answer, Failed):
            log.warning("fold.at-home", error=answer.error)
            self.close()
            return None
        self._folded = answer.folded
        return answer
