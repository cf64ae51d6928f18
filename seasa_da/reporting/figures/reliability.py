"""The paper's Fig. 4: a target slice, its views of both families, the pixels that they call unreliable, the errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.patches import Patch

from seasa_da.data.case import IGNORED
from seasa_da.reporting.colours import Palette, structure_colours
from seasa_da.reporting.figures.grid import (
    Band,
    Floats,
    Mask,
    Panel,
    Row,
    grid_sheet,
    marked,
    painted,
    structure_handles,
)
from seasa_da.reporting.figures.sheet import Sheet
from seasa_da.reporting.overlays import Labels, grey_picture

VIEWS_SHOWN = 4
# None of the colours that either palette begins with; they differ in lightness, too.
RANDOM_ONLY, FOURIER_ONLY, BOTH = "#00E5FF", "#FF9EDB", "#FFFFFF"
FOUND, MISSED, SPARED = "#FFE9C7", "#FF2BD6", "#6A4FD8"


@dataclass(frozen=True)
class Family:
    """One family of views: images `(N, H, W)` or `(N, C, H, W)`, what is predicted of them `(N, H, W)`, and where its
    majority agrees with the prediction on the clean image `(H, W)`."""

    views: Floats
    labels: Labels
    agrees: Mask


@dataclass(frozen=True)
class ReliabilitySlice:
    """One slice.

    Attributes:
        image: `(H, W)` or `(C, H, W)` in [-1, 1].
        prediction: labels `(H, W)` of the clean image.
        random, fourier: the two families.
        truth: labels, `None` where there are none.
        side: the case and the slice.
        pixel_mm: (row, column) size of a pixel.
    """

    image: Floats
    prediction: Labels
    random: Family
    fourier: Family
    truth: Labels | None = None
    side: Sequence[str] = ()
    pixel_mm: tuple[float, float] = (1.0, 1.0)


def reliability_figure(
    slices: Sequence[ReliabilitySlice], class_names: Sequence[str], *, palette: Palette = "paper", title: str = ""
) -> Sheet:
    """Two lines a slice: the image, random views and their mask, both masks; prediction, Fourier views, the errors.

    A view's prediction is drawn as contours. Of more than `VIEWS_SHOWN` views a family, the first are shown.
    """
    colours = list(structure_colours(class_names, palette).values())
    has_truth = any(one.truth is not None for one in slices)
    bands = [band for one in slices for band in _bands(one, colours)]
    found = [
        Patch(facecolor=FOUND, label="wrong, unreliable"),
        Patch(facecolor=MISSED, label="wrong, but reliable"),
        Patch(facecolor=SPARED, label="right, but unreliable"),
    ]
    masks = [
        Patch(facecolor=RANDOM_ONLY, label="random views disagree"),
        Patch(facecolor=FOURIER_ONLY, label="Fourier views disagree"),
        Patch(facecolor=BOTH, edgecolor="0.5", linewidth=0.5, label="both disagree"),
    ]
    legends = [structure_handles(class_names, palette), masks, *([found] if has_truth else [])]
    return grid_sheet(bands, legends, title=title)


def _bands(one: ReliabilitySlice, colours: Sequence[str]) -> list[Band]:
    shown = min(len(one.random.views), VIEWS_SHOWN)
    views = [f"view {number + 1}" for number in range(shown)]
    off_random, off_fourier = ~one.random.agrees, ~one.fourier.agrees
    unreliable = off_random | off_fourier
    both = marked(
        one.image,
        [
            (off_random & ~off_fourier, RANDOM_ONLY),
            (off_fourier & ~off_random, FOURIER_ONLY),
            (off_random & off_fourier, BOTH),
        ],
    )
    upper = [Panel(grey_picture(one.image)), *_views(one.random, shown, colours)]
    upper += [Panel(marked(one.image, [(off_random, RANDOM_ONLY)])), Panel(both)]
    lower: list[Panel | None] = [
        Panel(painted(one.image, one.prediction, colours)),
        *_views(one.fourier, shown, colours),
    ]
    lower.append(Panel(marked(one.image, [(off_fourier, FOURIER_ONLY)])))
    last = []
    if one.truth is not None:
        wrong = (one.prediction != one.truth) & (one.truth != IGNORED)
        right = (one.prediction == one.truth) & (one.truth != IGNORED)
        marks = [(wrong & unreliable, FOUND), (wrong & ~unreliable, MISSED), (right & unreliable, SPARED)]
        lower.append(Panel(marked(one.image, marks)))
        last = ["errors"]
    return [
        Band(
            ["image", *views, "unreliable", "unreliable by either"],
            [Row(upper, one.side, one.pixel_mm)],
            [("random transformations", 1, shown + 1)],
        ),
        Band(
            ["prediction", *views, "unreliable", *last],
            [Row(lower, one.side, one.pixel_mm)],
            [("Fourier", 1, shown + 1)],
        ),
    ]


def _views(family: Family, shown: int, colours: Sequence[str]) -> list[Panel]:
    pairs = zip(family.views[:shown], family.labels[:shown], strict=True)
    return [Panel(painted(view, labels, colours, alpha=0.0)) for view, labels in pairs]
