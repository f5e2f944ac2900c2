"""A label as a picture: PNG at a printer's resolution, QR modules on whole dots."""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO

from PIL import Image, ImageDraw, ImageFont

from chemtrace.adapters.labels.fonts import find_font
from chemtrace.adapters.labels.qr import MM_PER_INCH, matrix_picture, module_dots, qr_matrix
from chemtrace.core.label import DRUM, LabelContent, LabelSize, check_dpi
from chemtrace.core.label_layout import WHITE, Line, QRArea, Shape, arrange

_ANCHORS = {"left": "ls", "middle": "ms", "right": "rs"}


def render_png(content: LabelContent, dpi: int = 300, size: LabelSize = DRUM) -> bytes:
    """Draw a label as PNG; the file states its resolution, so that it prints at its true size.

    Raises:
        LabelError: resolution out of range, or a QR module would be smaller than 0.33 mm.
        LabelFontError: no font with Chinese glyphs on this machine.
    """
    out = BytesIO()
    draw_label(content, dpi, size, coloured=True).save(out, "PNG", dpi=(dpi, dpi))
    return out.getvalue()


def draw_label(content: LabelContent, dpi: int, size: LabelSize, *, coloured: bool) -> Image.Image:
    """Draw a label as an RGB picture of `dpi`; the thermal printer's form is thresholded from this one.

    Raises:
        LabelError, LabelFontError: as `render_png`.
    """
    check_dpi(dpi)
    scale = dpi / MM_PER_INCH
    picture = Image.new("RGB", (round(size.width_mm * scale), round(size.height_mm * scale)), WHITE)
    draw = ImageDraw.Draw(picture)
    for element in arrange(content, size, coloured=coloured):
        match element:
            case Shape():
                _draw_shape(draw, element, scale)
            case Line():
                _draw_line(draw, element, scale)
            case QRArea():
                _draw_qr(picture, element, dpi)
    return picture


def _draw_shape(draw: ImageDraw.ImageDraw, shape: Shape, scale: float) -> None:
    corners = [(x * scale, y * scale) for x, y in shape.corners]
    if shape.fill is not None:
        draw.polygon(corners, fill=shape.fill)
    if shape.line > 0:
        # The first side is drawn once more, so that the last corner is joined like the others.
        draw.line(
            [*corners, *corners[:2]], fill="black", width=max(1, round(shape.line * scale)), joint="curve"
        )


def _draw_line(draw: ImageDraw.ImageDraw, line: Line, scale: float) -> None:
    size = line.size * scale
    # The font has one weight; a thin outline makes the bold one.
    stroke = round(size * 0.025) if line.bold else 0
    width = _font(max(6, round(size))).getlength(line.text) + 2 * stroke
    font = _font(max(6, int(size * min(1.0, line.width * scale / width))))
    draw.text(
        (line.x * scale, line.y * scale),
        line.text,
        font=font,
        fill=line.ink,
        anchor=_ANCHORS[line.anchor],
        stroke_width=stroke,
        stroke_fill=line.ink,
    )


def _draw_qr(picture: Image.Image, area: QRArea, dpi: int) -> None:
    matrix = qr_matrix(area.text)
    symbol = matrix_picture(matrix, module_dots(matrix, area.side, dpi))
    scale = dpi / MM_PER_INCH
    slack = area.side * scale - symbol.width
    picture.paste(
        symbol.convert("RGB"), (round(area.x * scale + slack / 2), round(area.y * scale + slack / 2))
    )


@lru_cache(maxsize=64)
def _font(size: int) -> ImageFont.FreeTypeFont:
    font = find_font()
    return ImageFont.truetype(str(font.path), size, index=font.face)
