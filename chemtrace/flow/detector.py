"""What a detector is: an id, a version, its reasons in two languages, and two stateless functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from chemtrace.flow.memory import Memory
from chemtrace.flow.observation import Fault, Observation, RefusalSeen
from chemtrace.flow.signal import Draft, Signal
from chemtrace.flow.wording import local_minute

ANY_REFUSAL: Final = "*"
"""In `Detector.refusals`: asked about every kept refusal."""


class Text(msgspec.Struct, frozen=True):
    """One text in Chinese and English; `{name}` is filled from the facts of a draft."""

    zh: str
    en: str


class Detector(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of anomaly.

    It is asked about an event when one of the event's findings is in `rules`, or its kind is in `kinds`; about a
    refusal when its code is in `refusals`. It keeps nothing of its own: what must be carried on goes into memory.

    `first_hand`: it needs events told by those who did them; it stands down on what an importer says for a foreign
    namespace, because the order, delay and place of an import tell about the import.
    `correctable`: a correction of the event behind an alert withdraws it. Where it is False a correction still
    drops what is only held, but a raised alert is for a person to close: nobody silences it from the outside.
    """

    id: str
    version: str
    severity: int
    name: Text
    basis: Text
    texts: Mapping[str, Text]
    on_event: Callable[[Observation, Memory], Sequence[Signal]]
    rules: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    on_refusal: Callable[[RefusalSeen, Memory], Sequence[Signal]] | None = None
    refusals: frozenset[str] = frozenset()
    on_fault: Callable[[Fault], Sequence[Signal]] | None = None
    first_hand: bool = True
    correctable: bool = True

    def explanation(self, draft: Draft) -> Text:
        """The draft's text with its numbers, in both languages."""
        text = self.texts[draft.variant]
        facts = dict(draft.facts)
        for name, value in draft.facts.items():
            if name.endswith("_us") and isinstance(value, int):
                facts[name[:-3]] = local_minute(value)
        return Text(text.zh.format_map(facts), text.en.format_map(facts))
