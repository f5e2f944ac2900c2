"""Where everything stands on a label: drawing elements in millimetres, the same for every medium.

Origin top left, y downwards; text stands on its baseline. Renderers shrink a line of text until it fits its
`width`. Two arrangements: large (from 80 x 55 mm: drums, cylinders) and small (bottles, A4 sheets of 24).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

from chemtrace.core.label import LabelContent, LabelSize, hazard_names

BLACK: Final = "#000000"
WHITE: Final = "#ffffff"

COLOURS: Final = {
    "1": "#f58220",
    "2.1": "#e4002b",
    "2.2": "#00843d",
    "3": "#e4002b",
    "4.3": "#0057b8",
    "5.1": "#ffd100",
    "5.2": "#ffd100",
    "7": "#ffd100",
}
"""Ground of a hazard diamond (GB 190-2009 colours, one ground each); classes not named are white."""

_WHITE_INK: Final = frozenset({"#e4002b", "#00843d", "#0057b8"})


@dataclass(frozen=True, slots=True)
class Shape:
    """A closed polygon: corners in mm, line width in mm (0: none), fill colour or None."""

    corners: tuple[tuple[float, float], ...]
    line: float
    fill: str | None


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text: anchor point on the baseline, cap size in mm, widest extent in mm."""

    x: float
    y: float
    size: float
    text: str
    width: float
    anchor: Literal["left", "middle", "right"] = "left"
    bold: bool = False
    ink: str = BLACK


@dataclass(frozen=True, slots=True)
class QRArea:
    """A white square for the QR code, quiet zone included."""

    x: float
    y: float
    side: float
    text: str = field(repr=False)


Element = Shape | Line | QRArea


def arrange(content: LabelContent, size: LabelSize, *, coloured: bool = True) -> tuple[Element, ...]:
    """Arrange a label's content on its size; `coloured` False leaves diamonds white for thermal printers.

    A label taller than 0.8 of its width is filled from its top edge and keeps the rest white.
    """
    size = LabelSize(size.width_mm, min(size.height_mm, 0.8 * size.width_mm))
    if size.width_mm >= 80 and size.height_mm >= 55:
        return _large(content, size, coloured=coloured)
    return _small(content, size)


def class_text(content: LabelContent) -> str:
    """Write class and subsidiary hazards as transport papers do: `2.3 (5.1, 8)`; empty without a class."""
    if content.tdg_class is None:
        return ""
    return content.tdg_class + (f" ({', '.join(content.subsidiary)})" if content.subsidiary else "")


def estimated_width(text: str, size: float) -> float:
    """Estimate the width of a text in mm, rather too wide; for media without font metrics."""
    return size * sum(1.0 if ord(sign) > 0x2E7F else 0.68 if sign.isupper() else 0.58 for sign in text)


def _rectangle(x: float, y: float, width: float, height: float, *, line: float) -> Shape:
    return Shape(((x, y), (x + width, y), (x + width, y + height), (x, y + height)), line, None)


def _diamond(x: float, y: float, half: float, *, hazard: str, coloured: bool) -> tuple[Element, ...]:
    """Draw a hazard diamond centred on (x, y): class number in the lower corner, names in the middle."""
    ground = COLOURS.get("1" if hazard.startswith("1") else hazard, WHITE) if coloured else WHITE
    ink = WHITE if ground in _WHITE_INK else BLACK
    inner = half * 0.9
    zh, en = hazard_names(hazard)
    return (
        Shape(((x, y - half), (x + half, y), (x, y + half), (x - half, y)), half * 0.04, ground),
        Shape(((x, y - inner), (x + inner, y), (x, y + inner), (x - inner, y)), half * 0.02, None),
        Line(x, y - half * 0.02, half * 0.3, zh, half * 1.4, "middle", ink=ink),
        Line(x, y + half * 0.22, half * 0.19, en, half * 1.2, "middle", ink=ink),
        Line(x, y + half * 0.66, half * 0.42, hazard, half * 0.6, "middle", bold=True, ink=ink),
    )


def _large(content: LabelContent, size: LabelSize, *, coloured: bool) -> tuple[Element, ...]:
    w, h, edge = size.width_mm, size.height_mm, 1.5
    left, right = edge + 2.5, w - edge - 2.5
    head, foot = edge + 0.235 * h, h - edge - 0.17 * h
    un_width = 0.3 * w if content.un else 0.0
    elements: list[Element] = [
        _rectangle(edge, edge, w - 2 * edge, h - 2 * edge, line=0.5),
        Line(left, edge + 0.128 * h, 0.115 * h, content.name_zh, right - left - un_width - 2),
        Line(left, edge + 0.2 * h, 0.056 * h, content.name_en, right - left - un_width - 2),
        Shape(((edge, head), (w - edge, head)), 0.3, None),
        Shape(((edge, foot), (w - edge, foot)), 0.3, None),
    ]
    if content.un:
        x, y, height = w - edge - un_width - 1.8, edge + 1.8, head - edge - 3.6
        elements += [
            _rectangle(x, y, un_width, height, line=0.6),
            Line(
                x + un_width / 2,
                y + height * 0.7,
                height * 0.62,
                f"UN {content.un}",
                un_width - 3,
                "middle",
                bold=True,
            ),
        ]
    side = foot - head - 1.6
    qr_x = w - edge - side - 1.0
    elements.append(QRArea(qr_x, head + 0.8, side, content.url))
    elements += _large_facts(content, left=left, head=head, foot=foot, limit=qr_x, coloured=coloured)
    elements += _foot(content, w=w, h=h, edge=edge, foot=foot)
    return tuple(elements)


def _large_facts(
    content: LabelContent, *, left: float, head: float, foot: float, limit: float, coloured: bool
) -> tuple[Element, ...]:
    """The hazard diamonds and the lines of facts between the head line and the foot line."""
    elements: list[Element] = []
    height = foot - head
    half = 0.27 * height
    x = left + half
    hazards = () if content.tdg_class is None else (content.tdg_class, *content.subsidiary)
    for place, hazard in enumerate(hazards[:3]):
        own = half if place == 0 else half * 0.72
        x = x if place == 0 else x + own
        elements += _diamond(x, head + 1.2 + half, own, hazard=hazard, coloured=coloured)
        x += own + 1.2
    facts = [("净含量 Net", content.quantity), ("生产单位 Maker", content.maker)]
    if content.tdg_class is not None:
        group = f"   包装类别 PG {content.packing_group}" if content.packing_group else ""
        facts.insert(0, ("类别 Class", class_text(content) + group))
    step = (height - 2 * half - 2.4) / 3
    base = foot - len(facts) * step - 0.3
    for place, (title, text) in enumerate(facts, 1):
        y = base + place * step - 0.22 * step
        elements.append(Line(left, y, step * 0.62, f"{title}: {text}", limit - left - 1.5))
    return tuple(elements)


def _foot(content: LabelContent, *, w: float, h: float, edge: float, foot: float) -> tuple[Element, ...]:
    height = h - edge - foot
    return (
        Line(w / 2, foot + height * 0.6, height * 0.52, content.code, w - 2 * edge - 4, "middle", bold=True),
        Line(
            w / 2,
            foot + height * 0.88,
            height * 0.2,
            "追溯码 Trace code · 扫码查验真伪与应急信息 Scan to verify and for emergency advice",
            w - 2 * edge - 4,
            "middle",
        ),
    )


def _small(content: LabelContent, size: LabelSize) -> tuple[Element, ...]:
    w, h, edge = size.width_mm, size.height_mm, 0.8
    foot = h - edge - 0.19 * h
    side = min(foot - edge - 0.6, 0.46 * w)
    x = edge + side + 1.0
    room = w - edge - x - 0.8
    unit = (foot - edge) / 24.4
    un = f"UN {content.un}  " if content.un else ""
    group = f"  PG {content.packing_group}" if content.packing_group else ""
    hazard = "" if content.tdg_class is None else " ".join(hazard_names(content.tdg_class))
    lines = (
        (5.0, content.name_zh, False),
        (2.7, content.name_en, False),
        (4.0, f"{un}{class_text(content)}{group}".strip(), True),
        (2.8, hazard, False),
        (2.9, f"净含量 Net {content.quantity}", False),
        (2.5, content.maker, False),
    )
    elements: list[Element] = [
        _rectangle(edge, edge, w - 2 * edge, h - 2 * edge, line=0.3),
        Shape(((edge, foot), (w - edge, foot)), 0.2, None),
        QRArea(edge + 0.3, edge + 0.3 + (foot - edge - 0.6 - side) / 2, side, content.url),
        Line(
            w / 2,
            foot + (h - edge - foot) * 0.72,
            (h - edge - foot) * 0.62,
            content.code,
            w - 4,
            "middle",
            bold=True,
        ),
    ]
    y = edge + 0.6 * unit
    for height, text, bold in lines:
        y += height * unit * 1.1
        if text:
            elements.append(Line(x, y, height * unit, text, room, bold=bold))
    return tuple(elements)
