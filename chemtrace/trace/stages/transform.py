"""transform/done: inputs become outputs (dilute, mix, react), possibly of other chemicals."""

from __future__ import annotations

from chemtrace.trace.event import ItemEvent
from chemtrace.trace.stages.produce import bear
from chemtrace.trace.stages.use import draw_input
from chemtrace.trace.state import ItemState
from chemtrace.trace.step import Facts, Move


def transform(state: ItemState, event: ItemEvent, facts: Facts) -> Move:
    """Inputs are drawn from as in a repacking, outputs are born as in a production; masses: `trace.balance`."""
    if facts.role == "input":
        return draw_input(state, event, facts)
    return bear(state, event, facts)
