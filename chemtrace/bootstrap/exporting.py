"""Writing a ledger's published log as plain files."""

from __future__ import annotations

from pathlib import Path

from chemtrace.adapters.static_files import Progress, StaticFolder
from chemtrace.bootstrap.application import Application
from chemtrace.core.checkpoint import parse_checkpoint
from chemtrace.core.errors import CheckpointMissingError
from chemtrace.core.note import parse_note


def export_static(
    application: Application, folder: Path, progress: Progress | None = None
) -> tuple[int, int]:
    """Bring `folder` up to the newest checkpoint that is shown; returns its size and the number of new files.

    Raises:
        CheckpointMissingError: nothing is published yet. Otherwise as `StaticFolder.write`.
    """
    note = application.ledger.checkpoint()
    if note is None:
        raise CheckpointMissingError("no checkpoint is published yet; one follows the first event")
    size = parse_checkpoint(parse_note(note).text).size
    with application.reads.static_source(size) as source:
        return size, StaticFolder(folder).write(source, note, progress)
