"""Reading single signs from a terminal: a scanner that ends its scans with Tab never sends a line."""

import contextlib
import importlib
import sys
from collections.abc import Iterator
from typing import TextIO


@contextlib.contextmanager
def typed_signs(stream: TextIO) -> Iterator[Iterator[str]]:
    """Give the signs of `stream` one by one until it ends.

    A terminal hands them over at once and shows none of them (they may carry seals); afterwards it is as it was before.
    """
    signs = iter(lambda: stream.read(1), "")
    if sys.platform == "win32" or not stream.isatty():
        yield signs
        return
    termios, tty = importlib.import_module("termios"), importlib.import_module("tty")
    before = termios.tcgetattr(stream.fileno())
    tty.setcbreak(stream.fileno())
    try:
        yield signs
    finally:
        termios.tcsetattr(stream.fileno(), termios.TCSADRAIN, before)
