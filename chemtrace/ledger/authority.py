"""The authority at its desk: builds its statements upon the current heads and submits them to its own ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

import msgspec

from chemtrace.core.errors import (
    ChemtraceError,
    EnterpriseUnknownError,
    KeyUnknownError,
    RegistryConflictError,
)
from chemtrace.core.keys import PrivateKey
from chemtrace.core.merkle import hash_leaf, tree_root
from chemtrace.core.serials import issue_codes
from chemtrace.core.statement import Statement, encode_wire
from chemtrace.ledger.outcome import Admitted, Outcome, Refused
from chemtrace.ledger.ports import Clock, Store
from chemtrace.registry import office
from chemtrace.registry.state import Registry


class Submitting(Protocol):
    """What takes the statements: the ledger."""

    @property
    def registry(self) -> Registry:
        """The registry as of the newest entry."""
        ...

    def submit(self, wire: bytes) -> Outcome:
        """Admit or refuse one statement."""
        ...


class IssuedBatch(msgspec.Struct, frozen=True):
    """A batch of codes that is in the log: where its series stands, and the receipt."""

    batch: str
    kind: str
    slot: str
    issuer: str
    start: int
    count: int
    seal_year: int
    receipt: Admitted


class Authority:
    """Signs with the authority's key; every method returns the receipt or raises why it was refused."""

    def __init__(
        self,
        *,
        key: PrivateKey,
        enterprise: str,
        ledger: Submitting,
        store: Store,
        clock: Clock,
        master: bytes,
        nonce: Callable[[], str],
    ) -> None:
        """Sign as `enterprise` with `key`; `master` is behind the code serials, `nonce` draws 32 hex digits."""
        self._key = key
        self.enterprise = enterprise
        self._ledger = ledger
        self._store = store
        self._clock = clock
        self._master = master
        self._nonce = nonce

    @property
    def kid(self) -> str:
        """The id of the authority's key, hex."""
        return self._key.kid.hex()

    def signing(self) -> office.Signing:
        """Who signs, now, with a fresh nonce: for the builders of `registry.office`."""
        return office.Signing(
            key=self._key, enterprise=self.enterprise, now_us=self._clock.now_us(), nonce=self._nonce()
        )

    def submit(self, statement: Statement) -> Admitted:
        """Submit a statement of one's own; raises what refuses it."""
        outcome = self._ledger.submit(encode_wire(statement))
        if isinstance(outcome, Refused):
            raise outcome.error
        return outcome

    def head(self, subject: str) -> str | None:
        """The event id of a subject's newest event in hex, None where it has none."""
        with self._store.read() as transaction:
            head = transaction.subject_heads([subject]).get(subject)
        return None if head is None else head.event_id.hex()

    def register_enterprise(self, enterprise: str, **facts: Any) -> Admitted:
        """enterprise/register, update or close; facts as `office.register_enterprise`."""
        prev = self.head(f"enterprise:{enterprise}")
        return self.submit(
            office.register_enterprise(self.signing(), enterprise=enterprise, prev=prev, **facts)
        )

    def register_site(self, site: str, **facts: Any) -> Admitted:
        """site/register, update or close; facts as `office.register_site`."""
        return self.submit(
            office.register_site(self.signing(), site=site, prev=self.head(f"site:{site}"), **facts)
        )

    def grant_licence(self, licence: str, **facts: Any) -> Admitted:
        """licence/grant or revoke; facts as `office.grant_licence`."""
        prev = self.head(f"licence:{licence}")
        return self.submit(office.grant_licence(self.signing(), licence=licence, prev=prev, **facts))

    def register_device(self, device: str, **facts: Any) -> Admitted:
        """device/register or revoke; facts as `office.register_device`."""
        prev, key_prev = self.head(f"device:{device}"), self._key_head(facts.get("kid"))
        return self.submit(
            office.register_device(self.signing(), device=device, prev=prev, key_prev=key_prev, **facts)
        )

    def register_key(self, request: bytes, **facts: Any) -> Admitted:
        """key/register of what a key request asks for; facts as `office.register_key`."""
        former = self._key_head(facts.get("replaces"))
        return self.submit(
            office.register_key(self.signing(), request=request, replaces_prev=former, **facts)
        )

    def _key_head(self, kid: str | None) -> str | None:
        return None if kid is None else self.head(f"key:{kid}")

    def end_key(self, kid: str, *, phase: str, grace_end_us: int | None = None) -> Admitted:
        """key/retire or key/compromised; raises `KeyUnknownError` for a key that is not registered."""
        record, prev = self._ledger.registry.key(kid), self.head(f"key:{kid}")
        if record is None or prev is None:
            raise KeyUnknownError("no such key is registered", kid=kid)
        return self.submit(
            office.end_key(self.signing(), record=record, phase=phase, prev=prev, grace_end_us=grace_end_us)
        )

    def issue(
        self, *, batch: str, enterprise: str, kind: str, slot: str, count: int, seal_year: int
    ) -> IssuedBatch:
        """Issue the next `count` codes of a series to an enterprise; `codes` gives them.

        Raises:
            EnterpriseUnknownError, RegistryConflictError: no such enterprise, or one without issuer number.
        """
        books = self._ledger.registry.books
        record = books.enterprises.get(enterprise)
        if record is None:
            raise EnterpriseUnknownError("this enterprise is not registered", enterprise=enterprise)
        if record.issuer is None:
            raise RegistryConflictError(
                "this enterprise has no issuer number: register one for it first", enterprise=enterprise
            )
        start = books.issued((kind, slot, record.issuer))
        codes = self.codes(kind=kind, slot=slot, issuer=record.issuer, start=start, count=count)
        root = tree_root(hash_leaf(code.encode("ascii")) for code in codes)
        statement = office.issue_batch(
            self.signing(),
            batch=batch,
            enterprise=enterprise,
            issuer=record.issuer,
            kind=kind,
            slot=slot,
            start=start,
            count=count,
            root=root,
            seal_year=seal_year,
        )
        receipt = self.submit(statement)
        return IssuedBatch(batch, kind, slot, record.issuer, start, count, seal_year, receipt)

    def codes(self, *, kind: str, slot: str, issuer: str, start: int, count: int) -> Iterator[str]:
        """The codes number `start` to `start + count - 1` of a series."""
        return issue_codes(master=self._master, kind=kind, slot=slot, issuer=issuer, start=start, count=count)


def require_admitted(outcome: Outcome) -> Admitted:
    """Return the receipt of an admitted statement; raises the error of a refused one."""
    if isinstance(outcome, Refused):
        error: ChemtraceError = outcome.error
        raise error
    return outcome
