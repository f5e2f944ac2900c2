"""A process that looks at runs of entries for an audit; started by `audit_processes`, it reads the database only."""

from __future__ import annotations

import gc
import sys
from contextlib import ExitStack
from typing import IO

import msgspec

from chemtrace.adapters.audit_processes import Hello, Question
from chemtrace.adapters.frames import read_frame, write_frame
from chemtrace.adapters.sql.reads.audit import StoredSnapshot, open_snapshot
from chemtrace.core.errors import ChemtraceError
from chemtrace.ledger.audit.clean import ChunkResult, CleanCheck, digest_rows
from chemtrace.registry.records import KeyRecord, decode_record


def main() -> None:
    """Answer on the standard streams until the input ends."""
    serve(sys.stdin.buffer, sys.stdout.buffer)


def serve(questions: IO[bytes], answers: IO[bytes]) -> None:
    """Answer until the input ends."""
    # Rows hold no cycles; searching for some would cost a tenth of the time.
    gc.freeze()
    gc.disable()
    hello = read_frame(questions)
    if hello is None:
        return
    wanted = msgspec.json.decode(hello, type=Hello)
    with ExitStack() as stack:
        store = stack.enter_context(open_snapshot(wanted.url))
        check = CleanCheck(store.fact("origin"), _keys(store))
        write_frame(answers, b"")
        while (message := read_frame(questions)) is not None:
            question = msgspec.msgpack.decode(message, type=Question)
            answer = _answer(store, check, question, digests=wanted.digests)
            write_frame(answers, msgspec.msgpack.encode(answer))


def _answer(store: StoredSnapshot, check: CleanCheck, question: Question, *, digests: bool) -> ChunkResult:
    first, last, known = question.first, question.last, question.known
    rows = store.entries_between(first, last)
    before = store.entry_before(first)
    digest = digest_rows(rows, before) if digests else b""
    if known is not None and digest and (known.first, known.last, known.digest) == (first, last, digest):
        return known
    result = check.check(first, last, rows, before)
    return msgspec.structs.replace(result, digest=digest)


def _keys(store: StoredSnapshot) -> list[KeyRecord]:
    """The records of keys as stored; one that cannot be read is as if it were not there."""
    keys = []
    for table, _, _, doc in store.records():
        if table != "key":
            continue
        try:
            keys.append(decode_record(doc, KeyRecord))
        except (ChemtraceError, msgspec.DecodeError):
            continue
    return keys


if __name__ == "__main__":
    main()
