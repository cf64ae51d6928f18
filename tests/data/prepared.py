"""One channel's slices of a case, as the settings' own z-score makes them."""

from typing import NamedTuple

import numpy as np

from seasa_da.data.case import Case
from seasa_da.data.intensity import parse_rule
from seasa_da.data.preprocess import prepare_case
from seasa_da.data.slice_grid import slice_grid


class OneChannel(NamedTuple):
    images: np.ndarray
    labels: np.ndarray | None
    inside: np.ndarray


def case_of(image, label=None, affine=None, case_id="1"):
    """A case of one channel from arrays (X, Y, Z)."""
    return Case(case_id, np.asarray(image, dtype=np.float32)[None], label, np.eye(4) if affine is None else affine)


def prepared(case, settings, axis="coronal"):
    """(S, H, W) arrays of the case."""
    grid = slice_grid(case.image.shape[1:], case.affine, settings, axis)
    found = prepare_case(case, grid, [parse_rule("zscore", settings.histogram_cut_percent)])
    return OneChannel(found.images[0], found.labels, found.inside)
