"""A label as SVG: exact millimetres, QR code as one path; fonts are those of the reader's machine."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from chemtrace.adapters.labels.qr import dark_runs, module_mm, qr_matrix
from chemtrace.core.label import DRUM, QUIET_MODULES, LabelContent, LabelSize
from chemtrace.core.label_layout import BLACK, WHITE, Line, QRArea, Shape, arrange, estimated_width

_FONTS = "'WenQuanYi Micro Hei','Noto Sans CJK SC','Microsoft YaHei','PingFang SC',SimHei,sans-serif"
_ANCHORS = {"left": "start", "middle": "middle", "right": "end"}


def render_svg(content: LabelContent, size: LabelSize = DRUM) -> str:
    """Draw a label as SVG text of `size`; one user unit is one millimetre.

    Raises:
        LabelError: a QR module would be smaller than 0.33 mm.
    """
    w, h = f"{size.width_mm:g}", f"{size.height_mm:g}"
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{w}mm" height="{h}mm" viewBox="0 0 {w} {h}"'
        f' font-family="{_FONTS}" role="img" aria-label={quoteattr(content.code)}>'
    )
    parts = [head, f'<rect width="{w}" height="{h}" fill="{WHITE}"/>']
    for element in arrange(content, size):
        match element:
            case Shape():
                parts.append(_shape(element))
            case Line():
                parts.append(_line(element))
            case QRArea():
                parts.append(_qr(element))
    return "\n".join([*parts, "</svg>", ""])


def _shape(shape: Shape) -> str:
    points = " ".join(f"{x:.3f},{y:.3f}" for x, y in shape.corners)
    stroke = f' stroke="{BLACK}" stroke-width="{shape.line:.3f}"' if shape.line > 0 else ""
    return f'<polygon points="{points}" fill="{shape.fill or "none"}"{stroke}/>'


def _line(line: Line) -> str:
    size = line.size * min(1.0, line.width / estimated_width(line.text, line.size))
    weight = ' font-weight="bold"' if line.bold else ""
    return (
        f'<text x="{line.x:.3f}" y="{line.y:.3f}" font-size="{size:.3f}" text-anchor="{_ANCHORS[line.anchor]}"'
        f' fill="{line.ink}"{weight}>{escape(line.text)}</text>'
    )


def _qr(area: QRArea) -> str:
    matrix = qr_matrix(area.text)
    module = module_mm(matrix, area.side)
    path = "".join(f"M{column} {row}h{length}v1h-{length}z" for row, column, length in dark_runs(matrix))
    left, top = area.x + QUIET_MODULES * module, area.y + QUIET_MODULES * module
    return (
        f'<path transform="translate({left:.4f} {top:.4f}) scale({module:.5f})" fill="{BLACK}"'
        f' shape-rendering="crispEdges" d="{path}"/>'
    )
