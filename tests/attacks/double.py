"""The malicious double: a log that shows whatever it is told, over the same HTTP as an honest one.

What is told first is honest (`tests.honest_log`); each attack then changes what the double holds or what it answers.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote

import httpx

from chemtrace.adapters.http.log_client import HTTPLog
from chemtrace.adapters.mirror_state import MIRROR_FILE, SQLiteMirrorStore
from chemtrace.adapters.witness_state import STATE_FILE, SQLiteWitnessState
from chemtrace.core.bundle.text import encode_bundle_text
from chemtrace.core.entry import is_epoch_header, parse_entry
from chemtrace.core.errors import ChemtraceError, TileUnknownError
from chemtrace.core.events import AUTHORITY_KINDS
from chemtrace.core.header import parse_header
from chemtrace.core.merkle import MemoryTree
from chemtrace.core.note import encode_note
from chemtrace.core.tiles import HEIGHT, WIDTH, parse_number_path
from chemtrace.ledger.static import MAX_REGISTRY_BYTES, read_entry_bundle, read_hash_tile, registry_answer
from chemtrace.ledger.witness import Witness
from chemtrace.mirror.follow import Follower
from tests.honest_log import MAKER, Log, amount, fixed_key, item


class FixedClock:
    """A time that stands still."""

    def now_us(self) -> int:
        return 1_772_400_000_000_000


class Double:
    """A log, how it answers, and what it answers otherwise."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.maker = fixed_key("double maker")
        self.instead: dict[str, bytes | None] = {}
        """Path to the body that is sent instead; None: 404."""
        self.answer_bytes = MAX_REGISTRY_BYTES
        """Where an answer with payloads ends."""

    def clone(self) -> Double:
        """The same log once more, to be told something else."""
        return copy.deepcopy(self)

    def tell(self, what: str, code: str, **header: object) -> int:
        """An event of the maker about one drum; `header` lies."""
        facts = {"items": [amount(code)]}
        return self.log.tell(what, [code], facts, by=self.maker, enterprise=MAKER, header=header or None)

    @property
    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self.answer)

    def answer(self, request: httpx.Request) -> httpx.Response:
        path = unquote(request.url.path)
        if path in self.instead:
            body = self.instead[path]
            return httpx.Response(404) if body is None else httpx.Response(200, content=body)
        try:
            return httpx.Response(200, content=self._body(path, request.url.params))
        except (TileUnknownError, KeyError, ChemtraceError):
            return httpx.Response(404)

    def _body(self, path: str, query: httpx.QueryParams) -> bytes:
        if path == "/log/checkpoint":
            return encode_note(self.log.note())
        if path == "/log/registry":
            return self._registry(int(query["first"]), int(query["count"]))
        if path.startswith("/log/tile/entries/"):
            return read_entry_bundle(self, *parse_number_path(path.removeprefix("/log/tile/entries/")))
        if path.startswith("/log/tile/"):
            level, _, rest = path.removeprefix("/log/tile/").partition("/")
            return read_hash_tile(self, int(level), *parse_number_path(rest))
        if path.startswith("/v1/subjects/") and path.endswith("/bundle"):
            return encode_bundle_text(self.log.bundle(path.split("/")[3]))
        raise KeyError(path)

    def _registry(self, first: int, count: int) -> bytes:
        end = min(first + count, self.log.size)
        return registry_answer(self.registry_payloads(first, end), self.answer_bytes)

    # ------------------------------------------------------------------ ledger.static.StaticSource

    def published(self) -> int:
        return self.log.size

    def tile(self, level: int, number: int, width: int) -> bytes:
        tree: MemoryTree = self.log._tree()
        return b"".join(tree.node(HEIGHT * level, number * WIDTH + at) for at in range(width))

    def entry_bodies(self, first: int, end: int) -> list[bytes]:
        return self.log.bodies[first:end]

    def registry_payloads(self, first: int, end: int) -> Iterator[tuple[int, bytes]]:
        for index in range(first, end):
            header = parse_entry(self.log.bodies[index]).header_bytes
            if not is_epoch_header(header) and parse_header(header).kind in AUTHORITY_KINDS:
                yield index, self.log.payloads[index]


def small_double(drums: int = 3) -> Double:
    """An honest log of one maker with a few drums; ends in an epoch."""
    double = Double(Log("double"))
    log = double.log
    log.found()
    log.enterprise(MAKER, "Maker")
    log.register(double.maker, MAKER)
    log.epoch()
    for number in range(drums):
        double.tell("produce/make", item(number + 1))
    log.epoch()
    return double


class Watch:
    """A mirror in a folder, which follows one double or another."""

    def __init__(self, folder: Path, log: Log) -> None:
        self._folder = folder
        self.log = log
        self.state = SQLiteWitnessState(folder / STATE_FILE)
        self.store = SQLiteMirrorStore(folder / MIRROR_FILE, log.origin)
        self.key = fixed_key("watching mirror")

    @contextmanager
    def over(self, double: Double) -> Iterator[tuple[Follower, Witness]]:
        """Follower and witness that see `double`."""
        log = HTTPLog("http://double.test", transport=double.transport)
        clock = FixedClock()
        follower = Follower(
            log=log, store=self.store, trust=self.log.trust(), evidence=self.state, clock=clock, threads=1
        )
        witness = Witness(
            name="mirror.test",
            keys=[self.key],
            logs=[self.log.trust().log_verifier],
            state=self.state,
            clock=clock,
            examine=follower.examine,
        )
        try:
            yield follower, witness
        finally:
            follower.close()
            log.close()

    def follow(self, double: Double) -> int:
        """One round; the size recomputed."""
        with self.over(double) as (follower, _):
            return follower.follow().checkpoint.size

    def close(self) -> None:
        self.store.close()
        self.state.close()
