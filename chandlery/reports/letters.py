"""Fonts that have the letters of a name: matplotlib's own has no Chinese ones, say."""

from pathlib import Path

from matplotlib import font_manager
from matplotlib.ft2font import FT2Font

OWN = "DejaVu Sans"  # comes with matplotlib
BOXES = "Last Resort"  # as this does, which has a box for every letter there is


def families(text: str) -> list[str] | None:
    """The fonts that have all letters of a text; None where no font of this machine has them."""
    lacking = {ord(letter) for letter in text} - _letters(font_manager.findfont(OWN))
    if not lacking:
        return [OWN]
    for font in font_manager.fontManager.ttflist:
        if BOXES not in font.name and font.style == "normal" and lacking <= _letters(font.fname):
            return [OWN, font.name]
    return None


def _letters(path: str) -> set[int]:
    try:
        return set(FT2Font(Path(path)).get_charmap())
    except (OSError, RuntimeError):  # a font that is gone or broken is none
        return set()
