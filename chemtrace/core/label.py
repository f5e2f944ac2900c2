"""What a label says, how big it is, and how labels lie on a sheet. Drawing is `label_layout` and the adapters.

The label carries the QR code of the resolver URL (with the seal), the code in print, the names in Chinese and
English, hazard class, UN number, packing group, quantity and maker. It adds to the transport marks that
GB 190 and GB 15258 ask for, it does not replace them. Form: contracts/specs/label.md.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from chemtrace.core.catalogue import Chemical
from chemtrace.core.codes import TraceCode, label_url
from chemtrace.core.errors import LabelError

MIN_MODULE_MM: Final = 0.33
"""Smallest module of a label's QR code, in millimetres: 4 dots at 300 dpi, readable by phones at arm's length."""

QUIET_MODULES: Final = 4
"""Quiet zone on each side, in modules (ISO/IEC 18004)."""

MIN_DPI: Final = 200
MAX_DPI: Final = 1200

_ALPHANUMERIC: Final = re.compile(r"[0-9A-Z $%*+\-./:]{1,150}", re.ASCII)
_PRINTABLE: Final = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]*")

HAZARD_NAMES: Final = {
    "1": ("爆炸品", "Explosive"),
    "2.1": ("易燃气体", "Flammable gas"),
    "2.2": ("非易燃无毒气体", "Non-flammable gas"),
    "2.3": ("毒性气体", "Toxic gas"),
    "3": ("易燃液体", "Flammable liquid"),
    "4.1": ("易燃固体", "Flammable solid"),
    "4.2": ("易自燃物质", "Spontaneously combustible"),
    "4.3": ("遇水放出易燃气体", "Dangerous when wet"),
    "5.1": ("氧化性物质", "Oxidizer"),
    "5.2": ("有机过氧化物", "Organic peroxide"),
    "6.1": ("毒性物质", "Toxic"),
    "6.2": ("感染性物质", "Infectious"),
    "7": ("放射性物质", "Radioactive"),
    "8": ("腐蚀性物质", "Corrosive"),
    "9": ("杂项危险物质", "Miscellaneous"),
}
"""Class or division to its short names in Chinese and English (GB 6944-2012, GB 190-2009)."""


@dataclass(frozen=True, slots=True)
class LabelContent:
    """Everything printed on one label; checked when made.

    Fields: `url` the text of the QR code (QR alphanumeric signs only), `code` as people read it, names, class and
    subsidiary hazards as in the catalogue (None: not dangerous goods), `un` four digits or None, packing group,
    `quantity` as text with its unit ("50 kg"), `maker` the name of the enterprise.
    """

    # Never in a repr: the URL carries the seal, and a repr may reach a log.
    url: str = field(repr=False)
    code: str
    name_zh: str
    name_en: str
    tdg_class: str | None
    subsidiary: tuple[str, ...]
    un: str | None
    packing_group: str | None
    quantity: str
    maker: str

    def __post_init__(self) -> None:
        """Refuse what cannot be printed.

        Raises:
            LabelError: names the field.
        """
        if _ALPHANUMERIC.fullmatch(self.url) is None:
            message = "The QR text of a label is 1 to 150 signs of the QR alphanumeric set (upper case)."
            raise LabelError(message, field="url", got_length=len(self.url))
        for name, limit in (("code", 40), ("name_zh", 40), ("name_en", 80), ("quantity", 40), ("maker", 80)):
            _check_text(name, getattr(self, name), limit)
        for hazard in (self.tdg_class, *self.subsidiary):
            if hazard is not None:
                hazard_names(hazard)
        if self.un is not None and re.fullmatch(r"[0-9]{4}", self.un, re.ASCII) is None:
            message = "A UN number has four digits."
            raise LabelError(message, field="un", got=self.un)
        if self.packing_group not in {None, "I", "II", "III"}:
            message = "A packing group is I, II, III or none."
            raise LabelError(message, field="packing_group", got=self.packing_group)


@dataclass(frozen=True, slots=True)
class LabelSize:
    """Width and height of a label in millimetres; 45 x 28 to 210 x 297."""

    width_mm: float
    height_mm: float

    def __post_init__(self) -> None:
        """Refuse a size that no label can have.

        Raises:
            LabelError: too small to be read or larger than a page.
        """
        if not (45 <= self.width_mm <= 210 and 28 <= self.height_mm <= 297):
            message = "A label is 45 x 28 to 210 x 297 mm."
            raise LabelError(
                message, field="size", got=f"{self.width_mm} x {self.height_mm}", expected="45 x 28"
            )


DRUM: Final = LabelSize(100, 70)
"""Drums, cylinders, IBC, tanks."""

BOTTLE: Final = LabelSize(50, 30)
"""Reagent bottles and other small packs."""


@dataclass(frozen=True, slots=True)
class LabelSheet:
    """A page of labels in millimetres.

    The offset is how far everything is moved to make good a printer that misses (positive: right, down).
    """

    columns: int
    rows: int
    label: LabelSize
    margin_left_mm: float
    margin_top_mm: float
    gap_x_mm: float = 0.0
    gap_y_mm: float = 0.0
    offset_x_mm: float = 0.0
    offset_y_mm: float = 0.0
    page_width_mm: float = 210.0
    page_height_mm: float = 297.0
    cut_marks: bool = False

    def __post_init__(self) -> None:
        """Refuse a grid that does not fit on its page.

        Raises:
            LabelError: carries the room needed and the room there is; or an offset beyond 10 mm.
        """
        if self.columns < 1 or self.rows < 1 or min(self.gap_x_mm, self.gap_y_mm) < 0:
            message = "A sheet has at least one column and one row, and gaps that are not negative."
            raise LabelError(message, field="sheet", got=(self.columns, self.rows))
        width = self.margin_left_mm + self.columns * (self.label.width_mm + self.gap_x_mm) - self.gap_x_mm
        height = self.margin_top_mm + self.rows * (self.label.height_mm + self.gap_y_mm) - self.gap_y_mm
        if min(self.margin_left_mm, self.margin_top_mm) < 0 or width > self.page_width_mm + 1e-6:
            message = f"The columns need {width:g} mm, the page has {self.page_width_mm:g} mm."
            raise LabelError(message, field="columns", got=f"{width:g}", expected=f"{self.page_width_mm:g}")
        if height > self.page_height_mm + 1e-6:
            message = f"The rows need {height:g} mm, the page has {self.page_height_mm:g} mm."
            raise LabelError(message, field="rows", got=f"{height:g}", expected=f"{self.page_height_mm:g}")
        if max(abs(self.offset_x_mm), abs(self.offset_y_mm)) > 10:
            message = "A calibration offset is at most 10 mm; beyond that the paper lies wrong."
            raise LabelError(message, field="offset", got=(f"{self.offset_x_mm:g}", f"{self.offset_y_mm:g}"))

    @property
    def per_page(self) -> int:
        """Labels on one page."""
        return self.columns * self.rows

    def place(self, number: int) -> tuple[float, float]:
        """Give the left and top edge in millimetres of label `number` (from 0) of a page, offset included."""
        row, column = divmod(number, self.columns)
        x = self.margin_left_mm + column * (self.label.width_mm + self.gap_x_mm) + self.offset_x_mm
        y = self.margin_top_mm + row * (self.label.height_mm + self.gap_y_mm) + self.offset_y_mm
        return x, y


A4_DRUM: Final = LabelSheet(2, 4, LabelSize(99.1, 67.7), 4.65, 13.1, gap_x_mm=2.5)
"""A4 with 8 labels of 99.1 x 67.7 mm, the usual die cut."""

A4_BOTTLE: Final = LabelSheet(3, 8, LabelSize(70, 36), 0, 4.5)
"""A4 with 24 labels of 70 x 36 mm, the usual die cut."""


def label_content(
    *, host: str, code: TraceCode, seal: str | None, chemical: Chemical, quantity: str, maker: str
) -> LabelContent:
    """Put together the label of one item from its code, seal and catalogue entry.

    Raises:
        CodeFormatError: host or seal cannot stand in the URL.
        LabelError: quantity or maker cannot be printed, or the chemical's slot is not the code's.
    """
    if code.slot != chemical.slot:
        message = f"Code {code.pretty} is of slot {code.slot}, the chemical of slot {chemical.slot}."
        raise LabelError(message, field="slot", got=chemical.slot, expected=code.slot)
    return LabelContent(
        url=label_url(host, code, seal),
        code=code.pretty,
        name_zh=chemical.name_zh,
        name_en=chemical.name_en,
        tdg_class=chemical.tdg_class,
        subsidiary=chemical.subsidiary,
        un=chemical.un,
        packing_group=chemical.packing_group,
        quantity=quantity,
        maker=maker,
    )


def hazard_names(hazard: str) -> tuple[str, str]:
    """Give the Chinese and English short name of a class or division.

    Raises:
        LabelError: there is no such class.
    """
    names = HAZARD_NAMES.get(hazard) or (HAZARD_NAMES["1"] if re.fullmatch(r"1\.[1-6]", hazard) else None)
    if names is None:
        message = f"There is no hazard class {hazard!r}."
        raise LabelError(message, field="tdg_class", got=hazard)
    return names


def check_dpi(dpi: int) -> None:
    """Refuse a printer resolution outside 200 to 1200 dots an inch.

    Raises:
        LabelError: carries both sides.
    """
    if not MIN_DPI <= dpi <= MAX_DPI:
        message = f"Labels are drawn at {MIN_DPI} to {MAX_DPI} dots an inch, not {dpi}."
        raise LabelError(message, field="dpi", got=dpi, expected_minimum=MIN_DPI)


def _check_text(field: str, text: str, limit: int) -> None:
    if not text.strip() or len(text) > limit:
        message = f"The {field} of a label has 1 to {limit} characters, not {len(text)}."
        raise LabelError(message, field=field, got_length=len(text), expected_maximum=limit)
    if _PRINTABLE.fullmatch(text) is None:
        message = f"The {field} of a label holds a character that cannot be printed."
        raise LabelError(message, field=field, got=ascii(text))
