"""The detectors behind the log: reads what is new at each epoch, writes alerts and watches, keeps its own place.

A step is computed upon a snapshot; what it changes is then written in one short transaction together with the position,
if that is still the one it began from. So a crash repeats a step and never skips or doubles one, and the writer of the
log never waits for a detector. The engine in memory is a copy of the rows; when in doubt it is built from them again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import msgspec

from chemtrace.adapters.sql.engine import Database
from chemtrace.adapters.sql.questions import Questions
from chemtrace.adapters.sql.refusals import load_refusals
from chemtrace.adapters.sql.rows import fetch, fetch_one, run_many, upsert_sql
from chemtrace.core.errors import EvidenceError
from chemtrace.flow.alert import Alert, encode_alert, parse_alert
from chemtrace.flow.casebook import Changes
from chemtrace.flow.detectors import DETECTORS
from chemtrace.flow.engine import Engine
from chemtrace.flow.observation import Fault, Handling, Observation
from chemtrace.flow.state import Watch, claim_row, parse_state
from chemtrace.ledger.followers import AlertHandled, Observed, Seen
from chemtrace.ledger.ports import EpochRow
from chemtrace.ledger.replay import replay
from chemtrace.ledger.stored import stored_item_event
from chemtrace.registry.state import Registry
from chemtrace.trace.event import ItemEvent

_ALERT: Final = upsert_sql("alert", "id", "detector, status, severity, enterprise, chemical, raised_us, doc")
_WATCH: Final = upsert_sql("watch", "key", "detector, due_us, doc")
_POSITION: Final = "UPDATE flow_position SET idx = ?, refusal_id = ? WHERE id = 1"


class Views(NamedTuple):
    """What one step looks at."""

    questions: Questions
    registry: Registry
    engine: Engine


EPOCHS_A_STEP: Final = 100
"""Epochs taken in one step where many are to be caught up with: a transaction for each would cost more than they do."""


class FlowFollower:
    """Drives one engine over one ledger; not to be called by two threads at once."""

    def __init__(self, database: Database) -> None:
        """Keep alerts, watches and position in `database`."""
        self._database = database
        self._engine: Engine | None = None
        self._position: tuple[int, int] = (-1, -1)
        self._questions: Questions | None = None
        self._changed: dict[str, Alert] = {}

    def follow(self, epoch: EpochRow, seen: Sequence[Seen] | None, registry: Registry) -> None:
        """Take everything up to `epoch`, tick at each epoch on the way, and write what changed."""
        try:
            with self._database.read() as connection:
                questions = Questions(connection)
                rows = questions.epochs_from(read_position(questions)[0])
            rows = tuple([row for row in rows if row.index <= epoch.index])
            for at in range(0, len(rows), EPOCHS_A_STEP):
                while not self._step(
                    rows[at : at + EPOCHS_A_STEP], seen if len(rows) == 1 else None, registry
                ):
                    self._engine = None
        except BaseException:
            self._engine = None
            raise
        finally:
            self._questions = None

    def record_fault(self, error: EvidenceError, found_us: int) -> None:
        """Write the alert D4 at once: no epoch will follow that could do it."""
        fault = Fault(code=error.code, index=_first_wrong(error), detail=error.message, found_us=found_us)
        self.record_faults([fault])

    def record_faults(self, faults: Iterable[Fault]) -> None:
        """Write an alert D4 of each fault, in a transaction of its own; what is known already changes nothing.

        Not only the writer's process may do it: a follower elsewhere meets the new claims at its next step.
        """
        self._engine = None
        try:
            with self._database.write() as connection:
                self._questions = Questions(connection)
                engine = self._load_engine(self._questions)
                for fault in faults:
                    engine.broken(fault)
                # At log time 0 nothing else is due: deadlines wait for an epoch.
                _write(self._questions, engine.tick(0))
        finally:
            self._questions = None

    def _step(self, epochs: Sequence[EpochRow], seen: Sequence[Seen] | None, registry: Registry) -> bool:
        """Compute these epochs and write what they change; False when somebody else wrote meanwhile."""
        with self._database.read() as connection:
            questions = self._questions = Questions(connection)
            before, claims = read_position(questions), _fault_claims(questions)
            engine = self._engine
            if engine is None or before != self._position or not claims <= _known_claims(engine):
                engine = self._engine = self._load_engine(questions)
            changes, after = self._compute(Views(questions, registry, engine), epochs, seen, before)
        with self._database.write() as connection:
            questions = Questions(connection)
            if read_position(questions, lock=True) != before or _fault_claims(questions) != claims:
                return False
            for change in changes:
                _write(questions, change)
            run_many(connection, _POSITION, [after])
        self._position = after
        return True

    def _compute(
        self,
        views: Views,
        epochs: Sequence[EpochRow],
        seen: Sequence[Seen] | None,
        position: tuple[int, int],
    ) -> tuple[list[Changes], tuple[int, int]]:
        """What these epochs change, and the position behind them; nothing is written."""
        index, refusal_id = position
        changes: list[Changes] = []
        self._changed = {}
        for row in epochs:
            if row.index < index:
                continue
            shown: Iterable[Seen]
            if seen is None:
                shown = replay(views.questions, views.registry, index, row.index, log_time_us=row.log_time_us)
            else:
                shown = [one for one in seen if _index(one) >= index]
            change, refusal_id = self._take(views, shown, row, refusal_id)
            changes.append(change)
            self._changed.update({alert.id: alert for alert in change.alerts})
            index = row.index + 1
        return changes, (index, refusal_id)

    def _take(
        self, views: Views, shown: Iterable[Seen], epoch: EpochRow, refusal_id: int
    ) -> tuple[Changes, int]:
        """Show one epoch's events and refusals to the engine, in the order of the log, and tick."""
        questions, engine = views.questions, views.engine
        refusals = load_refusals(questions.connection, after=refusal_id, below_size=epoch.index)
        waiting = iter(refusals)
        refusal = next(waiting, None)
        for one in shown:
            while refusal is not None and refusal.at_size <= _index(one):
                engine.refused(refusal)
                refusal = next(waiting, None)
            if isinstance(one, Observed):
                engine.observe(_observation(questions, views.registry, one))
            else:
                engine.handled(_handling(one), self._alert(questions, one.payload.alert))
        while refusal is not None:
            engine.refused(refusal)
            refusal = next(waiting, None)
        return engine.tick(epoch.log_time_us), max([refusal_id, *(kept.id for kept in refusals)])

    def _alert(self, questions: Questions, alert_id: str) -> Alert | None:
        """An alert as the epochs before this one left it."""
        if alert_id in self._changed:
            return self._changed[alert_id]
        row = fetch_one(questions.connection, "SELECT doc FROM alert WHERE id = ?", (alert_id,))
        return None if row is None else parse_alert(bytes(row[0]))

    def _load_engine(self, questions: Questions) -> Engine:
        live = "SELECT doc FROM alert WHERE status NOT IN ('withdrawn', 'dismissed')"
        alerts = [parse_alert(bytes(doc)) for (doc,) in fetch(questions.connection, live)]
        rows = fetch(questions.connection, "SELECT key, detector, due_us, doc FROM watch")
        watches = [Watch(key, detector, due_us, bytes(doc)) for key, detector, due_us, doc in rows]
        return Engine(DETECTORS, parse_state(alerts, watches), lookup=self._entry)

    def _entry(self, index: int) -> tuple[str, str]:
        """Event id and leaf of an older entry, for evidence."""
        if self._questions is None:
            return "", ""
        sql = "SELECT event_id, leaf FROM entry WHERE idx = ?"
        row = fetch_one(self._questions.connection, sql, (index,))
        return ("", "") if row is None else (bytes(row[0]).hex(), bytes(row[1]).hex())


def read_position(questions: Questions, *, lock: bool = False) -> tuple[int, int]:
    """Index and refusal behind which the follower goes on."""
    locked = " FOR UPDATE" if lock and questions.connection.dialect.name != "sqlite" else ""
    row = fetch_one(questions.connection, f"SELECT idx, refusal_id FROM flow_position WHERE id = 1{locked}")  # noqa: S608  # constants
    return (0, 0) if row is None else (int(row[0]), int(row[1]))


def _first_wrong(error: EvidenceError) -> int:
    index = error.fields.get("index")
    return index if isinstance(index, int) else -1


def _fault_claims(questions: Questions) -> frozenset[str]:
    """Faults written down: an audit may do so beside this engine."""
    sql = "SELECT key FROM watch WHERE key >= 'claim|D4|' AND key < 'claim|D4}'"
    return frozenset(str(key) for (key,) in fetch(questions.connection, sql))


def _known_claims(engine: Engine) -> set[str]:
    return {claim_row(claim_id) for claim_id in engine.state.claims}


def _index(seen: Seen) -> int:
    return seen.event.index if isinstance(seen, Observed) else seen.index


def _observation(questions: Questions, registry: Registry, seen: Observed) -> Observation:
    return Observation(
        event=seen.event,
        before=seen.before,
        after=seen.after,
        findings=seen.findings,
        resolved=seen.resolved,
        waybills=seen.waybills,
        issued=_issued(registry, seen) if seen.findings else {},
        older=_older(questions, registry, seen) if seen.findings else {},
        log_time_us=seen.log_time_us,
        kid=seen.kid,
        leaf=seen.leaf.hex(),
    )


def _handling(seen: AlertHandled) -> Handling:
    return Handling(
        alert=seen.payload.alert,
        phase=seen.phase,
        actor=seen.actor,
        index=seen.index,
        event_id=seen.event_id.hex(),
        at_us=seen.at_us,
        remark=seen.payload.remark,
        assignee=seen.payload.assignee,
    )


def _issued(registry: Registry, seen: Observed) -> dict[str, str]:
    """Whether the codes found unknown had been issued when the event came; what cannot be checked is left out."""
    codes = [finding.code for finding in seen.findings if finding.rule == "item.unknown"]
    found = {code: registry.issue_status(code, before_index=seen.event.index).status for code in codes}
    return {code: status for code, status in found.items() if status != "unchecked"}


def _older(questions: Questions, registry: Registry, seen: Observed) -> dict[int, ItemEvent]:
    """The events before this one about which its findings are."""
    older: dict[int, ItemEvent] = {}
    for index in sorted({finding.index for finding in seen.findings} - {seen.event.index}):
        for stored in questions.events_between(index, index):
            event = stored_item_event(stored, registry)
            if event is not None:
                older[index] = event
    return older


def alert_row(alert: Alert) -> tuple[str, str, str, int, str, str | None, int, bytes]:
    """The row of an alert: its id, what lists are filtered by, and the whole of it."""
    a = alert
    return a.id, a.detector, a.status, a.severity, a.enterprise, a.chemical, a.raised_us, encode_alert(a)


def _write(questions: Questions, changes: Changes) -> None:
    connection = questions.connection
    run_many(connection, _ALERT, [alert_row(alert) for alert in changes.alerts])
    run_many(connection, "DELETE FROM watch WHERE key = ?", [(key,) for key in changes.released])
    run_many(connection, _WATCH, [msgspec.structs.astuple(watch) for watch in changes.held])
