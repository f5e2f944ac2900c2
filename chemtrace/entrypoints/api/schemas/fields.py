"""Field types and small forms that many answers share."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field

Hex32 = Annotated[str, Field(pattern="^[0-9a-f]{64}$", description="32 bytes, lowercase hex")]
Base64Url = Annotated[str, Field(pattern="^[A-Za-z0-9_-]*$", description="unpadded base64url")]
Code = Annotated[str, Field(pattern="^[0-9A-HJ-NP-RTUWXY]{19}$", description="canonical 19-sign trace code")]
Party = Annotated[str, Field(description="credit code, ext:NAMESPACE:ID, or OUTSIDE for beyond the city")]
Slot = Annotated[str, Field(pattern="^[0-9]{3}$", description="place of the chemical in the catalogue")]
Moment = Annotated[str, Field(json_schema_extra={"format": "date-time"}, description="RFC 3339, UTC")]
Micros = Annotated[int, Field(description="microseconds since 1970-01-01 UTC")]
Index = Annotated[int, Field(ge=0, description="place in the log, from 0")]
Amount = Annotated[
    str, Field(pattern=r"^(0|[1-9][0-9]*)(\.[0-9]+)?$", description="decimal text, never a float")
]
Unit = Annotated[str, Field(pattern="^([A-Z0-9]{3})?$", description="UN/CEFACT unit code")]
Next = Annotated[str | None, Field(description="`cursor` of the page that follows; null: this was the last")]
Payload = Annotated[
    dict[str, Any] | None, Field(description="as in contracts/events/v1 for kind and phase; null once erased")
]


class Finding(BaseModel):
    """One broken rule on one event, in both languages; `resolved_by` is the index that explained it away."""

    index: Index
    code: Annotated[str, Field(description="the item, or the number of the waybill")]
    rule: Annotated[str, Field(description="docs/reference/rules.md")]
    severity: Annotated[str, Field(json_schema_extra={"enum": ["notice", "minor", "major", "critical"]})]
    text_zh: str
    text_en: str
    sides: Annotated[dict[str, str], Field(description="who said what, and both sides of the mismatch")]
    resolved_by: Index | None
