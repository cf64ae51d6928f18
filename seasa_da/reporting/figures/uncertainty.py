"""The paper's Fig. 1: where a network is wrong, is it uncertain? Before and after adaptation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.lines import Line2D

from seasa_da.data.case import IGNORED
from seasa_da.reporting.colours import Palette, structure_colours
from seasa_da.reporting.figures.grid import (
    OUTLINE,
    Band,
    Floats,
    Mask,
    Panel,
    Row,
    entropy_picture,
    grid_sheet,
    painted,
    structure_handles,
)
from seasa_da.reporting.figures.sheet import Sheet
from seasa_da.reporting.overlays import Labels, grey_picture


@dataclass(frozen=True)
class Said:
    """What a network says of a slice: labels `(H, W)` (0 background), and their entropy `(H, W)` in nats."""

    labels: Labels
    entropy: Floats


@dataclass(frozen=True)
class UncertaintyRow:
    """One slice.

    Attributes:
        image: `(H, W)` or `(C, H, W)` in [-1, 1], of which the middle channel is shown.
        after, before: what the networks say of it; `before` may be unknown.
        truth: labels, `None` where there are none.
        side: the case and the slice.
        pixel_mm: (row, column) size of a pixel.
    """

    image: Floats
    after: Said
    before: Said | None = None
    truth: Labels | None = None
    side: Sequence[str] = ()
    pixel_mm: tuple[float, float] = (1.0, 1.0)


def uncertainty_figure(
    rows: Sequence[UncertaintyRow],
    class_names: Sequence[str],
    *,
    after: str,
    before: str = "without adaptation",
    palette: Palette = "paper",
    title: str = "",
) -> Sheet:
    """Image, truth, then prediction and entropy of both networks; wrong pixels are outlined on the entropy maps.

    Args:
        rows: slices, one below the other.
        class_names: structures in the order of the labels.
        after, before: what the networks are called.
        title: one line above.
    """
    colours = list(structure_colours(class_names, palette).values())
    classes = len(class_names) + 1
    has_truth = any(row.truth is not None for row in rows)
    has_before = any(row.before is not None for row in rows)
    headings = ["image", *(["truth"] if has_truth else [])]
    groups = []
    for name in [*([before] if has_before else []), after]:
        groups.append((name, len(headings), 2))
        headings += ["prediction", "entropy"]

    def two(row: UncertaintyRow, said: Said | None) -> list[Panel | None]:
        if said is None:
            return [None, None]
        wrong = None if row.truth is None else _wrong(said.labels, row.truth)
        return [
            Panel(painted(row.image, said.labels, colours)),
            Panel(entropy_picture(said.entropy, classes), wrong),
        ]

    lines = []
    for row in rows:
        panels: list[Panel | None] = [Panel(grey_picture(row.image))]
        if has_truth:
            panels.append(None if row.truth is None else Panel(painted(row.image, row.truth, colours)))
        if has_before:
            panels += two(row, row.before)
        lines.append(Row([*panels, *two(row, row.after)], row.side, row.pixel_mm))
    handles = [
        *structure_handles(class_names, palette),
        *([Line2D([], [], color=OUTLINE, linewidth=1.2, label="around wrong pixels")] if has_truth else []),
    ]
    return grid_sheet([Band(headings, lines, groups)], [handles], title=title, entropy_of=classes)


def _wrong(labels: Labels, truth: Labels) -> Mask:
    return np.asarray((labels != truth) & (truth != IGNORED))
