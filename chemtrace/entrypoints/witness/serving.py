"""The process that serves a witness."""

from __future__ import annotations

import socket
from typing import Final

import uvicorn
from starlette.types import ASGIApp

GRACE_S: Final = 5
BACKLOG: Final = 128
CONCURRENT: Final = 200
"""Connections at once; beyond, 503: a witness answers in milliseconds."""


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
    )
    try:
        uvicorn.Server(config).run(sockets=[listener])
    finally:
        listener.close()
