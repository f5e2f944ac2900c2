"""Every rendering of a label is read again by two independent readers, at the resolutions printers have."""

import dataclasses
import re
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree as ET

import pypdfium2
import pytest
import zxingcpp
from PIL import Image, ImageDraw
from pyzbar import pyzbar

from chemtrace.adapters.labels import render_pdf_sheet, render_png, render_qr_png, render_svg, render_zpl
from chemtrace.adapters.labels.fonts import find_font
from chemtrace.adapters.labels.qr import module_mm, qr_matrix
from chemtrace.core.catalogue import parse_catalogue
from chemtrace.core.codes import make_code, parse_label
from chemtrace.core.errors import LabelError, LabelFontError
from chemtrace.core.label import (
    A4_BOTTLE,
    A4_DRUM,
    BOTTLE,
    DRUM,
    LabelContent,
    LabelSheet,
    LabelSize,
    label_content,
)

ROOT = Path(__file__).parents[2]
CATALOGUE = parse_catalogue((ROOT / "contracts" / "chemicals" / "beijing-35.json").read_bytes())
SEAL = "K7QX20M4TA"
SIZES = {"drum": DRUM, "bottle": BOTTLE, "a4-drum": A4_DRUM.label, "a4-bottle": A4_BOTTLE.label}


def label(slot: str = "005", serial: str = "4QX9T3C", maker: str = "示例化工厂") -> LabelContent:
    chemical = CATALOGUE.by_slot[slot]
    return label_content(
        host="cx.example.cn",
        code=make_code(kind=chemical.kinds[0], slot=slot, issuer="7K2M", serial=serial),
        seal=SEAL,
        chemical=chemical,
        quantity="50 kg",
        maker=maker,
    )


def read_by_both(picture: Image.Image) -> tuple[list[str], list[str]]:
    grey = picture.convert("L")
    first = sorted(
        found.text for found in zxingcpp.read_barcodes(grey, formats=zxingcpp.BarcodeFormat.QRCode)
    )
    second = sorted(found.data.decode() for found in pyzbar.decode(grey, symbols=[pyzbar.ZBarSymbol.QRCODE]))
    return first, second


def assert_reads(picture: Image.Image, *contents: LabelContent) -> None:
    wanted = sorted(content.url for content in contents)
    assert (wanted, wanted) == read_by_both(picture)


def unpack_zpl(zpl: str) -> Image.Image:
    """A second reading of ^GFA and its run lengths, written from the manual and not from the encoder."""
    found = re.fullmatch(
        r"\^XA\^PW(\d+)\^LL(\d+)\^LH0,0\^FO0,0\^GFA,(\d+),(\d+),(\d+),([^^]*)\^FS\^PQ1\^XZ\n", zpl, re.ASCII
    )
    assert found is not None
    width, height, total, total_again, row_bytes = (int(found[n]) for n in range(1, 6))
    assert total == total_again == row_bytes * height
    digits_per_row, rows, row, count = row_bytes * 2, [], "", 0
    for sign in found[6]:
        if sign in "0123456789ABCDEF":
            row, count = row + sign * max(count, 1), 0
        elif "G" <= sign <= "Y":
            count += ord(sign) - ord("F")
        elif "g" <= sign <= "z":
            count += 20 * (ord(sign) - ord("f"))
        elif sign == ":":
            assert not row
            rows.append(rows[-1])
        else:
            row = row.ljust(digits_per_row, {",": "0", "!": "F"}[sign])
        if len(row) == digits_per_row:
            rows.append(row)
            row = ""
    assert len(rows) == height
    assert not row
    ink = Image.frombytes("1", (row_bytes * 8, height), bytes.fromhex("".join(rows)))
    return ink.convert("L").point(lambda level: 255 - level).crop((0, 0, width, height))


def rasterise_svg(svg: str, dpi: int) -> Image.Image:
    """Draw the shapes and the QR path of our own SVG (not its texts) with a few lines of code."""
    root = ET.fromstring(svg)
    name = "{http://www.w3.org/2000/svg}"
    width, height = (float(root.attrib[side].removesuffix("mm")) for side in ("width", "height"))
    scale = dpi / 25.4
    picture = Image.new("L", (round(width * scale), round(height * scale)), 255)
    draw = ImageDraw.Draw(picture)
    for path in root.iter(f"{name}path"):
        left, top, module = map(float, re.findall(r"[0-9.]+", path.attrib["transform"]))
        for column, row, length in re.findall(r"M(\d+) (\d+)h(\d+)v1h-\d+z", path.attrib["d"]):
            x, y = left + int(column) * module, top + int(row) * module
            corners = (x, y, x + int(length) * module, y + module)
            x0, y0, x1, y1 = (round(corner * scale) for corner in corners)
            draw.rectangle((x0, y0, x1 - 1, y1 - 1), fill=0)
    return picture


def pages(pdf: bytes, dpi: int) -> list[Image.Image]:
    document = pypdfium2.PdfDocument(pdf)
    try:
        return [page.render(scale=dpi / 72).to_pil() for page in document]
    finally:
        document.close()


@pytest.mark.parametrize("dpi", [203, 300])
@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES.keys())
def test_a_png_label_is_read_and_states_its_true_size(dpi: int, size: LabelSize) -> None:
    picture = Image.open(BytesIO(render_png(label(), dpi, size)))
    assert_reads(picture, label())
    assert picture.size == (round(size.width_mm * dpi / 25.4), round(size.height_mm * dpi / 25.4))
    assert [round(value) for value in picture.info["dpi"]] == [dpi, dpi]


@pytest.mark.parametrize("dpi", [203, 300])
@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES.keys())
def test_a_zpl_label_is_read_from_its_unpacked_bitmap(dpi: int, size: LabelSize) -> None:
    zpl = render_zpl(label(), dpi, size)
    assert zpl.isascii()
    assert_reads(unpack_zpl(zpl), label())


@pytest.mark.parametrize("dpi", [203, 300])
@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES.keys())
def test_an_svg_label_is_read_from_its_path(dpi: int, size: LabelSize) -> None:
    assert_reads(rasterise_svg(render_svg(label(), size), dpi), label())


@pytest.mark.parametrize("dpi", [203, 300])
@pytest.mark.parametrize("sheet", [A4_DRUM, A4_BOTTLE], ids=["drum", "bottle"])
def test_every_label_of_a_pdf_sheet_is_read(dpi: int, sheet: LabelSheet) -> None:
    contents = [label(f"{slot:03d}") for slot in range(1, sheet.per_page + 3)]
    first, second = pages(render_pdf_sheet(contents, sheet), dpi)
    assert_reads(second, *contents[sheet.per_page :])
    # The page as a whole for one reader, each label cut out for both.
    found = zxingcpp.read_barcodes(first.convert("L"), formats=zxingcpp.BarcodeFormat.QRCode)
    assert {content.url for content in contents[: sheet.per_page]} == {hit.text for hit in found}
    for place in range(sheet.per_page):
        assert_reads(first.crop(cell(sheet, place, dpi)), contents[place])


def cell(sheet: LabelSheet, place: int, dpi: int) -> tuple[int, int, int, int]:
    x, y = sheet.place(place)
    corners = (x, y, x + sheet.label.width_mm, y + sheet.label.height_mm)
    left, top, right, bottom = (round(corner * dpi / 25.4) for corner in corners)
    return left, top, right, bottom


def test_a_calibration_offset_moves_the_print_by_that_much() -> None:
    def left_top(sheet: LabelSheet) -> tuple[int, int]:
        page = pages(render_pdf_sheet([label()], sheet), 254)[0].convert("L")
        box = page.point(lambda level: 255 - level).getbbox()
        assert box is not None
        return box[0], box[1]

    x, y = left_top(A4_DRUM)
    grid = {"columns": 2, "rows": 4, "label": A4_DRUM.label, "margin_left_mm": 4.65, "margin_top_mm": 13.1}
    moved = LabelSheet(**grid, gap_x_mm=2.5, offset_x_mm=1.5, offset_y_mm=-2.0)
    # One pixel is 0.1 mm; an edge may fall on either side of it.
    moved_x, moved_y = left_top(moved)
    assert moved_x - x == pytest.approx(15, abs=1)
    assert moved_y - y == pytest.approx(-20, abs=1)


def test_the_same_labels_give_the_same_pdf_bytes_with_the_font_inside() -> None:
    pdf = render_pdf_sheet([label()])
    assert pdf == render_pdf_sheet([label()])
    assert b"/FontFile2" in pdf
    assert len(pdf) < 200_000


def test_a_pdf_sheet_carries_the_code_and_the_names_as_text() -> None:
    document = pypdfium2.PdfDocument(render_pdf_sheet([label()]))
    try:
        text = document[0].get_textpage().get_text_range()
    finally:
        document.close()
    for wanted in (
        label().code,
        "UN 1017",
        "氯",
        "chlorine",
        "2.3 (5.1, 8)",
        "50 kg",
        "示例化工厂",
        "毒性气体",
    ):
        assert wanted in text


def test_an_svg_shows_every_fact_and_escapes_what_would_be_markup() -> None:
    texts = {node.text for node in ET.fromstring(render_svg(label(maker='<b>&"甲"'))).iter() if node.text}
    assert {label().code, "UN 1017", "氯", "chlorine"} <= texts
    assert any('<b>&"甲"' in text for text in texts)


def test_all_35_labels_can_be_drawn_small_and_large_and_are_read() -> None:
    for slot in CATALOGUE.by_slot:
        for size in (DRUM, BOTTLE):
            assert_reads(unpack_zpl(render_zpl(label(slot), 203, size)), label(slot))


def test_what_is_read_from_a_label_is_its_code_and_seal() -> None:
    text = zxingcpp.read_barcode(Image.open(BytesIO(render_png(label())))).text
    code, seal = parse_label(text)
    assert (code.pretty, seal) == (label().code, SEAL)


def test_the_qr_code_of_a_label_is_33_modules_at_level_q() -> None:
    assert len(qr_matrix(label().url)) == 33
    found = zxingcpp.read_barcode(Image.open(BytesIO(render_qr_png(label().url, 4))))
    assert found.ec_level == "Q"


@pytest.mark.parametrize("text", ["HTTPS://X.CN/I/BJ1P0057K2M4QX9T3CF", "lower case 与中文", "x" * 900])
def test_a_bare_qr_code_carries_any_text(text: str) -> None:
    found = zxingcpp.read_barcode(Image.open(BytesIO(render_qr_png(text, 3))))
    assert found.text == text


@pytest.mark.parametrize(("text", "module_px"), [("", 4), ("A", 0), ("A", 101), ("x" * 3000, 2)])
def test_refuses_a_qr_code_that_cannot_be(text: str, module_px: int) -> None:
    with pytest.raises(LabelError):
        render_qr_png(text, module_px)


@pytest.mark.parametrize("dpi", [0, 199, 1201])
def test_refuses_a_resolution_no_printer_has(dpi: int) -> None:
    with pytest.raises(LabelError):
        render_png(label(), dpi)
    with pytest.raises(LabelError):
        render_zpl(label(), dpi)


def test_refuses_a_module_too_small_to_read_rather_than_printing_it() -> None:
    crowded = dataclasses.replace(label(), url="A" * 150)
    matrix = qr_matrix(label().url)
    refused = (
        lambda: render_png(crowded, 203, LabelSize(45, 28)),
        lambda: render_zpl(crowded, 203, LabelSize(45, 28)),
        lambda: module_mm(matrix, 13.0),
    )
    for draw in refused:
        with pytest.raises(LabelError) as caught:
            draw()
        assert caught.value.fields["field"] == "module_mm"
    assert module_mm(matrix, 13.6) >= 0.33


def test_refuses_an_empty_sheet() -> None:
    with pytest.raises(LabelError):
        render_pdf_sheet([])


def test_a_machine_without_chinese_fonts_is_told_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(LabelFontError) as caught:
        find_font(folders=(tmp_path,))
    assert caught.value.fields["package"] == "fonts-wqy-microhei"


def test_a_font_that_a_pdf_cannot_embed_is_named(tmp_path: Path) -> None:
    (tmp_path / "NotoSansCJK-Regular.ttc").write_bytes(b"")
    assert not find_font(folders=(tmp_path,)).is_truetype
    with pytest.raises(LabelFontError) as caught:
        find_font(for_pdf=True, folders=(tmp_path,))
    assert caught.value.fields["found"] == "NotoSansCJK-Regular.ttc"
