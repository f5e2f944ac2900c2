"""Sheets of labels as PDF: exact millimetres, font embedded and subset, QR codes as vectors (reportlab)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from io import BytesIO
from typing import Final

from reportlab.lib.colors import HexColor
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from chemtrace.adapters.labels.fonts import find_font
from chemtrace.adapters.labels.qr import dark_runs, module_mm, qr_matrix
from chemtrace.core.errors import LabelError
from chemtrace.core.label import A4_DRUM, QUIET_MODULES, LabelContent, LabelSheet
from chemtrace.core.label_layout import BLACK, Line, QRArea, Shape, arrange

_FONT: Final = "chemtrace-label"
_CUT_MARK_MM: Final = 3.0


def render_pdf_sheet(contents: Iterable[LabelContent], sheet: LabelSheet = A4_DRUM) -> bytes:
    """Draw labels on as many pages as they need, row by row; print at 100 %, without scaling to the page.

    Raises:
        LabelError: no label at all, or a QR module would be smaller than 0.33 mm.
        LabelFontError: no TrueType font with Chinese glyphs on this machine.
    """
    _register_font()
    out = BytesIO()
    # "invariant" leaves out the clock and a random id: the same labels give the same bytes.
    canvas = Canvas(out, pagesize=(sheet.page_width_mm * mm, sheet.page_height_mm * mm), invariant=1)
    canvas.setTitle("Trace labels 追溯标签")
    canvas.setViewerPreference("PrintScaling", "None")
    count = 0
    for count, content in enumerate(contents, 1):
        place = (count - 1) % sheet.per_page
        if place == 0:
            if count > 1:
                canvas.showPage()
            _draw_cut_marks(canvas, sheet)
        _draw_label(canvas, content, sheet, place)
    if count == 0:
        message = "A sheet needs at least one label."
        raise LabelError(message, field="contents", got_length=0)
    canvas.save()
    return out.getvalue()


@cache
def _register_font() -> None:
    font = find_font(for_pdf=True)
    pdfmetrics.registerFont(TTFont(_FONT, str(font.path), subfontIndex=font.face))


def _draw_label(canvas: Canvas, content: LabelContent, sheet: LabelSheet, place: int) -> None:
    left, top = sheet.place(place)
    canvas.saveState()
    # From here on one unit is a millimetre, from the label's top left corner; y still grows upwards.
    canvas.translate(left * mm, (sheet.page_height_mm - top) * mm)
    canvas.scale(mm, mm)
    for element in arrange(content, sheet.label):
        match element:
            case Shape():
                _draw_shape(canvas, element)
            case Line():
                _draw_line(canvas, element)
            case QRArea():
                _draw_qr(canvas, element)
    canvas.restoreState()


def _draw_shape(canvas: Canvas, shape: Shape) -> None:
    path = canvas.beginPath()
    for place, (x, y) in enumerate(shape.corners):
        (path.moveTo if place == 0 else path.lineTo)(x, -y)
    path.close()
    canvas.setLineWidth(shape.line)
    canvas.setStrokeColor(HexColor(BLACK))
    if shape.fill is not None:
        canvas.setFillColor(HexColor(shape.fill))
    canvas.drawPath(path, stroke=int(shape.line > 0), fill=int(shape.fill is not None))


def _draw_line(canvas: Canvas, line: Line) -> None:
    size = line.size * min(1.0, line.width / pdfmetrics.stringWidth(line.text, _FONT, line.size))
    width = pdfmetrics.stringWidth(line.text, _FONT, size)
    x = line.x - {"left": 0.0, "middle": width / 2, "right": width}[line.anchor]
    text = canvas.beginText(x, -line.y)
    text.setFont(_FONT, size)
    text.setFillColor(HexColor(line.ink))
    if line.bold:
        # The font has one weight; fill and outline (mode 2) make the bold one.
        text.setStrokeColor(HexColor(line.ink))
        text.setTextRenderMode(2)
        canvas.setLineWidth(size * 0.03)
    text.textOut(line.text)
    text.setTextRenderMode(0)
    canvas.drawText(text)


def _draw_qr(canvas: Canvas, area: QRArea) -> None:
    matrix = qr_matrix(area.text)
    module = module_mm(matrix, area.side)
    left, top = area.x + QUIET_MODULES * module, area.y + QUIET_MODULES * module
    path = canvas.beginPath()
    for row, column, length in dark_runs(matrix):
        path.rect(left + column * module, -(top + (row + 1) * module), length * module, module)
    canvas.setFillColor(HexColor(BLACK))
    canvas.drawPath(path, stroke=0, fill=1)


def _draw_cut_marks(canvas: Canvas, sheet: LabelSheet) -> None:
    """Draw short marks outside the labels' corners, for sheets that are cut by hand; none on die-cut paper."""
    if not sheet.cut_marks:
        return
    canvas.setLineWidth(0.2)
    canvas.setStrokeColor(HexColor(BLACK))
    for place in range(sheet.per_page):
        left, top = sheet.place(place)
        for x, way_x in ((left, -1), (left + sheet.label.width_mm, 1)):
            for y, way_y in ((top, -1), (top + sheet.label.height_mm, 1)):
                up = sheet.page_height_mm - y
                canvas.line(x * mm, (up - way_y) * mm, x * mm, (up - way_y * (1 + _CUT_MARK_MM)) * mm)
                canvas.line((x + way_x) * mm, up * mm, (x + way_x * (1 + _CUT_MARK_MM)) * mm, up * mm)
