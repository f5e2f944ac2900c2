"""Writes docs/reference/performance.md from the figures that the benchmarks have kept in `.bench/`.

What a reader must know of how the figures were taken stands in `.bench/notes.md`, by hand, and goes into the page.
"""

from __future__ import annotations

import json
import os
import platform
import sqlite3
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reference" / "performance.md"
FOLDER = ROOT / ".bench"

Figures = dict[str, Any]

HEAD = """# Performance · 性能

Speed is stated as a ratio taken in one run against a limit of the machine or against a peer, never as a bare number:
machines differ, and so do days. `make bench` takes every figure again and writes this page.

The limit of ingest is the signature check: libsodium's Ed25519 verify rate on one core, times the cores.
"""


def write_page() -> None:
    """Render what is there; a benchmark that has not run yet is named as such."""
    parts = [HEAD, _machine()]
    notes = FOLDER / "notes.md"
    if notes.exists():
        parts.append(notes.read_text(encoding="utf-8"))
    for name, title, render in SECTIONS:
        path = FOLDER / f"{name}.json"
        body = (
            render(json.loads(path.read_text()))
            if path.exists()
            else f"Not taken yet: `make bench ARGS={name}`.\n"
        )
        parts.append(f"## {title}\n\n{body}")
    PAGE.write_text("\n".join(parts), encoding="utf-8")


def _machine() -> str:
    cores = os.cpu_count() or 1
    return (
        f"Taken on {cores} cores ({platform.machine()}), Python {platform.python_version()},"
        f" SQLite {sqlite3.sqlite_version} (WAL, synchronous=FULL). The load generator runs on the same cores.\n"
    )


def _table(rows: list[tuple[str, str, str]]) -> str:
    lines = ["| figure | value | bar |", "|---|---:|---|"]
    return "\n".join(lines + [f"| {name} | {value} | {bar} |" for name, value, bar in rows]) + "\n"


def _verdict(value: float, bar: float, *, at_least: bool) -> str:
    """The bar, and whether this run met it."""
    met = value >= bar if at_least else value <= bar
    return f"{bar:g} or {'more' if at_least else 'less'}: {'met' if met else '**missed**'}"


def _ingest(f: Figures) -> str:
    limit = (f["verify_per_core_before"] + f["verify_per_core_after"]) / 2
    return (
        f"{f['events']:,} events, four a drum (make, sell, buy, consume), signed before the clock starts, 1,000 lines"
        " a batch. The server runs in its own process with publishing every second and the detectors following.\n\n"
    ) + _table(
        [
            ("libsodium verify, one core", f"{limit:,.0f}/s", ""),
            ("limit: times the cores", f"{limit * f['cores']:,.0f}/s", ""),
            ("signed ingest", f"{f['events_per_s']:,.0f}/s", ""),
            (
                "**share of the limit**",
                f"**{f['share_of_limit']:.2f}**",
                _verdict(f["share_of_limit"], 0.25, at_least=True),
            ),
            ("server's processor time an event", f"{f['server_cpu_us_per_event']:.0f} µs", ""),
            ("load generator's processor time an event", f"{f['load_cpu_us_per_event']:.0f} µs", ""),
            ("cores busy: server, load", f"{f['server_cores_busy']:.2f}, {f['load_cores_busy']:.2f}", ""),
            ("cores taken by other programs meanwhile", f"{f['foreign_cores_busy']:.2f}", ""),
        ]
    )


def _sequencer(f: Figures) -> str:
    return (
        f"{f['events']:,} checked statements, ten a drum, through the committer into a SQLite file, groups of"
        f" {f['group']:,.0f}: no HTTP, no checks of form and signatures, no detectors, no epochs. Against it the very"
        " same rows in the very same groups by the bare driver, into a copy of the database as it was before: same"
        f" tables, indexes and guards, one durable transaction a group. Medians of {f['rounds']} rounds by turns.\n\n"
    ) + _table(
        [
            ("sequencer", f"{f['events_per_s']:,.0f}/s", ""),
            ("bare inserts", f"{f['raw_per_s']:,.0f}/s", ""),
            (
                "**ratio of both**",
                f"**{f['share_of_raw']:.2f}**",
                _verdict(f["share_of_raw"], 0.6, at_least=True),
            ),
            (
                "processor time an event: sequencer, bare inserts",
                f"{f['cpu_us_per_event']:.0f} µs, {f['raw_cpu_us_per_event']:.0f} µs",
                "",
            ),
        ]
    )


def _single(f: Figures) -> str:
    return (
        f"{f['clients']} clients, each posting one event after another; every answer is durable.\n\n"
        + _table(
            [
                ("single events", f"{f['events_per_s']:,.0f}/s", ""),
                ("durable writes of the disk (fdatasync)", f"{f['syncs_per_s']:,.0f}/s", ""),
                ("ratio of both", f"{f['share_of_sync_rate']:.2f}", ""),
                ("answer, p50 and p99", f"{f['p50_ms']:.1f} ms, {f['p99_ms']:.1f} ms", ""),
                ("server's processor time an event", f"{f['server_cpu_us_per_event']:.0f} µs", ""),
            ]
        )
    )


def _verify(f: Figures) -> str:
    return (
        "`chemtrace audit`: signatures of events and receipts, leaves, chain, epochs, tree, map, checkpoints and"
        " every read model, from the entries' bytes.\n\n"
    ) + _table(
        [
            ("entries", f"{f['entries']:,} in {f['seconds']:.1f} s", ""),
            ("rate", f"{f['entries_per_s']:,.0f} entries/s", ""),
            ("signatures", f"{f['signatures_per_s']:,.0f}/s", ""),
            ("share of the verify limit", f"{f['share_of_limit']:.2f}", ""),
        ]
    )


def _history(f: Figures) -> str:
    return (
        f"{f['entries']:,} entries, ten an item, filled without a door: this process signs the statements and hands"
        " them to the real writer, so every row, receipt and epoch is as after ingest; HTTP and the check of its own"
        f" signatures are left out. Then {f['reads']:,} random items each way.\n\n"
    ) + _table(
        [
            ("by the API, p50", f"{f['api_p50_ms']:.2f} ms", ""),
            (
                "**by the API, p99**",
                f"**{f['api_p99_ms']:.2f} ms**",
                _verdict(f["api_p99_ms"], 10, at_least=False),
            ),
            ("by `Reads`, p50", f"{f['reads_p50_ms']:.2f} ms", ""),
            (
                "by `Reads`, p99",
                f"{f['reads_p99_ms']:.2f} ms",
                _verdict(f["reads_p99_ms"], 10, at_least=False),
            ),
            ("database", f"{f['bytes_per_entry']:,.0f} bytes an entry", ""),
            ("fill", f"{f['fill_events_per_s']:,.0f} events/s on one core", ""),
        ]
    )


def _sparse_map(f: Figures) -> str:
    cases = sorted(
        {tuple(map(int, key.split("_")[:2])) for key in f if key[0].isdigit()},
        key=lambda case: (case[0], case[1]),
    )
    lines = [
        "| N | B | updates | hashes an update | ÷ (log2 N - log2 B + 3) | share of the hash rate | with pages |",
        "|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for size, batch in cases:
        at = f"{size}_{batch}_"
        lines.append(
            f"| {size:,} | {batch:,} | {f[at + 'updates_per_s']:,.0f}/s | {f[at + 'hashes']:.1f} |"
            f" {f[at + 'hash_ratio']:.2f} | {f[at + 'share']:.2f} | {f[at + 'stored_share']:.2f} |"
        )
    largest = str(max(size for size, _ in cases))
    ratio = max(f[f"{size}_{batch}_hash_ratio"] for size, batch in cases)
    share = min(f[f"{largest}_{batch}_share"] for size, batch in cases if str(size) == largest)
    stored = min(f[f"{largest}_{batch}_stored_share"] for size, batch in cases if str(size) == largest)
    return (
        "Updates of random subjects in a map of N, B at a time, one core, in memory; hashes counted. Bare SHA-256 of an"
        f" inner node from Python: {f['hash_rate']:,.0f}/s. The last column decodes nearly every page from its bytes"
        " and encodes it again.\n\n"
        + "\n".join(lines)
        + "\n\n"
        + _table(
            [
                ("**hashes an update, at worst**", f"**{ratio:.2f}**", _verdict(ratio, 1.05, at_least=False)),
                (
                    "**share of the hash rate, largest map**",
                    f"**{share:.2f}**",
                    _verdict(share, 0.20, at_least=True),
                ),
                (
                    "**the same with pages read and written**",
                    f"**{stored:.2f}**",
                    _verdict(stored, 0.10, at_least=True),
                ),
            ]
        )
    )


def _fold(f: Figures) -> str:
    return (
        f"{f['entries']:,} entries through the real writer, an epoch every {f['entries_an_epoch']:,}, ten entries a"
        f" subject: {f['subjects']:,} subjects. Processor time of the threads that fold, beside that of the process."
        " A large epoch is folded beside the writer first, who stands still only for the rest.\n\n"
    ) + _table(
        [
            ("writer, processor time an event", f"{f['writer_cpu_us_per_event']:.0f} µs", ""),
            ("subject trees and map, an event", f"{f['fold_cpu_us_per_event']:.0f} µs", ""),
            ("share of the writer", f"{f['fold_share']:.2f}", ""),
            ("longest fold under the lock", f"{f['longest_under_lock_ms']:.0f} ms", ""),
            ("pages of the map, an event", f"{f['page_bytes_per_event']:.0f} bytes", ""),
            ("stored tree, a subject", f"{f['tree_bytes_per_subject']:.0f} bytes", ""),
            ("`chemtrace db rebuild`", f"{f['rebuilt_per_s']:,.0f} entries/s", ""),
        ]
    )


def _browser_verify(f: Figures) -> str:
    rows = []
    for events in (10, 1000):
        at = f"{events}_"
        rows += [
            (f"{events:,} events", f"{f[at + 'bytes']:,} bytes, {f[at + 'signatures']:,} signatures", ""),
            ("verdict", f"{f[at + 'ms']:.1f} ms, the first time {f[at + 'first_ms']:.0f} ms", ""),
            ("one check by the browser", f"{f[at + 'one_ms']:.3f} ms", ""),
            (
                "**verdict ÷ (signatures × one check)**",
                f"**{f[at + 'ratio']:.2f}**",
                _verdict(f[at + "ratio"], 1.5, at_least=False),
            ),
        ]
    return (
        "The inspector's page in Chromium: a bundle in text form from its bytes to the verdict, the least of several"
        " rounds, against single Ed25519 checks of WebCrypto one after another.\n\n"
        "Chromium checks a short signature on the thread that asks, so the checks alone are 1.0 of the ratio. A profile"
        " of 1,000 events gives the rest to SHA-256 first, then to reading and comparing JSON, UTF-8 and the calls"
        " themselves. A thread for signatures was tried: it gained 0.1 at 1,000 events and lost 0.7 at 10, so there is"
        " none. The next lever is SHA-256 in WebAssembly.\n\n"
    ) + _table(rows)


def _proofs(f: Figures) -> str:
    sizes = sorted({int(key.split("_")[0]) for key in f if key[0].isdigit()})
    lines = [
        "| items | entries | status proof | bundle, compact | bundle, text | status | bundle | first in a process |",
        "|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for size in sizes:
        at = f"{size}_"
        lines.append(
            f"| {size:,} | {f[at + 'entries']:,.0f} | {f[at + 'status_bytes_p50']:,.0f} to"
            f" {f[at + 'status_bytes_p999']:,.0f} B | {f[at + 'bundle_bytes_p50']:,.0f} B |"
            f" {f[at + 'bundle_text_bytes_p50']:,.0f} B | {f[at + 'status_ms_p50']:.1f} ms |"
            f" {f[at + 'bundle_ms_p50']:.1f} ms |"
            f" {f[at + 'first_ms_p50']:.1f} to {f[at + 'first_ms_p99']:.1f} ms |"
        )
    last, million = f"{sizes[-1]}_", f"{100_000 if 100_000 in sizes else sizes[-1]}_"
    measured = max(f[f"{size}_status_bytes_p999"] for size in sizes)
    return (
        "Ten events an item, three Ed25519 cosignatures. A status proof is given as p50 to p99.9, the others as p50; a"
        " bundle holds ten events with payloads and three histories of keys. The last column, p50 to p99, is a status"
        " proof in a process that has done nothing but its imports: 200 processes at 100,000 items, 60 elsewhere,"
        " where p99 is the worst. 10^8 items and 10^9 entries are computed: real forms, depths"
        " drawn as random keys give them. In the ledgers only the trees and the map are real"
        " beyond 2,000 signed events; the other entries were written straight into the tables.\n\n"
        + "\n".join(lines)
        + "\n\n"
        + _table(
            [
                (
                    "**largest status proof measured, p99.9**",
                    f"**{measured:,.0f} B**",
                    _verdict(measured, 2953, at_least=False),
                ),
                ("status proof at 10^8 items, p50", f"{f['simulated_bytes_p50']:,.0f} B", ""),
                (
                    "**the same, p99.9** (a QR code of version 40-L holds 2,860 B of it)",
                    f"**{f['simulated_bytes_p999']:,.0f} B**",
                    _verdict(f["simulated_bytes_p999"], 2953, at_least=False),
                ),
                (
                    f"**first status proof, {f[million + 'entries']:,.0f} entries, p99**",
                    f"**{f[million + 'first_ms_p99']:.1f} ms**",
                    _verdict(f[million + "first_ms_p99"], 5, at_least=False),
                ),
                ("the same, processor time", f"{f[million + 'first_cpu_ms_p99']:.1f} ms", ""),
                (
                    f"first status proof, {f[last + 'entries']:,.0f} entries, p99",
                    f"{f[last + 'first_ms_p99']:.1f} ms",
                    "",
                ),
                ("the same, processor time", f"{f[last + 'first_cpu_ms_p99']:.1f} ms", ""),
                (
                    "pages of the map read for it, at most",
                    f"{f[last + 'first_map_pages']:.0f}",
                    _verdict(f[last + "first_map_pages"], 14, at_least=False),
                ),
                (
                    "**proofs a second, largest ÷ smallest ledger**",
                    f"**{f['rate_ratio']:.2f}** ({f['rate_largest']:,.0f}/s)",
                    _verdict(f["rate_ratio"], 0.7, at_least=True),
                ),
            ]
        )
    )


def _recovery(f: Figures) -> str:
    return (
        f"{f['entries']:,} entries. A writer is killed, {f['unfolded_log_bytes']:,} bytes of its write-ahead log"
        f" unfolded; a new process opens the ledger until it may write, {f['rounds']} times. The program is loaded"
        " before the clock starts, except in the last line: the server from its command to its first `/readyz`.\n\n"
    ) + _table(
        [
            ("open until ready, median", f"{f['open_ms']:.0f} ms", ""),
            (
                "**the same, at worst**",
                f"**{f['open_worst_ms']:.0f} ms**",
                _verdict(f["open_worst_ms"], 2000, at_least=False),
            ),
            ("`chemtrace serve` until ready", f"{f['served_ms']:.0f} ms", ""),
        ]
    )


SECTIONS = (
    ("ingest", "Signed ingest by the batch", _ingest),
    ("sequencer", "The sequencer alone", _sequencer),
    ("single", "Single events", _single),
    ("verify_log", "Verifying the whole log", _verify),
    ("sparse_map", "Updating the map of subjects", _sparse_map),
    ("fold", "Subject trees and map in the writer", _fold),
    ("browser_verify", "Verifying a bundle in a browser", _browser_verify),
    ("proofs", "Bundles and status proofs", _proofs),
    ("history", "History of one item in a million entries", _history),
    ("recovery", "Recovery of a killed writer", _recovery),
)
