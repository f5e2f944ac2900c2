"""Admission, second half: the only code that appends events. One group of statements, one transaction.

The committer thread alone judges. In order, for each statement:

1. the head row is known; what another writer changed is read again, 2. a known event id gets its first receipt,
3. the keys are checked again at this index, 4. `prev` against the heads, 5. claimed times, 6. the rules of its kind
(registry, items and waybills, alerts), 7. index = size, leaf, chain, receipt. Then all rows of the group are
written and committed. From the end of the transaction on everything admitted is durable; answers leave only then.

A group is judged in one of two ways. *Locked*: in its own transaction, behind the lock of the head row. *Ahead*: upon
a snapshot and the memory of the group before it, which is still being written; the lock is taken when the rows are
written, and the head row must then be the one that the group was judged upon. A rule that looks into a subject's past
needs rows, not memory: the group then waits for the one before it and goes on locked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from hashlib import sha256
from types import TracebackType
from typing import Self

import msgspec
import orjson

from chemtrace.core.catalogue import Catalogue
from chemtrace.core.errors import (
    ChemtraceError,
    LedgerBusyError,
    RefusedError,
    SignatureInvalidError,
)
from chemtrace.core.promise import DEFAULT_PUBLISH_DELAY_US
from chemtrace.core.receipt import Receipt, encode_receipt
from chemtrace.core.receipt_tree import sign_receipts, verify_receipt
from chemtrace.core.statement import Statement, verify_signatures
from chemtrace.core.times import format_utc
from chemtrace.ledger.admit import Checked, signer_keys
from chemtrace.ledger.followers import Seen
from chemtrace.ledger.memory import Memory
from chemtrace.ledger.order import resolve_order
from chemtrace.ledger.outcome import Admitted, Outcome, Refused
from chemtrace.ledger.ports import (
    Group,
    Head,
    KnownEvent,
    NewEntry,
    NewRefusal,
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


class GroupWork:
    """One group: what it admits and refuses, and the rows that say so. A context: its end commits, if locked.

    `behind` is the group before it where that is not durable yet; `landed` waits for it and raises `UnavailableError`
    when it was taken back.
    """

    def __init__(
        self,
        store: Store,
        memory: Memory,
        terms: Terms,
        *,
        behind: GroupWork | None = None,
        landed: Callable[[], None] | None = None,
    ) -> None:
        """Ask and lock nothing yet."""
        self.memory = memory
        self.terms = terms
        self._store = store
        self._behind = behind
        self._landed = landed
        self._stack = ExitStack()
        self._writing: WriteTransaction | None = None
        self.head: Head | None = None
        self.now_us, self.received, self.publish_by = 0, "", ""
        self.size, self.chain, self.registry_index, self.subjects = 0, b"", -1, 0
        self.group = Group()
        self.groups = [self.group]
        self.results: list[Outcome | bytes] = []
        self.known: dict[bytes, KnownEvent] = {}
        self.fresh: dict[bytes, int] = {}
        self.refused: set[tuple[bytes, str]] = set()
        self.seen: list[Seen] = []
        self.view = GroupView(memory, terms.catalogue, self.flush)
        self.view.groups = self.groups
        self.view.groups_before = () if behind is None else behind.groups
        self.entries: list[NewEntry] = []
        self.rules: list[tuple[str, ...]] = []
        self.signatures: list[bytes] = []
        self._log_time_us = 0

    def __enter__(self) -> Self:
        """Nothing is opened before the head row is locked."""
        return self

    def __exit__(
        self, type_: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Commit what was written, or take it back when an error ends the block."""
        self._stack.__exit__(type_, error, trace)

    @property
    def locked(self) -> bool:
        """Whether the group holds the head row: only then may it be written, and it must be at once."""
        return self._writing is not None

    def lock(self) -> bool:
        """Open the transaction and lock the head row; False when it is not the one that was judged upon."""
        writing = self._stack.enter_context(self._store.write())
        head = writing.lock_head()
        if self.head is None:
            self.memory.refresh(writing, head)
            self._start(head)
        self._writing = self.view.transaction = writing
        return head == self.head

    def _start(self, head: Head) -> None:
        self.head = head
        self.size, self.chain = head.size, head.chain
        self.registry_index, self.subjects = head.registry_index, head.subjects
        self._log_time_us = head.log_time_us

    @property
    def head_after(self) -> Head:
        """The head row as this group leaves it."""
        before = self.head
        if before is None:
            raise LookupError(self.size)
        return Head(
            size=self.size,
            chain=self.chain,
            epoch_number=before.epoch_number,
            epoch_index=before.epoch_index,
            log_time_us=before.log_time_us,
            registry_index=self.registry_index,
            subjects=self.subjects,
        )

    def take(self, parts: Sequence[Sequence[Checked]], now_us: int) -> None:
        """Judge statements received at `now_us` one after another; each sees what those before it did.

        Each part is read when its turn comes.

        Raises:
            UnavailableError: the group before this one was taken back, or the database does not answer.
        """
        self.now_us, self.received = now_us, format_utc(now_us)
        self.publish_by = format_utc(now_us + self.terms.publish_delay_us)
        if self.locked:
            self._judge_parts(parts)
            return
        with self._store.read() as snapshot:
            self.view.transaction = snapshot
            if self.head is None and self._behind is not None:
                self._start(self._behind.head_after)
            elif self.head is None:
                head = snapshot.head()
                self.memory.refresh(snapshot, head)
                self._start(head)
            self._judge_parts(parts)

    def _judge_parts(self, parts: Sequence[Sequence[Checked]]) -> None:
        for part in parts:
            self._judge(list(part))

    def _judge(self, statements: Sequence[Checked]) -> None:
        transaction = self.view.transaction
        self.known = transaction.known_events([checked.statement.event_id for checked in statements])
        subjects = {subject.id for checked in statements for subject in checked.statement.header.subjects}
        self.memory.load(transaction, subjects)
        for checked in statements:
            event_id = checked.statement.event_id
            known = self.known.get(event_id)
            if known is not None:
                self.results.append(self._first_answer(known))
            elif event_id in self.fresh or (self._behind is not None and event_id in self._behind.fresh):
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
        self.memory.registry.check_signers(
            header, payload, index=index, log_time_us=self._log_time_us, iat_us=checked.iat_us
        )
        late, effective_us = resolve_order(header, checked.at_us, self.memory.heads, self.view.effective_in)
        check_times(checked, self.now_us)
        place = Place(index, late, effective_us, self.now_us, self._log_time_us)
        decision = decide(checked, place, self.memory.registry, self.view)
        self._append(checked, decision, late=late, effective_us=effective_us)

    def _append(self, checked: Checked, decision: Decision, *, late: bool, effective_us: int) -> None:
        statement, header, index = checked.statement, checked.statement.header, self.size
        leaf = checked.leaf
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
                body=checked.body,
                payload=statement.payload_bytes,
                openings=_opened(statement) if statement.openings else (),
                receipt=receipt,
            )
        )
        self._move_heads(checked, index, decision, effective_us)
        self.fresh[statement.event_id] = len(self.entries) + len(self.group.entries) - 1
        self.rules.append(decision.rules)
        if decision.change is not None:
            self.registry_index = index
        decision.record(self.group, self.memory, index)
        seen = decision.seen(checked, leaf, index, self._log_time_us)
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
        """Keep a validly signed refusal once for each statement and reason."""
        event_id, code = checked.statement.event_id, refusal_code(error)
        what = (event_id, code)
        if what in self.refused:
            return
        if self._behind is not None and what in self._behind.refused:
            return
        if self.view.transaction.refused_before(event_id, code):
            return
        self.refused.add(what)
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
        """Write what is left to write, and the head row; the group is locked."""
        self.flush()
        if self.entries and self._writing is not None:
            self._writing.set_head(self.head_after)

    def flush(self) -> None:
        """Write the rows collected so far: at the end, and before a rule looks into a subject's past."""
        writing = self._writing or self._lock_midway()
        group = self.group
        if not group.entries and not group.refusals:
            return
        self.group = Group()
        self.groups.append(self.group)
        signatures = sign_receipts([entry.receipt or b"" for entry in group.entries], self.terms.sign)
        writing.append(group, signatures)
        self.entries += group.entries
        self.signatures += signatures

    def _lock_midway(self) -> WriteTransaction:
        """A group that was judged ahead goes on in its own transaction, behind the group before it."""
        if self._landed is not None:
            self._landed()
        if not self.lock() or self._writing is None:
            raise LedgerBusyError("another writer came between: nothing was changed; send again")
        return self._writing

    def outcomes(self) -> list[Outcome]:
        """The outcomes in the order of the statements; call after the commit only."""
        first: set[bytes] = set()
        answers: list[Outcome] = []
        for result in self.results:
            if not isinstance(result, bytes):
                answers.append(result)
                continue
            own = self if result in self.fresh or self._behind is None else self._behind
            answers.append(own.answer(result, duplicate=own is not self or result in first))
            first.add(result)
        # A chain of groups would keep all of them in memory.
        self._behind = None
        return answers

    def answer(self, event_id: bytes, *, duplicate: bool) -> Admitted:
        """What the sender of an admitted event is told; call after the commit only."""
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


def _opened(statement: Statement) -> tuple[tuple[bytes, bytes, str], ...]:
    return tuple([(bytes.fromhex(one.digest), one.salt, one.value) for one in statement.openings])


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
