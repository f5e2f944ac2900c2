"""`Registry`: who takes part, with which keys, places and codes, at one place of the log.

A pure fold: the same entries give the same registry, on the server and on every auditor's machine. A refused
event changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

from chemtrace.core.codes import TraceCode
from chemtrace.core.errors import RegistryConflictError
from chemtrace.core.events import AUTHORITY_KINDS
from chemtrace.core.events.authority import Device, Enterprise, Issue, Key, Licence, Site
from chemtrace.core.events.fields import Payload
from chemtrace.core.header import Header
from chemtrace.registry.books import Books
from chemtrace.registry.issued import IssueStatus, issue_change, issue_status
from chemtrace.registry.keyring import key_change
from chemtrace.registry.parties import device_change, enterprise_change, licence_change, site_change
from chemtrace.registry.records import AnyRecord, Change, EnterpriseRecord, KeyRecord, SiteRecord
from chemtrace.registry.signing import check_signers


class Registry:
    """The fold and its look-ups. One thread changes it; others may look up while it does."""

    def __init__(self, master: bytes | None = None) -> None:
        """Start empty; `master` is the key of the code serials, or None where codes cannot be checked."""
        self.books = Books()
        self._master = master

    @classmethod
    def from_records(
        cls, records: Iterable[tuple[str, str, AnyRecord]], master: bytes | None = None
    ) -> Registry:
        """Build the registry of stored records (table, id, record), as `apply` left them."""
        registry = cls(master)
        registry.books.load(records)
        return registry

    def apply(self, index: int, log_time_us: int, header: Header, payload: Payload) -> Change | None:
        """Take entry `index`, admitted after the epoch of `log_time_us`; returns the record it made, if any.

        Signers are not checked here, see `check_signers`. Raises what the rule of its kind refuses.
        """
        del log_time_us  # no rule of a record depends on it so far; keys compare with it when they sign
        change = self._change(index, header, payload)
        return None if change is None else self.books.enter(change)

    def _change(self, index: int, header: Header, payload: Payload) -> Change | None:
        if header.kind not in AUTHORITY_KINDS:
            return None
        self._check_authority(index, header)
        match payload:
            case Enterprise():
                return enterprise_change(self.books, index, header.phase, payload)
            case Site():
                return site_change(self.books, index, header.phase, payload)
            case Licence():
                return licence_change(self.books, index, header.phase, payload)
            case Device():
                return device_change(self.books, index, header.phase, payload)
            case Key():
                return key_change(self.books, index, header, payload)
            case Issue():
                return issue_change(self.books, index, payload)
            case _:
                return None

    def _check_authority(self, index: int, header: Header) -> None:
        authority = self.books.newest_key("authority")
        if index == 0 or (authority is not None and authority.party == header.enterprise):
            return
        raise RegistryConflictError(
            "only the authority of this log writes its records",
            found=header.enterprise,
            expected=authority.party if authority is not None else None,
        )

    def check_signers(
        self, header: Header, payload: Payload, *, index: int, log_time_us: int, iat_us: int
    ) -> None:
        """Check that the signers may sign this event here; see `registry.signing.check_signers`."""
        check_signers(self.books, header, payload, index=index, log_time_us=log_time_us, iat_us=iat_us)

    def key(self, kid: str) -> KeyRecord | None:
        """The record of a key by its id in hex."""
        return self.books.keys.get(kid)

    def enterprise(self, code: str) -> EnterpriseRecord | None:
        """The record of an enterprise by its credit code."""
        return self.books.enterprises.get(code)

    def site(self, site_id: str) -> SiteRecord | None:
        """The record of a site."""
        return self.books.sites.get(site_id)

    @property
    def authority(self) -> KeyRecord | None:
        """The authority's key in force; None before entry 0."""
        return self.books.newest_key("authority")

    def issuer_of(self, code: str) -> str | None:
        """The enterprise whose issuer number a canonical code carries, or None."""
        return self.books.issuers.get(code[7:11])

    def issue_status(self, code: TraceCode | str, *, before_index: int | None = None) -> IssueStatus:
        """Whether a code was issued, and whose issuer number it carries; see `registry.issued.issue_status`."""
        text = code if isinstance(code, str) else code.text
        return issue_status(self.books, self._master, text, before_index=before_index)
