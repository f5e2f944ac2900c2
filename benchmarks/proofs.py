"""Bundles and status proofs: bytes and time, in ledgers of 10^5, 10^6 and 10^7 entries, and by computed depths at 10^9.

Two hundred real drums with ten signed events each stand in a ledger that is then grown by `benchmarks.support.bulk`;
three witnesses cosign the last checkpoint. First proofs are measured in processes of their own, imports left out.

Run: python -m benchmarks.proofs [largest number of items, default 1,000,000 [folder to fill once and keep]]
"""

from __future__ import annotations

import json
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from benchmarks.support.bulk import grow, subject
from benchmarks.support.fill import STEPS, fill
from benchmarks.support.report import record
from benchmarks.support.served import ROOT, scratch
from chemtrace.adapters.sql.engine import Database
from chemtrace.adapters.sql.reads import Reads
from chemtrace.bootstrap import open_application
from chemtrace.config import sqlite_url
from chemtrace.core.bundle.compact import encode_bundle_compact, encode_status_compact
from chemtrace.core.bundle.model import MapPath, StatusProof
from chemtrace.core.bundle.record import closing_record, record_bytes, tree_root
from chemtrace.core.bundle.text import encode_bundle_text
from chemtrace.core.bundle.verify import verify_bundle, verify_status
from chemtrace.core.checkpoint import Checkpoint, encode_checkpoint
from chemtrace.core.cosignature import cosign, cosigner
from chemtrace.core.epoch import EpochRecord
from chemtrace.core.keys import generate_key
from chemtrace.core.note import Note, NoteSignature, encode_signature_lines, parse_note
from chemtrace.core.policy import parse_policy
from chemtrace.core.sparse_map import encode_map_value, map_key, root_from_map_path
from chemtrace.ledger.ports import CosignatureRow
from chemtrace.ledger.witnessing import Serving
from tests.seeded_ledger import now_us, seed_ledger

SIZES = (10_000, 100_000, 1_000_000)
"""Items; ten entries each."""
DRUMS = 200
STATUSES = 5_000
FRESH = {100_000: 200}
"""Fresh processes at the size that the bar speaks of; elsewhere `FRESH_ELSEWHERE`."""
FRESH_ELSEWHERE = 60
THROUGHPUT_S = 5.0
WITNESSES = ("witness-one.example", "witness-two.example", "mirror.example")
SIMULATED_ITEMS, SIMULATED_ENTRIES, SIMULATED = 10**8, 10**9, 20_000

_FIRST = """
import json, sys, time
from chemtrace.adapters.sql.engine import Database
from chemtrace.adapters.sql.reads import Reads
from chemtrace.adapters.sql.reads.bundles import StoredProofs
from chemtrace.core.bundle.compact import encode_status_compact
from chemtrace.core.policy import parse_policy
from chemtrace.ledger.witnessing import Serving
url, subject, policy = sys.argv[1:]
pages, read = set(), StoredProofs.map_page
def counted(self, path, version):
    pages.add(path)
    return read(self, path, version)
StoredProofs.map_page = counted
serving = Serving(parse_policy(policy))
start, cpu = time.perf_counter(), time.process_time()
encode_status_compact(Reads(Database(url, read_only=True), serving=serving).status(subject))
taken, cpu = time.perf_counter() - start, time.process_time() - cpu
print(json.dumps([taken * 1000, cpu * 1000, len(pages)]))
"""


def policy_text() -> str:
    """Three witnesses, all asked for."""
    keys = {name: cosigner(name, witness_key(name)).vkey for name in WITNESSES}
    lines = [f"witness {name} {vkey}" for name, vkey in keys.items()]
    return "\n".join([*lines, f"group all all {' '.join(WITNESSES)}", "quorum all", ""])


def witness_key(name: str) -> Any:
    return generate_key("ed25519", name.ljust(32)[:32].encode())


def fill_or_take(folder: Path, items: int) -> dict[str, Any]:
    """A grown, cosigned ledger in `folder`, or the one that an earlier run left there."""
    notes = folder / "bench.json"
    if notes.exists():
        known: dict[str, Any] = json.loads(notes.read_text())
        return known
    seeded = seed_ledger(folder, codes=DRUMS)
    codes = fill(seeded, DRUMS * len(STEPS))
    start = time.perf_counter()
    application = open_application(seeded.settings)
    try:
        grow(application, folder / "ledger.db", subjects=items - DRUMS, events=len(STEPS), now_us=now_us())
        trust = application.trust
        _cosign(application)
    finally:
        application.close()
    facts = {
        "codes": codes,
        "trust": [trust.authority, trust.log, trust.origin],
        "grown_s": time.perf_counter() - start,
    }
    notes.write_text(json.dumps(facts))
    return facts


def _cosign(application: Any) -> None:
    note = parse_note(application.ledger.checkpoint())
    size = int(note.text.split("\n")[1])
    for name in WITNESSES:
        line = cosign(note.text, name, witness_key(name), now_us() // 1_000_000)
        text = encode_signature_lines([line]).decode().rstrip("\n")
        row = CosignatureRow(size, name, cosigner(name, witness_key(name)).key_hash, text, now_us())
        with application._store.write() as transaction:
            transaction.store_cosignature(row)


def quantiles(values: Sequence[float]) -> tuple[float, float]:
    """p50 and p99.9."""
    cuts = statistics.quantiles(values, n=1000)
    return cuts[499], cuts[998]


def timed(action: Callable[[str], bytes], names: Sequence[str]) -> tuple[list[float], list[int]]:
    """Milliseconds and bytes of each."""
    taken, sizes = [], []
    for name in names:
        start = time.perf_counter()
        data = action(name)
        taken.append((time.perf_counter() - start) * 1000)
        sizes.append(len(data))
    return taken, sizes


def measure(folder: Path, items: int) -> dict[str, float]:
    """All figures of one ledger."""
    facts = fill_or_take(folder, items)
    draw = random.Random(items)
    names = [subject(draw.randrange(items - DRUMS)) for _ in range(STATUSES)]
    database = Database(sqlite_url(folder / "ledger.db"), read_only=True)
    reads = Reads(database, serving=Serving(parse_policy(policy_text())))
    _check(reads, facts)
    status_ms, status_bytes = timed(lambda name: encode_status_compact(reads.status(name)), names)
    bundle_ms, compact_bytes = timed(lambda code: encode_bundle_compact(reads.bundle(code)), facts["codes"])
    _, text_bytes = timed(lambda code: encode_bundle_text(reads.bundle(code)), facts["codes"])
    figures = {
        "entries": float(reads.published()),
        "status_bytes_p50": quantiles(status_bytes)[0],
        "status_bytes_p999": quantiles(status_bytes)[1],
        "bundle_bytes_p50": quantiles(compact_bytes)[0],
        "bundle_bytes_p999": quantiles(compact_bytes)[1],
        "bundle_text_bytes_p50": quantiles(text_bytes)[0],
        "status_ms_p50": quantiles(status_ms)[0],
        "status_ms_p99": statistics.quantiles(status_ms, n=100)[98],
        "bundle_ms_p50": quantiles(bundle_ms)[0],
        "bundle_ms_p99": statistics.quantiles(bundle_ms, n=100)[98],
    }
    first = [_first_proof(database.url, name) for name in names[: FRESH.get(items, FRESH_ELSEWHERE)]]
    for number, name in enumerate(("first_ms", "first_cpu_ms")):
        figures[f"{name}_p50"] = statistics.median([one[number] for one in first])
        figures[f"{name}_p99"] = statistics.quantiles([one[number] for one in first], n=100)[98]
    figures["first_map_pages"] = max(one[2] for one in first)
    database.close()
    return figures


def _check(reads: Reads, facts: dict[str, Any]) -> None:
    """What is measured verifies."""
    from chemtrace.core.bundle.trust import Trust

    authority, log, origin = facts["trust"]
    trust = Trust(
        authority=authority,
        log=log,
        max_age_s=None,
        mirrors=WITNESSES[2:],
        origin=origin,
        policy=policy_text(),
    )
    verdict = verify_bundle(encode_bundle_text(reads.bundle(facts["codes"][0])), trust)
    if (verdict.complete.value, verdict.count) != ("yes", len(STEPS)):
        raise SystemExit(f"not as it should be: {verdict}")
    verify_status(encode_status_compact(reads.status(subject(7))), trust)


def _first_proof(url: str, name: str) -> tuple[float, float, int]:
    """Milliseconds by the clock and of the processor, and pages of the map read, in a process of its own."""
    command = [sys.executable, "-c", _FIRST, url, name, policy_text()]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    ms, cpu_ms, pages = json.loads(done.stdout)
    return float(ms), float(cpu_ms), int(pages)


def throughput(folder: Path, items: int) -> float:
    """Status proofs a second of random subjects, one thread, warm."""
    draw = random.Random(1)
    database = Database(sqlite_url(folder / "ledger.db"), read_only=True)
    reads = Reads(database, serving=Serving(parse_policy(policy_text())))
    for _ in range(200):
        reads.status(subject(draw.randrange(items - DRUMS)))
    count, start = 0, time.perf_counter()
    while time.perf_counter() - start < THROUGHPUT_S:
        encode_status_compact(reads.status(subject(draw.randrange(items - DRUMS))))
        count += 1
    rate = count / (time.perf_counter() - start)
    database.close()
    return rate


# ------------------------------------------------------------------ 10^8 items by computed depths


def simulated_path(draw: random.Random, items: int) -> MapPath:
    """The way of a random key among `items` random keys: how many others share each of its prefixes."""
    others, flags = items - 1, []
    while others:
        kept = _half(draw, others)
        flags.append(kept < others)
        others = kept
    flags.reverse()
    bitmap = bytearray((len(flags) + 7) // 8)
    for step, flag in enumerate(flags):
        bitmap[step // 8] |= (0x80 >> step % 8) if flag else 0
    return MapPath(len(flags), bytes(bitmap), tuple([draw.randbytes(32) for flag in flags if flag]))


def _half(draw: random.Random, count: int) -> int:
    """How many of `count` fair coins fall on one side; normal where nobody could tell."""
    if count > 4096:
        return min(count, max(0, round(draw.gauss(count / 2, count**0.5 / 2))))
    return draw.getrandbits(count).bit_count()


def simulated_status(draw: random.Random) -> bytes:
    """A status proof as it will be at 10^9 entries: real forms, random hashes."""
    size = SIMULATED_ENTRIES + draw.randrange(10**8)
    name, root = subject(draw.randrange(10**8)), draw.randbytes(32)
    last = size - 2 - draw.randrange(10**8)
    path = simulated_path(draw, SIMULATED_ITEMS)
    value = encode_map_value(10, root, last)
    epoch: EpochRecord = closing_record(
        size=size, number=40_000_000, log_time_us=1_800_000_000_123_456, previous=size - 30, subjects=10**8,
        chain=draw.randbytes(32), root=root_from_map_path(map_key(name), value, path),
    )  # fmt: skip
    audit = tuple([draw.randbytes(32) for _ in range((size - 1).bit_count())])
    text = encode_checkpoint(Checkpoint("log.test/seeded", size, tree_root(epoch, size=size, path=audit)))
    lines = [NoteSignature("log.test/seeded", draw.randbytes(4), draw.randbytes(64))]
    lines += [NoteSignature(witness, draw.randbytes(4), draw.randbytes(72)) for witness in WITNESSES]
    proof = StatusProof(Note(text, tuple(lines)), record_bytes(epoch), audit, name, 10, root, last, path)
    return encode_status_compact(proof)


def main(largest: int, kept: Path | None) -> None:
    figures: dict[str, float] = {}
    sizes = [size for size in SIZES if size <= largest]
    with nullcontext(kept) if kept is not None else scratch() as folder:
        for items in sizes:
            figures |= {
                f"{items}_{name}": value for name, value in measure(folder / str(items), items).items()
            }
        # Both again and again in turns: what else the machine does falls upon both.
        rates = [
            [throughput(folder / str(items), items) for items in (sizes[0], sizes[-1])] for _ in range(3)
        ]
    figures["rate_smallest"], figures["rate_largest"] = [max(found) for found in zip(*rates, strict=True)]
    figures["rate_ratio"] = figures["rate_largest"] / figures["rate_smallest"]
    draw = random.Random(20261122)
    simulated = [len(simulated_status(draw)) for _ in range(SIMULATED)]
    figures["simulated_bytes_p50"], figures["simulated_bytes_p999"] = quantiles(simulated)
    figures["simulated_bytes_max"] = max(simulated)
    record("proofs", figures)


if __name__ == "__main__":
    main(
        int(sys.argv[1]) if len(sys.argv) > 1 else SIZES[-1], Path(sys.argv[2]) if len(sys.argv) > 2 else None
    )
