"""The alerts folded once more from the log and the kept refusals, against the alerts that are stored.

The same detectors see the whole log from its first entry, epoch by epoch, as the follower behind the writer saw it,
and nothing of what it wrote. Alerts D4 are left out: audits and watchers wrote them, no entry says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec

from chemtrace.adapters.sql.engine import Database
from chemtrace.adapters.sql.following import FlowFollower, Views, alert_row, read_position
from chemtrace.adapters.sql.questions import Questions
from chemtrace.adapters.sql.rows import fetch
from chemtrace.core.errors import ChemtraceError
from chemtrace.flow.alert import Alert, parse_alert
from chemtrace.flow.detectors import DETECTORS
from chemtrace.flow.engine import Engine
from chemtrace.ledger.audit.report import NOWHERE, Fault
from chemtrace.registry.state import Registry

CODE: Final = "evidence.alert"
OUTSIDE_THE_LOG: Final = "D4"
_COLUMNS: Final = ("id", "detector", "status", "severity", "enterprise", "chemical", "raised_us")
_STORED: Final = f"SELECT {', '.join(_COLUMNS)}, doc FROM alert WHERE detector <> ?"  # noqa: S608  # constants

Progress = Callable[[int, int], None]
"""Called with (entries done, entries that the stored alerts rest upon)."""


class AlertAudit(FlowFollower):
    """Folds the alerts of one ledger and writes nothing. About a millisecond an entry: each item is folded anew."""

    def __init__(self, database: Database, master: bytes | None) -> None:
        """Read `database`; without the `master` key of code serials, nobody can say whether a code was issued."""
        super().__init__(database)
        self._master = master
        self._folded: dict[str, Alert] = {}

    def faults(self, progress: Progress | None = None) -> Iterator[Fault]:
        """Yield a fault for each alert that is missing, that the log does not give, or that differs.

        Only for a log and rows that were verified before: what they say wrongly, the alerts will say as well.

        Raises:
            UnavailableError: the database could not be read.
        """
        with self._database.read() as connection:
            questions = self._questions = Questions(connection)
            self._fold(questions, progress)
            yield from self._differences(questions)

    def _fold(self, questions: Questions, progress: Progress | None) -> None:
        end, _ = read_position(questions)
        registry = Registry.from_records(questions.records(), self._master)
        views = Views(questions, registry, Engine(DETECTORS, lookup=self._entry))
        position = (0, 0)
        for epoch in questions.epochs_from(0):
            if epoch.index < end:
                changes, position = self._compute(views, [epoch], None, position)
                self._folded.update({alert.id: alert for change in changes for alert in change.alerts})
                if progress is not None:
                    progress(epoch.index + 1, end)

    def _differences(self, questions: Questions) -> Iterator[Fault]:
        left = dict(self._folded)
        for row in fetch(questions.connection, _STORED, (OUTSIDE_THE_LOG,)):
            folded = left.pop(str(row[0]), None)
            if folded is None:
                detail = f"alert {row[0]} ({row[1]}) is stored, the log and the refusals give no such alert"
                yield Fault(NOWHERE, CODE, detail)
                continue
            wrong = _wrong_members((*row[:-1], bytes(row[-1])), folded)
            if wrong:
                detail = f"alert {row[0]} ({row[1]}) is not what the log gives: see {', '.join(wrong)}"
                yield Fault(_index(folded), CODE, detail)
        for alert in left.values():
            yield Fault(_index(alert), CODE, f"alert {alert.id} ({alert.detector}) is missing")

    def _alert(self, questions: Questions, alert_id: str) -> Alert | None:
        """An alert as this fold has it; what is stored is not asked."""
        del questions
        return self._changed.get(alert_id) or self._folded.get(alert_id)


def _wrong_members(stored: tuple[Any, ...], folded: Alert) -> list[str]:
    """Columns that differ; of the document its members, among them the version of the detector that wrote it."""
    wanted = alert_row(folded)
    wrong = [name for name, a, b in zip(_COLUMNS, stored[:-1], wanted[:-1], strict=True) if a != b]
    if stored[-1] == wanted[-1]:
        return wrong
    try:
        found = msgspec.structs.asdict(parse_alert(stored[-1]))
    except ChemtraceError:
        return [*wrong, "doc"]
    parts = [name for name, value in msgspec.structs.asdict(folded).items() if found[name] != value]
    return [*wrong, *(f"doc.{name}" for name in parts or ["*"])]


def _index(alert: Alert) -> int:
    return max([one.index for one in alert.evidence if one.index is not None], default=NOWHERE)
