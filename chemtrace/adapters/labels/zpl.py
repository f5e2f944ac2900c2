"""A label as ZPL II for thermal printers: the whole label as one `^GFA` bitmap.

A bitmap and not `^BQ` and `^A` commands: printers rarely carry Chinese fonts, and QR modules land on the dots we
chose. Compressed by ZPL's own alternative data compression (run lengths, repeated rows), which all models read.
Source: ZPL II Programming Guide, commands ^GF, ^PW, ^LL, ^FO, and "Alternative Data Compression Scheme".
"""

from __future__ import annotations

import re
from typing import Final

from chemtrace.adapters.labels.png import draw_label
from chemtrace.core.label import DRUM, LabelContent, LabelSize

_ONES: Final = "GHIJKLMNOPQRSTUVWXY"
"""Counts 1 to 19."""

_TWENTIES: Final = "ghijklmnopqrstuvwxyz"
"""Counts 20, 40 ... 400."""

_INK_BELOW: Final = 140
"""Grey level (0 black to 255 white) below which a dot is burnt."""

_RUN: Final = re.compile(r"(.)\1*", re.DOTALL)


def render_zpl(content: LabelContent, dpi: int = 203, size: LabelSize = DRUM) -> str:
    """Draw a label as ZPL text for a printer of `dpi` (203, 300 or 600 are usual); ASCII only.

    Raises:
        LabelError: resolution out of range, or a QR module would be smaller than 0.33 mm.
        LabelFontError: no font with Chinese glyphs on this machine.
    """
    picture = draw_label(content, dpi, size, coloured=False).convert("L")
    width, height = picture.size
    row_bytes = (width + 7) // 8
    # Paper first: "1" mode packs eight dots a byte with 1 for white, ZPL wants 1 for ink, padding stays white.
    packed = picture.point([255 if level < _INK_BELOW else 0 for level in range(256)]).convert("1").tobytes()
    total = row_bytes * height
    data = _compress(packed, row_bytes)
    return f"^XA^PW{width}^LL{height}^LH0,0^FO0,0^GFA,{total},{total},{row_bytes},{data}^FS^PQ1^XZ\n"


def _compress(packed: bytes, row_bytes: int) -> str:
    rows, previous = [], None
    for start in range(0, len(packed), row_bytes):
        row = packed[start : start + row_bytes].hex().upper()
        rows.append(":" if row == previous else _compress_row(row))
        previous = row
    return "".join(rows)


def _compress_row(row: str) -> str:
    if row.endswith("0"):
        return "".join(_runs(row.rstrip("0"))) + ","
    if row.endswith("F"):
        return "".join(_runs(row.rstrip("F"))) + "!"
    return "".join(_runs(row))


def _runs(digits: str) -> list[str]:
    return [_count(len(run[0])) + run[1] for run in _RUN.finditer(digits)]


def _count(length: int) -> str:
    """Write a run length: nothing for 1, a letter for 1 to 19, letters for each 400, for the 20s and the rest."""
    if length == 1:
        return ""
    full, rest = divmod(length, 400)
    twenties, ones = divmod(rest, 20)
    return "z" * full + (_TWENTIES[twenties - 1] if twenties else "") + (_ONES[ones - 1] if ones else "")
