"""Where an item came from and where it went: through repacking, transforming and packing, level by level."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from sqlalchemy import Connection, select

from chemtrace.adapters.sql.reads.pages import load_json
from chemtrace.adapters.sql.tables import entry, payload, subject_entry

MAX_EDGES: Final = 5_000
"""Most edges of one answer; `truncated` says that there are more."""
MAX_DEPTH: Final = 64
BATCH: Final = 500
"""Codes asked for in one query: below the parameter limit of every database."""

Direction: TypeAlias = Literal["up", "down"]
_MIXING: Final = (
    ("produce", "repack", "repack"),
    ("transform", "done", "transform"),
    ("pack", "done", "pack"),
)


@dataclass(frozen=True, slots=True)
class Edge:
    """Matter went from item `source` to item `target` in one event; the quantity is what was said of the source."""

    source: str
    target: str
    relation: str
    index: int
    event_id: str
    quantity: str | None
    unit: str | None
    depth: int


@dataclass(frozen=True, slots=True)
class Lineage:
    """The tree of one item in one direction, as edges in order of distance and index."""

    code: str
    direction: Direction
    edges: tuple[Edge, ...]
    truncated: bool


def load_lineage(connection: Connection, code: str, direction: Direction) -> Lineage:
    """Return the tree of inputs (up) or outputs (down) of an item: one query for each level of it."""
    edges: dict[tuple[str, str, int], Edge] = {}
    seen, level, depth = {code}, {code}, 0
    while level and depth < MAX_DEPTH and len(edges) <= MAX_EDGES:
        depth += 1
        beyond: set[str] = set()
        for edge in _edges_of(connection, level, direction, depth):
            edges.setdefault((edge.source, edge.target, edge.index), edge)
            beyond.add(edge.source if direction == "up" else edge.target)
        level = beyond - seen
        seen |= level
    ordered = sorted(edges.values(), key=lambda edge: (edge.depth, edge.index, edge.source, edge.target))
    return Lineage(code, direction, tuple(ordered[:MAX_EDGES]), bool(level) or len(ordered) > MAX_EDGES)


def _edges_of(connection: Connection, codes: set[str], direction: Direction, depth: int) -> Iterator[Edge]:
    ordered = sorted(codes)
    for at in range(0, len(ordered), BATCH):
        for row in connection.execute(_query(ordered[at : at + BATCH])):
            document = load_json(row.body, "payload", row.idx)
            relation = next(name for kind, phase, name in _MIXING if (row.kind, row.phase) == (kind, phase))
            for source, target, amount in _pairs(relation, document):
                if (target if direction == "up" else source) in codes:
                    value = amount or {}
                    yield Edge(
                        source,
                        target,
                        relation,
                        row.idx,
                        row.event_id.hex(),
                        value.get("value"),
                        value.get("unit"),
                        depth,
                    )


def _query(codes: list[str]) -> Any:
    source = subject_entry.join(entry, entry.c.idx == subject_entry.c.idx).join(
        payload, payload.c.idx == entry.c.idx
    )
    mixing = entry.c.kind.in_([kind for kind, _, _ in _MIXING]) & entry.c.phase.in_(("repack", "done"))
    return (
        select(entry.c.idx, entry.c.event_id, entry.c.kind, entry.c.phase, payload.c.body)
        .distinct()
        .select_from(source)
        .where(subject_entry.c.subject.in_(codes), subject_entry.c.effect, mixing)
        .order_by(entry.c.idx)
    )


def _pairs(relation: str, document: dict[str, Any]) -> Iterable[tuple[str, str, dict[str, Any] | None]]:
    """Every (source, target, quantity) of one event: all inputs go into all outputs, contents into their container."""
    if relation == "pack":
        return [(line["code"], document["container"], line.get("quantity")) for line in document["items"]]
    return [
        (source["code"], target["code"], source.get("quantity"))
        for source in document["inputs"]
        for target in document["items"]
    ]
