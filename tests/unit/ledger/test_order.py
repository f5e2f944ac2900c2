"""`prev` against the heads, as a pure decision."""

import pytest

from chemtrace.core.errors import PrevStaleError, PrevUnknownError
from chemtrace.core.header import Header, PayloadRef, Subject
from chemtrace.ledger.order import resolve_order
from chemtrace.ledger.ports import SubjectHead

HEAD, OLDER, STRANGER = b"h" * 32, b"o" * 32, b"s" * 32
HEADS = {"A": SubjectHead(7, HEAD, 500, 3), "B": SubjectHead(9, HEAD, 900, 1), "NEW": None}


def effective_in(subject: str, event_id: bytes) -> int | None:
    return 300 if subject in ("A", "B") and event_id == OLDER else None


def header(*subjects: tuple[str, bytes | None], kind: str = "inspect", phase: str = "done") -> Header:
    return Header(
        enterprise="X" * 18,
        iat="2026-03-01T00:00:00Z",
        kind=kind,
        payload=PayloadRef("0" * 64, 2, "application/vnd.chemtrace.event+json"),
        phase=phase,
        rules="0" * 64,
        signers=("0" * 64,),
        stance="normal",
        subjects=tuple(Subject(name, None if prev is None else prev.hex()) for name, prev in subjects),
        typ="chemtrace/event/1",
    )


@pytest.mark.parametrize(
    ("subjects", "at_us", "want"),
    [
        ([("NEW", None)], 100, (False, 100)),
        ([("A", HEAD)], 600, (False, 600)),
        ([("A", HEAD)], 100, (False, 500)),
        ([("A", HEAD), ("B", HEAD)], 100, (False, 900)),
        ([("A", OLDER)], 100, (True, 300)),
        ([("A", OLDER)], 400, (True, 400)),
        ([("A", None)], 100, (True, 100)),
        ([("A", HEAD), ("B", None)], 100, (True, 500)),
    ],
)
def test_late_and_effective_time_follow_from_the_predecessors(subjects, at_us, want):
    assert want == resolve_order(header(*subjects), at_us, HEADS, effective_in)


@pytest.mark.parametrize("subject", ["A", "NEW"])
def test_refuses_a_predecessor_that_was_never_there(subject):
    with pytest.raises(PrevUnknownError) as caught:
        resolve_order(header((subject, STRANGER)), 100, HEADS, effective_in)
    assert subject == caught.value.fields["subject"]


@pytest.mark.parametrize("prev", [None, OLDER])
@pytest.mark.parametrize(
    ("kind", "phase"),
    [("trade", "sell"), ("transport", "load"), ("key", "retire"), ("waybill", "loaded"), ("site", "update")],
)
def test_refuses_an_older_predecessor_where_order_is_asked_for(kind, phase, prev):
    with pytest.raises(PrevStaleError) as caught:
        resolve_order(header(("A", prev), kind=kind, phase=phase), 100, HEADS, effective_in)
    assert {"A": HEAD.hex()} == caught.value.fields["heads"]


@pytest.mark.parametrize(("kind", "phase"), [("trade", "buy"), ("transport", "arrive"), ("use", "consume")])
def test_what_has_happened_may_be_late(kind, phase):
    assert resolve_order(header(("A", OLDER), kind=kind, phase=phase), 100, HEADS, effective_in)[0]
