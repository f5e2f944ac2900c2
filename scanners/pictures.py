"""Opening pictures that come from anywhere: formats, sizes and decompression bombs are checked before decoding."""

import io
from pathlib import Path
from typing import Final

from PIL import Image, UnidentifiedImageError

from chemtrace.core.errors import ImageInvalidError, ImageTooLargeError

FORMATS: Final = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "PPM")
"""Formats that cameras, phones and scanners write; nothing else is tried."""

SUFFIXES: Final = frozenset(
    {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".pgm", ".ppm"}
)
"""File name endings, lower case, that count as pictures in a folder."""

MAX_BYTES: Final = 64 * 1024 * 1024
"""Largest picture file: four times a 50-megapixel phone JPEG."""

MAX_PIXELS: Final = 64_000_000
"""Largest picture: a 50-megapixel phone photograph and some room; 64 MB as grey pixels."""


def open_grey(source: Image.Image | bytes | Path) -> Image.Image:
    """Return the picture as grey pixels (mode L), transparency on white paper.

    Raises:
        ImageTooLargeError: beyond `MAX_BYTES` or `MAX_PIXELS`; nothing of it was decoded.
        ImageInvalidError: missing, unreadable, damaged, or not one of `FORMATS`.
    """
    if isinstance(source, Image.Image):
        _check_pixels(source)
        return _as_grey(source)
    data = source if isinstance(source, bytes) else _load_bytes(source)
    if len(data) > MAX_BYTES:
        raise ImageTooLargeError(
            "The picture file is too large.", size=len(data), limit=MAX_BYTES, unit="bytes"
        )
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            _check_pixels(image)
            image.draft("L", image.size)
            return _as_grey(image)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageTooLargeError(f"The picture has too many pixels: {error}", limit=MAX_PIXELS) from error
    except UnidentifiedImageError as error:
        message = "This is not a picture of a known format: send JPEG, PNG, WebP, BMP, TIFF or GIF."
        raise ImageInvalidError(message, expected=FORMATS, size=len(data)) from error
    # Pillow's decoders let out these on damaged data; which one depends on the format.
    except (
        OSError,
        SyntaxError,
        ValueError,
        EOFError,
        IndexError,
        TypeError,
        OverflowError,
        MemoryError,
    ) as error:
        raise ImageInvalidError(f"The picture is damaged: {error}", size=len(data)) from error


def _load_bytes(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise ImageTooLargeError(
                "The picture file is too large.", size=size, limit=MAX_BYTES, unit="bytes"
            )
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ImageInvalidError(f"The file cannot be read: {error.strerror}", file=path.name) from error


def _check_pixels(image: Image.Image) -> None:
    pixels = image.width * image.height
    if pixels > MAX_PIXELS:
        message = f"The picture has {image.width} x {image.height} pixels; send one of at most 64 million."
        raise ImageTooLargeError(message, size=pixels, limit=MAX_PIXELS, unit="pixels")


def _as_grey(image: Image.Image) -> Image.Image:
    if image.mode in ("I;16", "I;16L", "I;16B", "I"):
        return image.convert("I").point(lambda value: value / 256).convert("L")
    if image.has_transparency_data:
        colour = image.convert("RGBA")
        paper = Image.new("RGBA", colour.size, "white")
        return Image.alpha_composite(paper, colour).convert("L")
    return image.convert("L")
