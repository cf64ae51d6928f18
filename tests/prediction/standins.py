"""A segmenter without training: what is bright in an image is the structure."""

import nibabel
import numpy as np
import torch
from torch import nn

from seasa_da.config import DataSettings
from seasa_da.data.plausible import usual_intensities
from seasa_da.data.recipe import DomainRecipe, Recipe
from seasa_da.data.store import ChannelRecord
from seasa_da.prediction.segmenter import Segmenter

CT = DomainRecipe(
    label_names=("other", "disc"), label_values=(3, 7), channels=(ChannelRecord("CT", "window:0,1", 0, 1),), usual=None
)
MRI = DomainRecipe(
    label_names=("disc", "other"),
    label_values=(820, 4),
    channels=(ChannelRecord("MRI", "window:0,1", 0, 1),),
    usual=usual_intensities(["MRI"], [[(0.0, 0.1, 1.0)], [(0.0, 0.0, 1.0)], [(0.0, 0.5, 1.0)]]),
)
UNLABELLED = DomainRecipe(label_names=(), label_values=(), channels=MRI.channels, usual=None)


TRUTH_SHAPE = (18, 20, 22)


class Threshold(nn.Module):
    """Logits `(N, 2, h, w)` of background and, where the mean over channels is above 0, the structure."""

    def __init__(self, gain=8.0):
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(gain))
        self.seen = []

    def forward(self, images):
        self.seen.append(tuple(images.shape))
        bright = self.gain * images.mean(dim=1)
        return torch.stack([-bright, bright], dim=1)


def recipe(src=CT, tgt=MRI, axis="coronal", **settings):
    """From ct to mri, one class, slices of 24x24 pixels of 2 mm unless the settings say otherwise."""
    data = DataSettings(**{"size": 24, "spacing_mm": 2.0, "depth_mm": 1000.0, **settings})
    return Recipe(class_names=("disc",), src="ct", tgt="mri", axis=axis, data=data, domains={"ct": src, "mri": tgt})


def segmenter(own=None, network=None, domain=None, **settings):
    """On the CPU."""
    return Segmenter(network or Threshold(), own or recipe(**settings), torch.device("cpu"), domain)


def ball(shape, spacing_mm=(1.0, 1.0, 1.0), radius_mm=14.0, shift_mm=(0.0, 0.0, 0.0)):
    """Which voxels (X, Y, Z) of a volume lie in a ball near its centre."""
    places = np.indices(shape).reshape(3, -1).T - (np.array(shape) - 1) / 2
    distance = np.linalg.norm(places * spacing_mm - np.array(shift_mm), axis=1)
    return (distance <= radius_mm).reshape(shape)


def image_of(voxels, affine=None, dtype=np.float32, unit="mm"):
    """A NIfTI image in memory, 2 mm voxels by default."""
    image = nibabel.Nifti1Image(
        np.asarray(voxels, dtype=dtype), np.diag([2.0, 2.0, 2.0, 1.0]) if affine is None else affine
    )
    image.header.set_xyzt_units(unit)
    return image


def dice(a, b):
    """Of two masks."""
    return 2 * np.count_nonzero(a & b) / (np.count_nonzero(a) + np.count_nonzero(b))
