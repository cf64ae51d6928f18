"""Adapters: which hooks and optimisers make a training step."""

from seasa_da.adapters.output_adversary import OutputAdversary
from seasa_da.adapters.seasa import SEASA
from seasa_da.adapters.segmentation import SegmentationAdapter
from seasa_da.adapters.self_training import SelfTraining
from seasa_da.adapters.stage import Stage, StageContext
from seasa_da.adapters.stage_adapter import StageAdapter

__all__ = ["SEASA", "OutputAdversary", "SegmentationAdapter", "SelfTraining", "Stage", "StageAdapter", "StageContext"]
