"""A camera of this machine, where there is one: frames by OpenCV (optional, `opencv-python-headless`), labels out."""

import importlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Final

from PIL import Image

from chemtrace.core.errors import CameraError
from scanners.decode import Decoded, decode_image
from scanners.ladder import LADDER, SURE_STEPS, Step

FRAME_SIZE: Final = (1920, 1080)
"""Pixels asked of the camera; it gives what it has."""

_THOROUGH_EVERY: Final = 5
"""Every fifth frame without a hit goes up the whole ladder; the others take the first, cheap steps."""


def list_cameras(devices: Path = Path("/dev")) -> tuple[Path, ...]:
    """The video devices of this machine, in order."""
    return tuple(sorted(devices.glob("video*")))


def scan_camera(number: int = 0) -> Iterator[tuple[Decoded, ...]]:
    """Give the labels of each frame (often none) until the caller stops asking; the camera is released then.

    Raises:
        CameraError: no OpenCV, no such camera, or one that gives no pictures.
    """
    opencv = _opencv()
    capture = opencv.VideoCapture(number)
    try:
        if not capture.isOpened():
            raise CameraError(
                "This camera cannot be opened: not there, or in use by another program.", camera=number
            )
        capture.set(opencv.CAP_PROP_FRAME_WIDTH, FRAME_SIZE[0])
        capture.set(opencv.CAP_PROP_FRAME_HEIGHT, FRAME_SIZE[1])
        misses = 0
        while True:
            got, frame = capture.read()
            if not got:
                raise CameraError("The camera gives no more pictures: check its cable.", camera=number)
            grey = opencv.cvtColor(frame, opencv.COLOR_BGR2GRAY)
            height, width = grey.shape[:2]
            picture = Image.frombytes("L", (width, height), grey.tobytes())
            codes = decode_image(picture, thorough=False, steps=_steps(misses))
            misses = 0 if codes else misses + 1
            yield codes
    finally:
        capture.release()


def _steps(misses: int) -> tuple[Step, ...]:
    return LADDER if misses % _THOROUGH_EVERY == _THOROUGH_EVERY - 1 else LADDER[:SURE_STEPS]


def _opencv() -> ModuleType:
    try:
        return importlib.import_module("cv2")
    except ImportError as error:
        message = "Reading a camera needs OpenCV (pip install opencv-python-headless); or let it write into a folder."
        raise CameraError(message, missing="cv2", cameras=[str(path) for path in list_cameras()]) from error
