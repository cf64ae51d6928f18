"""Texts of a known size: what is measured before it is drawn cannot lie over something else."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence

from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

HEADING, SMALL, TINY = 7.5, 6.5, 6.0
"""Points, for figures that are printed as wide as they are made."""
LINE = 1.25
"""Height of a line of text, in its points."""


@functools.lru_cache(maxsize=4096)
def text_width(text: str, points: float, *, bold: bool = False) -> float:
    """Inches that a line takes in the figures' font."""
    width, _, _ = text_to_path.get_text_width_height_descent(
        text, FontProperties(size=points, weight="bold" if bold else "normal"), ismath=False
    )
    return float(width) / 72


def text_height(lines: int, points: float) -> float:
    """Inches of that many lines."""
    return lines * points * LINE / 72


def widest(texts: Iterable[str], points: float) -> float:
    """Inches of the longest; 0 for none."""
    return max((text_width(text, points) for text in texts), default=0.0)


def fit(text: str, room: float, points: float, *, bold: bool = False) -> str:
    """A text cut to `room` inches, "…" at its end where something is left out."""
    if text_width(text, points, bold=bold) <= room:
        return text
    kept = len(text)
    while kept and text_width(f"{text[:kept].rstrip()}…", points, bold=bold) > room:
        kept -= 1
    return f"{text[:kept].rstrip()}…"


def wrap(text: str, room: float, points: float, lines: int = 2) -> list[str]:
    """A text in at most `lines` lines of `room` inches, broken after blanks, hyphens and plus signs."""
    found, rest = [""], _words(text)
    while rest:
        word = rest.pop(0)
        longer = found[-1] + word
        if not found[-1] or text_width(longer.rstrip(), points) <= room:
            found[-1] = longer
        elif len(found) < lines:
            found.append(word)
        else:
            found[-1] = longer + "".join(rest)
            break
    return [fit(line.strip(), room, points) for line in found]


def _words(text: str) -> list[str]:
    words = [""]
    for letter in text:
        words[-1] += letter
        if letter in " -+":
            words.append("")
    return [word for word in words if word]


def plain(text: str) -> str:
    """As matplotlib must be given it: `$` would start a formula."""
    return text.replace("$", r"\$")


def joined(lines: Sequence[str]) -> str:
    """Lines as one text to draw."""
    return plain("\n".join(lines))
