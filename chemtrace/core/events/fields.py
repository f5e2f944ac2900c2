"""Field types shared by the payloads of all event kinds.

Each type carries its pattern or range, so that decoding refuses what the schema refuses and the JSON Schemas in
`contracts/events/v1` are generated from one source. Quantities are decimal strings with a UN/CEFACT unit code
(UN/CEFACT Recommendation 20); times are RFC 3339 with an offset; positions are WGS-84 in millionths of a degree.
"""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal, get_args

from msgspec import Meta, Struct

Code = Annotated[str, Meta(pattern=r"^[0-9A-HJ-NP-RTUWXY]{19}\Z", description="canonical 19-sign trace code")]
CreditCode = Annotated[
    str, Meta(pattern=r"^[0-9A-HJ-NP-RTUWXY]{18}\Z", description="unified social credit code, GB 32100")
]
Party = Annotated[
    str,
    Meta(
        pattern=r"^(?:[0-9A-HJ-NP-RTUWXY]{18}|ext:[a-z0-9-]{1,32}:[A-Za-z0-9._-]{1,64}|OUTSIDE)\Z",
        description="credit code, a name in a foreign namespace (ext:NAMESPACE:ID), or OUTSIDE for beyond the city",
    ),
]
SiteId = Annotated[str, Meta(pattern=r"^[A-Z0-9][A-Z0-9.-]{0,31}\Z", description="registered place")]
Plate = Annotated[
    str,
    Meta(
        pattern=r"^[0-9A-Z\u4e00-\u9fff]{2,16}\Z",
        description="vehicle plate: Chinese signs, upper-case letters, digits; no spaces, dots or dashes",
    ),
]
WaybillNumber = Annotated[str, Meta(pattern=r"^[A-Z0-9][A-Z0-9-]{2,31}\Z", description="waybill number")]
Cas = Annotated[str, Meta(pattern=r"^[0-9]{2,7}-[0-9]{2}-[0-9]\Z", description="CAS registry number")]
Moment = Annotated[str, Meta(min_length=20, max_length=32, description="RFC 3339 time with offset")]
Nonce = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}\Z", description="128 random bits, hex")]
Hex32 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z", description="32 bytes, lowercase hex")]
Base64Url = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,16384}\Z", description="unpadded base64url")]
# Control characters (Unicode category Cc) are refused: a NUL cannot be stored in a text column of PostgreSQL, and an
# escape sequence in somebody's remark must not reach the terminal of who reads it. So are the marks that turn the
# direction of text and the two that break lines (Unicode Bidi_Control, U+2028, U+2029): a page shows what was signed.
Line = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=200,
        pattern=r"^[^\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]*\Z",
        description="one short line of text, no control characters, no marks of direction",
    ),
]
Text = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=2000,
        pattern=r"^[^\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]*\Z",
        description="free text; of control characters only tab and line feed, no marks of direction",
    ),
]
DecimalText = Annotated[
    str,
    Meta(
        pattern=r"^(?:0|[1-9][0-9]{0,11})(?:\.[0-9]{0,8}[1-9])?\Z",
        description="canonical decimal, not negative, no trailing zeros",
    ),
]
_NAMED: Final[tuple[object, ...]] = (
    Code, CreditCode, Party, SiteId, Plate, WaybillNumber, Cas, Nonce, Hex32, Base64Url, Line, Text, DecimalText,
)  # fmt: skip
_WORDS: Final = {meta.pattern: meta.description for one in _NAMED for meta in get_args(one)[1:]}
"""What a pattern stands for."""

_UNLIKE = re.compile(r"Expected `str` matching regex '(.*)'(?= - at )", re.DOTALL)


def in_words(reason: str) -> str:
    """What the decoder says of a field, with the meaning of its pattern in the pattern's place."""
    found = _UNLIKE.search(reason)
    if found is None:
        return reason
    # The decoder writes a pattern as Python's `repr` does.
    words = _WORDS.get(found[1].encode("ascii", "backslashreplace").decode("unicode_escape"))
    return reason if words is None else reason.replace(found[0], f"Expected: {words}")


Unit = Literal["KGM", "GRM", "MGM", "TNE", "LTR", "MLT", "MTQ", "H87"]


class Amount(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """A quantity on the wire: a canonical decimal string and a UN/CEFACT unit code."""

    value: DecimalText
    unit: Unit


class Position(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """A place on earth, WGS-84, in millionths of a degree."""

    lat_e6: Annotated[int, Meta(ge=-90_000_000, le=90_000_000)]
    lon_e6: Annotated[int, Meta(ge=-180_000_000, le=180_000_000)]


class ItemAmount(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """One item and how much of it is meant."""

    code: Code
    quantity: Amount


class ItemLine(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """One item, with what was weighed or drawn where it was."""

    code: Code
    quantity: Amount | None = None


class Payload(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, gc=False):
    """What every payload says: when it happened, where, and 128 random bits so that its digest tells nothing."""

    at: Moment
    nonce: Nonce
    site: SiteId | None = None
    position: Position | None = None
    device: Line | None = None
    on_behalf_of: Party | None = None
    note: Text | None = None


Amounts = Annotated[tuple[ItemAmount, ...], Meta(min_length=1, max_length=255)]
Lines = Annotated[tuple[ItemLine, ...], Meta(min_length=1, max_length=255)]
