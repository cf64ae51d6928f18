"""Networks: the segmenter's trunk and heads, discriminators."""

from seasa_da.models.decoder import Decoder
from seasa_da.models.deeplab import DeepLabTrunk, DilatedHead, freeze_batch_norm_affine
from seasa_da.models.discriminators import Discriminator
from seasa_da.models.domain_critic import AccuracyGate, DomainCritic
from seasa_da.models.frozen import Frozen
from seasa_da.models.generators import Generator
from seasa_da.models.image_discriminator import ImageDiscriminator
from seasa_da.models.image_pool import ImagePool
from seasa_da.models.native_encoder import NativeEncoder, PixelHead
from seasa_da.models.segmenter import Segmenter, build_segmenter
from seasa_da.models.turns import Turns
from seasa_da.models.wasserstein_critics import FeatureCritic, MaskCritic

__all__ = [
    "AccuracyGate",
    "Decoder",
    "DeepLabTrunk",
    "DilatedHead",
    "Discriminator",
    "DomainCritic",
    "FeatureCritic",
    "Frozen",
    "Generator",
    "ImageDiscriminator",
    "ImagePool",
    "MaskCritic",
    "NativeEncoder",
    "PixelHead",
    "Segmenter",
    "Turns",
    "build_segmenter",
    "freeze_batch_norm_affine",
]
