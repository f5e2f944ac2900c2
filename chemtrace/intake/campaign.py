"""An import from the first row to the account: set-up, signing, submitting, and the comparison with the log.

Safe to run again at any time. What the log holds is skipped, what an interruption left behind (issued codes, opened
lots) is taken up, and only then something new is signed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

import msgspec

from chemtrace.core.codes import make_code
from chemtrace.core.errors import (
    ChemtraceError,
    FormError,
    MappingError,
    RuleError,
    ServerRefusedError,
    TooLargeError,
)
from chemtrace.core.statement import encode_wire
from chemtrace.intake.codes import LotCode
from chemtrace.intake.known import Known, LogReads, load_known
from chemtrace.intake.mapping import Mapping
from chemtrace.intake.reading import Movement, RefusedRow
from chemtrace.intake.statements import (
    MOVEMENT,
    OPENING,
    Signer,
    check_form,
    movement_statement,
    opening_statement,
)
from chemtrace.intake.tally import Tally, line_json

CHUNK: Final = 1000
"""Rows signed and handed in together: the size of a batch, once for openings and once for movements."""

SPECIMEN: Final = make_code(kind="T", slot="999", issuer="0000", serial="0000000").text
"""Stands for the code of a lot where only the form of an event is checked."""

_ROW_STATUS: Final = frozenset({400, 413, 422})
_CONFLICT: Final = 409
"""HTTP status of what is wrong with the statement itself: form and size; and of rules, beside stale heads."""

Progress = Callable[[int, int], None]


class Answer(Protocol):
    """What became of one statement: `error` None when it is in the log."""

    @property
    def error(self) -> ChemtraceError | None:
        """Why it was refused."""
        ...

    @property
    def duplicate(self) -> bool:
        """Whether it had been there before."""
        ...

    def require(self) -> Any:
        """The receipt."""
        ...


Submit = Callable[[Sequence[bytes]], Sequence[Answer]]
TakeCodes = Callable[[str, int], Sequence[LotCode]]
"""(slot, count) to that many codes that no event names yet."""


class Outcome(msgspec.Struct):
    """What an import did and what it found."""

    added: int = 0
    known: int = 0
    openings: int = 0
    refused: list[RefusedRow] = msgspec.field(default_factory=list)
    findings: Counter[str] = msgspec.field(default_factory=Counter)


class Campaign:
    """One import of one file by one mapping."""

    def __init__(
        self,
        *,
        mapping: Mapping,
        rows: Sequence[Movement | RefusedRow],
        signer: Signer,
        reads: LogReads | None,
    ) -> None:
        """Take the rows as they were read, and what the log already holds of them; `reads` None: there is no log."""
        self.mapping = mapping
        self.rows = rows
        self._signer = signer
        self._reads = reads
        self._movements = [row for row in rows if isinstance(row, Movement)]
        self._reporters = {movement.reporter for movement in self._movements}
        self._known = {} if reads is None else load_known(reads, self._reporters)
        self.outcome = Outcome(refused=[row for row in rows if isinstance(row, RefusedRow)])

    def waiting(self) -> list[Movement]:
        """The rows that the log does not hold yet."""
        return [
            movement
            for movement in self._movements
            if self._signer.nonce(movement, MOVEMENT) not in self._known
        ]

    def run(
        self, *, submit: Submit, take_codes: TakeCodes, lot_times: dict[str, str], progress: Progress
    ) -> None:
        """Sign and hand in everything that waits; `lot_times` are the times of codes that are opened already.

        Raises:
            UnavailableError: the ledger does not answer; run the import again later.
        """
        waiting = self.waiting()
        self.outcome.known = len(self._movements) - len(waiting)
        lots = self._lots(waiting, take_codes, lot_times)
        for first in range(0, len(waiting), CHUNK):
            chunk = waiting[first : first + CHUNK]
            self._submit_chunk(chunk, lots[first : first + CHUNK], submit)
            progress(first + len(chunk), len(waiting))

    def opened(self) -> dict[str, Known]:
        """Openings in the log whose rows are not there yet, by the nonce of the opening."""
        nonces = {self._signer.nonce(movement, OPENING) for movement in self.waiting()}
        return {nonce: known for nonce, known in self._known.items() if nonce in nonces}

    def _lots(
        self, waiting: Sequence[Movement], take_codes: TakeCodes, lot_times: dict[str, str]
    ) -> list[LotCode]:
        opened = {nonce: known.code for nonce, known in self.opened().items()}
        lots: list[LotCode | None] = []
        wanted: Counter[str] = Counter()
        for movement in waiting:
            code = opened.get(self._signer.nonce(movement, OPENING))
            lots.append(None if code is None else LotCode(code, lot_times[code]))
            if code is None:
                wanted[movement.slot] += 1
        fresh = {slot: iter(take_codes(slot, count)) for slot, count in sorted(wanted.items())}
        return [
            next(fresh[movement.slot]) if lot is None else lot
            for movement, lot in zip(waiting, lots, strict=True)
        ]

    def _submit_chunk(self, chunk: Sequence[Movement], lots: Sequence[LotCode], submit: Submit) -> None:
        """Openings first: a movement whose opening is refused is not handed in at all."""
        pairs = list(zip(chunk, lots, strict=True))
        prevs = self._open([pair for pair in pairs if pair[0].kind.opening], submit)
        ready = [(m, lot) for m, lot in pairs if not m.kind.opening or m.line in prevs]
        wires = [
            encode_wire(
                movement_statement(self._signer, movement, lot.code, lot.iat, prevs.get(movement.line))
            )
            for movement, lot in ready
        ]
        answers = submit(wires) if wires else ()
        for (movement, _), answer in zip(ready, answers, strict=True):
            if self._is_admitted(movement, answer):
                self.outcome.known += answer.duplicate
                self.outcome.added += not answer.duplicate

    def _open(self, pairs: Sequence[tuple[Movement, LotCode]], submit: Submit) -> dict[int, str]:
        """Hand in the openings; gives the event ids of those in the log by the line of their row."""
        statements = [opening_statement(self._signer, movement, lot.code, lot.iat) for movement, lot in pairs]
        answers = submit([encode_wire(statement) for statement in statements]) if statements else ()
        opened: dict[int, str] = {}
        for (movement, _), statement, answer in zip(pairs, statements, answers, strict=True):
            if self._is_admitted(movement, answer):
                opened[movement.line] = statement.event_id.hex()
                self.outcome.openings += not answer.duplicate
        return opened

    def _is_admitted(self, movement: Movement, answer: Answer) -> bool:
        """Note the findings of what is new, or the refusal; raises what is no word on the row."""
        error = answer.error
        if error is None:
            if not answer.duplicate:
                self.outcome.findings.update(answer.require().findings)
            return True
        if not _is_word_on_the_row(error):
            raise error
        self.outcome.refused.append(_refused(movement, error))
        return False

    def account(self) -> dict[str, Any]:
        """The account against the log as it is now: every row once, as an event in the log or as a refusal."""
        known = self._known
        if self._reads is not None and self.outcome.added:
            known = load_known(self._reads, self._reporters)
        tally = Tally(self.mapping.quantity.unit)
        for row in self.rows:
            tally.row(row)
        for movement in self._movements:
            found = known.get(self._signer.nonce(movement, MOVEMENT))
            if found is not None:
                if found.unit != self.mapping.quantity.unit:
                    raise MappingError(
                        "the log has this row in another unit: import with the mapping it was imported with",
                        found=self.mapping.quantity.unit,
                        expected=found.unit,
                    )
                tally.event(found.reporter, found.year, found.value)
        for refused in self.outcome.refused:
            tally.refused(refused)
        return self._report(tally)

    def rehearse(self) -> dict[str, Any]:
        """The account as it would be if the ledger admitted every row whose form holds; nothing is written."""
        tally = Tally(self.mapping.quantity.unit)
        waiting = {movement.line for movement in self.waiting()}
        self.outcome.known = len(self._movements) - len(waiting)
        for row in self.rows:
            tally.row(row)
        for movement in self._movements:
            try:
                check_form(self._signer, movement, SPECIMEN)
            except FormError as error:
                self.outcome.refused.append(_refused(movement, error))
                continue
            tally.event(movement.reporter, movement.year, movement.value)
            self.outcome.added += movement.line in waiting
        for refused in self.outcome.refused:
            tally.refused(refused)
        return self._report(tally)

    def _report(self, tally: Tally) -> dict[str, Any]:
        outcome, total = self.outcome, tally.total()
        return {
            "rows": total.rows,
            "events": total.events,
            "refused": total.refused,
            "added": outcome.added,
            "known": outcome.known,
            "openings": outcome.openings,
            "equal": tally.is_equal,
            "mass": {"unit": tally.unit, **line_json(total)},
            "findings": dict(sorted(outcome.findings.items())),
            "refusals_by_reason": dict(sorted(tally.reasons.items())),
            "refusals": [
                msgspec.structs.asdict(row) for row in sorted(outcome.refused, key=lambda row: row.line)
            ],
            "by_reporter_year": tally.to_json(),
        }


def _is_word_on_the_row(error: ChemtraceError) -> bool:
    """Whether an error is about what the row says; else a key, a head or the ledger is at fault, and all stops."""
    if isinstance(error, ServerRefusedError):
        status, code = error.fields.get("status"), str(error.fields.get("remote_code"))
        return status in _ROW_STATUS or (status == _CONFLICT and not code.startswith("prev."))
    return isinstance(error, FormError | TooLargeError | RuleError)


def _refused(movement: Movement, error: ChemtraceError) -> RefusedRow:
    reason = str(_rule_of(error) or error.fields.get("remote_code") or error.code)
    return RefusedRow(movement.line, reason, error.message, movement.reporter, movement.year, movement.value)


def _rule_of(error: ChemtraceError) -> object:
    """The rule that refuses, said here or by a server in its problem document."""
    remote = error.fields.get("remote")
    told = remote.get("fields") if isinstance(remote, dict) else None
    return error.fields.get("rule_id") or (told.get("rule_id") if isinstance(told, dict) else None)
