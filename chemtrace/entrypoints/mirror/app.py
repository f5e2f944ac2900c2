"""A mirror over HTTP: `add-checkpoint` as every witness has it, and the state of its recomputation for everybody."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Any, Final

import orjson
from prometheus_client import Gauge
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from chemtrace.bootstrap.mirroring import FollowingThread, Mirror
from chemtrace.core.epoch import parse_epoch
from chemtrace.core.errors import CheckpointMissingError, ChemtraceError, TilePathError
from chemtrace.core.tiles import parse_number_path
from chemtrace.entrypoints.api.problems import problem_response
from chemtrace.entrypoints.witness.app import create_witness_app, readable
from chemtrace.ledger.static import read_hash_tile
from chemtrace.mirror.ports import Position
from chemtrace.mirror.standing import standing_problem

RECOMPUTED: Final = Gauge("chemtrace_mirror_entries", "Entries recomputed by this mirror")
HEALTHY: Final = Gauge(
    "chemtrace_mirror_healthy", "1 while the last look went well and no evidence stands, else 0"
)

_LEVEL: Final = re.compile(r"[0-9]|[1-5][0-9]|6[0-3]", re.ASCII)


def create_mirror_app(mirror: Mirror, thread: FollowingThread | None = None) -> Starlette:
    """Return the door of `mirror`; the caller owns and closes it."""
    app = create_witness_app(mirror.witness)
    log = sha256(mirror.origin.encode("utf-8")).hexdigest()
    app.router.routes += [
        Route("/state", show_progress, methods=["GET"]),
        Route(f"/{log}/checkpoint", show_checkpoint, methods=["GET"]),
        Route(f"/{log}/tile/{{level}}/{{path:path}}", show_tile, methods=["GET"]),
    ]
    app.state.mirror = mirror
    app.state.thread = thread
    RECOMPUTED.set_function(readable(lambda: mirror.follower.position.size))
    HEALTHY.set_function(readable(lambda: 0 if _fault(mirror, thread) is not None else 1))
    return app


async def show_progress(request: Request) -> Response:
    """How far it has recomputed, and `fault`: evidence that stands, or what the last look ended with, or null."""
    mirror: Mirror = request.app.state.mirror
    thread: FollowingThread | None = request.app.state.thread
    position = await run_in_threadpool(lambda: mirror.follower.position)
    fault = await run_in_threadpool(_fault, mirror, thread)
    told = state_of(position) | {"fault": fault, "standing": len(await run_in_threadpool(mirror.standing))}
    return Response(orjson.dumps(told), media_type="application/json")


async def show_checkpoint(request: Request) -> Response:
    """The checkpoint cosigned last, under `/<SHA-256 of the origin>/` as C2SP tlog-mirror asks."""
    mirror: Mirror = request.app.state.mirror
    note = await run_in_threadpool(mirror.witness.cosigned, mirror.origin)
    if note is None:
        return problem_response(CheckpointMissingError("this mirror has cosigned no checkpoint yet"))
    headers = {"Cache-Control": "no-store"}
    return Response(note, media_type="text/plain; charset=utf-8", headers=headers)


async def show_tile(request: Request) -> Response:
    """A tile of hashes of the mirror's own copy; entries name codes and parties, and are not shown."""
    mirror: Mirror = request.app.state.mirror
    level = request.path_params["level"]
    try:
        if not _LEVEL.fullmatch(level):
            raise TilePathError("a tile has a level of 0 to 63", found=level[:20])
        number, width = parse_number_path(request.path_params["path"])
        data = await run_in_threadpool(read_hash_tile, mirror.files, int(level), number, width)
    except ChemtraceError as error:
        return problem_response(error)
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return Response(data, media_type="application/octet-stream", headers=headers)


def _fault(mirror: Mirror, thread: FollowingThread | None) -> dict[str, object] | None:
    """Kept evidence outlives every good look; and what the last look ended with comes after it."""
    found = standing_problem(mirror.standing())
    if found is None and thread is not None and thread.fault is not None:
        return thread.fault.problem()
    return found


def state_of(position: Position) -> dict[str, Any]:
    """What a position says, for programs: sizes, counts, log time and roots of the newest epoch."""
    epoch = parse_epoch(position.epoch) if position.epoch else None
    return {
        "size": position.size,
        "subjects": position.subjects,
        "chain": position.chain.hex(),
        "epoch": None if epoch is None else epoch.number,
        "log_time": None if epoch is None else epoch.log_time,
        "map_root": None if epoch is None else epoch.map_root,
        "checkpoint": position.note.decode("utf-8") or None,
    }
