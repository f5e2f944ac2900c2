"""The account of an import: what the file holds, what the log holds of it, what was refused, by reporter and year.

Sums are exact decimals. The file's side is counted from the cells, the log's side from the payloads in the log: they
meet only here.
"""

from __future__ import annotations

from collections import Counter
from decimal import Context, Decimal
from typing import Any, Final

import msgspec

from chemtrace.intake.reading import Movement, RefusedRow

_EXACT: Final = Context(prec=60)


class Line(msgspec.Struct):
    """The account of one reporter and year; masses in the unit of the mapping."""

    rows: int = 0
    events: int = 0
    refused: int = 0
    mass_rows: Decimal = Decimal(0)
    mass_events: Decimal = Decimal(0)
    mass_refused: Decimal = Decimal(0)

    @property
    def is_equal(self) -> bool:
        """Whether events and refusals account for every row and the whole mass."""
        return self.rows == self.events + self.refused and self.mass_rows == _EXACT.add(
            self.mass_events, self.mass_refused
        )


class Tally:
    """Accounts by (reporter, year); a reporter or year that cannot be read is `?`."""

    def __init__(self, unit: str) -> None:
        """Count in `unit`."""
        self.unit = unit
        self._lines: dict[tuple[str, str], Line] = {}
        self.reasons: Counter[str] = Counter()

    def row(self, row: Movement | RefusedRow) -> None:
        """Count a row of the file, whatever became of it."""
        line = self._line(row.reporter, row.year)
        line.rows += 1
        if row.value is not None:
            line.mass_rows = _EXACT.add(line.mass_rows, Decimal(row.value))

    def event(self, reporter: str, year: str, value: str) -> None:
        """Count an event that stands in the log."""
        line = self._line(reporter, year)
        line.events += 1
        line.mass_events = _EXACT.add(line.mass_events, Decimal(value))

    def refused(self, row: RefusedRow) -> None:
        """Count a row that is no event."""
        line = self._line(row.reporter, row.year)
        line.refused += 1
        self.reasons[row.reason] += 1
        if row.value is not None:
            line.mass_refused = _EXACT.add(line.mass_refused, Decimal(row.value))

    @property
    def is_equal(self) -> bool:
        """Whether every account is equal."""
        return all(line.is_equal for line in self._lines.values())

    def total(self) -> Line:
        """All accounts together."""
        total = Line()
        for line in self._lines.values():
            total.rows += line.rows
            total.events += line.events
            total.refused += line.refused
            total.mass_rows = _EXACT.add(total.mass_rows, line.mass_rows)
            total.mass_events = _EXACT.add(total.mass_events, line.mass_events)
            total.mass_refused = _EXACT.add(total.mass_refused, line.mass_refused)
        return total

    def to_json(self) -> list[dict[str, Any]]:
        """One object for each reporter and year, in their order; masses as decimal text."""
        return [
            {"reporter": reporter, "year": year, **line_json(line)}
            for (reporter, year), line in sorted(self._lines.items())
        ]

    def _line(self, reporter: str, year: str) -> Line:
        # A refused row keeps the reporter as the file has it: the same party, without its namespace.
        return self._lines.setdefault((reporter.rpartition(":")[2], year), Line())


def line_json(line: Line) -> dict[str, Any]:
    """An account as JSON."""
    return {
        "rows": line.rows,
        "events": line.events,
        "refused": line.refused,
        "mass_rows": _text(line.mass_rows),
        "mass_events": _text(line.mass_events),
        "mass_refused": _text(line.mass_refused),
        "equal": line.is_equal,
    }


def _text(value: Decimal) -> str:
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
