"""Wiring, one hook a file: which keys go into a layer, which come out, and under which loss."""

from seasa_da.hooks.adversarial import AdversarialLossHook, DiscriminatorLossHook
from seasa_da.hooks.clipped_update import ClippedUpdateHook
from seasa_da.hooks.contrast import ContrastHook
from seasa_da.hooks.critic_levels import CriticLevelsHook
from seasa_da.hooks.domain_critic import CriticLossHook, GatedAdversarialLossHook
from seasa_da.hooks.energy import EnergyHook
from seasa_da.hooks.levels import AuxLogitsHook, LevelsHook
from seasa_da.hooks.pseudo_label import PseudoLabelHook
from seasa_da.hooks.reliability import ReliabilityHook
from seasa_da.hooks.schedule import ScheduledWeight
from seasa_da.hooks.segmentation_loss import SegmentationLossHook
from seasa_da.hooks.selective_entropy import SelectiveEntropyHook
from seasa_da.hooks.self_training import SelfTrainingHook
from seasa_da.hooks.semantic_alignment import SemanticAlignmentHook
from seasa_da.hooks.semantic_consistency import SemanticConsistencyHook
from seasa_da.hooks.sifa_decoder import SIFADecoderHook
from seasa_da.hooks.sifa_discriminators import SIFADiscriminatorsHook
from seasa_da.hooks.sifa_generator import SIFAGeneratorHook
from seasa_da.hooks.sifa_segmenter import SharedEncoderHook, SharedEncoderLossHook
from seasa_da.hooks.target_entropy import TargetEntropyHook
from seasa_da.hooks.translation import ImageDiscriminatorLossHook, TranslationHook, TranslationLossHook
from seasa_da.hooks.turns import TurnsHook
from seasa_da.hooks.update import Stepper, UpdateHook
from seasa_da.hooks.wasserstein import WassersteinAdaptationLossHook, WassersteinCriticLossHook

__all__ = [
    "AdversarialLossHook",
    "AuxLogitsHook",
    "ClippedUpdateHook",
    "ContrastHook",
    "CriticLevelsHook",
    "CriticLossHook",
    "DiscriminatorLossHook",
    "EnergyHook",
    "GatedAdversarialLossHook",
    "ImageDiscriminatorLossHook",
    "LevelsHook",
    "PseudoLabelHook",
    "ReliabilityHook",
    "SIFADecoderHook",
    "SIFADiscriminatorsHook",
    "SIFAGeneratorHook",
    "ScheduledWeight",
    "SegmentationLossHook",
    "SelectiveEntropyHook",
    "SelfTrainingHook",
    "SemanticAlignmentHook",
    "SemanticConsistencyHook",
    "SharedEncoderHook",
    "SharedEncoderLossHook",
    "Stepper",
    "TargetEntropyHook",
    "TranslationHook",
    "TranslationLossHook",
    "TurnsHook",
    "UpdateHook",
    "WassersteinAdaptationLossHook",
    "WassersteinCriticLossHook",
]
