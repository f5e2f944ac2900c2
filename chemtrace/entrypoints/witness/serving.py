"""The process that serves a witness."""

from __future__ import annotations

import socket
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from chemtrace.entrypoints.witness.patience import PatientProtocol

GRACE_S: Final = 5
BACKLOG: Final = 128
CONCURRENT: Final = 500
"""Connections at once; beyond, 503: a witness answers in milliseconds."""
KEEP_ALIVE_S: Final = 5
"""Seconds that a connection stays after an answer, for the next request."""


def run_witness(app: ASGIApp, listener: socket.socket) -> None:
    """Serve until SIGINT or SIGTERM; the socket is closed at the end, the witness is not."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
        backlog=BACKLOG,
        limit_concurrency=CONCURRENT,
        timeout_keep_alive=KEEP_ALIVE_S,
        http=PatientProtocol,
        ws="none",
    )
    try:
        uvicorn.Server(config).run(sockets=[listener])
    finally:
        listener.close()
