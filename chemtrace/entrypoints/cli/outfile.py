"""One rule for every file that a command writes: missing folders are made, and what cannot be written is named."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chemtrace.core.errors import OutputFileError


def write_file(path: Path, data: bytes) -> None:
    """Write a whole file over what stood there.

    Raises:
        OutputFileError: it cannot be written.
    """
    with writing_to(path):
        path.write_bytes(data)


@contextmanager
def writing_to(path: Path, *, folder_mode: int = 0o777) -> Iterator[None]:
    """Make the folder of `path` (with `folder_mode`, less the umask), and name what keeps the block from writing there.

    Raises:
        OutputFileError: no permission, no room, a folder of that name, or, where the block asks for a new file, one
            that is there already.
    """
    try:
        path.parent.mkdir(mode=folder_mode, parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise OutputFileError(
            f"{path} cannot be written: {error.strerror}; name another file / 无法写入该文件，请另选位置",
            file=str(path),
            reason=str(error.strerror),
        ) from error
