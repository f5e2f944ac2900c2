"""Reading labels: pictures in, the texts of every QR code in them out, each label once.

One interface, `decode_image`, over two engines and a ladder of treatments; `scan_file` adds what a text means here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PIL import Image

from chemtrace.core.codes import parse_label
from chemtrace.core.errors import ChemtraceError, RefusedError
from scanners.engines import Corners, EngineName, Symbol, missing_engine, read_symbols
from scanners.ladder import LADDER, SURE_STEPS, Step, views
from scanners.pictures import open_grey

MAX_CODES: Final = 256
"""Codes taken from one picture; more than a pallet's side shows."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """One label read: its text as printed, who read it at which step, and its corners in the picture, in pixels."""

    text: str
    engine: EngineName
    step: str
    corners: Corners


@dataclass(frozen=True, slots=True)
class ScanResult:
    """What one file held: every QR code, ours or not; `error` is set, and `codes` empty, for a file that failed."""

    file: str
    codes: tuple[Decoded, ...]
    error: ChemtraceError | None = None
    warning: str | None = None

    def as_json(self) -> dict[str, object]:
        """Give `{file, codes: [{text, trace_code, engine}]}`, with `error` or `warning` where there is one.

        The text is given as read and may carry a seal: print it, do not log it.
        """
        codes = [
            {"text": code.text, "trace_code": trace_code(code.text), "engine": code.engine}
            for code in self.codes
        ]
        members: dict[str, object] = {"file": self.file, "codes": codes}
        if self.error is not None:
            members["error"] = self.error.problem()
        if self.warning is not None:
            members["warning"] = self.warning
        return members


def decode_image(
    image: Image.Image | bytes | Path, *, thorough: bool = True, steps: Sequence[Step] = LADDER
) -> tuple[Decoded, ...]:
    """Read every QR code of a picture, each label once.

    Args:
        image: a picture, its file's bytes or its path; sizes are capped as `pictures.open_grey` says.
        thorough: True looks on after the first hit, for labels that are smaller or that were seen but not read;
            False stops at the first step that reads anything (camera frames: the next frame comes soon).
        steps: the ladder; another one only for measuring.

    Raises:
        ImageInvalidError, ImageTooLargeError: the picture cannot be opened.
    """
    grey = open_grey(image)
    found: list[Decoded] = []
    for number, (step, scale, view) in enumerate(views(grey, tuple(steps)), start=1):
        symbols = read_symbols(step.engine, view)
        unread = _take(found, symbols, step, scale)
        if found and (not thorough or (number >= SURE_STEPS and not unread)):
            break
    return tuple(found[:MAX_CODES])


def scan_file(path: Path) -> ScanResult:
    """Read one picture file; a bad file becomes a result with its error, so that the others go on."""
    try:
        codes = decode_image(path)
    except RefusedError as error:
        return ScanResult(str(path), (), error=error)
    return ScanResult(str(path), codes, warning=None if codes else missing_engine())


def scan_files(paths: Iterable[Path]) -> Iterable[ScanResult]:
    """Read files one after another, as they are asked for."""
    return map(scan_file, paths)


def trace_code(text: str) -> str | None:
    """Give the 19-sign trace code in a label's text, or None for a label that is not ours."""
    try:
        return parse_label(text)[0].text
    except RefusedError:
        return None


def _take(found: list[Decoded], symbols: tuple[Symbol, ...], step: Step, scale: float) -> bool:
    """Add what is new in `symbols` to `found`; say whether a symbol was seen that nobody has read."""
    unread = False
    for symbol in symbols:
        a, b, c, d = ((round(x / scale), round(y / scale)) for x, y in symbol.corners)
        corners: Corners = (a, b, c, d)
        if symbol.text is None:
            unread = unread or not any(_same_place(corners, old.corners) for old in found)
        elif symbol.text and not any(
            old.text == symbol.text and _same_place(corners, old.corners) for old in found
        ):
            found.append(Decoded(symbol.text, step.engine, step.name, corners))
    return unread


def _same_place(a: Corners, b: Corners) -> bool:
    """Whether two sightings are one label: the centre of one lies in the other's box."""
    return _covers(a, _centre(b)) or _covers(b, _centre(a))


def _centre(corners: Corners) -> tuple[float, float]:
    return sum(x for x, _ in corners) / 4, sum(y for _, y in corners) / 4


def _covers(corners: Corners, point: tuple[float, float]) -> bool:
    columns, rows = [x for x, _ in corners], [y for _, y in corners]
    return min(columns) <= point[0] <= max(columns) and min(rows) <= point[1] <= max(rows)
