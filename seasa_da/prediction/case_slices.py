"""A case as the slices that a network was trained on, extended to the whole of their planes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from seasa_da.config import DataSettings
from seasa_da.data.case import Axis, Case
from seasa_da.data.intensity import parse_rule, to_range
from seasa_da.data.preprocess import prepare_case
from seasa_da.data.resample import field_of_view, resample_image
from seasa_da.data.slice_grid import extended_grid, slice_grid
from seasa_da.data.store import ChannelRecord

SLAB_BYTES = 192 << 20
"""Of the slices that are held at a time, with the maps made of them."""


class CaseSlices:
    """The slices of a case in [-1, 1]. Their intensities are scaled by the training crop, as they were in training.

    Where the crop is all there is, the slices are those that `prepare` keeps of the case.

    Args:
        case: its label is not looked at.
        settings, axis: of the store.
        channels: of the domain.

    Attributes:
        grid: of the slices.
        crop: first (row, column) of the training crop in them.
        intensities: of each channel in the training crop, see `seasa_da.data.case.Intensities`.

    Raises:
        UserError: a fault of the case's files, or nothing to see in a channel.
    """

    def __init__(self, case: Case, settings: DataSettings, axis: Axis, channels: Sequence[ChannelRecord]) -> None:
        _, x, y, z = case.image.shape
        crop = slice_grid((x, y, z), case.affine, settings, axis)
        self.grid, self.crop = extended_grid((x, y, z), case.affine, settings, axis)
        # by the command line a rule's own text has all its numbers
        rules = [parse_rule(channel.rule) for channel in channels]
        prepared = prepare_case(Case(case.id, case.image, None, case.affine), crop, rules)
        self.case = case
        self.intensities = prepared.intensities
        self._scalings = prepared.scalings
        self._crop = prepared.images if self.grid.shape == crop.shape else None
        bounds = [[channel.lo for channel in channels], [channel.hi for channel in channels]]
        self._lo, self._hi = (np.array(bound, dtype=np.float64).reshape(-1, 1, 1) for bound in bounds)

    def slabs(self, maps: int) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """All slices in turn: the number of the first one, and `(n, C, H, W)`.

        Args:
            maps: how many maps of the slices' size will be made of each.
        """
        depth, height, width = self.grid.shape
        step = max(1, SLAB_BYTES // ((len(self._scalings) + maps) * height * width * 4))
        for start in range(0, depth, step):
            part = slice(start, min(start + step, depth))
            images = self._resampled(part) if self._crop is None else self._crop[:, part]
            yield start, to_range(images.swapaxes(0, 1), self._lo, self._hi)

    def _resampled(self, part: slice) -> NDArray[np.float32]:
        """The scaled slices (C, n, H, W)."""
        grid = self.grid.part((part, slice(0, self.grid.shape[1]), slice(0, self.grid.shape[2])))
        images = resample_image(self.case.image, self.case.affine, grid)
        inside = field_of_view(self.case.image.shape[1:], self.case.affine, grid)
        for channel, scaling in zip(images, self._scalings, strict=True):
            scaling.apply(channel, inside)
        return images
