"""The whole server: API, pages, metrics and request line as one ASGI application, and the process that serves it."""

from __future__ import annotations

import gc
import logging
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final

import structlog
import uvicorn
from fastapi import FastAPI
from prometheus_client import Gauge
from starlette.middleware.trustedhost import TrustedHostMiddleware

from chemtrace.bootstrap import Application
from chemtrace.bootstrap.cosigning import Witnesses
from chemtrace.core.errors import ChemtraceError, SettingError
from chemtrace.entrypoints.api.app import create_app
from chemtrace.entrypoints.api_reference import install_reference
from chemtrace.entrypoints.form_limit import FormLimit
from chemtrace.entrypoints.request_log import RequestLog, SecurityHeaders
from chemtrace.entrypoints.web.router import create_web_router

GRACE_S: Final = 10
"""Seconds that running requests get when the server is told to stop."""
BACKLOG: Final = 1024
GC_THRESHOLDS: Final = (250_000, 20, 20)
"""Objects between two searches for cycles (Python's default is 700): statements hold none, and a group of a thousand
makes tens of thousands of short-lived objects. Measured: a fifth of the writer's processor time."""
SWITCH_INTERVAL_S: Final = 0.0005
"""How long a thread that computes keeps the others waiting (Python's default is 5 ms): the writing thread asks for the
interpreter's lock between any two statements of SQL, while the next group is judged."""

ENTRIES: Final = Gauge("chemtrace_log_entries", "Entries in the log")
LOG_TIME: Final = Gauge(
    "chemtrace_log_time_seconds", "Time of the newest epoch, seconds since 1970-01-01 UTC"
)
WITNESSED: Final = Gauge(
    "chemtrace_witnessed_size", "Size of the newest checkpoint that satisfies the policy of witnesses"
)
WITNESS_SIZE: Final = Gauge(
    "chemtrace_witness_size", "Size of the newest checkpoint that a witness has cosigned", ["witness"]
)
WITNESS_FAILURES: Final = Gauge(
    "chemtrace_witness_failures", "Times in a row that a witness has not cosigned", ["witness"]
)
WRITABLE: Final = Gauge("chemtrace_writable", "1 while statements are taken, 0 after writing was stopped")


def create_server_app(application: Application, *, behind_tls: bool = False) -> FastAPI:
    """Return API and pages over `application`; the caller owns both and closes the application."""
    app = create_app(application)
    app.include_router(create_web_router())
    install_reference(app)
    _expose(application)
    if application.settings.allowed_hosts:
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(application.settings.allowed_hosts))
    app.add_middleware(FormLimit)
    app.add_middleware(SecurityHeaders, behind_tls=behind_tls)
    # Added last, so outermost: it sees every answer, also those of the middleware within.
    app.add_middleware(RequestLog)
    return app


def open_socket(bind: str, port: int) -> socket.socket:
    """Listen on an address; port 0 takes a free one.

    Raises:
        SettingError: the address is not this machine's, or the port is taken.
    """
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((bind, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise SettingError(
            f"cannot listen on {bind} port {port}: {error.strerror}; choose another with --port",
            setting="port",
            bind=bind,
            port=port,
        ) from error
    return listener


def url_of(listener: socket.socket) -> str:
    """The address under which a listening socket can be reached from this machine."""
    host, port = listener.getsockname()[:2]
    # Bound to every address, it is reached from here by loopback.
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 the name of an address, not a bind
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def run_server(application: Application, listener: socket.socket, *, behind_tls: bool = False) -> None:
    """Serve until SIGINT or SIGTERM, publishing meanwhile; returns after the last request was answered.

    The socket is closed, the application is not.
    """
    config = uvicorn.Config(
        create_server_app(application, behind_tls=behind_tls),
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=behind_tls,
        timeout_graceful_shutdown=GRACE_S,
        backlog=BACKLOG,
    )
    # Their lines about starting and stopping say less than ours.
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    # What start-up has made stays: to search it for garbage again and again would hold up answers by tens of
    # milliseconds each time.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    application.start_publishing()
    _expose_witnesses(application)
    log = structlog.get_logger("chemtrace.server")
    log.info("server.started", url=url_of(listener), size=application.ledger.size)
    try:
        with _signals_survived():
            uvicorn.Server(config).run(sockets=[listener])
    finally:
        listener.close()
        _publish_last(application)
        log.info("server.stopped", size=application.ledger.size)


@contextmanager
def _signals_survived() -> Iterator[None]:
    """Let SIGINT and SIGTERM end the serving only: uvicorn raises them again when it is done, for the caller's sake."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    former = {number: signal.signal(number, _ignore) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def _ignore(number: int, frame: object) -> None:
    """Do nothing: the server has been told already."""


def _publish_last(application: Application) -> None:
    """Publish what came in since the timer's last round, so that a stopped ledger stands complete."""
    try:
        application.ledger.publish()
    except ChemtraceError as error:
        structlog.get_logger("chemtrace.server").error(
            "publish.failed", code=error.code, detail=error.message
        )


def _expose(application: Application) -> None:
    """Let the gauges ask this application; the one made last is the one that is measured."""
    ledger = application.ledger
    ENTRIES.set_function(lambda: ledger.size)
    LOG_TIME.set_function(lambda: ledger.log_time / 1_000_000)
    WRITABLE.set_function(lambda: 1 if ledger.health()["writable"] else 0)


def _expose_witnesses(application: Application) -> None:
    """Let the gauges of witnesses ask this application, where a policy names some."""
    witnesses = application.witnesses
    if witnesses is None:
        return
    WITNESSED.set_function(lambda: witnesses.satisfied_size)
    for name in [status.name for status in witnesses.statuses]:
        WITNESS_SIZE.labels(name).set_function(partial(_status_number, witnesses, name, "size"))
        WITNESS_FAILURES.labels(name).set_function(partial(_status_number, witnesses, name, "failures"))


def _status_number(witnesses: Witnesses, name: str, field: str) -> float:
    found = next((status for status in witnesses.statuses if status.name == name), None)
    return float(getattr(found, field, 0))
