"""The thread that gathers cosignatures: after each checkpoint it asks every witness of the policy, all at once.

It never runs on the committer's thread; what it needs of the log it reads from snapshots. Witnesses are asked in
rounds, so that they cosign the same size: a round ends when the policy is satisfied and something newer is published,
or when nobody is left to wait for. A witness that fails is left alone for a while, longer each time.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import msgspec
import structlog

from chemtrace.core.cosignature import Cosignature
from chemtrace.core.errors import ChemtraceError, EvidenceError, WitnessForgedError, WitnessUnavailableError
from chemtrace.core.note import parse_note
from chemtrace.core.policy import Policy, PolicyWitness
from chemtrace.core.tiles import consistency_from_tiles
from chemtrace.ledger.ports import Clock, ForkRow, Store
from chemtrace.ledger.publish import tile_reader
from chemtrace.ledger.witnessed import Witnessed
from chemtrace.ledger.witnessing import WitnessAnswer, WitnessCaller, ask_witness, row_of

POLL_S: Final = 0.25
"""How often the newest checkpoint is looked at; `wake` makes it at once."""
ROUND_US: Final = 15_000_000
"""How long a round waits for a quorum while newer checkpoints are there: longer than one request may take."""
MAX_KEPT: Final = 10
"""Forged lines kept of one witness in one life of the process: one is proof, more are a flood."""
BACKOFF_US: Final = (1_000_000, 2_000_000, 4_000_000, 8_000_000, 16_000_000, 32_000_000, 60_000_000)

log = structlog.get_logger("chemtrace.witnesses")


class WitnessStatus(msgspec.Struct, frozen=True):
    """How it stands with one witness: newest size it cosigned and when, failures in a row, and the last one's code."""

    name: str
    size: int = 0
    time_s: int = 0
    failures: int = 0
    refused: int = 0
    code: str | None = None
    detail: str | None = None
    said: str | None = None
    """Code and words of a witness that gave a reason for refusing: data from outside, cut."""


@dataclass(slots=True)
class _Asked:
    """One witness as the thread sees it; touched by that thread alone, except `status`, which is replaced whole."""

    witness: PolicyWitness
    status: WitnessStatus
    future: Future[Cosignature] | None = None
    asked_size: int = 0
    not_before_us: int = 0
    kept: int = 0


class WitnessGatherer:
    """Gathers cosignatures of the newest checkpoint for as long as it runs."""

    def __init__(self, *, store: Store, policy: Policy, caller: WitnessCaller, clock: Clock) -> None:
        """Prepare the thread; it starts with `start`. Witnesses without an address are not asked."""
        self._store = store
        self._policy = policy
        self._caller = caller
        self._clock = clock
        self._asked = [
            _Asked(one, WitnessStatus(one.name)) for one in policy.witnesses if one.url is not None
        ]
        self._size = 0
        self._began_us = 0
        self._done: set[str] = set()
        self._satisfied_size = 0
        self._ended = False
        self._wake = threading.Condition()
        self._woken = False
        self._pool = ThreadPoolExecutor(max(1, len(self._asked)), thread_name_prefix="witness")
        self._thread = threading.Thread(target=self._run, name="witnesses", daemon=True)

    def start(self) -> None:
        """Begin, with what is stored already."""
        with self._store.read() as transaction:
            self._satisfied_size = Witnessed(self._policy).newest(transaction) or 0
            for size, name, key_hash in transaction.newest_cosignatures(len(self._asked) * 4):
                for asked in self._asked:
                    verifier = asked.witness.verifier
                    if (verifier.name, verifier.key_hash) == (name, key_hash) and asked.status.size < size:
                        asked.status = msgspec.structs.replace(asked.status, size=size)
        self._thread.start()

    def stop(self) -> None:
        """End after the requests in hand."""
        with self._wake:
            self._ended = True
            self._wake.notify()
        if self._thread.is_alive():
            self._thread.join(30)
        self._pool.shutdown(wait=True, cancel_futures=True)

    def wake(self) -> None:
        """Look at once: something was published. From any thread; never waits."""
        with self._wake:
            self._woken = True
            self._wake.notify()

    # ------------------------------------------------------------------ asking how it stands

    @property
    def satisfied_size(self) -> int:
        """Size of the newest checkpoint that satisfies the policy, 0 before there is one."""
        return self._satisfied_size

    @property
    def gathered_size(self) -> int:
        """Size of the checkpoint whose cosignatures are being gathered."""
        return self._size

    def statuses(self) -> tuple[WitnessStatus, ...]:
        """How it stands with each witness that is asked."""
        return tuple([asked.status for asked in self._asked])

    # ------------------------------------------------------------------ the thread

    def _run(self) -> None:
        while True:
            with self._wake:
                if not self._woken and not self._ended:
                    self._wake.wait(POLL_S)
                self._woken = False
                if self._ended:
                    return
            try:
                self._step()
            except ChemtraceError as error:
                log.exception("witnesses.failed", **error.problem())
            except Exception:  # the thread must live: the next look may succeed, and health shows the trouble
                log.exception("witnesses.defect")

    def _step(self) -> None:
        """One look: take finished answers, move to the newest checkpoint when this round is over, ask who is free."""
        now_us = self._clock.now_us()
        self._collect(now_us)
        with self._store.read() as transaction:
            newest = transaction.checkpoint_size() or 0
        if newest > self._size and self._round_over(now_us):
            self._begin(newest, now_us)
        for asked in self._free(now_us):
            asked.asked_size = self._size
            asked.future = self._pool.submit(self._ask, asked.witness, asked.status.size, self._size)
            asked.future.add_done_callback(lambda _: self.wake())

    def _round_over(self, now_us: int) -> bool:
        waiting = [one for one in self._asked if one.future is not None]
        return (
            self._policy.satisfied(self._done)
            or not (waiting or list(self._free(now_us)))
            or now_us - self._began_us > ROUND_US
        )

    def _begin(self, size: int, now_us: int) -> None:
        self._size, self._began_us = size, now_us
        with self._store.read() as transaction:
            rows = transaction.cosignatures(size)
        found = [self._policy.find(row.name, row.key_hash) for row in rows]
        self._done = {witness.name for witness in found if witness is not None}
        self._note_satisfied()

    def _free(self, now_us: int) -> Iterable[_Asked]:
        for asked in self._asked:
            done = asked.witness.name in self._done
            if self._size and not done and asked.future is None and asked.not_before_us <= now_us:
                yield asked

    def _ask(self, witness: PolicyWitness, known_size: int, size: int) -> Cosignature:
        """On a thread of the pool: one dialogue with one witness."""
        with self._store.read() as transaction:
            stored = transaction.checkpoint(size)
        if stored is None:
            raise WitnessUnavailableError("there is no checkpoint of this size", size=size)
        return ask_witness(
            witness,
            self,
            note=parse_note(stored),
            read_path=self._read_path,
            known_size=known_size,
            now_s=self._clock.now_us() // 1_000_000,
            newest_size=self._newest_size,
        )

    def send(self, url: str, body: bytes) -> WitnessAnswer:
        """One request of a dialogue, unless the thread was told to end: then no further one is begun."""
        if self._ended:
            raise WitnessUnavailableError("the server stops", url=url)
        return self._caller.send(url, body)

    def _read_path(self, old: int, new: int) -> tuple[bytes, ...]:
        with self._store.read() as transaction:
            return consistency_from_tiles(old, new, tile_reader(transaction))

    def _newest_size(self) -> int:
        with self._store.read() as transaction:
            return transaction.checkpoint_size() or 0

    def _collect(self, now_us: int) -> None:
        finished = [one for one in self._asked if one.future is not None and one.future.done()]
        gathered: list[tuple[_Asked, Cosignature]] = []
        for asked in finished:
            future, asked.future = asked.future, None
            if future is None:
                continue
            try:
                gathered.append((asked, future.result()))
            except ChemtraceError as error:
                self._failed(asked, error, now_us)
            except Exception as error:  # a defect in one dialogue must not keep the others from being stored
                log.exception("witnesses.defect", witness=asked.witness.name)
                self._failed(asked, WitnessUnavailableError(f"a defect: {error!r}"), now_us)
        if gathered:
            self._store_all(gathered, now_us)

    def _store_all(self, gathered: list[tuple[_Asked, Cosignature]], now_us: int) -> None:
        with self._store.write() as transaction:
            for asked, cosignature in gathered:
                transaction.store_cosignature(row_of(cosignature, asked.asked_size, now_us))
        for asked, cosignature in gathered:
            asked.not_before_us = 0
            asked.status = WitnessStatus(
                asked.witness.name,
                size=max(asked.asked_size, asked.status.size),
                time_s=cosignature.time_s,
                refused=asked.status.refused,
            )
            if asked.asked_size == self._size:
                self._done.add(asked.witness.name)
        self._note_satisfied()

    def _note_satisfied(self) -> None:
        if self._policy.satisfied(self._done):
            self._satisfied_size = max(self._satisfied_size, self._size)

    def _failed(self, asked: _Asked, error: ChemtraceError, now_us: int) -> None:
        failures = asked.status.failures + 1
        wait_us = BACKOFF_US[min(failures, len(BACKOFF_US)) - 1]
        asked_for = error.fields.get("retry_after_s")
        if isinstance(asked_for, int):
            wait_us = max(wait_us, min(asked_for, 300) * 1_000_000)
        asked.not_before_us = now_us + wait_us
        reason = error.fields.get("said_code")
        said = f"{reason}: {error.fields.get('said')}" if reason else None
        # A mirror that was behind and now contradicts is news, though both are `witness.unavailable` to us.
        first = (asked.status.code, _code_of(asked.status.said)) != (error.code, _code_of(said))
        asked.status = msgspec.structs.replace(
            asked.status,
            failures=failures,
            refused=asked.status.refused + 1,
            code=error.code,
            detail=error.message,
            said=said,
        )
        if isinstance(error, EvidenceError):
            log.error("witness.evidence", witness=asked.witness.name, **error.problem())
            if first and asked.kept < MAX_KEPT:
                asked.kept += self._keep(error, now_us)
        elif first:
            tell = log.error if said and said.startswith("evidence.") else log.warning
            tell("witness.failed", witness=asked.witness.name, **error.problem())

    def _keep(self, error: EvidenceError, now_us: int) -> int:
        """Store what contradicts itself, when both sides are in hand: a forged line is; others are told in the log.

        Returns how many were stored.
        """
        first, second = error.fields.get("first_note"), error.fields.get("second_note")
        if not (
            isinstance(error, WitnessForgedError) and isinstance(first, bytes) and isinstance(second, bytes)
        ):
            return 0
        with self._store.write() as transaction:
            transaction.store_fork(ForkRow(now_us, error.code, first, second))
        return 1


def _code_of(said: str | None) -> str | None:
    return None if said is None else said.split(":", 1)[0]
