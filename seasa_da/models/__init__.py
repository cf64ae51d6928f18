"""Networks: the segmenter's trunk and heads, discriminators."""

from seasa_da.models.deeplab import DeepLabTrunk, DilatedHead, freeze_batch_norm_affine
from seasa_da.models.discriminators import Discriminator
from seasa_da.models.frozen import Frozen
from seasa_da.models.segmenter import Segmenter, build_segmenter

__all__ = [
    "DeepLabTrunk",
    "DilatedHead",
    "Discriminator",
    "Frozen",
    "Segmenter",
    "build_segmenter",
    "freeze_batch_norm_affine",
]
