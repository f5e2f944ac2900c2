"""The two engines that read QR codes, behind one shape: grey picture in, texts with their four corners out.

zxing-cpp does nearly all the work. libzbar, through pyzbar, reads a few pictures that
zxing-cpp does not; where the system library is missing the work goes on without it, and `missing_engine` says so.
"""

import functools
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Final, Literal

import zxingcpp
from PIL import Image

Point = tuple[int, int]
"""x and y in pixels."""

Corners = tuple[Point, Point, Point, Point]
"""Four corners of a code, in pixels, in order around it."""

EngineName = Literal["zxing", "zxing-global", "zbar"]
"""`zxing-global` is zxing-cpp with one threshold for the whole picture in place of local ones."""


@dataclass(frozen=True, slots=True)
class Symbol:
    """One symbol seen: its text, or None where it was seen and could not be read; corners in the given picture."""

    text: str | None
    corners: Corners


def read_symbols(engine: EngineName, image: Image.Image) -> tuple[Symbol, ...]:
    """Read every QR code of a grey picture with one engine; none where that engine is not on this machine."""
    return _READERS[engine](image)


def missing_engine() -> str | None:
    """Say in a sentence that libzbar is missing, or None when both engines are there."""
    if _zbar() is not None:
        return None
    return "libzbar is missing: reading goes on with zxing-cpp alone (Debian package: libzbar0)"


def _read_zxing(binarizer: zxingcpp.Binarizer, image: Image.Image) -> tuple[Symbol, ...]:
    # A buffer of bytes spares zxing-cpp's way through numpy, which small machines do not carry.
    pixels = memoryview(image.tobytes()).cast("B", shape=(image.height, image.width))
    found = zxingcpp.read_barcodes(
        pixels,
        formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode),
        binarizer=binarizer,
        return_errors=True,
    )
    return tuple(Symbol(code.text if code.valid else None, _zxing_corners(code.position)) for code in found)


def _zxing_corners(place: zxingcpp.Position) -> Corners:
    ends = (place.top_left, place.top_right, place.bottom_right, place.bottom_left)
    a, b, c, d = ((int(end.x), int(end.y)) for end in ends)
    return a, b, c, d


@functools.cache
def _zbar() -> ModuleType | None:
    try:
        return importlib.import_module("pyzbar.pyzbar")
    # pyzbar raises ImportError without the system library, OSError when the library found cannot be loaded.
    except (ImportError, OSError):
        return None


def _read_zbar(image: Image.Image) -> tuple[Symbol, ...]:
    zbar = _zbar()
    if zbar is None:
        return ()
    codes = zbar.decode((image.tobytes(), image.width, image.height), symbols=[zbar.ZBarSymbol.QRCODE])
    return tuple(Symbol(_zbar_text(code.data), _box_corners(*code.rect)) for code in codes)


def _zbar_text(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _box_corners(left: int, top: int, width: int, height: int) -> Corners:
    return (left, top), (left + width, top), (left + width, top + height), (left, top + height)


_READERS: Final[dict[EngineName, Callable[[Image.Image], tuple[Symbol, ...]]]] = {
    "zxing": functools.partial(_read_zxing, zxingcpp.Binarizer.LocalAverage),
    "zxing-global": functools.partial(_read_zxing, zxingcpp.Binarizer.GlobalHistogram),
    "zbar": _read_zbar,
}
