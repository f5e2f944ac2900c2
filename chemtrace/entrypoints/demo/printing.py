"""Labels of the demo: printed as pictures and read again, in processes of their own, before any code is used."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Final

from PIL import Image

from chemtrace.bootstrap import labels
from chemtrace.core.codes import parse_label
from chemtrace.core.errors import LabelError
from chemtrace.core.label import BOTTLE, LabelContent
from scanners.decode import decode_image

DPI: Final = 203
"""Resolution of common thermal label printers."""
CHUNK: Final = 25


@dataclass(frozen=True, slots=True)
class Job:
    """One label to print: the name of its code in the plan, what it says, the code and seal it must read back."""

    name: str
    content: LabelContent
    code: str
    seal: str


def print_and_read(jobs: Sequence[Job]) -> list[tuple[str, str]]:
    """Render each label as a PNG, decode the picture, compare; gives (name, code read).

    Raises:
        LabelError: a label does not read back as exactly one code with its seal.
    """
    return [(job.name, _read_back(job)) for job in jobs]


def _read_back(job: Job) -> str:
    picture = Image.open(io.BytesIO(labels.render_png(job.content, DPI, BOTTLE)))
    texts = {found.text for found in decode_image(picture)}
    if len(texts) != 1:
        message = f"The label of {job.code} reads as {len(texts)} codes."
        raise LabelError(message, expected=job.code)
    code, seal = parse_label(texts.pop())
    if (code.text, seal) != (job.code, job.seal):
        message = f"The label of {job.code} reads as {code.text}."
        raise LabelError(message, expected=job.code, found=code.text)
    return code.text


def read_all(pool: Executor, jobs: Iterable[Job], progress: Callable[[int], None]) -> dict[str, str]:
    """Print and read every label; gives the code of each name."""
    codes: dict[str, str] = {}
    for chunk in pool.map(print_and_read, _chunks(list(jobs))):
        codes.update(chunk)
        progress(len(chunk))
    return codes


def _chunks(jobs: list[Job]) -> Iterator[list[Job]]:
    for start in range(0, len(jobs), CHUNK):
        yield jobs[start : start + CHUNK]
