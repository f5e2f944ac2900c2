"""Kept evidence as a fault that stands: told until a person has dealt with it, whatever the last look ended with."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from chemtrace.core.times import format_utc
from chemtrace.ledger.witness import Evidence


class _Problem(msgspec.Struct):
    code: str
    detail: str
    fields: dict[str, object] = {}


def standing_problem(standing: Sequence[Evidence]) -> dict[str, object] | None:
    """Return `{code, detail, fields}` of the oldest contradiction that stands, None where none does.

    Fields `found` (RFC 3339, UTC) and `standing` (how many) are added to those of the error that was kept.
    """
    if not standing:
        return None
    oldest = standing[0]
    detail, fields = "the log has signed two checkpoints that contradict each other", dict[str, object]()
    try:
        kept = msgspec.json.decode(oldest.second_note, type=_Problem)
    except msgspec.MsgspecError:
        pass  # Two notes were kept, and no problem: they speak for themselves.
    else:
        detail, fields = kept.detail, kept.fields
    told = {"found": format_utc(oldest.found_us), "standing": len(standing)}
    return {"code": oldest.code, "detail": detail, "fields": fields | told}
