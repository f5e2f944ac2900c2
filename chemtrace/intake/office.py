"""What the authority does before an import: an issuer number for its codes, the importer's key, batches of codes.

The importer is the authority itself, with a key that may speak for foreign parties of one namespace and nobody else;
no key is invented for the parties of the record.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from chemtrace.core.errors import EnterpriseUnknownError, MappingError
from chemtrace.core.keys import PrivateKey, make_key_request
from chemtrace.core.statement import Statement, encode_wire
from chemtrace.intake.campaign import Submit
from chemtrace.intake.codes import (
    Generate,
    LotCode,
    batches_of,
    codes_of,
    free_issuer,
    free_of,
    issue_statement,
)
from chemtrace.intake.known import LogReads
from chemtrace.intake.mapping import Mapping
from chemtrace.registry import office
from chemtrace.registry.records import EnterpriseRecord
from chemtrace.registry.state import Registry

KEY_ROLE: Final = "enterprise"


class ImportOffice:
    """Prepares an import with the authority's key; everything it does is an entry of the log."""

    def __init__(
        self,
        *,
        mapping: Mapping,
        registry: Registry,
        reads: LogReads,
        submit: Submit,
        signing: Callable[[], office.Signing],
        generate: Generate,
    ) -> None:
        """Sign with `signing`, hand in through `submit`; `generate` gives the codes of a series."""
        self._mapping = mapping
        self._registry = registry
        self._reads = reads
        self._submit = submit
        self._signing = signing
        self._generate = generate
        self.issued = 0

    def register(self, key: PrivateKey) -> None:
        """Register the importer's key for the mapping's namespace, unless it is."""
        namespace = self._mapping.namespace
        record = self._registry.key(key.kid.hex())
        if record is not None:
            if namespace not in record.namespaces:
                raise MappingError(
                    "the importer's key in the data folder may not speak for this namespace",
                    found=record.namespaces,
                    expected=namespace,
                )
            return
        by = self._signing()
        request = make_key_request(key, by.enterprise, KEY_ROLE)
        self._hand_in(office.register_key(by, request=request, namespaces=(namespace,)))

    def take_codes(self, slot: str, count: int) -> list[LotCode]:
        """That many codes for a chemical: what earlier batches left, then a new batch."""
        kind, namespace = self._mapping.item_kind, self._mapping.namespace
        lots: list[LotCode] = []
        for batch in batches_of(self._registry, namespace, slot, kind):
            lots += codes_of(batch, self._generate, self._reads)
        lots = free_of(lots, self._reads)
        if len(lots) < count:
            lots += self._issue(slot, count - len(lots))
        return lots[:count]

    def lot_times(self, codes: Sequence[str]) -> dict[str, str]:
        """The time of signing of codes that are opened already."""
        wanted, times = set(codes), {}
        for slot in sorted({code[4:7] for code in wanted}):
            for batch in batches_of(self._registry, self._mapping.namespace, slot, self._mapping.item_kind):
                for lot in codes_of(batch, self._generate, self._reads):
                    if lot.code in wanted:
                        times[lot.code] = lot.iat
        return times

    def _issue(self, slot: str, count: int) -> list[LotCode]:
        issuer, kind = self._issuer(), self._mapping.item_kind
        start = self._registry.books.issued((kind, slot, issuer))
        codes = list(self._generate(kind=kind, slot=slot, issuer=issuer, start=start, count=count))
        statement = issue_statement(
            self._signing(),
            registry=self._registry,
            namespace=self._mapping.namespace,
            issuer=issuer,
            kind=kind,
            slot=slot,
            count=count,
            codes=codes,
            start=start,
        )
        self._hand_in(statement)
        self.issued += count
        return [LotCode(code, statement.header.iat) for code in codes]

    def _issuer(self) -> str:
        """The authority's issuer number; it gets one with its first import."""
        by = self._signing()
        record = self._registry.enterprise(by.enterprise)
        if record is None:
            raise EnterpriseUnknownError("the authority is not registered", enterprise=by.enterprise)
        if record.issuer is not None:
            return record.issuer
        issuer = free_issuer(self._registry)
        self._hand_in(_with_issuer(by, record, issuer, self._head(f"enterprise:{by.enterprise}")))
        return issuer

    def _head(self, subject: str) -> str | None:
        head = self._reads.heads([subject])[subject]
        return None if head is None else str(head["event"])

    def _hand_in(self, statement: Statement) -> Any:
        return self._submit([encode_wire(statement)])[0].require()


def _with_issuer(by: office.Signing, record: EnterpriseRecord, issuer: str, prev: str | None) -> Statement:
    return office.register_enterprise(
        by,
        enterprise=record.enterprise,
        name_zh=record.name_zh,
        name_en=record.name_en,
        roles=record.roles,
        issuer=issuer,
        district=record.district,
        phase="update",
        prev=prev,
    )
