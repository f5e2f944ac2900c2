"""Building proof files: the bundle of a subject's whole history, and the short status proof.

Which histories and ticks a bundle holds is asked of the same functions that the verifier asks (`core.bundle`), and
every history is compared with the map before it is given out. Form: contracts/specs/bundle.md, status.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeAlias

from chemtrace.core.bundle.absence import AbsenceProof
from chemtrace.core.bundle.keyring import KeyHistory, fold_key, is_late_use
from chemtrace.core.bundle.model import (
    MAX_BUNDLE_BYTES,
    MAX_ENTRIES,
    MAX_SECTIONS,
    MAX_TICKS,
    Bundle,
    Section,
    ShownEntry,
    StatusProof,
    Tick,
)
from chemtrace.core.bundle.needs import key_of, reached_from
from chemtrace.core.bundle.reading import History, read_history, read_payload
from chemtrace.core.entry import leaf_hash
from chemtrace.core.epoch import parse_epoch
from chemtrace.core.errors import (
    BundleTooLargeError,
    MapBrokenError,
    RefusedError,
    SubjectKnownError,
    SubjectUnknownError,
)
from chemtrace.core.note import Note
from chemtrace.core.sparse_map import map_key
from chemtrace.core.subject_tree import parse_subject_tree, subject_root
from chemtrace.ledger.published import HistoryRow, Published

MaySee: TypeAlias = Callable[[HistoryRow], bool]
"""Whether the payload of an entry may be shown to whom the bundle is for; payloads about keys always are."""

ED25519_LINES: Final = (64, 72)
"""Bytes behind the key hash in a line that a status proof's QR code has room for: the log's, a cosignature's."""


ROWS_A_PIECE: Final = 200
"""Entries read at once: the largest there may be take 60 MB, usual ones a fifth of one."""


def build_bundle(published: Published, subject: str, *, may_see: MaySee | None = None) -> Bundle:
    """Return the bundle of a subject's history and of all histories that it calls for, in one published tree.

    Raises:
        SubjectUnknownError: no entry of this tree names the subject.
        BundleTooLargeError: more histories, entries or ticks than a bundle may hold.
        MapBrokenError: the stored rows do not give what the map commits; verify the log.
    """
    sections = _Sections(published, may_see)
    sections.gather(subject)
    others = sorted(sections.shown.keys() - {subject}, key=str.encode)
    return Bundle(
        note=published.note,
        record=published.record_bytes,
        path=published.record_path,
        ticks=_ticks(published, sections.histories),
        sections=tuple([sections.shown[name] for name in (subject, *others)]),
    )


def build_status(published: Published, subject: str, *, only_ed25519: bool = False) -> StatusProof:
    """Return the proof of how many events a subject has and which is the last; reads no event where the tree is new.

    `only_ed25519` leaves out the longer lines, for which a QR code has no room.

    Raises:
        SubjectUnknownError, MapBrokenError: as `build_bundle`.
    """
    count, root, last = _subject_value(published, subject)
    note = published.note
    if only_ed25519:
        note = Note(note.text, tuple([one for one in note.signatures if len(one.signature) in ED25519_LINES]))
    return StatusProof(
        note=note,
        record=published.record_bytes,
        path=published.record_path,
        subject=subject,
        count=count,
        root=root,
        last=last,
        map=published.map.prove(map_key(subject)),
    )


def build_absence(published: Published, subject: str) -> AbsenceProof:
    """Return the proof that no entry of this tree names a subject.

    Raises:
        SubjectKnownError: there are such entries.
        MapBrokenError: the stored pages contradict each other; verify the log.
    """
    key = map_key(subject)
    leaf = published.map.find(key)
    if leaf is not None and leaf.key == key:
        raise SubjectKnownError(
            f"published entries name {subject}: ask for its status or bundle",
            subject=subject,
            size=published.size,
        )
    return AbsenceProof(
        note=published.note,
        record=published.record_bytes,
        path=published.record_path,
        subject=subject,
        other=leaf,
        map=published.map.prove(key),
    )


def _subject_value(published: Published, subject: str) -> tuple[int, bytes, int]:
    """Count, root and last index as the published map commits them: the newest tree, or the older one recomputed."""
    row = published.source.subject_tree(subject)
    if row is not None and row.last_index < published.size - 1:
        tree = parse_subject_tree(row.count, row.last_index, row.nodes)
        return tree.count, tree.root(), tree.last_index
    rows, _ = _rows(published, subject, MAX_ENTRIES, MAX_BUNDLE_BYTES)
    leaves = [(one.index, leaf_hash(one.body)) for one in rows]
    return len(leaves), subject_root(leaves), leaves[-1][0]


def _rows(published: Published, subject: str, room: int, budget: int) -> tuple[list[HistoryRow], int]:
    """The whole history of a subject and about how many bytes of a proof file it takes; read piece by piece.

    Raises:
        SubjectUnknownError: no entry. BundleTooLargeError: more than `room` entries or `budget` bytes.
    """
    rows: list[HistoryRow] = []
    size, after = 0, -1
    while piece := published.source.subject_rows(subject, after, published.size - 1, ROWS_A_PIECE):
        rows += piece
        size += sum([_file_bytes(row) for row in piece])
        after = rows[-1].index
        if len(rows) > room or size > budget:
            raise BundleTooLargeError(
                "the histories that this proof needs are too long for one file; ask for a status proof",
                subject=subject,
                limit=MAX_ENTRIES if len(rows) > room else MAX_BUNDLE_BYTES,
                unit="entries" if len(rows) > room else "bytes",
            )
        if len(piece) < ROWS_A_PIECE:
            break
    if not rows:
        raise SubjectUnknownError(
            f"no published entry names {subject}: {published.size} entries are published",
            subject=subject,
            size=published.size,
        )
    return rows, size


def _file_bytes(row: HistoryRow) -> int:
    """What an entry takes in the text form: base64url and its members."""
    return (len(row.body) + len(row.payload or b"")) * 4 // 3 + 64


class _Sections:
    """Gathers histories until none calls for another one."""

    def __init__(self, published: Published, may_see: MaySee | None) -> None:
        self._published = published
        self._may_see = may_see
        self._room, self._budget = MAX_ENTRIES, MAX_BUNDLE_BYTES
        self.shown: dict[str, Section] = {}
        self.histories: dict[str, History] = {}

    def gather(self, subject: str) -> None:
        queue = [subject]
        while queue:
            name = queue.pop()
            if name in self.shown:
                continue
            if len(self.shown) == MAX_SECTIONS:
                raise BundleTooLargeError(
                    "this history needs more other histories than one file may hold",
                    subject=subject,
                    limit=MAX_SECTIONS,
                    unit="sections",
                )
            queue += sorted(reached_from(self._add(name)) - self.shown.keys())

    def _add(self, subject: str) -> History:
        published = self._published
        rows, size = _rows(published, subject, self._room, self._budget)
        self._room -= len(rows)
        self._budget -= size
        section = Section(
            subject=subject,
            map=published.map.prove(map_key(subject)),
            entries=tuple([ShownEntry(row.index, row.body, self._payload(subject, row)) for row in rows]),
        )
        self.shown[subject] = section
        self.histories[subject] = history = _read(section, published)
        return history

    def _payload(self, subject: str, row: HistoryRow) -> bytes | None:
        if self._may_see is None or key_of(subject) is not None or self._may_see(row):
            return row.payload
        return None


def _read(section: Section, published: Published) -> History:
    """Read a history as the verifier will; what it would refuse, our own rows do not say."""
    try:
        history = read_history(
            section, size=published.size, map_root=bytes.fromhex(published.record.map_root or "")
        )
        return History(section.subject, tuple([read_payload(entry) for entry in history.entries]))
    except RefusedError as error:
        raise MapBrokenError(
            f"the stored history of {section.subject} is not the one that the map commits; verify the log",
            subject=section.subject,
            size=published.size,
            because=error.code,
        ) from error


def _ticks(published: Published, histories: Mapping[str, History]) -> tuple[Tick, ...]:
    """The epoch records around every entry that a key signed before it was retired and that came after."""
    folded = [fold_key(history) for name, history in histories.items() if key_of(name) is not None]
    keys = {key.kid: key for key in folded if key is not None}
    wanted: set[int] = set()
    for index in sorted(_late_uses(keys, histories.values())):
        closing = published.source.closing_epoch(index)
        if closing is None:
            continue
        record = parse_epoch(published.epoch_record(closing))
        wanted |= {closing} if record.previous is None else {closing, record.previous}
    wanted.discard(published.size - 1)
    if len(wanted) > MAX_TICKS:
        raise BundleTooLargeError(
            "too many events came in after their keys were retired for one file",
            size=len(wanted),
            limit=MAX_TICKS,
            unit="ticks",
        )
    return tuple(
        [Tick(index, published.epoch_record(index), published.path(index)) for index in sorted(wanted)]
    )


def _late_uses(keys: Mapping[str, KeyHistory], histories: Iterable[History]) -> set[int]:
    return {
        entry.index
        for history in histories
        for entry in history.entries
        for kid in entry.header.signers
        if kid in keys and is_late_use(keys[kid], entry)
    }
