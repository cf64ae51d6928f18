"""Pure tensor maths, one idea a file. The class axis is 1; every layer takes `(N, C)` as well as `(N, C, H, W)`."""

from seasa_da.layers.alignment import PrototypeAlignmentLoss
from seasa_da.layers.class_sums import class_sums
from seasa_da.layers.domain_loss import SOURCE_DOMAIN, TARGET_DOMAIN, domain_loss
from seasa_da.layers.entropy import entropy_map, self_information
from seasa_da.layers.predicted_labels import predicted_labels
from seasa_da.layers.prototypes import PrototypeBank
from seasa_da.layers.reliability import Reliability, majority_agreement, reliability_masks
from seasa_da.layers.resize import resize_labels
from seasa_da.layers.segmentation_loss import IGNORE, SegmentationLoss, SegmentationTerms, class_counts
from seasa_da.layers.selective_entropy import SelectiveEntropyLoss

__all__ = [
    "IGNORE",
    "SOURCE_DOMAIN",
    "TARGET_DOMAIN",
    "PrototypeAlignmentLoss",
    "PrototypeBank",
    "Reliability",
    "SegmentationLoss",
    "SegmentationTerms",
    "SelectiveEntropyLoss",
    "class_counts",
    "class_sums",
    "domain_loss",
    "entropy_map",
    "majority_agreement",
    "predicted_labels",
    "reliability_masks",
    "resize_labels",
    "self_information",
]
