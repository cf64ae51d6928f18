"""Pure tensor maths, one idea a file. The class axis is 1; every layer takes `(N, C)` as well as `(N, C, H, W)`."""

from seasa_da.layers.alignment import PrototypeAlignmentLoss
from seasa_da.layers.angular_contrast import AngularContrastLoss, with_angular_margin
from seasa_da.layers.class_centres import class_cosines, nearest_centre
from seasa_da.layers.class_sums import class_sums
from seasa_da.layers.class_thresholds import ClassThresholds, class_thresholds
from seasa_da.layers.domain_loss import SOURCE_DOMAIN, TARGET_DOMAIN, domain_loss
from seasa_da.layers.energy import EnergyLoss, EnergyMode, free_energy
from seasa_da.layers.entropy import entropy_map, self_information
from seasa_da.layers.entropy_loss import EntropyLoss
from seasa_da.layers.least_squares import FAKE, REAL, least_squares_loss
from seasa_da.layers.pixel_cross_entropy import pixel_cross_entropy
from seasa_da.layers.predicted_labels import predicted_labels
from seasa_da.layers.prototypes import PrototypeBank
from seasa_da.layers.pseudo_labels import PseudoLabels, hard_pseudo_labels, soft_pseudo_labels
from seasa_da.layers.reliability import Reliability, majority_agreement, reliability_masks
from seasa_da.layers.resize import resize_labels
from seasa_da.layers.segmentation_loss import IGNORE, SegmentationLoss, SegmentationTerms, class_counts
from seasa_da.layers.selective_entropy import SelectiveEntropyLoss
from seasa_da.layers.soft_cross_entropy import confidence_kld, soft_cross_entropy
from seasa_da.layers.stacked_levels import stack_levels
from seasa_da.layers.wasserstein import gradient_penalty, wasserstein_distance

__all__ = [
    "FAKE",
    "IGNORE",
    "REAL",
    "SOURCE_DOMAIN",
    "TARGET_DOMAIN",
    "AngularContrastLoss",
    "ClassThresholds",
    "EnergyLoss",
    "EnergyMode",
    "EntropyLoss",
    "PrototypeAlignmentLoss",
    "PrototypeBank",
    "PseudoLabels",
    "Reliability",
    "SegmentationLoss",
    "SegmentationTerms",
    "SelectiveEntropyLoss",
    "class_cosines",
    "class_counts",
    "class_sums",
    "class_thresholds",
    "confidence_kld",
    "domain_loss",
    "entropy_map",
    "free_energy",
    "gradient_penalty",
    "hard_pseudo_labels",
    "least_squares_loss",
    "majority_agreement",
    "nearest_centre",
    "pixel_cross_entropy",
    "predicted_labels",
    "reliability_masks",
    "resize_labels",
    "self_information",
    "soft_cross_entropy",
    "soft_pseudo_labels",
    "stack_levels",
    "wasserstein_distance",
    "with_angular_margin",
]
