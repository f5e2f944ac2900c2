"""Admission, second half: the only code that appends events. One group of statements, one transaction.

The committer thread alone runs it. Order inside the transaction, for each statement:

1. the head row is locked; what another writer changed is read again, 2. a known event id gets its first receipt,
3. the keys are checked again at this index, 4. `prev` against the heads, 5. claimed times, 6. the rules of its kind
(registry, items and waybills, alerts), 7. index = size, leaf, chain, receipt. Then all rows of the group are
written and committed. From the end of the transaction on everything admitted is durable; answers leave only then.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256

import msgspec
import orjson

from chemtrace.core.catalogue import Catalogue
from chemtrace.core.entry import encode_entry
from chemtrace.core.errors import (
    ChemtraceError,
    EntryFormatError,
    RefusedError,
    SignatureInvalidError,
)
from chemtrace.core.promise import DEFAULT_PUBLISH_DELAY_US
from chemtrace.core.receipt import Receipt, encode_receipt
from chemtrace.core.receipt_tree import sign_receipts, verify_receipt
from chemtrace.core.statement import verify_signatures
from chemtrace.core.times import format_utc
from chemtrace.ledger.admit import Checked, signer_keys
from chemtrace.ledger.memory import Memory
from chemtrace.ledger.order import resolve_order
from chemtrace.ledger.outcome import Admitted, Outcome, Refused
from chemtrace.ledger.ports import (
    Group,
    Head,
    KnownEvent,
    NewEntry,
    NewRefusal,
    Seen,
    Store,
    SubjectHead,
    WriteTransaction,
)
from chemtrace.ledger.rules import Decision, Place, check_times, decide
from chemtrace.ledger.view import GroupView
from chemtrace.registry.state import Registry

Sign = Callable[[bytes], bytes]
"""A message to the receipt key's raw signature."""


class Terms(msgspec.Struct, frozen=True):
    """What all groups of a writer share: the log's origin, the chemicals, the receipt key, the promise of receipts."""

    origin: str
    catalogue: Catalogue
    kid: bytes
    sign: Sign
    publish_delay_us: int = DEFAULT_PUBLISH_DELAY_US


class Sequencer:
    """Appends groups of checked statements. Owned by one thread."""

    def __init__(self, *, store: Store, memory: Memory, terms: Terms) -> None:
        """Write to `store` what `memory` knows the newest rows of."""
        self._store = store
        self._memory = memory
        self._terms = terms

    def commit(self, statements: Sequence[Checked], now_us: int) -> tuple[list[Outcome], list[Seen]]:
        """Admit or refuse each statement, in order, in one transaction; returns when it is durable.

        Returns the outcomes in the order given, and what the detectors should see.

        Raises:
            UnavailableError, EvidenceError: the transaction failed as a whole; nothing was changed.
        """
        try:
            with self._store.write() as transaction:
                work = _GroupWork(self._terms, self._memory, transaction, now_us)
                work.take(statements)
                work.write()
            # Durable from here.
            self._memory.settle(work.head_after)
        except BaseException:
            self._memory.forget()
            raise
        return work.outcomes(), work.seen


class _GroupWork:
    """One group inside its transaction."""

    def __init__(self, terms: Terms, memory: Memory, transaction: WriteTransaction, now_us: int) -> None:
        self.terms = terms
        self.memory = memory
        self.transaction = transaction
        self.now_us = now_us
        self.received = format_utc(now_us)
        self.publish_by = format_utc(now_us + terms.publish_delay_us)
        head = transaction.lock_head()
        self.memory.refresh(transaction, head)
        self.head = head
        self.size, self.chain = head.size, head.chain
        self.registry_index, self.subjects = head.registry_index, head.subjects
        self.group = Group()
        self.results: list[Outcome | bytes] = []
        self.known: dict[bytes, KnownEvent] = {}
        self.fresh: dict[bytes, int] = {}
        self.seen: list[Seen] = []
        self.view = GroupView(transaction, memory, terms.catalogue, self.flush)
        self.view.group = self.group
        self.entries: list[NewEntry] = []
        self.rules: list[tuple[str, ...]] = []
        self.signatures: list[bytes] = []

    @property
    def head_after(self) -> Head:
        """The head row as this group leaves it."""
        before = self.head
        return Head(
            size=self.size,
            chain=self.chain,
            epoch_number=before.epoch_number,
            epoch_index=before.epoch_index,
            log_time_us=before.log_time_us,
            registry_index=self.registry_index,
            subjects=self.subjects,
        )

    def take(self, statements: Sequence[Checked]) -> None:
        """Judge the statements one after another; each sees what those before it did."""
        self.known = self.transaction.known_events([checked.statement.event_id for checked in statements])
        subjects = {subject.id for checked in statements for subject in checked.statement.header.subjects}
        self.memory.load(self.transaction, subjects)
        for checked in statements:
            event_id = checked.statement.event_id
            known = self.known.get(event_id)
            if known is not None:
                self.results.append(self._first_answer(known))
            elif event_id in self.fresh:
                self.results.append(event_id)
            else:
                self._take_new(checked)

    def _first_answer(self, known: KnownEvent) -> Admitted:
        kid = receipt_kid(self.memory.registry, known, self.terms.kid)
        return Admitted(known.receipt, known.signature, kid, known.index, duplicate=True)

    def _take_new(self, checked: Checked) -> None:
        statement = checked.statement
        try:
            if not checked.verified:
                keys = signer_keys(statement, checked.payload, self.memory.registry)
                verify_signatures(statement, keys)
        except RefusedError as error:
            self.results.append(Refused(error))
            return
        try:
            self._admit(checked)
        except RefusedError as error:
            self._keep_refusal(checked, error)
            self.results.append(Refused(error))
            return
        self.results.append(statement.event_id)

    def _admit(self, checked: Checked) -> None:
        """Decide on one statement; only when nothing refuses it does anything change."""
        statement, payload = checked.statement, checked.payload
        header, index = statement.header, self.size
        body = encode_entry(
            statement.header_bytes,
            tuple(zip([bytes.fromhex(kid) for kid in header.signers], statement.signatures, strict=True)),
        )
        self.memory.registry.check_signers(
            header, payload, index=index, log_time_us=self.head.log_time_us, iat_us=checked.iat_us
        )
        late, effective_us = resolve_order(header, checked.at_us, self.memory.heads, self.view.effective_in)
        check_times(checked, self.now_us)
        place = Place(index, late, effective_us, self.now_us, self.head.log_time_us)
        decision = decide(checked, place, self.memory.registry, self.view)
        self._append(checked, body, decision, late=late, effective_us=effective_us)

    def _append(
        self, checked: Checked, body: bytes, decision: Decision, *, late: bool, effective_us: int
    ) -> None:
        statement, header, index = checked.statement, checked.statement.header, self.size
        leaf = sha256(b"\x00" + body).digest()
        self.chain = sha256(b"\x02" + self.chain + leaf).digest()
        receipt = encode_receipt(
            Receipt(
                event=statement.event_id.hex(),
                findings=decision.rules,
                index=index,
                late=late,
                leaf=leaf.hex(),
                origin=self.terms.origin,
                received=self.received,
                publish_by=self.publish_by,
            )
        )
        self.group.entries.append(
            NewEntry(
                index=index,
                event_id=statement.event_id,
                leaf=leaf,
                chain=self.chain,
                received_us=self.now_us,
                effective_us=effective_us,
                late=late,
                kind=header.kind,
                phase=header.phase,
                actor=checked.payload.on_behalf_of or header.enterprise,
                counterparty=decision.counterparty,
                body=body,
                payload=statement.payload_bytes,
                openings=tuple((bytes.fromhex(o.digest), o.salt, o.value) for o in statement.openings),
                receipt=receipt,
            )
        )
        self._move_heads(checked, index, decision, effective_us)
        self.fresh[statement.event_id] = len(self.entries) + len(self.group.entries) - 1
        self.rules.append(decision.rules)
        if decision.change is not None:
            self.registry_index = index
        decision.record(self.group, self.memory, index)
        seen = decision.seen(checked, leaf, index, self.head.log_time_us)
        if seen is not None:
            self.seen.append(seen)
        self.size = index + 1

    def _move_heads(self, checked: Checked, index: int, decision: Decision, effective_us: int) -> None:
        event_id, heads, group = checked.statement.event_id, self.memory.heads, self.group
        for subject in checked.statement.header.subjects:
            name = subject.id
            before = heads.get(name)
            if before is None:
                self.subjects += 1
            head = SubjectHead(index, event_id, effective_us, before.count + 1 if before is not None else 1)
            heads[name] = group.heads[name] = head
            group.subject_entries.append((name, index, decision.effect.get(name, True)))

    def _keep_refusal(self, checked: Checked, error: RefusedError) -> None:
        """Keep a validly signed refusal once for each statement and reason; malformed ones are nobody's word."""
        event_id, code = checked.statement.event_id, refusal_code(error)
        if isinstance(error, EntryFormatError) or self.transaction.refused_before(event_id, code):
            return
        if any(kept.event_id == event_id and kept.code == code for kept in self.group.refusals):
            return
        self.group.refusals.append(
            NewRefusal(
                at_size=self.size,
                received_us=self.now_us,
                event_id=event_id,
                enterprise=checked.payload.on_behalf_of or checked.statement.header.enterprise,
                code=code,
                doc=orjson.dumps(error.problem()),
                statement=checked.wire,
            )
        )

    def write(self) -> None:
        """Write what is left to write, and the head row."""
        self.flush()
        if self.entries:
            self.transaction.set_head(self.head_after)

    def flush(self) -> None:
        """Write the rows collected so far: at the end, and before a rule looks into a subject's past."""
        group = self.group
        if not group.entries and not group.refusals:
            return
        self.group = self.view.group = Group()
        signatures = sign_receipts([entry.receipt or b"" for entry in group.entries], self.terms.sign)
        self.transaction.append(group, signatures)
        self.entries += group.entries
        self.signatures += signatures

    def outcomes(self) -> list[Outcome]:
        """The outcomes in the order of the statements; call after the commit only."""
        first: set[bytes] = set()
        answers: list[Outcome] = []
        for result in self.results:
            if not isinstance(result, bytes):
                answers.append(result)
                continue
            answers.append(self._answer(result, duplicate=result in first))
            first.add(result)
        return answers

    def _answer(self, event_id: bytes, *, duplicate: bool) -> Admitted:
        at = self.fresh[event_id]
        entry = self.entries[at]
        return Admitted(
            entry.receipt or b"",
            self.signatures[at],
            self.terms.kid,
            entry.index,
            duplicate=duplicate,
            findings=self.rules[at],
        )


def receipt_kid(registry: Registry, known: KnownEvent, current: bytes) -> bytes:
    """The key that signed a stored receipt: the only one there ever was, or the one it verifies under."""
    records = [record for record in registry.books.keys.values() if record.role == "receipt"]
    if len(records) <= 1:
        return current
    for record in sorted(records, key=lambda record: -record.from_index):
        try:
            verify_receipt(record.public_key, known.receipt, known.signature)
        except SignatureInvalidError:
            continue
        return record.public_key.kid
    return current


def refusal_code(error: ChemtraceError) -> str:
    """The rule id of a rule's refusal, else the stable code of the error."""
    rule = error.fields.get("rule_id")
    return rule if isinstance(rule, str) else error.code
