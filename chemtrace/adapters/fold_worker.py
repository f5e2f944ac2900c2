"""A process that folds for the writer; started by `fold_process`, speaks `fold_wire`.

It reads the ledger through a snapshot of its own, holds no key, and writes nothing: its rows are handed over.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Mapping, Sequence

from chemtrace.adapters.fold_wire import Failed, Folded, Opening, Task, encode, parse_question
from chemtrace.adapters.frames import answer_all
from chemtrace.adapters.sql.engine import Database
from chemtrace.adapters.sql.questions import Questions
from chemtrace.ledger.integrate import Integration
from chemtrace.ledger.ports import SubjectTreeRow


class Collecting(Questions):
    """A snapshot in which rows are collected instead of written, and found again."""

    def __init__(self, questions: Questions) -> None:
        """Begin with no rows."""
        super().__init__(questions.connection)
        self.trees: dict[str, SubjectTreeRow] = {}
        self.pages: dict[str, bytes] = {}

    def store_subject_trees(self, rows: Iterable[tuple[str, SubjectTreeRow]]) -> None:
        """Keep trees, in place of older ones."""
        self.trees.update(rows)

    def store_map_pages(self, version: int, pages: Mapping[str, bytes]) -> None:
        """Keep pages; all that is collected in one snapshot is of one version."""
        del version
        self.pages.update(pages)

    def prune_map_pages(self, paths: Iterable[str], keep: Sequence[int]) -> int:
        """Leave it to the writer."""
        del paths, keep
        return 0

    def subject_trees(self, subjects: Sequence[str]) -> dict[str, SubjectTreeRow]:
        """The trees kept, and the stored ones of the other subjects."""
        found = super().subject_trees([name for name in subjects if name not in self.trees])
        return found | {name: self.trees[name] for name in subjects if name in self.trees}

    def map_page(self, path: str, max_version: int) -> bytes | None:
        """The page kept, else the stored one."""
        return self.pages.get(path) or super().map_page(path, max_version)


class Worker:
    """Answers one writer."""

    def __init__(self) -> None:
        """Know no ledger yet."""
        self._database: Database | None = None
        self._integration = Integration()

    def answer(self, message: bytes) -> bytes:
        """The answer to one message; whatever goes wrong is told by name, and what was kept is dropped."""
        question = parse_question(message)
        if isinstance(question, Opening):
            self._database = Database(question.url, read_only=True, readers=1)
            return encode(Folded(0, {}, {}, b""))
        try:
            return encode(self._fold(question))
        except Exception as error:  # noqa: BLE001  # the writer does it itself then, and names what is wrong
            self._integration.forget()
            return encode(Failed(repr(error)))

    def _fold(self, task: Task) -> Folded:
        if self._database is None:
            raise LookupError
        with self._database.read() as connection:
            snapshot = Collecting(Questions(connection))
            if not task.rows:
                self._integration.prepare(snapshot, task.head)
                return Folded(self._integration.folded, {}, {}, b"")
            root = self._integration.fold_epoch(snapshot, task.head)
            return Folded(self._integration.folded, snapshot.trees, snapshot.pages, root)


def main() -> None:
    """Answer until the input ends."""
    # Trees and pages hold no cycles; searching for some would cost more with every subject kept.
    gc.freeze()
    gc.disable()
    answer_all(Worker().answer)


if __name__ == "__main__":
    main()
