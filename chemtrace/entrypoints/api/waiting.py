"""`Prefer: wait=N` (RFC 7240): an answer that leaves after a published checkpoint covers what was admitted.

The receipt alone is a promise; whoever would rather wait than keep it gets the checkpoint with the answer. Where
witnesses are required, that is the first checkpoint which satisfies the policy.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Final, cast

from fastapi import Header, Request
from starlette.concurrency import run_in_threadpool

from chemtrace.bootstrap import Application
from chemtrace.core.checkpoint import parse_checkpoint
from chemtrace.core.errors import ChemtraceError
from chemtrace.core.note import parse_note
from chemtrace.ledger.outcome import Admitted, Outcome

MAX_WAIT_S: Final = 60
"""Longest wait that is granted: below the patience of common proxies. A longer wish is cut to it."""
LOOK_EVERY_S: Final = 0.05
"""How often the newest checkpoint is looked at, once for all who wait, and only while somebody does."""
MAX_WAITING: Final = 256
"""Requests that may wait at once; more are answered at once, as if not asked. One statement can be sent again and again
while nothing is published, and each that waits holds a connection."""
PREFER_HEADER: Final = "Prefer"
APPLIED_HEADER: Final = "Preference-Applied"

_WAIT: Final = re.compile(r"wait\s*=\s*([0-9]{1,9})", re.IGNORECASE)

Prefer = Annotated[
    str | None,
    Header(
        max_length=400,
        description=f"`wait=N` (RFC 7240): answer once a published checkpoint covers the entry, after at most N"
        f" seconds (cut to {MAX_WAIT_S}); without it by then, the answer is as if not asked",
    ),
]
WAITED: Final[Mapping[str, object]] = {
    APPLIED_HEADER: {
        "description": "`wait=N` when the answer carries the checkpoint that was waited for",
        "schema": {"type": "string"},
    }
}
"""Header of an answer, for the OpenAPI document."""


def wished_wait_s(prefer: str | None) -> int:
    """Seconds that a caller would wait for publication, 0 for none; unknown preferences are left out (RFC 7240, 2)."""
    for part in (prefer or "").split(","):
        found = _WAIT.fullmatch(part.partition(";")[0].strip())
        if found is not None:
            return min(int(found[1]), MAX_WAIT_S)
    return 0


class Publications:
    """Those who wait for a checkpoint; one look at the ledger at a time serves them all. Lives in one event loop."""

    def __init__(self, application: Application) -> None:
        """Nobody waits yet."""
        self._application = application
        self._waiting: dict[asyncio.Future[str], int] = {}
        self._looking: asyncio.Task[None] | None = None

    async def wait(self, index: int, timeout_s: float) -> str | None:
        """Return the text of the first published note seen that covers entry `index`.

        None when time is up, and at once when `MAX_WAITING` others wait.
        """
        if len(self._waiting) >= MAX_WAITING:
            return None
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting[future] = index
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        try:
            return await asyncio.wait_for(future, timeout_s)
        except TimeoutError:
            return None
        finally:
            self._waiting.pop(future, None)

    async def _look(self) -> None:
        while self._waiting:
            note = await run_in_threadpool(_newest, self._application)
            if note is not None:
                size, text = note
                for future, index in list(self._waiting.items()):
                    if index < size and not future.done():
                        future.set_result(text)
            await asyncio.sleep(LOOK_EVERY_S)


async def wait_published(request: Request, outcomes: Iterable[Outcome], wait_s: int) -> str | None:
    """Return the note that covers all that was admitted, None when nothing was, nobody waits, or time is up."""
    admitted = [outcome.index for outcome in outcomes if isinstance(outcome, Admitted)]
    if not wait_s or not admitted:
        return None
    publications = cast("Publications", request.app.state.publications)
    return await publications.wait(max(admitted), wait_s)


def _newest(application: Application) -> tuple[int, str] | None:
    """Size and text of the newest checkpoint that is served; None too while the database is busy."""
    try:
        note = application.ledger.checkpoint()
    except ChemtraceError:
        return None
    return None if note is None else (parse_checkpoint(parse_note(note).text).size, note.decode())
