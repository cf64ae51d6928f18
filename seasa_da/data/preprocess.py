"""From a volume in any orientation to slices: where they lie (`slice_grid`), what is there (`resample`), and how bright
it is (`intensity`). None of it depends on a label but the label's own slices.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seasa_da.data.case import Case, Intensities
from seasa_da.data.intensity import Rule, Scaling
from seasa_da.data.resample import field_of_view, resample_image, resample_label
from seasa_da.data.slice_grid import SliceGrid
from seasa_da.errors import UserError

PREPROCESS_VERSION = 2
"""Goes up whenever the same volume and settings give other slices."""

SEEN_PERCENTILES = (1.0, 50.0, 99.0)


@dataclass(frozen=True, eq=False)
class PreparedCase:
    """A volume as slices.

    Attributes:
        images: (C, S, H, W) float32, scaled by their rules; `to_range` is yet to come.
        labels: (S, H, W) uint8 store values, 0 outside the field of view, or `None`.
        inside: (S, H, W) bool, the field of view.
        scalings: how each channel was scaled.
        intensities: of each channel.
    """

    images: NDArray[np.float32]
    labels: NDArray[np.uint8] | None
    inside: NDArray[np.bool_]
    scalings: tuple[Scaling, ...]
    intensities: tuple[Intensities, ...]


def prepare_case(case: Case, grid: SliceGrid, rules: Sequence[Rule]) -> PreparedCase:
    """A case's slices on the grid of its training crop.

    Args:
        grid: of `slice_grid`.
        rules: one a channel.

    Raises:
        UserError: a channel has nothing to see.
    """
    shape = case.image.shape[1:]
    inside = field_of_view(shape, case.affine, grid)
    images = resample_image(case.image, case.affine, grid)
    labels = None if case.label is None else resample_label(case.label, case.affine, grid)
    scalings, intensities = [], []
    for number, (channel, rule) in enumerate(zip(images, rules, strict=True)):
        seen = channel[inside]
        if seen.size == 0:
            raise UserError(f"case {case.id} has no voxel in the crop; check its affine")
        low, middle, high = (float(value) for value in np.percentile(seen, SEEN_PERCENTILES))
        try:
            scaling = rule.measure(seen)
        except ValueError as error:
            what = f"channel {number} of case {case.id}" if len(images) > 1 else f"case {case.id}"
            raise UserError(f"{what} {error}; take the case out, or choose another rule with --intensity") from None
        scaling.apply(channel, inside)
        scalings.append(scaling)
        intensities.append((low, middle, high))
    return PreparedCase(images, labels, inside, tuple(scalings), tuple(intensities))
