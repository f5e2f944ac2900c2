"""Find a font with Chinese glyphs on this machine; none is shipped (the good ones have 5 to 20 MB)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from chemtrace.core.errors import LabelFontError

FOLDERS: Final = (
    Path("/usr/share/fonts"),
    Path("/usr/local/share/fonts"),
    Path("/System/Library/Fonts"),
    Path("C:/Windows/Fonts"),
)
"""Where fonts lie; the user's own folders (~/.fonts, ~/.local/share/fonts) are looked through as well."""

PACKAGES: Final = "fonts-wqy-microhei"


@dataclass(frozen=True, slots=True)
class FontFile:
    """A font file, the face in it, and whether its outlines are TrueType (what a PDF can take)."""

    path: Path
    face: int
    is_truetype: bool


KNOWN: Final = (
    ("wqy-microhei.ttc", 0, True),
    ("wqy-zenhei.ttc", 0, True),
    ("DroidSansFallbackFull.ttf", 0, True),
    ("msyh.ttc", 0, True),
    ("simhei.ttf", 0, True),
    ("STHeiti Light.ttc", 0, True),
    ("NotoSansCJK-Regular.ttc", 2, False),
    ("NotoSansCJKsc-Regular.otf", 0, False),
    ("SourceHanSansSC-Regular.otf", 0, False),
)
"""File name, face for simplified Chinese, TrueType outlines or not; best for labels first."""


def find_font(*, for_pdf: bool = False, folders: tuple[Path, ...] | None = None) -> FontFile:
    """Find the best font; `for_pdf` asks for TrueType outlines, because reportlab embeds no CFF ones.

    Raises:
        LabelFontError: none is there; names the Debian package that brings one, and the CFF font that was found.
    """
    fonts = _installed(folders or (*FOLDERS, Path.home() / ".fonts", Path.home() / ".local/share/fonts"))
    for font in fonts:
        if font.is_truetype or not for_pdf:
            return font
    if fonts:
        message = (
            f"{fonts[0].path.name} has CFF outlines, which cannot be embedded in a label sheet."
            f" Install a TrueType font with Chinese glyphs: apt-get install {PACKAGES}."
        )
        raise LabelFontError(message, found=fonts[0].path.name, package=PACKAGES)
    message = f"No font with Chinese glyphs was found. Install one: apt-get install {PACKAGES}."
    raise LabelFontError(message, looked_for=[name for name, _, _ in KNOWN], package=PACKAGES)


@cache
def _installed(folders: tuple[Path, ...]) -> tuple[FontFile, ...]:
    wanted = {name: (order, face, truetype) for order, (name, face, truetype) in enumerate(KNOWN)}
    found: dict[int, FontFile] = {}
    for folder in folders:
        for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
            if path.name in wanted:
                order, face, truetype = wanted[path.name]
                found.setdefault(order, FontFile(path, face, truetype))
    return tuple(found[order] for order in sorted(found))
