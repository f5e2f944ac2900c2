"""Where an item came from and where it went: through repacking and transformation, and inside of what."""

from __future__ import annotations

from typing import Final, Literal, Protocol, TypeAlias

import msgspec

from chemtrace.core.quantity import Quantity
from chemtrace.trace.event import ItemEvent
from chemtrace.trace.fold import standing_events
from chemtrace.trace.view import Past

Direction: TypeAlias = Literal["up", "down"]
Relation: TypeAlias = Literal["input", "output", "container", "contents"]
"""What the other item is to this one: it went into this one, came out of it, stood around it, or was inside it."""

MAX_EDGES: Final = 10_000
"""Edges that one trace returns at most; a tree cut there says so."""


class HistoryView(Protocol):
    """The part of the ledger that tracing reads."""

    def history(self, code: str) -> tuple[Past, ...]:
        """All admitted item events that name the code, by index."""
        ...


class Edge(msgspec.Struct, frozen=True):
    """One step of a trace: `code` is the other item, `source` the one it was reached from.

    `index` is the event that ties them, `until` the index of the unpacking (None: still packed, or no containment).
    `quantity` is what went from the one into the other, where it was stated. `depth` counts from 1.
    """

    source: str
    code: str
    relation: Relation
    index: int
    quantity: Quantity | None
    depth: int
    until: int | None = None


class Trace(msgspec.Struct, frozen=True):
    """All edges found from `code`, breadth first; `complete` is false where the limit cut it off."""

    code: str
    direction: Direction
    edges: tuple[Edge, ...]
    complete: bool

    @property
    def codes(self) -> frozenset[str]:
        """Every item of the trace but the first."""
        return frozenset(edge.code for edge in self.edges)


def upstream(code: str, view: HistoryView, *, limit: int = MAX_EDGES) -> Trace:
    """The items this one was made from, theirs, and so on; and the containers each was in."""
    return _walk(code, "up", view, limit)


def downstream(code: str, view: HistoryView, *, limit: int = MAX_EDGES) -> Trace:
    """The items made from this one, from those, and so on; the containers each was in; and what a container held."""
    return _walk(code, "down", view, limit)


def _walk(code: str, direction: Direction, view: HistoryView, limit: int) -> Trace:
    """Walk breadth first; an item is expanded once, so that loops of claims end.

    Containers are not walked through: what else was on the pallet is no relative of this drum.
    """
    edges: list[Edge] = []
    queue, seen = [(code, 1)], {code}
    while queue:
        current, depth = queue.pop(0)
        for edge in _edges(current, direction, view, depth, is_root=current == code):
            if len(edges) >= limit:
                return Trace(code, direction, tuple(edges), complete=False)
            edges.append(edge)
            if edge.relation in ("input", "output") and edge.code not in seen:
                seen.add(edge.code)
                queue.append((edge.code, depth + 1))
    return Trace(code, direction, tuple(edges), complete=True)


def _edges(code: str, direction: Direction, view: HistoryView, depth: int, *, is_root: bool) -> list[Edge]:
    events = standing_events(past.event for past in view.history(code) if past.effect)
    edges: list[Edge] = []
    for event in events:
        if event.inputs:
            edges.extend(_transformed(code, direction, event, depth))
    edges.extend(_contained(code, events, depth, is_root=is_root and direction == "down"))
    return edges


def _transformed(code: str, direction: Direction, event: ItemEvent, depth: int) -> list[Edge]:
    if direction == "up":
        if all(born != code for born, _ in event.lines):
            return []
        return [Edge(code, source, "input", event.index, drawn, depth) for source, drawn in event.inputs]
    if all(source != code for source, _ in event.inputs):
        return []
    return [Edge(code, born, "output", event.index, filled, depth) for born, filled in event.lines]


def _contained(code: str, events: list[ItemEvent], depth: int, *, is_root: bool) -> list[Edge]:
    """Containers around the item and, for the item asked about, what was packed into it; each with its interval."""
    open_at: dict[tuple[str, Relation], int] = {}
    edges: list[Edge] = []
    for event in events:
        if event.container is None:
            continue
        pairs: list[tuple[str, Relation]] = [(event.container, "container")]
        if event.container == code:
            pairs = [(inner, "contents") for inner, _ in event.lines] if is_root else []
        for pair in pairs:
            if event.kind == "pack":
                open_at[pair] = event.index
            elif pair in open_at:
                edges.append(Edge(code, pair[0], pair[1], open_at.pop(pair), None, depth, until=event.index))
    edges.extend(
        Edge(code, other, relation, index, None, depth) for (other, relation), index in open_at.items()
    )
    return sorted(edges, key=lambda edge: (edge.index, edge.code))
