"""Names behind credit codes and site ids, for pages that show people rather than numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Protocol
from urllib.parse import quote

from chemtrace.entrypoints.web.language import Words
from chemtrace.registry.records import EnterpriseRecord, SiteRecord

_CREDIT_CODE: Final = re.compile(r"(?<![0-9A-Z])[0-9A-HJ-NP-RTUWXY]{18}(?![0-9A-Z])", re.ASCII)

OPERATOR: Final = "operator"
"""Actor of epoch records: the log itself."""


class Records(Protocol):
    """What the names are taken from: the registry."""

    def enterprise(self, code: str) -> EnterpriseRecord | None:
        """The record of an enterprise by its credit code."""

    def site(self, site_id: str) -> SiteRecord | None:
        """The record of a site."""


@dataclass(frozen=True, slots=True)
class Name:
    """A name to show, its number, and the page behind it (None where there is none)."""

    text: str
    id: str
    href: str | None


class Names:
    """Looks up names in one language."""

    def __init__(self, records: Records, words: Words) -> None:
        """Take names from `records`."""
        self._records = records
        self._words = words

    def party(self, code: str | None) -> Name | None:
        """The name of an enterprise; a party of a foreign namespace or OUTSIDE is shown as such."""
        if not code:
            return None
        if code == "OUTSIDE":
            return Name(self._words("party.outside"), code, None)
        if code == OPERATOR:
            return Name(self._words("party.operator"), code, None)
        record = self._records.enterprise(code)
        text = code if record is None else self._words.pick(record.name_zh, record.name_en)
        return Name(text, code, f"/desk/enterprises/{quote(code, safe='')}")

    def named(self, text: str) -> str:
        """A sentence of the ledger with names in place of the credit codes that it speaks of."""

        def instead(found: re.Match[str]) -> str:
            record = self._records.enterprise(found[0])
            return found[0] if record is None else self._words.pick(record.name_zh, record.name_en)

        return _CREDIT_CODE.sub(instead, text)

    def site(self, site_id: str | None) -> Name | None:
        """The name of a site."""
        if not site_id:
            return None
        record = self._records.site(site_id)
        if record is None:
            return Name(site_id, site_id, None)
        text = self._words.pick(record.name_zh, record.name_en)
        return Name(text, site_id, f"/desk/sites/{quote(site_id, safe='')}")
