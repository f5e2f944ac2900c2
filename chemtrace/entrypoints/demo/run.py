"""The demonstration from nothing to a verified log: found, register, print, play, detect, verify, serve."""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import uvicorn

from chemtrace.bootstrap import Application, DemoClock, init_ledger, maintenance, open_application
from chemtrace.config import DATABASE_FILE, Settings, sqlite_url
from chemtrace.core.credit_code import make_credit_code
from chemtrace.core.errors import UnavailableError
from chemtrace.entrypoints.demo.cast import Cast, make_cast
from chemtrace.entrypoints.demo.findings import Judged, judge_alerts
from chemtrace.entrypoints.demo.plan import WEEK_START_US, Plan, plan_week
from chemtrace.entrypoints.demo.play import Played, Player
from chemtrace.entrypoints.demo.stage import print_labels, register_city
from chemtrace.entrypoints.demo.week import DAY
from chemtrace.entrypoints.server import create_server_app, open_socket, url_of
from scanners.client import LedgerClient, Pins

AUTHORITY: Final = make_credit_code("12110199000000999")
ORIGIN: Final = "demo.chemtrace.example/beijing"
LABEL_HOST: Final = "cx.example.cn"
PRINTERS: Final = 2
"""Processes that print and read labels: one for each core of a small machine."""
READY_TIMEOUT_S: Final = 20.0

Progress = Callable[[str, int, int], None]
"""(step, done, total)."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The demonstration's result, and the running server it leaves behind."""

    report: dict[str, Any]
    plan: Plan
    judged: Judged
    url: str
    token: str
    longest: str


@contextmanager
def demonstrate(data_dir: Path, *, seed: int, port: int, progress: Progress) -> Iterator[Outcome]:
    """Run the whole demonstration into an empty folder; the server goes on for as long as the block lasts."""
    started = time.monotonic()
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(PRINTERS, mp_context=context) as pool:
        # The printers are forked before this process has any thread.
        list(pool.map(_ready, range(PRINTERS)))
        # Whatever the surroundings name: a simulated week must never begin a ledger in a database of somebody else's.
        settings = Settings(data_dir=data_dir, port=port, database_url=sqlite_url(data_dir / DATABASE_FILE))
        clock = DemoClock(WEEK_START_US - DAY, demo=True)
        made = init_ledger(
            settings,
            authority_name_zh="示例市应急管理局",
            authority_name_en="Emergency Management Bureau of the Demo City",
            credit_code=AUTHORITY,
            origin=ORIGIN,
            label_host=LABEL_HOST,
            clock=clock,
        )
        app = open_application(settings, clock=clock)
        try:
            plan = plan_week(seed, app.catalogue)
            with _serving(app, settings) as url, _client(app, url, made.token) as client:
                cast = make_cast(plan.city)
                register_city(app, client, plan, cast)
                cast.codes = print_labels(app, pool, plan, _counter(progress, "labels", len(plan.wanted)))
                # Before the clock goes on to the week: receipts promise publication within a minute.
                app.ledger.publish(force=True)
                player = Player(client, cast, clock, lambda: app.ledger.publish(force=True))
                played = player.play(plan, _counter(progress, "events", len(plan.acts)))
                judged = judge_alerts(client, plan, cast)
                report = _report(app, settings, plan, played, judged)
                report["seconds"] = round(time.monotonic() - started, 1)
                yield Outcome(report, plan, judged, url, made.token, _longest(cast))
        finally:
            app.close()


def _report(
    app: Application, settings: Settings, plan: Plan, played: Played, judged: Judged
) -> dict[str, Any]:
    """The counts, from the ledger itself, and the audit's word."""
    audit = maintenance.audit_ledger(database_url=settings.database_url, data_dir=settings.data_dir).to_json()
    stats = app.reads.stats()
    return {
        "seed": plan.seed,
        "enterprises": stats["enterprises"],
        "items": sum(stats["items"].values()),
        "events": audit["entries"] - audit["epochs"],
        "waybills": stats["waybills"],
        "labels_decoded": len(plan.wanted),
        "epochs": audit["epochs"],
        "late_events": played.late,
        "duplicates_answered": played.duplicates,
        "refusals": dict(sorted(played.refusals.items())),
        "anomalies": judged.to_json(),
        "checkpoint": audit["checkpoint"],
        "faults": audit["faults"],
        "verified": audit["verified"],
    }


def _longest(cast: Cast) -> str:
    """The item with the most events: the one worth showing."""
    return max(cast.codes.values(), key=lambda code: cast.moves[code])


@contextmanager
def _serving(app: Application, settings: Settings) -> Iterator[str]:
    """The real server on a thread of its own, on loopback."""
    listener = open_socket(settings.bind, settings.port)
    url = url_of(listener)
    app.announce(url)
    config = uvicorn.Config(create_server_app(app), log_config=None, access_log=False, server_header=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + READY_TIMEOUT_S
    while not server.started:
        if time.monotonic() > deadline or not thread.is_alive():
            raise UnavailableError("the demonstration's server did not start", url=url)
        threading.Event().wait(0.02)
    try:
        yield url
    finally:
        server.should_exit = True
        thread.join(READY_TIMEOUT_S)
        listener.close()


@contextmanager
def _client(app: Application, url: str, token: str) -> Iterator[LedgerClient]:
    receipt = next(record for record in app.registry.books.keys.values() if record.role == "receipt")
    pins = Pins(origin=ORIGIN, receipt_key=receipt.public_key, log_vkey=app.log_vkey)
    with LedgerClient(url, token, pins=pins) as client:
        yield client


def _counter(progress: Progress, step: str, total: int) -> Callable[[int], None]:
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        progress(step, done, total)

    return advance


def _ready(number: int) -> int:
    return number
