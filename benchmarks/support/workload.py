"""Pre-signed work for the benchmarks, and libsodium's rate as the limit; signed before any clock starts."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass

from nacl.bindings import crypto_sign_open

from chemtrace.core.pae import HEADER_TYPE, encode_pae
from chemtrace.core.statement import Statement, encode_wire
from tests.seeded_ledger import DEALER, MAKER, Seeded, item_lines

EVENTS_A_LIFE = 4
"""make, sell, buy, consume: two enterprises, custody moves once, the quantity falls."""


@dataclass(frozen=True)
class Limit:
    """Ed25519 verifications per second of libsodium alone: on one core, and times the cores."""

    per_core: float
    cores: int

    @property
    def whole(self) -> float:
        """Verifications per second of the whole machine."""
        return self.per_core * self.cores


def life(seeded: Seeded, code: str) -> list[Statement]:
    """Four events of one drum, each upon the one before it."""
    steps = (
        (MAKER, "produce", "make", {"items": item_lines((code, "25")), "site": "S-MAKER"}),
        (MAKER, "trade", "sell", {"items": item_lines((code, None)), "counterparty": DEALER}),
        (
            DEALER,
            "trade",
            "buy",
            {"items": item_lines((code, None)), "counterparty": MAKER, "site": "S-DEALER"},
        ),
        (DEALER, "use", "consume", {"items": item_lines((code, "5")), "site": "S-DEALER"}),
    )
    statements: list[Statement] = []
    for who, kind, phase, payload in steps:
        prevs = {code: statements[-1].event_id.hex()} if statements else {}
        statements.append(seeded.hands.statement(who, kind, phase, payload, prevs=prevs))
    return statements


def batches(seeded: Seeded, events: int, lines: int = 1000) -> Iterator[bytes]:
    """NDJSON bodies of whole lives, step by step: all drums of a body are made, then all are sold, and so on."""
    for _ in range(events // lines):
        lives = [life(seeded, code) for code in seeded.take_codes(lines // EVENTS_A_LIFE)]
        yield b"\n".join(encode_wire(one) for step in zip(*lives, strict=True) for one in step)


def measure_limit(seeded: Seeded, *, seconds: float = 1.5) -> Limit:
    """Verify real signed headers with nothing around libsodium but its binding; the median of short rounds."""
    statement = life(seeded, seeded.take_codes(1)[0])[0]
    signed = statement.signatures[0] + encode_pae(HEADER_TYPE, statement.header_bytes)
    public = seeded.hands.keys[MAKER].public.raw
    rates = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        start = time.thread_time()
        for _ in range(500):
            crypto_sign_open(signed, public)
        rates.append(500 / (time.thread_time() - start))
    return Limit(statistics.median(rates), os.cpu_count() or 1)
