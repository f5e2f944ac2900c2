"""A finding: one rule that one event broke about one item or waybill, with both sides and an explanation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from chemtrace.core.errors import EntryCorruptError, RuleError
from chemtrace.trace.chinese import in_chinese
from chemtrace.trace.event import ItemEvent
from chemtrace.trace.rules import RULES, Severity
from chemtrace.trace.state import ItemState

NOBODY: Final = "—"
"""Shown where a side is empty: nobody holds it, nothing was stated."""


class Finding(msgspec.Struct, frozen=True):
    """One broken rule on the event at `index`; `code` is the item, or the number where it concerns a waybill.

    `sides` always holds `actor`, `said` (kind/phase), `holder` and `status` where an item is concerned, and by rule
    `expected` and `found`: what the ledger knows, and what the event states.
    """

    rule: str
    code: str
    index: int
    severity: Severity
    sides: tuple[tuple[str, str], ...]
    text_zh: str
    text_en: str


class Refusal(msgspec.Struct, frozen=True):
    """Why a normal event is not admitted; under stance `exception` the same becomes a critical finding."""

    finding: Finding

    @property
    def rule(self) -> str:
        """The id of the rule that refuses."""
        return self.finding.rule

    def error(self) -> RuleError:
        """The error that tells the submitter: rule id, item, both sides, both languages."""
        told = self.finding
        return RuleError(
            told.text_en,
            rule_id=told.rule,
            item=told.code,
            sides=dict(told.sides),
            text_zh=told.text_zh,
            text_en=told.text_en,
        )

    def excepted(self) -> Finding:
        """The finding that stands in for the refusal of an event with stance `exception`."""
        return msgspec.structs.replace(self.finding, severity="critical")


class _Sides(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return NOBODY


def find(
    rule: str, event: ItemEvent, code: str, *, severity: Severity | None = None, **sides: str | int | None
) -> Finding:
    """Build the finding of `rule` on `event` about `code`; sides that are None are shown as empty."""
    known = RULES[rule]
    told = _Sides(actor=event.actor, said=f"{event.kind}/{event.phase}")
    told.update({name: NOBODY if value is None else str(value) for name, value in sides.items()})
    named = tuple(sorted(told.items()))
    told["code"] = code
    told_zh = _Sides({name: in_chinese(value) for name, value in told.items()})
    return Finding(
        rule=rule,
        code=code,
        index=event.index,
        severity=severity or known.severity,
        sides=named,
        text_zh=known.text_zh.format_map(told_zh),
        text_en=known.text_en.format_map(told).strip(),
    )


def find_item(
    rule: str,
    event: ItemEvent,
    state: ItemState,
    *,
    severity: Severity | None = None,
    **sides: str | int | None,
) -> Finding:
    """`find` about the item of `state`: its holder, status and producer are the other side."""
    sides["holder"], sides["status"] = state.holder, state.status
    if rule == "item.already-produced":
        sides["producer"], sides["expected"] = state.producer, state.born_index
    elif rule == "item.closed":
        sides["expected"] = state.closed_index
    elif rule == "item.packed":
        sides["expected"] = state.parent
    return find(rule, event, state.code, severity=severity, **sides)


_ENCODER: Final = msgspec.json.Encoder(order="sorted")
_DECODER: Final = msgspec.json.Decoder(Finding)


def encode_finding(finding: Finding) -> bytes:
    """Canonical JSON of a finding, for storage."""
    return _ENCODER.encode(finding)


def decode_finding(data: bytes) -> Finding:
    """Read what `encode_finding` wrote.

    Raises:
        EntryCorruptError: the stored bytes are not a finding.
    """
    try:
        return _DECODER.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise EntryCorruptError("a stored finding is damaged; verify the log", detail=str(error)) from error


def sides_of(finding: Finding) -> Mapping[str, str]:
    """The sides of a finding by name."""
    return dict(finding.sides)
