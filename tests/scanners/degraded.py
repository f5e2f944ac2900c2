"""Pictures of damaged and badly photographed labels, drawn the same on every machine.

No public picture set shows dirty chemical drums, so the set is drawn here. Fixed: the frame (960 x 720 grey
pixels), the payload (`HTTPS://CX.EXAMPLE.CN/I/` + 19-sign code + 10-sign seal, version 4 at level Q: 33
modules), the module size in the picture, and the seed of every picture (condition number, picture number).
Every picture also has a few degrees of turn and a little sensor noise. The conditions are those a worker meets:
small, blurred, moved, tilted, stained, scratched, dim, glaring, bent.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import qrcode
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter
from qrcode import constants as qr_constants
from qrcode import util as qr_util

Grey = NDArray[np.float64]

FRAME = (960, 720)
"""Width and height of every picture, in pixels."""

SIGNS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""The 31 signs of GB 32100, of which codes and seals are made."""

LEVELS = {"M": qr_constants.ERROR_CORRECT_M, "Q": qr_constants.ERROR_CORRECT_Q}
_OVERSAMPLING = 4
_QUIET_MODULES = 4


@dataclass(frozen=True, slots=True)
class Condition:
    """One kind of damage.

    Attributes:
        name: stable name, used in the table and for the seed.
        module_px: side of one module in the undistorted picture, in pixels.
        level: error correction level of the label, M or Q.
        turn_deg: largest turn to either side.
        spoil: what happens to the flat label, before the picture is taken.
        view: how the label lies in front of the camera: maps label positions in the picture back to the flat label.
        expose: what happens to the finished frame: blur, glare, noise.
    """

    name: str
    module_px: float = 4.0
    level: str = "Q"
    turn_deg: float = 8.0
    spoil: Callable[[Image.Image, np.random.Generator], None] | None = None
    view: Callable[[Grey, Grey], tuple[Grey, Grey]] | None = None
    expose: Callable[[Grey, np.random.Generator], Grey] | None = None


def payload(rng: np.random.Generator) -> str:
    """Text of one label: resolver address, code, seal. Only the shape counts here, not the check sign."""
    code = "BJ1P" + f"{rng.integers(1, 36):03d}" + "".join(rng.choice(list(SIGNS), 12))
    return "HTTPS://CX.EXAMPLE.CN/I/" + code + "".join(rng.choice(list(SIGNS), 10))


def modules(text: str, level: str) -> NDArray[np.bool_]:
    """QR modules of `text` (dark is True), no quiet zone, alphanumeric mode, lowest fitting version."""
    code = qrcode.QRCode(error_correction=LEVELS[level], border=0, mask_pattern=2)
    code.add_data(qr_util.QRData(text.encode("ascii"), mode=qr_util.MODE_ALPHA_NUM))
    code.make(fit=True)
    return np.array(code.get_matrix(), dtype=np.bool_)


def picture(condition: Condition, seed: tuple[int, int]) -> tuple[Image.Image, str]:
    """One picture of one label and the text that is on it."""
    rng = np.random.default_rng(seed)
    text = payload(rng)
    label = _flat_label(modules(text, condition.level))
    if condition.spoil is not None:
        condition.spoil(label, rng)
    frame = _background(rng)
    _place(frame, label, condition, rng)
    if condition.expose is not None:
        frame = condition.expose(frame, rng)
    frame = frame + rng.normal(0, 2.5, frame.shape)
    return _as_image(frame), text


def codeless(seed: int) -> Image.Image:
    """A 640 x 480 picture with much structure and no code: stripes, squares in squares, checkers, noise."""
    rng = np.random.default_rng((999, seed))
    frame = _as_image(_background(rng))
    draw = ImageDraw.Draw(frame)
    for _ in range(int(rng.integers(5, 40))):
        _distraction(draw, rng)
    grain = rng.normal(0, float(rng.uniform(0, 25)), (FRAME[1], FRAME[0]))
    return _as_image(np.asarray(frame, dtype=np.float64) + grain).crop((0, 0, 640, 480))


def _distraction(draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    x, y = int(rng.integers(0, FRAME[0] - 60)), int(rng.integers(0, FRAME[1] - 60))
    size, kind = int(rng.integers(14, 120)), int(rng.integers(0, 4))
    if kind == 0:
        for i in range(0, size, 6):
            draw.rectangle((x + i, y, x + i + int(rng.integers(1, 5)), y + size), fill=20)
    elif kind == 1:
        for i, tone in ((0, 10), (size // 7, 245), (2 * size // 7, 10)):
            draw.rectangle((x + i, y + i, x + size - i, y + size - i), fill=tone)
    elif kind == 2:
        step = int(rng.integers(2, 6))
        for i in range(0, size, step):
            for j in range(0, size, step):
                draw.rectangle((x + i, y + j, x + i + step, y + j + step), fill=int(rng.choice([15, 240])))
    else:
        draw.ellipse((x, y, x + size, y + size), fill=int(rng.integers(0, 255)), outline=0, width=3)


def _flat_label(matrix: NDArray[np.bool_]) -> Image.Image:
    """The printed label, 16 pixels a module, with its quiet zone; 30 is black ink, 225 is paper."""
    padded = np.pad(matrix, _QUIET_MODULES)
    tones = np.where(padded, 30, 225).astype(np.uint8)
    return Image.fromarray(np.kron(tones, np.ones((16, 16), dtype=np.uint8)))


def _background(rng: np.random.Generator) -> Grey:
    """A dull uneven wall, brighter to one side."""
    slope = np.linspace(0, float(rng.uniform(-30, 30)), FRAME[0])[None, :]
    coarse = Image.fromarray(rng.integers(90, 150, (9, 12)).astype(np.uint8)).resize(
        FRAME, Image.Resampling.BICUBIC
    )
    return np.asarray(coarse, dtype=np.float64) + slope


def _place(frame: Grey, label: Image.Image, condition: Condition, rng: np.random.Generator) -> None:
    """Take the picture: sample the label under turn, tilt or bend, oversampled, then average down into the frame."""
    side = label.width / 16 * condition.module_px
    patch = int(side * 1.5) + 8
    angle = math.radians(float(rng.uniform(-condition.turn_deg, condition.turn_deg)))
    steps = (
        (np.arange(patch * _OVERSAMPLING) + 0.5) / _OVERSAMPLING - patch / 2 + float(rng.uniform(-0.5, 0.5))
    )
    x, y = np.meshgrid(steps, steps)
    u = (x * math.cos(angle) + y * math.sin(angle)) / (side / 2)
    v = (y * math.cos(angle) - x * math.sin(angle)) / (side / 2)
    if condition.view is not None:
        u, v = condition.view(u, v)
    inside = (np.abs(u) < 1) & (np.abs(v) < 1)
    column = np.clip((u + 1) / 2 * label.width, 0, label.width - 1)
    row = np.clip((v + 1) / 2 * label.height, 0, label.height - 1)
    tones = np.asarray(label, dtype=np.float64)[row.astype(np.intp), column.astype(np.intp)]
    left = int(rng.integers(10, max(11, FRAME[0] - patch - 10)))
    top = int(rng.integers(10, max(11, FRAME[1] - patch - 10)))
    window = frame[top : top + patch, left : left + patch]
    window[:] = np.where(_shrink(inside) > 0.5, _shrink(np.where(inside, tones, 225.0)), window)


def _shrink(fine: NDArray[np.bool_] | Grey) -> Grey:
    rows, columns = (n // _OVERSAMPLING for n in fine.shape)
    averaged: Grey = fine.reshape(rows, _OVERSAMPLING, columns, _OVERSAMPLING).mean(axis=(1, 3))
    return averaged


def _as_image(frame: Grey) -> Image.Image:
    return Image.fromarray(np.clip(frame, 0, 255).astype(np.uint8))


def _blot(share: float) -> Callable[[Image.Image, np.random.Generator], None]:
    """A dark round stain over `share` of the code's area that leaves the three finder patterns free."""

    def spoil(label: Image.Image, rng: np.random.Generator) -> None:
        count = label.width / 16 - 2 * _QUIET_MODULES
        radius = math.sqrt(share / math.pi) * count
        while True:
            x, y = rng.uniform(radius, count - radius, 2)
            corners = ((3.5, 3.5), (count - 3.5, 3.5), (3.5, count - 3.5))
            if all(math.dist((x, y), corner) > radius + 5 for corner in corners):
                break
        box = [16 * (_QUIET_MODULES + c) for c in (x - radius, y - radius, x + radius, y + radius)]
        ImageDraw.Draw(label).ellipse(box, fill=45)

    return spoil


def _scratches(label: Image.Image, rng: np.random.Generator) -> None:
    """Four light scratches, 0.3 to 0.6 modules wide, right across the label."""
    draw, side = ImageDraw.Draw(label), label.width
    for _ in range(4):
        a, b = rng.uniform(0, side, 2)
        ends = (a, 0, b, side) if rng.random() < 0.5 else (0, a, side, b)
        draw.line(tuple(float(e) for e in ends), fill=235, width=int(rng.uniform(0.3, 0.6) * 16))


def _stain_a_little(label: Image.Image, rng: np.random.Generator) -> None:
    _blot(0.03)(label, rng)
    ends = [float(e) for e in rng.uniform(0, label.width, 2)]
    ImageDraw.Draw(label).line((ends[0], 0, ends[1], label.height), fill=235, width=10)


def _tilted(degrees: float) -> Callable[[Grey, Grey], tuple[Grey, Grey]]:
    """Seen from the side: turned about the upright axis, from five half-widths away."""
    sine, cosine, distance = math.sin(math.radians(degrees)), math.cos(math.radians(degrees)), 5.0

    def view(x: Grey, y: Grey) -> tuple[Grey, Grey]:
        u = distance * x / (distance * cosine + x * sine)
        return u, y * (1 - u * sine / distance)

    return view


def _bent(half_angle: float) -> Callable[[Grey, Grey], tuple[Grey, Grey]]:
    """Round a drum whose edge the label reaches at `half_angle` degrees to either side."""
    widest = math.radians(half_angle)

    def view(x: Grey, y: Grey) -> tuple[Grey, Grey]:
        u = np.arcsin(np.clip(x * math.sin(widest), -1, 1)) / widest
        return np.where(np.abs(x) > 1, 2.0, u), y

    return view


def _blur(sigma: float) -> Callable[[Grey, np.random.Generator], Grey]:
    def expose(frame: Grey, rng: np.random.Generator) -> Grey:
        return np.asarray(_as_image(frame).filter(ImageFilter.GaussianBlur(sigma)), dtype=np.float64)

    return expose


def _motion(length: int) -> Callable[[Grey, np.random.Generator], Grey]:
    """The camera moved `length` pixels in one of eight directions while the shutter was open."""

    def expose(frame: Grey, rng: np.random.Generator) -> Grey:
        angle = float(rng.integers(0, 8)) * math.pi / 8
        shifts = range(-(length // 2), length - length // 2)
        offsets = [(round(s * math.sin(angle)), round(s * math.cos(angle))) for s in shifts]
        moved: Grey = np.mean([np.roll(frame, offset, axis=(0, 1)) for offset in offsets], axis=0)
        return moved

    return expose


def _dim(frame: Grey, rng: np.random.Generator) -> Grey:
    """A fifth of the contrast left, in the dark, with strong noise."""
    return 45 + frame * 0.2 + rng.normal(0, 9, frame.shape)


def _glare(frame: Grey, rng: np.random.Generator) -> Grey:
    """A lamp mirrored in glossy film: a wide haze with a burnt-out middle on the label (its brightest region)."""
    bright = np.asarray(_as_image(frame).resize((24, 18), Image.Resampling.BOX))
    row, column = np.unravel_index(int(bright.argmax()), bright.shape)
    x, y = (column + 0.5) * 40 + float(rng.uniform(-25, 25)), (row + 0.5) * 40 + float(rng.uniform(-25, 25))
    rows, columns = np.mgrid[0 : FRAME[1], 0 : FRAME[0]]
    squared = (columns - x) ** 2 + (rows - y) ** 2
    return frame + 200 * np.exp(-squared / (2 * 14**2)) + 60 * np.exp(-squared / (2 * 90**2))


def _everything_a_little(frame: Grey, rng: np.random.Generator) -> Grey:
    blurred = _blur(1.1)(_motion(3)(frame, rng), rng)
    return 40 + blurred * 0.45 + rng.normal(0, 4, frame.shape)


CONDITIONS: tuple[Condition, ...] = (
    Condition("clean"),
    Condition("small, 2 px a module", module_px=2.0),
    Condition("small, 1.5 px a module", module_px=1.5),
    Condition("small, 1.3 px a module", module_px=1.3),
    Condition("blur, sigma 1.5 px", expose=_blur(1.5)),
    Condition("blur, sigma 2 px", expose=_blur(2.0)),
    Condition("motion, 6 px", expose=_motion(6)),
    Condition("tilt, 65 degrees", view=_tilted(65)),
    Condition("blot over 12 %, level M", level="M", spoil=_blot(0.12)),
    Condition("blot over 12 %, level Q", spoil=_blot(0.12)),
    Condition("four scratches", spoil=_scratches),
    Condition("low contrast and noise", expose=_dim),
    Condition("glare spot", expose=_glare),
    Condition("bent round a drum, 50 degrees", view=_bent(50)),
    Condition("any rotation", turn_deg=180.0),
    Condition(
        "all of it a little",
        module_px=3.0,
        turn_deg=25.0,
        spoil=_stain_a_little,
        view=_tilted(25),
        expose=_everything_a_little,
    ),
)
"""Every condition of the set, in the order of the table; the position is the first half of each picture's seed."""


def pictures(name: str, count: int) -> tuple[tuple[Image.Image, str], ...]:
    """The first `count` pictures of the condition called `name`, each with the text that is on it."""
    number = [condition.name for condition in CONDITIONS].index(name)
    return tuple(picture(CONDITIONS[number], (number, i)) for i in range(count))
