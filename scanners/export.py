"""Writing lines to a file so that it is either whole or not there."""

import os
from collections.abc import Iterable
from pathlib import Path

from chemtrace.core.errors import OutboxError


def store_lines(path: Path, lines: Iterable[bytes]) -> int:
    """Write lines to `path`, on the disk when this returns, readable by its owner only; gives their number.

    Raises:
        OutboxError: the place cannot be written; an older file there is left as it was.
    """
    draft, count = path.with_name(path.name + ".part"), 0
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            for line in lines:
                file.write(line + b"\n")
                count += 1
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        raise OutboxError(f"The file cannot be written: {error.strerror}", file=path.name) from error
    return count
