"""A kind or phase that there is none of is answered with what there is."""

import pytest

from chemtrace.core.errors import HeaderError
from chemtrace.core.events import parse_payload


@pytest.mark.parametrize(
    ("kind", "phase", "told"),
    [
        ("prodcue", "make", "did you mean produce"),
        ("produce", "mkae", "produce has make, fill, repack"),
        ("zzzzzz", "make", "kinds are produce"),
    ],
)
def test_an_event_that_there_is_none_of_is_answered_with_what_there_is(kind, phase, told):
    with pytest.raises(HeaderError, match=told):
        parse_payload(kind, phase, b"{}")
