"""`prev` against the heads: in order, late, or in conflict; and the effective time that follows from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from chemtrace.core.errors import PrevStaleError, PrevUnknownError
from chemtrace.core.events import AUTHORITY_KINDS, IN_ORDER
from chemtrace.core.header import Header
from chemtrace.ledger.ports import SubjectHead

EffectiveIn = Callable[[str, bytes], int | None]
"""(subject, event id) to the effective time of that event of that subject, or None when it has no such event."""

_STRICT_KINDS: Final = AUTHORITY_KINDS | {"waybill"}


def resolve_order(
    header: Header, at_us: int, heads: Mapping[str, SubjectHead | None], effective_in: EffectiveIn
) -> tuple[bool, int]:
    """Return (late, effective time in microseconds) of an event claimed for `at_us`.

    For each subject, by its `prev`: the head is in order; an older event, or null where a head exists, is late, and
    for kinds that must be in order a conflict; an id that the subject never had is a conflict always. Effective is the
    later of the claimed time and the effective times of all events named (DESIGN section 4).

    Raises:
        PrevStaleError, PrevUnknownError: 409; field `heads` holds the current heads of all subjects.
    """
    late, effective_us = False, at_us
    for subject in header.subjects:
        head = heads.get(subject.id)
        named_us: int | None
        if subject.prev is None:
            if head is None:
                continue
            late, named_us = True, None
        elif head is not None and subject.prev == head.event_id.hex():
            named_us = head.effective_us
        else:
            named_us = effective_in(subject.id, bytes.fromhex(subject.prev)) if head is not None else None
            if named_us is None:
                raise PrevUnknownError(
                    f"{subject.id} never had the event that this one follows: sign again upon its head",
                    subject=subject.id,
                    prev=subject.prev,
                    heads=_heads(header, heads),
                )
            late = True
        if late and ((header.kind, header.phase) in IN_ORDER or header.kind in _STRICT_KINDS):
            raise PrevStaleError(
                f"{header.kind}/{header.phase} must follow the newest event of {subject.id}: sign again upon its head",
                subject=subject.id,
                prev=subject.prev,
                heads=_heads(header, heads),
            )
        if named_us is not None and named_us > effective_us:
            effective_us = named_us
    return late, effective_us


def _heads(header: Header, heads: Mapping[str, SubjectHead | None]) -> dict[str, str | None]:
    found = {subject.id: heads.get(subject.id) for subject in header.subjects}
    return {name: head.event_id.hex() if head is not None else None for name, head in found.items()}
