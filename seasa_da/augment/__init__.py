"""What is done to images: the training slices' affine augmentation, and the two families of views that vote."""

from seasa_da.augment.affine import apply_affine, draw_affine
from seasa_da.augment.fourier import fourier_mix, window_half_side
from seasa_da.augment.random_transformation import JitterParams, apply_jitter, draw_jitter

__all__ = [
    "JitterParams",
    "apply_affine",
    "apply_jitter",
    "draw_affine",
    "draw_jitter",
    "fourier_mix",
    "window_half_side",
]
