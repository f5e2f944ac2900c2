"""What a file is that was handed to the wrong command of `verify`, and which command or option takes it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from chemtrace.core.bundle.model import BUNDLE_TYPE, STATUS_TYPE
from chemtrace.core.bundle.qr import QR_PREFIX
from chemtrace.core.bundle.trust import TRUST_TYPE

_PICTURES: Final = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"RIFF", b"II*\x00", b"MM\x00*")
_HEAD: Final = 4_096
"""Octets looked at: a kind stands in a file's first signs."""

_WORDS: Final = {
    "bundle": (
        "这是证明包，不是状态证明：请用 chemtrace verify bundle FILE --trust TRUST 查验。",
        "this is a bundle, not a status proof: check it with chemtrace verify bundle FILE --trust TRUST.",
    ),
    "status": (
        "这是状态证明，不是证明包：请用 chemtrace verify status FILE --trust TRUST 查验。",
        "this is a status proof, not a bundle: check it with chemtrace verify status FILE --trust TRUST.",
    ),
    "trust": (
        "这是信任文件，不是证明：请用 --trust FILE 给出；证明须另给一个文件。",
        "this is a trust file, not a proof: name it with --trust FILE, and the proof as the file to check.",
    ),
    "picture": (
        "这是图片，命令行不识别二维码：请用离线查验网页打开，或扫出 CTS1:… 文字交给 chemtrace verify status。",
        "this is a picture: open it in the offline page, or give its QR code's text to chemtrace verify status.",
    ),
    "checkpoint": (
        "这是检查点，不是证明：请用 chemtrace verify checkpoint FILE --trust TRUST 查验。",
        "this is a checkpoint, not a proof: check it with chemtrace verify checkpoint FILE --trust TRUST.",
    ),
    "absence": (
        "这是不存在证明，不是证明包或状态证明：此命令不能查验它。",
        "this is an absence proof, neither a bundle nor a status proof: this command does not check it.",
    ),
    "page": (
        "这是网页，不是证明：若是离线查验网页，请用浏览器打开。",
        "this is a web page, not a proof: if it is the offline page, open it in a browser.",
    ),
}
_TYPES: Final = {
    BUNDLE_TYPE: "bundle",
    STATUS_TYPE: "status",
    TRUST_TYPE: "trust",
    "chemtrace/absence/1": "absence",
}
_TYPE: Final = re.compile(rb'"typ"\s*:\s*"(chemtrace/[a-z]+/1)"')


def kind_of(data: bytes) -> str | None:
    """What the octets are by their looks, not verified; None where they look like nothing known here."""
    for kind, fits in _LOOKS:
        if fits(data[:_HEAD]):
            return kind
    # Members stand in rising order, so that the type is the last one of a long file.
    found = _TYPE.findall(data) if data.lstrip()[:1] == b"{" else []
    return _TYPES.get(found[-1].decode()) if found else None


def misplaced(data: bytes, wanted: str) -> tuple[str, str] | None:
    """What to say of a file that is not of the wanted kind (Chinese, English); None where that is not known."""
    kind = kind_of(data)
    return None if kind is None or kind == wanted else _WORDS[kind]


def _is_page(head: bytes) -> bool:
    return head.lstrip()[:5].lower() in (b"<!doc", b"<html")


def _is_checkpoint(head: bytes) -> bool:
    # A signed note (C2SP signed-note): origin, size, root, an empty line, signature lines.
    return "\n\n\u2014 ".encode() in head and head[:1] != b"{"


_LOOKS: Final[tuple[tuple[str, Callable[[bytes], bool]], ...]] = (
    ("picture", lambda head: head.startswith(_PICTURES)),
    ("status", lambda head: head.startswith(QR_PREFIX.encode())),
    # The compact forms are arrays whose first member is the text of their kind (RFC 8949, section 3.1).
    ("bundle", lambda head: head[1:6] == b"\x64ctb1"),
    ("status", lambda head: head[1:6] == b"\x64cts1"),
    ("page", _is_page),
    ("checkpoint", _is_checkpoint),
)
