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

_MAX_WORK_PIXELS: Final = 12_000_000
"""Steps after the first look work on at most so many pixels; larger photographs are made smaller for them.

A 48-megapixel picture of nothing but noise so costs ten seconds; its first look is at full size.
"""


@dataclass(frozen=True, slots=True)
class Step:
    """One way of looking: `treat` makes the picture that `engine` is shown.

    `enlarged` doubles the picture first; `full_size` shows every pixel of it, however many there are.
    """

    name: str
    engine: EngineName
    treat: Callable[[Image.Image], Image.Image]
    enlarged: bool = False
    full_size: bool = False


def scale_of(step: Step, image: Image.Image) -> float:
    """Size of the picture shown in this step over that of `image`: 2 where enlarged, less for large pictures."""
    if step.full_size:
        return 1.0
    return min(2.0 if step.enlarged else 1.0, math.sqrt(_MAX_WORK_PIXELS / (image.width * image.height)))


def resample(image: Image.Image, scale: float) -> Image.Image:
    """Resample by cubic interpolation: small modules get the pixels that the engines' thresholds need."""
    if scale == 1.0:
        return image
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.BICUBIC)


def views(image: Image.Image, steps: tuple[Step, ...]) -> Iterator[tuple[Step, float, Image.Image]]:
    """Give every step with its scale and the picture it shows the engine; each size is made once."""
    sizes: dict[float, Image.Image] = {}
    for step in steps:
        scale = scale_of(step, image)
        if scale not in sizes:
            sizes[scale] = resample(image, scale)
        yield step, scale, step.treat(sizes[scale])


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
    Step("raw", "zxing", _as_is, full_size=True),
    Step("raw, one threshold", "zxing-global", _as_is, full_size=True),
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
