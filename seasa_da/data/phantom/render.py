"""What a scanner makes of an anatomy: contrast-enhanced CT in Hounsfield units, and bSSFP-like MRI.

The means are of textbook kind and vary mildly from case to case; nothing here was tuned for or against a method.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from seasa_da.data.phantom.anatomy import Tissue

CT_HU = {
    Tissue.AIR: -1000.0,
    Tissue.LUNG: -820.0,
    Tissue.FAT: -100.0,
    Tissue.MUSCLE: 60.0,
    Tissue.BONE: 450.0,
    Tissue.LIVER: 100.0,
    Tissue.MYOCARDIUM: 110.0,
    Tissue.WALL: 100.0,
    Tissue.LEFT_VENTRICLE: 350.0,
    Tissue.RIGHT_VENTRICLE: 200.0,
    Tissue.LEFT_ATRIUM: 350.0,
    Tissue.RIGHT_ATRIUM: 200.0,
    Tissue.ASCENDING_AORTA: 350.0,
    Tissue.PULMONARY_ARTERY: 200.0,
    Tissue.ARTERY: 350.0,
    Tissue.VEIN: 190.0,
}

MRI_SIGNAL = {
    Tissue.AIR: 0.0,
    Tissue.LUNG: 0.06,
    Tissue.FAT: 0.90,
    Tissue.MUSCLE: 0.30,
    Tissue.BONE: 0.35,
    Tissue.LIVER: 0.52,
    Tissue.MYOCARDIUM: 0.35,
    Tissue.WALL: 0.36,
    Tissue.LEFT_VENTRICLE: 1.0,
    Tissue.RIGHT_VENTRICLE: 0.95,
    Tissue.LEFT_ATRIUM: 1.0,
    Tissue.RIGHT_ATRIUM: 0.94,
    Tissue.ASCENDING_AORTA: 1.0,
    Tissue.PULMONARY_ARTERY: 0.93,
    Tissue.ARTERY: 0.97,
    Tissue.VEIN: 0.90,
}

# Blood pools that share a bolus: their contrast varies together.
LEFT_HEART = (Tissue.LEFT_VENTRICLE, Tissue.LEFT_ATRIUM, Tissue.ASCENDING_AORTA, Tissue.ARTERY)
RIGHT_HEART = (Tissue.RIGHT_VENTRICLE, Tissue.RIGHT_ATRIUM, Tissue.PULMONARY_ARTERY, Tissue.VEIN)


def render_ct(
    tissue: NDArray[np.uint8], voxel_mm: tuple[float, float, float], rng: np.random.Generator
) -> NDArray[np.int16]:
    """A contrast-enhanced CT of a tissue map (X, Y, Z), in HU."""
    means = _table(CT_HU)
    means[list(LEFT_HEART)] += rng.normal(0, 15)
    means[list(RIGHT_HEART)] += rng.normal(0, 15)
    means[[Tissue.MYOCARDIUM, Tissue.WALL]] += rng.normal(0, 6)
    means[[Tissue.LIVER, Tissue.MUSCLE]] += rng.normal(0, 6, 2)
    means[Tissue.LUNG] += rng.normal(0, 15)
    means[Tissue.BONE] += rng.normal(0, 40)
    image = means[tissue]
    image += _lung_vessels(tissue, voxel_mm, rng) * np.float32(450)
    image = _blurred(image, voxel_mm, rng.uniform(0.8, 1.3))
    grain = rng.standard_normal(tissue.shape, dtype=np.float32)
    image += _unit(_blurred(grain, (1.0, 1.0, 1.0), 0.5)) * np.float32(rng.uniform(14, 28))
    return np.clip(np.rint(image), -1024, 3071).astype(np.int16)


def render_mri(
    tissue: NDArray[np.uint8], voxel_mm: tuple[float, float, float], rng: np.random.Generator
) -> NDArray[np.int16]:
    """A bSSFP-like MRI of a tissue map (X, Y, Z), in arbitrary units of the scanner."""
    means = _table(MRI_SIGNAL)
    means *= 1 + rng.normal(0, 0.04, means.size).astype(np.float32)
    image = means[tissue]
    image += _lung_vessels(tissue, voxel_mm, rng) * np.float32(0.35)
    image = _blurred(image, voxel_mm, rng.uniform(1.4, 2.0))
    image *= _bias_field(image.shape, rng)
    sigma = np.float32(rng.uniform(0.025, 0.05))
    real = image + sigma * rng.standard_normal(image.shape, dtype=np.float32)
    imaginary = sigma * rng.standard_normal(image.shape, dtype=np.float32)
    image = np.hypot(real, imaginary) * np.float32(rng.uniform(500, 1300))  # the noise of a magnitude image is Rician
    return np.clip(np.rint(image), 0, 32767).astype(np.int16)


def _table(values: dict[Tissue, float]) -> NDArray[np.float32]:
    return np.array([values[tissue] for tissue in Tissue], dtype=np.float32)


def _blurred(image: NDArray[np.float32], voxel_mm: tuple[float, float, float], sigma_mm: float) -> NDArray[np.float32]:
    # half a voxel at least: the tissue map has hard edges, a scanner's voxel has partial volumes
    sigmas = [max(sigma_mm / voxel, 0.5) for voxel in voxel_mm]
    return ndimage.gaussian_filter(image, sigmas, truncate=3.0)


def _unit(noise: NDArray[np.float32]) -> NDArray[np.float32]:
    return noise / np.float32(noise.std(dtype=np.float64))


def _lung_vessels(
    tissue: NDArray[np.uint8], voxel_mm: tuple[float, float, float], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Share of vessels in each voxel of the lung, 0 elsewhere: a thresholded smooth random field."""
    noise = rng.standard_normal(tissue.shape, dtype=np.float32)
    noise = _unit(_blurred(noise, voxel_mm, 3.5))
    return np.clip(noise - np.float32(1.1), 0, 1) * (tissue == Tissue.LUNG)


def _bias_field(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float32]:
    """Smooth gain of the coils: the exponential of a quadratic in the voxel's place."""
    axes = [np.linspace(-1, 1, n, dtype=np.float32) for n in shape]
    x, y, z = np.ix_(*axes)
    a, b, c = rng.normal(0, 0.14, 3).astype(np.float32)
    d, e, f = rng.normal(0, 0.07, 3).astype(np.float32)
    p, q, r = rng.normal(0, 0.05, 3).astype(np.float32)
    exponent = a * x + b * y + c * z + d * x * x + e * y * y + f * z * z + p * x * y + q * y * z + r * x * z
    return np.exp(exponent)
