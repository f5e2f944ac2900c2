"""The ladder: what is tried on a picture, one step after another, until everything seen in it has been read.

Order and steps were measured on the degraded set (docs/reference/decode-rates.md): cheap steps that read much
stand first. At 960 x 720 on one core the first five steps cost about 2, 1, 15, 19 and 24 ms; a picture without
a code goes through all of them.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageChops, ImageFilter

from scanners.engines import EngineName

SURE_STEPS: Final = 4
"""Steps always taken on a photograph, also after a hit: a second label in it may be smaller or further away."""

_MAX_ENLARGED_PIXELS: Final = 16_000_000
"""Enlarging stops here: larger photographs already have the pixels, and each step on them costs a second."""


@dataclass(frozen=True, slots=True)
class Step:
    """One way of looking: `treat` makes the picture the engine is shown; `scale` is its enlargement."""

    name: str
    engine: EngineName
    treat: Callable[[Image.Image], Image.Image]
    enlarged: bool = False


def scale_of(step: Step, image: Image.Image) -> float:
    """Enlargement of `image` in this step: 2, less for large pictures, never below 1."""
    if not step.enlarged:
        return 1.0
    return max(1.0, min(2.0, math.sqrt(_MAX_ENLARGED_PIXELS / (image.width * image.height))))


def enlarge(image: Image.Image, scale: float) -> Image.Image:
    """Resample by cubic interpolation: small modules get the pixels that the engines' thresholds need."""
    if scale == 1.0:
        return image
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.BICUBIC)


def views(image: Image.Image, steps: tuple[Step, ...]) -> Iterator[tuple[Step, float, Image.Image]]:
    """Give every step with its scale and the picture it shows the engine; enlarged pictures are made once."""
    enlarged: Image.Image | None = None
    for step in steps:
        scale = scale_of(step, image)
        if step.enlarged and enlarged is None:
            enlarged = enlarge(image, scale)
        base = enlarged if step.enlarged and enlarged is not None else image
        yield step, scale, step.treat(base)


def _as_is(image: Image.Image) -> Image.Image:
    return image


def _sharpen(image: Image.Image) -> Image.Image:
    return image.filter(ImageFilter.UnsharpMask(radius=2, percent=250, threshold=0))


def _sharpen_enlarged(image: Image.Image) -> Image.Image:
    return image.filter(ImageFilter.UnsharpMask(radius=5, percent=300, threshold=0))


def _smooth(image: Image.Image) -> Image.Image:
    """Take out noise and hair scratches."""
    return image.filter(ImageFilter.GaussianBlur(2 if max(image.size) > 1280 else 1))


def _even_out(image: Image.Image) -> Image.Image:
    """Local contrast: the difference to the surroundings, 2.5 times as strong."""
    return ImageChops.subtract(image, image.filter(ImageFilter.BoxBlur(40)), 0.4, 128)


LADDER: Final = (
    Step("raw", "zxing", _as_is),
    Step("raw, one threshold", "zxing-global", _as_is),
    Step("sharpened", "zxing", _sharpen),
    Step("x2", "zxing", _as_is, enlarged=True),
    Step("x2 smoothed, one threshold", "zxing-global", _smooth, enlarged=True),
    Step("x2 sharpened", "zxing", _sharpen_enlarged, enlarged=True),
    Step("x2 local contrast", "zxing", _even_out, enlarged=True),
    Step("raw", "zbar", _as_is),
    Step("x2", "zbar", _as_is, enlarged=True),
    Step("x2 sharpened", "zbar", _sharpen_enlarged, enlarged=True),
)
"""Every step in order. zbar comes last: it is slow and reads little that zxing-cpp on the same picture does not."""
