"""Handheld scanners that type like a keyboard ("wedge"): a stream of signs in, scans with a clear word out.

The scanner ends each scan with Enter or Tab. A Chinese input method or a foreign keyboard layout may turn signs into
full-width or look-alike ones on the way; what can be turned back is turned back, the rest is named.
"""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final

from chemtrace.core.codes import CODE_SIGNS, MAX_TEXT, parse_label
from chemtrace.core.errors import RefusedError

ENDS: Final = frozenset("\r\n\t")
DEFAULT_WINDOW_US: Final = 3_000_000
"""A code scanned again within 3 s is the same pull of the trigger, or a hand that trembled."""

# What Chinese input methods type for the signs of a label; NFKC does the full-width forms.
_BACK: Final = str.maketrans(
    {"。": ".", "、": "/", "¥": "/", "·": ".", "—": "-", "－": "-", "–": "-", "；": ":", "｡": "."}
)


class Verdict(Enum):
    """What a scan is; the value is the word shown, Chinese and English."""

    CODE = "已扫 OK"
    REPEATED = "重复 ALREADY SCANNED"
    FOREIGN = "非本系统标签 NOT OUR LABEL"
    KEYBOARD = "请把输入法切换到英文 SWITCH THE INPUT METHOD TO ENGLISH"


@dataclass(frozen=True, slots=True)
class Scan:
    """One scan: its verdict, the trace code (None unless ours), the text with nothing but its ends stripped.

    The text may carry a seal: hand it on, never log it; `line` is what may be shown.
    """

    verdict: Verdict
    text: str
    code: str | None = None
    reason: str = ""

    @property
    def line(self) -> str:
        """One line for the worker: the word, the code as people read it, and the reason; never a seal."""
        if self.code is not None:
            return f"{self.verdict.value}  {parse_label(self.code)[0].pretty}"
        return f"{self.verdict.value}  {self.text[:CODE_SIGNS]}  {self.reason}".rstrip()


class Handheld:
    """State of one scanner: signs typed so far, codes seen lately."""

    def __init__(self, *, prefix: str = "", suffix: str = "", window_us: int = DEFAULT_WINDOW_US) -> None:
        """Strip `prefix` and `suffix` (set in the scanner) from each scan; suppress repeats within `window_us`."""
        self._prefix = prefix
        self._suffix = suffix
        self._window_us = window_us
        self._typed: list[str] = []
        self._seen: dict[str, int] = {}

    def feed(self, signs: str, at_us: int) -> Iterator[Scan]:
        """Take signs in pieces of any size at a monotonic time in microseconds; give each scan that ends in them."""
        for sign in signs:
            if sign in ENDS:
                text = self._strip("".join(self._typed))
                self._typed.clear()
                if text:
                    yield self._judge(text, at_us)
            # A jammed key must not fill the memory; what is cut is refused as too long.
            elif len(self._typed) <= MAX_TEXT:
                self._typed.append(sign)

    def finish(self, at_us: int) -> Iterator[Scan]:
        """Give what was typed without an end, when the input is over."""
        yield from self.feed("\n", at_us)

    def _strip(self, typed: str) -> str:
        plain = "".join(
            sign for sign in typed if unicodedata.category(sign) not in ("Cc", "Cf", "Cs", "Co", "Cn")
        )
        typed, prefix, suffix = plain.strip(), self._prefix, self._suffix
        if not (typed.startswith(prefix) and typed.endswith(suffix)):
            # An input method turns the marks as it turns the code between them.
            turned = _turned_back(typed)
            if turned.startswith(_turned_back(prefix)) and turned.endswith(_turned_back(suffix)):
                typed, prefix, suffix = turned, _turned_back(prefix), _turned_back(suffix)
        return typed.removeprefix(prefix).removesuffix(suffix).strip()

    def _judge(self, text: str, at_us: int) -> Scan:
        folded = _turned_back(text)
        try:
            code = parse_label(folded)[0].text
        except RefusedError as error:
            if any(ord(sign) > 127 for sign in folded):
                return Scan(Verdict.KEYBOARD, text)
            return Scan(Verdict.FOREIGN, folded, reason=error.message)
        before = self._seen.get(code)
        self._forget(at_us)
        self._seen[code] = at_us
        repeated = before is not None and at_us - before < self._window_us
        return Scan(Verdict.REPEATED if repeated else Verdict.CODE, folded, code)

    def _forget(self, at_us: int) -> None:
        self._seen = {code: seen for code, seen in self._seen.items() if at_us - seen < self._window_us}


def _turned_back(text: str) -> str:
    return unicodedata.normalize("NFKC", text.translate(_BACK)).translate(_BACK)
