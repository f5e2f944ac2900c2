"""The QR matrix of a label: error correction Q, alphanumeric mode, by the `qrcode` library.

Level Q because it survives a blot of 12 % of the symbol where M does not; see docs/reference/decode-rates.md.
"""

from __future__ import annotations

from io import BytesIO
from itertools import groupby
from typing import Final, Literal, TypeAlias

import qrcode
from PIL import Image
from qrcode.constants import ERROR_CORRECT_L, ERROR_CORRECT_Q
from qrcode.exceptions import DataOverflowError
from qrcode.util import MODE_8BIT_BYTE, MODE_ALPHA_NUM, QRData

from chemtrace.core.errors import LabelError
from chemtrace.core.label import MIN_MODULE_MM, QUIET_MODULES

MM_PER_INCH: Final = 25.4
MAX_MODULE_PX: Final = 100

_ALPHANUMERIC: Final = frozenset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:")

Level: TypeAlias = Literal["L", "Q"]
_LEVELS: Final[dict[Level, int]] = {"L": ERROR_CORRECT_L, "Q": ERROR_CORRECT_Q}

Matrix = tuple[tuple[bool, ...], ...]


def qr_matrix(text: str, *, level: Level = "Q") -> Matrix:
    """Compute the QR matrix of a text, without quiet zone; True is a dark module.

    `level` of error correction: Q for labels, that wear; L for long texts shown clean, on a screen or fresh paper.

    Raises:
        LabelError: no text, or more than a QR code of the level holds.
    """
    if not text:
        message = "A QR code needs a text."
        raise LabelError(message, field="text", got_length=0)
    mode = MODE_ALPHA_NUM if _ALPHANUMERIC.issuperset(text) else MODE_8BIT_BYTE
    code = qrcode.QRCode(error_correction=_LEVELS[level], border=0)
    code.add_data(QRData(text.encode("utf-8"), mode=mode))
    try:
        code.make(fit=True)
    # The library tells "too long" in two ways, depending on the version it tried last.
    except (DataOverflowError, ValueError) as error:
        message = f"{len(text)} characters are more than a QR code of level {level} holds."
        raise LabelError(message, field="text", got_length=len(text)) from error
    return tuple(tuple(map(bool, row)) for row in code.get_matrix())


def dark_runs(matrix: Matrix) -> tuple[tuple[int, int, int], ...]:
    """Give the runs of dark modules as (row, first column, modules), so that vector media draw no seams."""
    runs = []
    for row, modules in enumerate(matrix):
        column = 0
        for dark, group in groupby(modules):
            length = len(list(group))
            if dark:
                runs.append((row, column, length))
            column += length
    return tuple(runs)


def module_mm(matrix: Matrix, side_mm: float) -> float:
    """Give the module size in mm when symbol and quiet zone fill a square of `side_mm`.

    Raises:
        LabelError: smaller than 0.33 mm; carries both.
    """
    size = side_mm / (len(matrix) + 2 * QUIET_MODULES)
    _check_module(size)
    return size


def module_dots(matrix: Matrix, side_mm: float, dpi: int) -> int:
    """Give the whole number of printer dots for a module in a square of `side_mm`.

    Raises:
        LabelError: a module would be smaller than 0.33 mm; carries both.
    """
    dots = int(side_mm * dpi / MM_PER_INCH + 1e-6) // (len(matrix) + 2 * QUIET_MODULES)
    _check_module(dots * MM_PER_INCH / dpi)
    return dots


def matrix_picture(matrix: Matrix, module_px: int) -> Image.Image:
    """Draw a matrix as a 1-bit picture with its quiet zone, `module_px` pixels a module."""
    side = len(matrix) + 2 * QUIET_MODULES
    picture = Image.new("1", (side, side), 1)
    pixels = picture.load()
    if pixels is None:
        message = "The picture library gave no pixels to draw on."
        raise LabelError(message, field="picture")
    for row, column, length in dark_runs(matrix):
        for x in range(column, column + length):
            pixels[x + QUIET_MODULES, row + QUIET_MODULES] = 0
    return picture.resize((side * module_px, side * module_px), Image.Resampling.NEAREST)


def render_qr_png(text: str, module_px: int, *, level: Level = "Q") -> bytes:
    """Draw a bare QR code of any text as PNG, quiet zone included, `module_px` (1 to 100) pixels a module.

    Raises:
        LabelError: the text is too long or `module_px` out of range.
    """
    if not 1 <= module_px <= MAX_MODULE_PX:
        message = f"A module has 1 to {MAX_MODULE_PX} pixels, not {module_px}."
        raise LabelError(message, field="module_px", got=module_px, expected_maximum=MAX_MODULE_PX)
    out = BytesIO()
    matrix_picture(qr_matrix(text, level=level), module_px).save(out, "PNG")
    return out.getvalue()


def _check_module(size_mm: float) -> None:
    # A printer's dot grid cannot hit 0.33 exactly: half a percent short still prints as 0.33.
    if size_mm < MIN_MODULE_MM * 0.995:
        message = (
            f"A QR module would be {size_mm:.2f} mm; {MIN_MODULE_MM} mm is the least a worn label is read at."
            " Use a larger label or a shorter host."
        )
        raise LabelError(
            message, field="module_mm", got=f"{size_mm:.3f}", expected_minimum=str(MIN_MODULE_MM)
        )
