"""Colours of structures: the paper's four by name, a colour-blind-safe cycle for any others."""

from __future__ import annotations

import colorsys
from collections.abc import Iterable, Sequence
from typing import Literal

# The paper's figures: AA blue, LAC green, LVC yellow, MYO red; the shades are chosen to differ in lightness too.
PAPER = {"AA": "#3A86FF", "LAC": "#00A878", "LVC": "#FFD93D", "MYO": "#E63946"}

# Okabe and Ito, "Color Universal Design" (2008), without black.
CYCLE = ("#56B4E9", "#D55E00", "#CC79A7", "#009E73", "#E69F00", "#0072B2", "#F0E442")


Palette = Literal["paper", "safe"]
PALETTES: tuple[Palette, ...] = ("paper", "safe")


def structure_colours(names: Iterable[str], palette: Palette = "paper") -> dict[str, str]:
    """A colour (`#RRGGBB`) a structure, the same on every call with the same names; all differ.

    The paper's names are known in any case of letters; the others take the cycle in their order. With "safe", which the
    colour-blind can tell apart, all take the cycle. For up to 255 names.
    """
    names = list(names)
    known = {name: PAPER[name.upper()] for name in names if name.upper() in PAPER and palette == "paper"}
    # Of the cycle, first what cannot be taken for one of the paper's colours in the same picture.
    spare = sorted(_cycle(), key=lambda colour: any(_close(colour, other) for other in known.values()))
    rest = dict(zip((name for name in names if name not in known), spare, strict=False))
    return {name: known.get(name) or rest[name] for name in names}


def rgb(colour: str) -> tuple[float, float, float]:
    """Red, green and blue of `#RRGGBB`, each in [0, 1]."""
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue


def _close(one: str, other: str) -> bool:
    return sum((a - b) ** 2 for a, b in zip(rgb(one), rgb(other), strict=True)) < 0.34**2


def _cycle() -> Sequence[str]:
    # Past the seven safe colours, hues a golden angle apart: at least no two are the same.
    more = [colorsys.hsv_to_rgb(i * 0.381966 % 1, 0.55 + 0.4 * (i % 2), 0.95 - 0.25 * (i % 3)) for i in range(256)]
    return [*CYCLE, *("#" + "".join(f"{round(255 * part):02X}" for part in triple) for triple in more)]
