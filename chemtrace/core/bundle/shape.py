"""What both forms of a bundle or status proof have in common: bounds and order, checked before anything is believed."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from chemtrace.core.bundle.model import (
    MAX_ENTRIES,
    MAX_PATH,
    MAX_SECTIONS,
    MAX_TICKS,
    Bundle,
    Section,
    StatusProof,
)
from chemtrace.core.checkpoint import Checkpoint, encode_checkpoint, parse_checkpoint
from chemtrace.core.errors import BundleFormatError
from chemtrace.core.note import Note
from chemtrace.core.subjects import parse_subject
from chemtrace.core.types import MAX_SAFE_INTEGER

MAX_MAP_DEPTH: Final = 256


def check_bundle_shape(bundle: Bundle) -> None:
    """Check bounds and the order of sections and ticks.

    Raises:
        BundleFormatError: a bound passed, no section, an empty one, one twice or out of order.
        SubjectError and the code errors: a subject that is not in its one spelling.
        CheckpointError: what was signed is no checkpoint.
    """
    plain_checkpoint(bundle.note)
    sections = bundle.sections
    _require(1 <= len(sections) <= MAX_SECTIONS, "sections", len(sections), MAX_SECTIONS)
    _require(len(bundle.ticks) <= MAX_TICKS, "ticks", len(bundle.ticks), MAX_TICKS)
    shown = sum([len(section.entries) for section in sections])
    _require(shown <= MAX_ENTRIES, "entries", shown, MAX_ENTRIES)
    for section in sections:
        _check_section(section)
    for path in (bundle.path, *[tick.path for tick in bundle.ticks]):
        _require(len(path) <= MAX_PATH, "path", len(path), MAX_PATH)
    for tick in bundle.ticks:
        _require(0 <= tick.index <= MAX_SAFE_INTEGER, "index", tick.index, MAX_SAFE_INTEGER)
    _check_order([section.subject for section in sections])


def check_status_shape(proof: StatusProof) -> None:
    """Check the bounds of a status proof; raises as `check_bundle_shape`."""
    plain_checkpoint(proof.note)
    parse_subject(proof.subject)
    _require(len(proof.path) <= MAX_PATH, "path", len(proof.path), MAX_PATH)
    _require(proof.map.depth <= MAX_MAP_DEPTH, "depth", proof.map.depth, MAX_MAP_DEPTH)
    for name, number in (("count", proof.count), ("last", proof.last)):
        _require(0 <= number <= MAX_SAFE_INTEGER, name, number, MAX_SAFE_INTEGER)


def plain_checkpoint(note: Note) -> Checkpoint:
    """Return the checkpoint of a note that is written as we write it: three lines, no extension.

    Raises:
        CheckpointError: no checkpoint at all.
        BundleFormatError: extension lines, or no entry, or more entries than a bundle can count.
    """
    checkpoint = parse_checkpoint(note.text)
    if encode_checkpoint(checkpoint) != note.text:
        raise BundleFormatError("a checkpoint in a bundle has no extension lines", found=note.text[:200])
    _require(1 <= checkpoint.size <= MAX_SAFE_INTEGER, "size", checkpoint.size, MAX_SAFE_INTEGER)
    return checkpoint


def _check_section(section: Section) -> None:
    parse_subject(section.subject)
    if not section.entries:
        raise BundleFormatError("a section shows at least one entry", subject=section.subject)
    _require(0 <= section.map.depth <= MAX_MAP_DEPTH, "depth", section.map.depth, MAX_MAP_DEPTH)
    for shown in section.entries:
        _require(0 <= shown.index <= MAX_SAFE_INTEGER, "index", shown.index, MAX_SAFE_INTEGER)


def _check_order(subjects: list[str]) -> None:
    others = [subject.encode() for subject in subjects[1:]]
    rising = all(before < after for before, after in pairwise(others))
    if not rising or subjects[0].encode() in others:
        raise BundleFormatError(
            "behind the subject's own section the others stand in rising order, none twice",
            found=tuple(subjects[:20]),
        )


def _require(fits: bool, what: str, found: int, limit: int) -> None:
    if not fits:
        raise BundleFormatError(f"{what} is out of bounds", field=what, found=found, limit=limit)
