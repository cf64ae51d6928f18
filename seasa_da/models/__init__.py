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

__all__ = [
    "AccuracyGate",
    "Decoder",
    "DeepLabTrunk",
    "DilatedHead",
    "Discriminator",
    "DomainCritic",
    "Frozen",
    "Generator",
    "ImageDiscriminator",
    "ImagePool",
    "NativeEncoder",
    "PixelHead",
    "Segmenter",
    "build_segmenter",
    "freeze_batch_norm_affine",
]
